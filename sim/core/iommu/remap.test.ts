/** Interrupt remapping (Intel VT-d 3.3, chapter 5): a unit between devices and four processors. */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import type { Machine } from "../../host/machine.ts";
import { ApicBench } from "../../host/testing/apic.ts";
import { configWrite } from "../../host/testing/pci.ts";
import { addEndpoint, createPciMachine, type PciExports } from "../../host/testing/pciDevice.ts";
import { records } from "../../host/testing/records.ts";
import { VtdBench } from "../../host/testing/vtd.ts";
import * as Apic from "../../spec/apic.ts";
import * as Hpet from "../../spec/hpet.ts";
import * as Io from "../../spec/ioapic.ts";
import { HPET_BASE, HPET_REQUESTER, IOAPIC_BASE, IOAPIC_REQUESTER } from "../../spec/platform.ts";
import { TRACE_DMA_FAULT } from "../../spec/trace.ts";
import * as Vtd from "../../spec/vtd.ts";

const CPUS = 4;
const RAM_BYTES = 16 << 20;
const TABLE = 0x60_0000;
const QUEUE = 0x61_0000;
const STATUS = 0x61_1000;
/** 2^8 entries: the size field is one less. */
const SIZE = 7n;
const SOURCE = 0x0312;
const VECTOR = 0x51;

const IRE = 1n << 25n;
const SIRTP = 1n << 24n;
const CFI = 1n << 23n;
const EIME = 0x800n;

let m: Machine;
let pci: PciExports;
let vtd: VtdBench;
let apic: ApicBench;
beforeEach(async () => {
  ({ m, pci } = await createPciMachine({ memory: RAM_BYTES, cpus: CPUS }));
  vtd = new VtdBench(m);
  apic = new ApicBench(m);
  for (let cpu = 0; cpu < CPUS; cpu++) apic.enable(cpu);
  apic.line(2, false); // the timer's output is high after reset
});

interface Entry {
  readonly present?: boolean;
  readonly faultDisable?: boolean;
  readonly logical?: boolean;
  readonly hint?: boolean;
  readonly level?: boolean;
  readonly mode?: number;
  readonly vector?: number;
  /** The 32-bit field: an 8-bit ID is in its bits 15-8. */
  readonly destination?: number;
  readonly source?: number;
  readonly qualifier?: number;
  readonly validation?: number;
}

const bit = (set: boolean | undefined, at: bigint) => (set ? 1n << at : 0n);

/** Writes entry `index` of the table, field by field as table 9.10 has them. */
function setEntry(index: number, it: Entry = {}): void {
  const low =
    bit(it.present ?? true, 0n) |
    bit(it.faultDisable, 1n) |
    bit(it.logical, 2n) |
    bit(it.hint, 3n) |
    bit(it.level, 4n) |
    (BigInt(it.mode ?? 0) << 5n) |
    (BigInt(it.vector ?? VECTOR) << 16n) |
    (BigInt(it.destination ?? 0x100) << 32n);
  const high =
    BigInt(it.source ?? 0) |
    (BigInt(it.qualifier ?? 0) << 16n) |
    (BigInt(it.validation ?? 0) << 18n);
  vtd.poke(TABLE + index * 16, low);
  vtd.poke(TABLE + index * 16 + 8, high);
}

/** Sets the table and switches remapping on, one command at a time. */
function enable({ table = BigInt(TABLE) | SIZE, extended = false, compatible = false } = {}): void {
  vtd.write(Vtd.VTD_IRTA, table | (extended ? EIME : 0n), 8);
  vtd.write(Vtd.VTD_GCMD, SIRTP);
  expect(vtd.read(Vtd.VTD_GSTS)).toBe(SIRTP);
  const commands = IRE | (compatible ? CFI : 0n);
  vtd.write(Vtd.VTD_GCMD, commands);
  expect(vtd.read(Vtd.VTD_GSTS)).toBe(commands | SIRTP);
}

/** Address of a remappable request: handle 14-0 in bits 19-5, 15 in bit 2. */
const handle = (index: number, subhandle = false) =>
  0xfee0_0010n | BigInt(((index & 0x7fff) << 5) | ((index >> 15) << 2) | (subhandle ? 8 : 0));

const request = (index: number, source = SOURCE) => pci.requestInterrupt(source, handle(index), 0);

/** The processors that have got interrupts, each with its vectors; they are taken away. */
function taken(): Record<number, number[]> {
  const got: Record<number, number[]> = {};
  for (let cpu = 0; cpu < CPUS; cpu++) {
    const vectors = apic.vectors(cpu, Apic.APIC_IRR);
    if (vectors.length > 0) got[cpu] = vectors;
    const isWide = (apic.lapic(cpu).base & 0x400n) !== 0n;
    for (const _ of vectors) {
      apic.take(cpu);
      if (isWide) apic.writeMsr(cpu, ApicBench.msr(Apic.APIC_EOI), 0n);
      else apic.write(cpu, Apic.APIC_EOI, 0);
    }
  }
  return got;
}

/** Empties the interrupt entry cache. */
const invalidateAll = () => vtd.submit(QUEUE, [[4n, 0n]], IRE);

describe("requests", () => {
  test("go to the local APICs as they are while remapping is off, whatever their format", () => {
    setEntry(0, { vector: 0x99 });
    vtd.write(Vtd.VTD_IRTA, BigInt(TABLE) | SIZE, 8);
    vtd.write(Vtd.VTD_GCMD, SIRTP);
    expect(pci.requestInterrupt(SOURCE, 0xfee0_1010n, VECTOR)).toBe(1);
    expect(taken()).toEqual({ 1: [VECTOR] });
  });

  test("get destination, vector and modes from the entry that the handle names", () => {
    enable();
    setEntry(3, { destination: 2 << 8, vector: 0x77 });
    expect(pci.requestInterrupt(SOURCE, handle(3), 0x4321)).toBe(1);
    expect(taken()).toEqual({ 2: [0x77] });
    setEntry(4, { mode: Apic.DELIVERY_NMI });
    request(4);
    expect(apic.cpu(1).pendingNmi).toBe(1);
  });

  test("add the subhandle when it is valid, and then only", () => {
    enable();
    for (const [index, vector] of [0x40, 0x41, 0x42].entries()) setEntry(5 + index, { vector });
    pci.requestInterrupt(SOURCE, handle(5, true), 2);
    expect(taken()).toEqual({ 1: [0x42] });
    pci.requestInterrupt(SOURCE, handle(5), 2);
    expect(taken()).toEqual({ 1: [0x40] });
  });

  test("have handles of 16 bits", () => {
    enable({ table: BigInt(TABLE) | 15n });
    setEntry(0xffff, { vector: 0x66 });
    request(0xffff);
    expect(taken()).toEqual({ 1: [0x66] });
  });

  test("with the level bit set make the vector's end known to the I/O APIC", () => {
    enable();
    setEntry(1, { level: true });
    request(1);
    expect(apic.vectors(1, Apic.APIC_TMR)).toEqual([VECTOR]);
  });

  test("with redirection hint go to the least busy of a logical group", () => {
    for (let cpu = 0; cpu < CPUS; cpu++) apic.write(cpu, Apic.APIC_LDR, (1 << (24 + cpu)) >>> 0);
    apic.write(1, Apic.APIC_TPR, 0x80);
    enable();
    setEntry(1, { logical: true, hint: true, destination: 0b1110 << 8 });
    request(1);
    expect(taken()).toEqual({ 2: [VECTOR] });
    setEntry(2, { logical: true, destination: 0b1100 << 8 });
    request(2);
    expect(taken()).toEqual({ 2: [VECTOR], 3: [VECTOR] });
  });
});

describe("extended interrupt mode", () => {
  beforeEach(() => {
    for (let cpu = 0; cpu < CPUS; cpu++) apic.enableX2apic(cpu);
  });

  test("destinations have 32 bits: one processor, all of them, a logical cluster", () => {
    enable({ extended: true });
    setEntry(1, { destination: 3 });
    request(1);
    expect(taken()).toEqual({ 3: [VECTOR] });
    setEntry(2, { destination: 0xffff_ffff });
    request(2);
    expect(Object.keys(taken())).toEqual(["0", "1", "2", "3"]);
    setEntry(3, { destination: 0xff });
    request(3);
    expect(taken()).toEqual({});
    setEntry(4, { destination: 0b0101, logical: true });
    request(4);
    expect(taken()).toEqual({ 0: [VECTOR], 2: [VECTOR] });
    setEntry(5, { destination: 0x1_0001, logical: true });
    request(5);
    expect(taken()).toEqual({});
  });

  test("counts from the command that sets the table, not from the write of the register", () => {
    enable({ extended: true });
    vtd.write(Vtd.VTD_IRTA, BigInt(TABLE) | SIZE, 8);
    setEntry(1, { destination: 3 });
    request(1);
    expect(taken()).toEqual({ 3: [VECTOR] });
  });

  test("the unit's own message isn't remapped, and has bits 31-8 of its destination above", () => {
    enable({ extended: true });
    vtd.write(Vtd.VTD_FEDATA, 0x44n);
    vtd.write(Vtd.VTD_FECTL, 0n);
    for (const [upper, got] of [
      [0n, { 2: [0x44] }],
      [0x100n, {}],
    ] as const) {
      vtd.write(Vtd.VTD_FEADDR, 0xfee0_2000n);
      vtd.write(Vtd.VTD_FEUADDR, upper);
      request(9); // not present
      expect(taken()).toEqual(got);
      expect(vtd.takeRecord()?.reason).toBe(Vtd.VTD_FAULT_ENTRY_PRESENT);
    }
  });
});

describe("the source of a request", () => {
  /** Sources of 0 to 0xffff at which an entry lets a request through. */
  function accepted(entry: Entry, sources: readonly number[]): number[] {
    setEntry(1, entry);
    invalidateAll();
    return sources.filter((source) => {
      request(1, source);
      const reason = vtd.takeRecord()?.reason;
      const came = Object.keys(taken()).length > 0;
      expect(reason).toBe(came ? undefined : Vtd.VTD_FAULT_SOURCE);
      return came;
    });
  }
  const functions = Array.from({ length: 8 }, (_, n) => 0x0310 + n);

  test("isn't looked at with validation type 0", () => {
    enable();
    expect(accepted({ source: 0x1234 }, [0, 0x1234, 0xffff])).toEqual([0, 0x1234, 0xffff]);
  });

  test("is the entry's, but for the bits of the function that the qualifier ignores", () => {
    enable();
    const by = (qualifier: number) =>
      accepted({ source: SOURCE, validation: 1, qualifier }, [...functions, 0x031a, 0x0212]);
    expect(by(0)).toEqual([0x0312]);
    expect(by(1)).toEqual([0x0312, 0x0316]);
    expect(by(2)).toEqual([0x0310, 0x0312, 0x0314, 0x0316]);
    expect(by(3)).toEqual(functions);
  });

  test("is on a bus of the entry's range, whose ends belong to it", () => {
    enable();
    const sources = [0x0300, 0x04ff, 0x0500, 0x06ff, 0x0700];
    expect(accepted({ source: 0x0406, validation: 2 }, sources)).toEqual([0x04ff, 0x0500, 0x06ff]);
  });

  test("is never right with the reserved validation type", () => {
    enable();
    expect(accepted({ source: SOURCE, validation: 3 }, [SOURCE])).toEqual([]);
  });

  test("is a PCI function's address for its messages", () => {
    const fn = addEndpoint(pci, 0x0020);
    configWrite(m, 0x0020, 4, 2, 4);
    enable();
    setEntry(1, { source: 0x0020, validation: 1 });
    setEntry(2, { source: 0x0028, validation: 1 });
    const msi = findCapability(0x0020, 5);
    const send = (index: number) => {
      configWrite(m, 0x0020, msi + 4, 4, Number(handle(index)));
      configWrite(m, 0x0020, msi + 2, 2, 1);
      pci.testNotify(fn, 0);
    };
    send(1);
    expect(taken()).toEqual({ 1: [VECTOR] });
    send(2);
    expect(taken()).toEqual({});
    expect(vtd.takeRecord()).toMatchObject({ reason: Vtd.VTD_FAULT_SOURCE, source: 0x0020 });
  });
});

function findCapability(address: number, id: number): number {
  const read = (at: number) =>
    Number(m.core.sim.physicalRead(0xb000_0000n + BigInt((address << 12) + at), 1));
  for (let at = read(0x34); at !== 0; at = read(at + 1)) if (read(at) === id) return at;
  throw new Error(`no capability ${id}`);
}

describe("faults", () => {
  const poke =
    (index: number, low: bigint, high = 0n) =>
    () => {
      vtd.poke(TABLE + index * 16, low);
      vtd.poke(TABLE + index * 16 + 8, high);
    };
  const GOOD = 0x100_0051_0001n;
  const cases: [string, number, number, () => void, bigint, number][] = [
    ["reserved data bits beside a subhandle", 0x20, 3, () => {}, handle(3, true), 0x1_0000],
    ["index beyond the table", 0x21, 256, () => {}, handle(256), 0],
    ["subhandle beyond the table", 0x21, 256, () => {}, handle(255, true), 1],
    ["entry not present", 0x22, 3, poke(3, GOOD & ~1n), handle(3), 0],
    ["table outside of memory", 0x23, 3, () => enable({ table: 0x3f_0000_0007n }), handle(3), 0],
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
    enable();
    setEntry(3);
    spoil();
    // A posted write tells nobody that it was refused.
    expect(pci.requestInterrupt(SOURCE, address, data)).toBe(1);
    expect(taken()).toEqual({});
    expect(records(m, TRACE_DMA_FAULT).map(({ source, a }) => [source, a])).toEqual([
      [SOURCE, reason],
    ]);
    const page = BigInt(index) << 48n;
    expect(vtd.takeRecord()).toEqual({ reason, source: SOURCE, isRead: 0n, page });
    expect(vtd.takeRecord()).toBeUndefined();
  });

  test("compatibility format passes with CFI, but never in extended mode", () => {
    const send = () => {
      pci.requestInterrupt(SOURCE, 0xfee0_1000n, VECTOR);
      return [taken(), vtd.takeRecord()?.reason];
    };
    enable({ compatible: true });
    expect(send()).toEqual([{ 1: [VECTOR] }, undefined]);
    enable({ compatible: true, extended: true });
    expect(send()).toEqual([{}, Vtd.VTD_FAULT_COMPATIBILITY]);
  });

  test.each([
    ["not present", 0x100_0051_0000n, 0n],
    ["with reserved bits", 0x100_0151_0001n, 0n],
    ["of another's source", 0x100_0051_0001n, 0x4_0001n],
  ])("an entry %s can disable fault recording", (_name, low, high) => {
    enable();
    poke(3, low | 2n, high)();
    request(3);
    expect(taken()).toEqual({});
    expect(vtd.read(Vtd.VTD_FSTS)).toBe(0n);
  });

  test("raise the fault event, once until software has seen to them", () => {
    enable();
    vtd.write(Vtd.VTD_FEADDR, 0xfee0_3000n);
    vtd.write(Vtd.VTD_FEDATA, 0x44n);
    vtd.write(Vtd.VTD_FECTL, 0n);
    request(1);
    expect(taken()).toEqual({ 3: [0x44] });
    request(2);
    expect(taken()).toEqual({});
    expect([vtd.takeRecord()?.page, vtd.takeRecord()?.page]).toEqual([1n << 48n, 2n << 48n]);
    request(1);
    expect(taken()).toEqual({ 3: [0x44] });
  });
});

describe("the interrupt entry cache", () => {
  /** Entries 8 to 15 cached with one vector, and then another vector in memory. */
  function stale(): void {
    enable();
    for (let index = 8; index < 16; index++) {
      setEntry(index, { vector: 0x40 });
      request(index);
      expect(taken()).toEqual({ 1: [0x40] });
      setEntry(index, { vector: 0x50 });
    }
  }
  /** Which of them are read anew. */
  const renewed = () =>
    [8, 9, 10, 11, 12, 13, 14, 15].filter((index) => {
      request(index);
      return taken()[1]?.[0] === 0x50;
    });
  const byIndex = (index: number, mask: number): [bigint, bigint] => [
    4n | 0x10n | (BigInt(mask) << 27n) | (BigInt(index) << 32n),
    0n,
  ];

  test("answers until an entry is invalidated: by index, by a range of indices, all", () => {
    stale();
    expect(renewed()).toEqual([]);
    vtd.submit(QUEUE, [byIndex(9, 0)], IRE);
    expect(renewed()).toEqual([9]);
    vtd.submit(QUEUE, [byIndex(12, 1)], IRE);
    expect(renewed()).toEqual([9, 12, 13]);
    vtd.submit(QUEUE, [[4n, 0n]], IRE);
    expect(renewed()).toEqual([8, 9, 10, 11, 12, 13, 14, 15]);
  });

  test("a range of 2^15 indices is the greatest that a descriptor may have", () => {
    stale();
    vtd.submit(QUEUE, [byIndex(0, 16)], IRE);
    expect(vtd.read(Vtd.VTD_FSTS) & 0x10n).toBe(0x10n);
    expect(renewed()).toEqual([]);
    // The queue is off while its error is cleared, or it would try the descriptor again.
    vtd.write(Vtd.VTD_GCMD, IRE);
    vtd.write(Vtd.VTD_FSTS, 0x10n);
    vtd.submit(QUEUE, [byIndex(0, 15)], IRE);
    expect(renewed()).toHaveLength(8);
  });

  test("doesn't keep what can't be used, so a new entry needs no invalidation", () => {
    enable();
    setEntry(1, { present: false });
    request(1);
    setEntry(1);
    request(1);
    expect(taken()).toEqual({ 1: [VECTOR] });
  });

  test.each([
    ["of the low half", 1n << 5n, 0n],
    ["below the index mask", 1n << 26n, 0n],
    ["above the index", 1n << 48n, 0n],
    ["of the high half", 0n, 1n],
  ])("a descriptor with reserved bits %s stops the queue", (_where, low, high) => {
    vtd.submit(QUEUE, [
      [4n | low, high],
      [0x25n | (1n << 32n), BigInt(STATUS)],
    ]);
    expect(vtd.read(Vtd.VTD_FSTS) & 0x10n).toBe(0x10n);
    expect([vtd.read(Vtd.VTD_IQH, 8), vtd.peek(STATUS)]).toEqual([0n, 0n]);
  });

  test("belongs to the state: a fork has the stale entry, too", () => {
    stale();
    const fork = m.fork();
    (fork.core.sim as PciExports).requestInterrupt(SOURCE, handle(9), 0);
    expect(new ApicBench(fork).vectors(1, Apic.APIC_IRR)).toEqual([0x40]);
    request(9);
    expect(fork.stateHash()).toBe(m.stateHash());
  });
});

describe("the I/O APIC", () => {
  const LEVEL = 0x8000;
  /** An entry in remappable format: index 14-0 in bits 63-49, 48 set, index 15 in bit 11. */
  function route(pin: number, low: number, index: number): void {
    const high = (((index & 0x7fff) << 17) | 0x1_0000) >>> 0;
    apic.ioapicWrite(Io.IOAPIC_REG_REDIRECTION + 2 * pin + 1, high);
    apic.ioapicWrite(Io.IOAPIC_REG_REDIRECTION + 2 * pin, low | ((index >> 15) << 11));
  }
  const pulse = (gsi: number) => {
    apic.line(gsi, true);
    apic.line(gsi, false);
  };

  test("sends requests in the format of its entry, from the source that the firmware names", () => {
    enable({ table: BigInt(TABLE) | 15n });
    setEntry(0x8005, { source: IOAPIC_REQUESTER, validation: 1 });
    route(5, 5, 0x8005);
    pulse(5);
    expect(taken()).toEqual({ 1: [VECTOR] });
    apic.route(6, VECTOR, 1);
    pulse(6);
    expect(taken()).toEqual({});
    expect(vtd.takeRecord()).toMatchObject({
      reason: Vtd.VTD_FAULT_COMPATIBILITY,
      source: IOAPIC_REQUESTER,
    });
  });

  test("a level whose entry in the table is an edge ends by the I/O APIC's own EOI register", () => {
    enable();
    setEntry(17, { source: IOAPIC_REQUESTER, validation: 1 });
    route(17, LEVEL | 17, 17);
    apic.line(17, true);
    expect(apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(Io.IOAPIC_REMOTE_IRR);
    expect(taken()).toEqual({ 1: [VECTOR] });
    expect(apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(Io.IOAPIC_REMOTE_IRR);
    apic.line(17, false);
    m.core.sim.physicalWrite(BigInt(IOAPIC_BASE + Io.IOAPIC_EOI), 4, 17n);
    expect(apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(0);
    expect(taken()).toEqual({});
  });

  test("a level in both ends by the local APIC's EOI, when the vectors are the same", () => {
    enable();
    setEntry(17, { level: true });
    route(17, LEVEL | VECTOR, 17);
    apic.line(17, true);
    apic.line(17, false);
    expect(taken()).toEqual({ 1: [VECTOR] });
    expect(apic.entry(17) & Io.IOAPIC_REMOTE_IRR).toBe(0);
  });
});

test("the HPET's messages are requests of the source that the firmware names", () => {
  enable();
  setEntry(7, { source: HPET_REQUESTER, validation: 1 });
  const timer = HPET_BASE + Hpet.HPET_TIMER;
  const write = (at: number, value: bigint) => m.core.sim.physicalWrite(BigInt(at), 8, value);
  write(timer + Hpet.HPET_TIMER_FSB, handle(7) << 32n);
  write(timer + Hpet.HPET_TIMER_COMPARATOR, 100n);
  const on = Hpet.HPET_TIMER_INTERRUPT | Hpet.HPET_TIMER_FSB_ENABLE;
  write(timer + Hpet.HPET_TIMER_CONFIGURATION, BigInt(on));
  write(HPET_BASE + Hpet.HPET_CONFIGURATION, BigInt(Hpet.HPET_ENABLE));
  m.run(m.state.now + 2_000n);
  expect(taken()).toEqual({ 1: [VECTOR] });
});

interface Outcome {
  readonly reason: number;
  readonly cpus?: readonly number[];
  readonly vector?: number;
}

/** What 5.1 says of a request, by arithmetic on whole numbers: the fault's reason, or what comes. */
function model(low: bigint, high: bigint, extended: boolean, source: number): Outcome {
  const field = (value: bigint, from: number, to: number) =>
    Number((value / 2n ** BigInt(from)) % 2n ** BigInt(to - from + 1));
  const refused = (reason: number) => (field(low, 1, 1) ? { reason: 0 } : { reason });
  if (!field(low, 0, 0)) return refused(0x22);
  const narrow = !extended && (field(low, 48, 63) !== 0 || field(low, 32, 39) !== 0);
  if (field(low, 12, 15) || field(low, 24, 31) || field(high, 20, 63) || narrow)
    return refused(0x24);
  const id = field(high, 0, 15);
  const without = (value: number) => {
    const masked = [[], [2], [2, 1], [2, 1, 0]][field(high, 16, 17)] ?? [];
    return masked.reduce((left, n) => left - (Math.floor(left / 2 ** n) % 2) * 2 ** n, value);
  };
  const bus = Math.floor(source / 256);
  const valid = [
    true,
    without(id) === without(source),
    bus >= Math.floor(id / 256) && bus <= id % 256,
    false,
  ][field(high, 18, 19)];
  if (!valid) return refused(0x26);
  const cpu = extended ? field(low, 32, 63) : field(low, 40, 47);
  const everyone = cpu === (extended ? 2 ** 32 - 1 : 255);
  const cpus = [0, 1, 2, 3].filter((n) => everyone || n === cpu);
  return { reason: 0, cpus, vector: field(low, 16, 23) };
}

test("requests agree with a model that was written from the tables of the specification", () => {
  const mostly = (value: number, others: number) =>
    fc.oneof(
      { weight: 6, arbitrary: fc.constant(value) },
      { weight: 1, arbitrary: fc.nat(others) },
    );
  const drawn = fc.record({
    present: mostly(1, 1),
    faultDisable: mostly(0, 1),
    spare: fc.nat(15),
    reserved: mostly(0, 15),
    vector: fc.integer({ min: 0x20, max: 0xff }),
    middle: mostly(0, 255),
    destination: fc.oneof(
      fc.constantFrom(0, 1, 2, 3, 0xffff_ffff, 0xff00, 0x100, 0x200, 0x300),
      fc.nat(0xffff_ffff),
    ),
    source: fc.constantFrom(0x0312, 0x0316, 0x0310, 0x0405, 0x0203, 0x0304),
    qualifier: fc.nat(3),
    validation: fc.nat(3),
    top: mostly(0, 0xfff),
    extended: fc.boolean(),
  });
  for (let cpu = 0; cpu < CPUS; cpu++) apic.enableX2apic(cpu);
  const seen = new Set<number>();
  fc.assert(
    fc.property(drawn, (d) => {
      const low =
        BigInt(d.present | (d.faultDisable << 1) | (d.spare << 8) | (d.reserved << 12)) |
        BigInt(d.vector << 16) |
        (BigInt(d.middle) << 24n) |
        (BigInt(d.destination) << 32n);
      const high =
        BigInt(d.source | (d.qualifier << 16) | (d.validation << 18)) | (BigInt(d.top) << 20n);
      vtd.write(Vtd.VTD_GCMD, 0n);
      enable({ extended: d.extended });
      invalidateAll();
      vtd.poke(TABLE, low);
      vtd.poke(TABLE + 8, high);
      request(0);
      const expected = model(low, high, d.extended, SOURCE);
      const reason = vtd.takeRecord()?.reason ?? 0;
      seen.add(reason);
      expect(reason).toBe(expected.reason);
      const cpus = expected.cpus ?? [];
      expect(taken()).toEqual(Object.fromEntries(cpus.map((cpu) => [cpu, [expected.vector]])));
    }),
    { numRuns: 600 },
  );
  expect([...seen].sort()).toEqual([0, 0x22, 0x24, 0x26]);
});
