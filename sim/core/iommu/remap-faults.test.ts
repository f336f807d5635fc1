/** Whose requests an entry lets through, what is recorded of others, and how long entries are cached. */
import { beforeEach, describe, expect, test } from "vitest";
import { ApicBench } from "../../host/testing/apic.ts";
import { configWrite, findCapability } from "../../host/testing/pci.ts";
import { addEndpoint, type PciExports } from "../../host/testing/pciDevice.ts";
import { records } from "../../host/testing/records.ts";
import { type Entry, handle, RemapBench, SOURCE, VECTOR } from "../../host/testing/remap.ts";
import * as Apic from "../../spec/apic.ts";
import { PCI_CAP_MSI } from "../../spec/pci.ts";
import { TRACE_DMA_FAULT } from "../../spec/trace.ts";
import * as Vtd from "../../spec/vtd.ts";

/** Where a wait descriptor writes. */
const STATUS = 0x62_0000;

let r: RemapBench;
beforeEach(async () => {
  r = await RemapBench.create();
});

/** Empties the interrupt entry cache. */
const ALL = [4n, 0n] as const;

describe("the source of a request", () => {
  /** Sources of 0 to 0xffff at which an entry lets a request through. */
  function accepted(entry: Entry, sources: readonly number[]): number[] {
    r.setEntry(1, entry);
    r.invalidate(ALL);
    return sources.filter((source) => {
      r.request(1, source);
      const reason = r.takeRecord()?.reason;
      const came = Object.keys(r.taken()).length > 0;
      expect(reason).toBe(came ? undefined : Vtd.VTD_FAULT_SOURCE);
      return came;
    });
  }
  const functions = Array.from({ length: 8 }, (_, n) => 0x0310 + n);

  test("isn't looked at with validation type 0", () => {
    r.enable();
    expect(accepted({ source: 0x1234 }, [0, 0x1234, 0xffff])).toEqual([0, 0x1234, 0xffff]);
  });

  test("is the entry's, but for the bits of the function that the qualifier ignores", () => {
    r.enable();
    const by = (qualifier: number) =>
      accepted({ source: SOURCE, validation: 1, qualifier }, [...functions, 0x031a, 0x0212]);
    expect(by(0)).toEqual([0x0312]);
    expect(by(1)).toEqual([0x0312, 0x0316]);
    expect(by(2)).toEqual([0x0310, 0x0312, 0x0314, 0x0316]);
    expect(by(3)).toEqual(functions);
  });

  test("is on a bus of the entry's range, whose ends belong to it", () => {
    r.enable();
    const sources = [0x0300, 0x04ff, 0x0500, 0x06ff, 0x0700];
    expect(accepted({ source: 0x0406, validation: 2 }, sources)).toEqual([0x04ff, 0x0500, 0x06ff]);
  });

  test("is never right with the reserved validation type", () => {
    r.enable();
    expect(accepted({ source: SOURCE, validation: 3 }, [SOURCE])).toEqual([]);
  });

  test("is a PCI function's address for its messages", () => {
    const fn = addEndpoint(r.pci, 0x0020);
    configWrite(r.machine, 0x0020, 4, 2, 4);
    r.enable();
    r.setEntry(1, { source: 0x0020, validation: 1 });
    r.setEntry(2, { source: 0x0028, validation: 1 });
    const msi = findCapability(r.machine, 0x0020, PCI_CAP_MSI);
    const send = (index: number) => {
      configWrite(r.machine, 0x0020, msi + 4, 4, Number(handle(index)));
      configWrite(r.machine, 0x0020, msi + 2, 2, 1);
      r.pci.testNotify(fn, 0);
    };
    send(1);
    expect(r.taken()).toEqual({ 1: [VECTOR] });
    send(2);
    expect(r.taken()).toEqual({});
    expect(r.takeRecord()).toMatchObject({ reason: Vtd.VTD_FAULT_SOURCE, source: 0x0020 });
  });
});

describe("faults", () => {
  const poke =
    (index: number, low: bigint, high = 0n) =>
    () =>
      r.pokeEntry(index, low, high);
  const GOOD = 0x100_0051_0001n;
  const cases: [string, number, number, () => void, bigint, number][] = [
    ["reserved data bits beside a subhandle", 0x20, 3, () => {}, handle(3, true), 0x1_0000],
    ["index beyond the table", 0x21, 256, () => {}, handle(256), 0],
    ["subhandle beyond the table", 0x21, 256, () => {}, handle(255, true), 1],
    ["entry not present", 0x22, 3, poke(3, GOOD & ~1n), handle(3), 0],
    ["table outside of memory", 0x23, 3, () => r.enable({ table: 0x3f_0000_0007n }), handle(3), 0],
    ["posted mode, which isn't announced", 0x24, 3, poke(3, GOOD | (1n << 15n)), handle(3), 0],
    ["reserved bits 14-12 of an entry", 0x24, 3, poke(3, GOOD | (1n << 12n)), handle(3), 0],
    ["reserved bits 31-24 of an entry", 0x24, 3, poke(3, GOOD | (1n << 24n)), handle(3), 0],
    ["low bits of an 8-bit destination", 0x24, 3, poke(3, GOOD | (1n << 32n)), handle(3), 0],
    ["high bits of an 8-bit destination", 0x24, 3, poke(3, GOOD | (1n << 48n)), handle(3), 0],
    ["reserved bits 127-84 of an entry", 0x24, 3, poke(3, GOOD, 1n << 20n), handle(3), 0],
    ["compatibility format", 0x25, 0, () => {}, 0xfee0_1000n, VECTOR],
    ["another's source", 0x26, 3, poke(3, GOOD, 0x4_0001n), handle(3), 0],
  ];
  test.each(cases)("%s is reason %i", (_name, reason, index, spoil, address, data) => {
    r.enable();
    r.setEntry(3);
    spoil();
    // A posted write tells nobody that it was refused.
    expect(r.pci.requestInterrupt(SOURCE, address, data)).toBe(1);
    expect(r.taken()).toEqual({});
    expect(records(r.machine, TRACE_DMA_FAULT).map(({ source, a }) => [source, a])).toEqual([
      [SOURCE, reason],
    ]);
    const page = BigInt(index) << 48n;
    expect(r.takeRecord()).toEqual({ reason, source: SOURCE, isRead: 0n, page });
    expect(r.takeRecord()).toBeUndefined();
  });

  test("compatibility format passes with CFI, but never in extended mode", () => {
    const send = () => {
      r.pci.requestInterrupt(SOURCE, 0xfee0_1000n, VECTOR);
      return [r.taken(), r.takeRecord()?.reason];
    };
    r.enable({ compatible: true });
    expect(send()).toEqual([{ 1: [VECTOR] }, undefined]);
    r.enable({ compatible: true, extended: true });
    expect(send()).toEqual([{}, Vtd.VTD_FAULT_COMPATIBILITY]);
  });

  test.each([
    ["not present", 0x100_0051_0000n, 0n],
    ["with reserved bits", 0x100_0151_0001n, 0n],
    ["of another's source", 0x100_0051_0001n, 0x4_0001n],
  ])("an entry %s can disable fault recording", (_name, low, high) => {
    r.enable();
    poke(3, low | 2n, high)();
    r.request(3);
    expect(r.taken()).toEqual({});
    expect(r.read(Vtd.VTD_FSTS)).toBe(0n);
  });

  test("raise the fault event, once until software has seen to them", () => {
    r.enable();
    r.write(Vtd.VTD_FEADDR, 0xfee0_3000n);
    r.write(Vtd.VTD_FEDATA, 0x44n);
    r.write(Vtd.VTD_FECTL, 0n);
    r.request(1);
    expect(r.taken()).toEqual({ 3: [0x44] });
    r.request(2);
    expect(r.taken()).toEqual({});
    expect([r.takeRecord()?.page, r.takeRecord()?.page]).toEqual([1n << 48n, 2n << 48n]);
    r.request(1);
    expect(r.taken()).toEqual({ 3: [0x44] });
  });
});

describe("the interrupt entry cache", () => {
  /** Entries 8 to 15 cached with one vector, and then another vector in memory. */
  function stale(): void {
    r.enable();
    for (let index = 8; index < 16; index++) {
      r.setEntry(index, { vector: 0x40 });
      r.request(index);
      expect(r.taken()).toEqual({ 1: [0x40] });
      r.setEntry(index, { vector: 0x50 });
    }
  }
  /** Which of them are read anew. */
  const renewed = () =>
    [8, 9, 10, 11, 12, 13, 14, 15].filter((index) => {
      r.request(index);
      return r.taken()[1]?.[0] === 0x50;
    });
  const byIndex = (index: number, mask: number): [bigint, bigint] => [
    4n | 0x10n | (BigInt(mask) << 27n) | (BigInt(index) << 32n),
    0n,
  ];

  test("answers until an entry is invalidated: by index, by a range of indices, all", () => {
    stale();
    expect(renewed()).toEqual([]);
    r.invalidate(byIndex(9, 0));
    expect(renewed()).toEqual([9]);
    r.invalidate(byIndex(12, 1));
    expect(renewed()).toEqual([9, 12, 13]);
    r.invalidate(ALL);
    expect(renewed()).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  });

  test("a range of 2^15 indices is the greatest that a descriptor may have", () => {
    stale();
    r.invalidate(byIndex(0, 16));
    expect(r.read(Vtd.VTD_FSTS) & 0x10n).toBe(0x10n);
    expect(renewed()).toEqual([]);
    r.invalidate(byIndex(0, 15));
    expect(renewed()).toHaveLength(8);
  });

  test("doesn't keep what can't be used, so a new entry needs no invalidation", () => {
    r.enable();
    r.setEntry(1, { present: false });
    r.request(1);
    r.setEntry(1);
    r.request(1);
    expect(r.taken()).toEqual({ 1: [VECTOR] });
  });

  test.each([
    ["of the low half", 1n << 5n, 0n],
    ["below the index mask", 1n << 26n, 0n],
    ["above the index", 1n << 48n, 0n],
    ["of the high half", 0n, 1n],
  ])("a descriptor with reserved bits %s stops the queue", (_where, low, high) => {
    r.invalidate([4n | low, high], [0x25n | (1n << 32n), BigInt(STATUS)]);
    expect(r.read(Vtd.VTD_FSTS) & 0x10n).toBe(0x10n);
    expect([r.read(Vtd.VTD_IQH, 8), r.peek(STATUS)]).toEqual([0n, 0n]);
  });

  test("belongs to the state: a fork has the stale entry, too", () => {
    stale();
    const fork = r.machine.fork();
    (fork.core.sim as PciExports).requestInterrupt(SOURCE, handle(9), 0);
    expect(new ApicBench(fork).vectors(1, Apic.APIC_IRR)).toEqual([0x40]);
    r.request(9);
    expect(fork.stateHash()).toBe(r.machine.stateHash());
  });
});
