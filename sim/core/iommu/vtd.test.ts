import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import type { Machine } from "../../host/machine.ts";
import { configWrite } from "../../host/testing/pci.ts";
import { createPciMachine, type PciExports } from "../../host/testing/pciDevice.ts";
import { records } from "../../host/testing/records.ts";
import { VtdBench } from "../../host/testing/vtd.ts";
import { FAULT_DMA_STRAY } from "../../spec/faults.ts";
import { TRACE_DMA_FAULT, TRACE_MSI } from "../../spec/trace.ts";
import * as Vtd from "../../spec/vtd.ts";

const DEVICE = 0x0000; // the host bridge itself can master the bus
const RAM_BYTES = 16 << 20;
const ROOT = 0x60_0000;
const CONTEXT = 0x60_1000;
const QUEUE = 0x60_2000;
const STATUS = 0x60_3000;
/** Page tables of the tests: from here up. */
const TABLES = 0x70_0000;
const DOMAIN = 7n;

let m: Machine;
let pci: PciExports;
let vtd: VtdBench;
beforeEach(async () => {
  ({ m, pci } = await createPciMachine({ memory: RAM_BYTES }));
  vtd = new VtdBench(m);
  configWrite(m, DEVICE, 4, 2, 4);
});

const read = (offset: number, bytes = 4) => vtd.read(offset, bytes);
const write = (offset: number, value: bigint, bytes = 4) => vtd.write(offset, value, bytes);
const peek = (at: number) => vtd.peek(at);
const poke = (at: number, value: bigint) => vtd.poke(at, value);
const takeRecord = () => vtd.takeRecord();

/** Physical address that the device reaches, or undefined when refused. */
function reach(address: bigint, isWrite = false): number | undefined {
  const at = pci.dmaPointer(DEVICE, address, 1, isWrite);
  return at === 0 ? undefined : at - RAM_BASE;
}

/** Root and context entry of the device; width 48 bits unless told. */
function context(low: bigint, high = (DOMAIN << 8n) | BigInt(Vtd.VTD_WIDTH_48)): void {
  poke(ROOT, BigInt(CONTEXT) | 1n);
  poke(CONTEXT + DEVICE * 16, low);
  poke(CONTEXT + DEVICE * 16 + 8, high);
}

/** Latches the root table and switches translation on, as 11.4.4 asks: one command at a time. */
function enable(): void {
  write(Vtd.VTD_RTADDR, BigInt(ROOT), 8);
  write(Vtd.VTD_GCMD, 1n << 30n);
  expect(read(Vtd.VTD_GSTS) >> 30n).toBe(1n);
  write(Vtd.VTD_GCMD, 1n << 31n);
  expect(read(Vtd.VTD_GSTS) >> 31n).toBe(1n);
}

/** Maps input page 0 .. through one 4-level path to `leaf` at level 1. */
function mapPage(leaf: bigint): void {
  for (let level = 0; level < 3; level++)
    poke(TABLES + level * 4096, BigInt(TABLES + (level + 1) * 4096) | 3n);
  poke(TABLES + 3 * 4096, leaf);
}

describe("registers", () => {
  test("tell 39- and 48-bit tables, large pages, 16-bit domains and interrupt remapping", () => {
    const cap = read(Vtd.VTD_CAP, 8);
    const ecap = read(Vtd.VTD_ECAP, 8);
    expect(cap & 7n).toBe(6n);
    expect((cap >> 7n) & 1n).toBe(0n); // CM
    expect((cap >> 8n) & 31n).toBe(0b110n);
    expect(((cap >> 16n) & 63n) + 1n).toBe(48n);
    expect(((cap >> 24n) & 0x3ffn) * 16n).toBe(BigInt(Vtd.VTD_FRCD));
    expect((cap >> 34n) & 15n).toBe(0b11n);
    expect(((cap >> 40n) & 0xffn) + 1n).toBe(BigInt(Vtd.VTD_FRCD_COUNT));
    expect(((ecap >> 8n) & 0x3ffn) * 16n).toBe(BigInt(Vtd.VTD_IVA));
    expect((ecap >> 3n) & 3n).toBe(3n); // IR, EIM
    expect((ecap >> 20n) & 15n).toBe(15n); // MHMV
    expect((cap >> 59n) & 1n).toBe(0n); // PI
    expect((ecap >> 43n) & 1n).toBe(0n); // SMTS
    expect((ecap >> 1n) & 1n).toBe(1n); // QI
  });

  test("are read-only where the specification says so", () => {
    for (const offset of [Vtd.VTD_VER, Vtd.VTD_CAP, Vtd.VTD_ECAP, Vtd.VTD_GSTS, Vtd.VTD_IQH]) {
      const before = read(offset, 8);
      write(offset, 0n);
      expect(read(offset, 8)).toBe(before);
    }
  });
});

describe("translation", () => {
  test("off, a device's address is the physical address", () => {
    expect(reach(0x12345n)).toBe(0x12345);
  });

  test("a pass-through context leaves addresses alone", () => {
    context(BigInt(Vtd.VTD_PASS_THROUGH << 2) | 1n);
    enable();
    expect(reach(0x12345n, true)).toBe(0x12345);
  });

  test("three levels translate 39 bits, four translate 48", () => {
    context(BigInt(TABLES) | 1n, (DOMAIN << 8n) | BigInt(Vtd.VTD_WIDTH_39));
    poke(TABLES + 511 * 8, BigInt(TABLES + 4096) | 3n);
    poke(TABLES + 4096 + 511 * 8, 0x40_0000n | 0x83n); // 2 MiB
    enable();
    expect(reach(0x7f_ffff_ffffn)).toBe(0x5f_ffff);
    expect(reach(0x80_0000_0000n)).toBeUndefined();
    expect(takeRecord()?.reason).toBe(Vtd.VTD_FAULT_ADDRESS_WIDTH);
  });

  test("a stale translation answers until its pages are invalidated", () => {
    context(BigInt(TABLES) | 1n);
    mapPage(0x5000n | 3n);
    enable();
    expect(reach(0x10n)).toBe(0x5010);
    mapPage(0n);
    expect(reach(0x10n)).toBe(0x5010);
    const invalidate = (iirg: bigint, domain: bigint) =>
      write(Vtd.VTD_IOTLB, (1n << 63n) | (iirg << 60n) | (domain << 32n), 8);
    invalidate(2n, DOMAIN + 1n);
    expect(reach(0x10n)).toBe(0x5010);
    write(Vtd.VTD_IVA, 0x1000n, 8);
    invalidate(3n, DOMAIN);
    expect(reach(0x10n)).toBe(0x5010);
    write(Vtd.VTD_IVA, 0n, 8);
    invalidate(3n, DOMAIN);
    expect((read(Vtd.VTD_IOTLB, 8) >> 57n) & 3n).toBe(3n); // what was done
    expect(read(Vtd.VTD_IOTLB, 8) >> 63n).toBe(0n);
    expect(reach(0x10n)).toBeUndefined();
  });

  test("a stale context entry answers until it is invalidated", () => {
    context(BigInt(Vtd.VTD_PASS_THROUGH << 2) | 1n);
    enable();
    expect(reach(0n)).toBe(0);
    context(0n);
    expect(reach(0n)).toBe(0);
    write(Vtd.VTD_CCMD, (1n << 63n) | (1n << 61n), 8);
    expect(reach(0n)).toBeUndefined();
    expect(takeRecord()?.reason).toBe(Vtd.VTD_FAULT_CONTEXT_PRESENT);
  });

  test("invalidating one page of a large page drops all of it", () => {
    context(BigInt(TABLES) | 1n);
    poke(TABLES, BigInt(TABLES + 4096) | 3n);
    poke(TABLES + 4096, BigInt(TABLES + 8192) | 3n);
    poke(TABLES + 8192, 0x40_0000n | 0x83n);
    enable();
    expect(reach(0x1f_f000n)).toBe(0x5f_f000);
    poke(TABLES + 8192, 0n);
    write(Vtd.VTD_IVA, 0n, 8);
    write(Vtd.VTD_IOTLB, (1n << 63n) | (3n << 60n) | (DOMAIN << 32n), 8);
    expect(reach(0x1f_f000n)).toBeUndefined();
  });

  test("walks agree with a model that was written from the tables of the specification", () => {
    const layout = fc.record({
      entries: fc.array(fc.nat(11), { minLength: 8, maxLength: 8 }),
      width: fc.constantFrom(39, 48),
      probes: fc.array(fc.tuple(fc.nat(8), fc.nat(8), fc.nat(8), fc.nat(8), fc.boolean()), {
        minLength: 1,
        maxLength: 6,
      }),
    });
    context(BigInt(TABLES) | 1n);
    enable();
    fc.assert(
      fc.property(layout, ({ entries, width, probes }) => {
        fillTables(entries);
        const aw = width === 39 ? Vtd.VTD_WIDTH_39 : Vtd.VTD_WIDTH_48;
        context(BigInt(TABLES) | 1n, (DOMAIN << 8n) | BigInt(aw));
        write(Vtd.VTD_CCMD, (1n << 63n) | (1n << 61n), 8);
        write(Vtd.VTD_IOTLB, (1n << 63n) | (1n << 60n), 8);
        for (const [l4, l3, l2, l1, isWrite] of probes) {
          const address =
            (BigInt(l4) << 39n) | (BigInt(l3) << 30n) | (BigInt(l2) << 21n) | BigInt(l1 << 12);
          const expected = modelWalk(address, width, isWrite);
          const actual = reach(address, isWrite);
          const reason = takeRecord()?.reason ?? 0;
          const inRam = typeof expected.target === "number" && expected.target < RAM_BYTES;
          expect({ target: actual, reason }).toEqual({
            target: inRam ? expected.target : undefined,
            reason: expected.reason,
          });
        }
      }),
      { numRuns: 300 },
    );
  });
});

/** Eight tables of eight entries, each of a kind picked by the numbers: tables, pages, nonsense. */
function fillTables(kinds: readonly number[]): void {
  for (let table = 0; table < 8; table++)
    for (let n = 0; n < 9; n++) {
      const next = BigInt(TABLES + ((table * 3 + n) % 8) * 4096);
      const kind = (kinds[table] ?? 0) + n;
      const choices = [
        next | 3n,
        next | 3n,
        next | 1n,
        next | 2n,
        0x40_0000n | 0x83n,
        0x4000_0000n | 0x83n,
        0x40_1000n | 0x83n,
        0n,
        next | 3n | (1n << 62n),
        next | 3n | (1n << 50n),
        0xff_f000_0000n | 3n,
        next | 0x803n | (1n << 55n) | (1n << 63n),
      ];
      poke(TABLES + table * 4096 + n * 8, choices[kind % choices.length] ?? 0n);
    }
}

/** Second-level translation by arithmetic on the whole address, without masks from the code. */
function modelWalk(address: bigint, width: number, isWrite: boolean) {
  const refused = (reason: number) => ({ target: undefined, reason });
  if (address >= 2n ** BigInt(width)) return refused(4);
  let table = BigInt(TABLES);
  let size = width === 39 ? 2n ** 30n : 2n ** 39n;
  for (;;) {
    if (table + 4096n > BigInt(RAM_BYTES)) return refused(7);
    const entry = peek(Number(table + ((address / size) % 512n) * 8n));
    const bit = (n: number) => (entry / 2n ** BigInt(n)) % 2n === 1n;
    if (!bit(isWrite ? 1 : 0)) return refused(isWrite ? 5 : 6);
    const isPage = size === 4096n || bit(7);
    for (let n = 40; n < 52; n++) if (bit(n)) return refused(0xc);
    if (bit(62)) return refused(0xc);
    const target = (entry % 2n ** 40n) - (entry % 4096n);
    if (isPage) {
      if (size === 2n ** 39n || target % size !== 0n) return refused(0xc);
      return { target: Number(target + (address % size)), reason: 0 };
    }
    table = target;
    size /= 512n;
  }
}

describe("faults", () => {
  const cases: [string, number, () => void, boolean][] = [
    ["root entry not present", 1, () => poke(ROOT, 0n), false],
    ["context entry not present", 2, () => context(0n), false],
    ["translation type not supported", 3, () => context(5n), false],
    ["address width not supported", 3, () => context(1n, 3n), false],
    ["write without permission", 5, () => mapPage(0x5001n), true],
    ["read without permission", 6, () => mapPage(0x5002n), false],
    ["table outside of memory", 7, () => context(0x3f_0000_0000n | 1n), false],
    ["root table outside of memory", 8, () => write(Vtd.VTD_RTADDR, 0x3f_0000_0000n, 8), false],
    ["context table outside of memory", 9, () => poke(ROOT, 0x3f_0000_0001n), false],
    ["reserved bit of a root entry", 0xa, () => poke(ROOT, BigInt(CONTEXT) | 3n), false],
    ["reserved bit of a context entry", 0xb, () => context(0x11n), false],
    ["reserved bit of a table entry", 0xc, () => mapPage(0x5003n | (1n << 51n)), false],
  ];
  test.each(cases)("%s is reason %i", (_name, reason, spoil, isWrite) => {
    context(BigInt(TABLES) | 1n);
    mapPage(0x5003n);
    write(Vtd.VTD_RTADDR, BigInt(ROOT), 8);
    spoil();
    write(Vtd.VTD_GCMD, 1n << 30n);
    write(Vtd.VTD_GCMD, 1n << 31n);
    expect(reach(0x123n, isWrite)).toBeUndefined();
    const [record] = records(m, TRACE_DMA_FAULT);
    expect(record?.a).toBe(reason);
    expect(takeRecord()).toEqual({ reason, source: DEVICE, isRead: isWrite ? 0n : 1n, page: 0n });
    expect(read(Vtd.VTD_FSTS) & 2n).toBe(0n);
  });

  test("a context entry can disable fault recording", () => {
    context(BigInt(TABLES) | 3n);
    enable();
    expect(reach(0n)).toBeUndefined();
    expect(read(Vtd.VTD_FSTS)).toBe(0n);
  });

  test("the fault after the last free record sets overflow, and nothing is lost before it", () => {
    context(BigInt(TABLES) | 1n);
    enable();
    for (let n = 0; n < Vtd.VTD_FRCD_COUNT + 1; n++) reach(BigInt(n) << 12n);
    expect(read(Vtd.VTD_FSTS) & 3n).toBe(3n);
    for (let n = 0; n < Vtd.VTD_FRCD_COUNT; n++) expect(takeRecord()?.page).toBe(BigInt(n) << 12n);
    expect(read(Vtd.VTD_FSTS) & 3n).toBe(1n);
    write(Vtd.VTD_FSTS, 1n);
    expect(read(Vtd.VTD_FSTS) & 3n).toBe(0n);
  });

  test("the fault event is held while masked, sent at unmask, and sent once for many faults", () => {
    write(Vtd.VTD_FEADDR, 0xfee0_0000n);
    write(Vtd.VTD_FEDATA, 0x41n);
    enable();
    reach(0n);
    expect(read(Vtd.VTD_FECTL)).toBe(0xc000_0000n);
    expect(records(m, TRACE_MSI)).toHaveLength(0);
    write(Vtd.VTD_FECTL, 0n);
    expect(read(Vtd.VTD_FECTL)).toBe(0n);
    reach(0n);
    expect(records(m, TRACE_MSI).map((r) => [r.b, r.c])).toEqual([[0xfee0_0000n, 0x41n]]);
  });
});

describe("queued invalidation", () => {
  const submit = (descriptors: readonly (readonly [bigint, bigint])[]) =>
    vtd.submit(QUEUE, descriptors);

  test("a wait descriptor writes its status and raises the completion event", () => {
    write(Vtd.VTD_IEADDR, 0xfee0_0000n);
    write(Vtd.VTD_IEDATA, 0x42n);
    write(Vtd.VTD_IECTL, 0n);
    submit([
      [0x11n, 0n],
      [0x12n, 0n],
      [0x35n | (0xfeedn << 32n), BigInt(STATUS)],
    ]);
    expect(peek(STATUS)).toBe(0xfeedn);
    expect(read(Vtd.VTD_IQH, 8)).toBe(48n);
    expect(read(Vtd.VTD_ICS)).toBe(1n);
    expect(records(m, TRACE_MSI).map((r) => r.c)).toEqual([0x42n]);
    write(Vtd.VTD_ICS, 1n);
    expect(read(Vtd.VTD_ICS)).toBe(0n);
  });

  test("a wait descriptor's status is a write to RAM, which a guest's state hash doesn't miss", () => {
    m.state.guest = 1;
    poke(QUEUE, 0x25n | (1n << 32n));
    poke(QUEUE + 8, BigInt(STATUS));
    write(Vtd.VTD_IQA, BigInt(QUEUE), 8);
    const before = m.stateHash();
    write(Vtd.VTD_GCMD, 1n << 26n);
    write(Vtd.VTD_IQT, 16n, 8);
    expect(peek(STATUS)).toBe(1n);
    expect(m.stateHash()).not.toBe(before);
  });

  test("an invalid descriptor stops the queue there until software clears the error", () => {
    submit([
      [0x11n, 0n],
      [0xfn, 0n],
      [0x25n | (1n << 32n), BigInt(STATUS)],
    ]);
    expect(read(Vtd.VTD_FSTS) & 0x10n).toBe(0x10n);
    expect(read(Vtd.VTD_IQH, 8)).toBe(16n);
    expect(peek(STATUS)).toBe(0n);
    poke(QUEUE + 16, 0x11n);
    write(Vtd.VTD_FSTS, 0x10n);
    expect(read(Vtd.VTD_IQH, 8)).toBe(48n);
    expect(peek(STATUS)).toBe(1n);
  });

  test("the queue wraps, and a tail outside of it is an error", () => {
    submit(Array.from({ length: 200 }, () => [0x11n, 0n] as const));
    expect(read(Vtd.VTD_IQH, 8)).toBe(3200n);
    for (let n = 0; n < 256; n++) poke(QUEUE + n * 16, 0x11n);
    write(Vtd.VTD_IQT, 160n, 8);
    expect(read(Vtd.VTD_IQH, 8)).toBe(160n);
    write(Vtd.VTD_IQT, 4096n, 8);
    expect(read(Vtd.VTD_FSTS) & 0x10n).toBe(0x10n);
  });
});

test("a stray transfer goes to the armed address, once, and translation still judges it", () => {
  pci.armFault(FAULT_DMA_STRAY, DEVICE, 0, 0x9000n);
  expect(reach(0x100n)).toBe(0x9000);
  expect(reach(0x100n)).toBe(0x100);
  context(BigInt(TABLES) | 1n);
  enable();
  pci.armFault(FAULT_DMA_STRAY, DEVICE, 0, 0xa000n);
  expect(reach(0x100n)).toBeUndefined();
  expect(takeRecord()?.page).toBe(0xa000n);
});

test("a function that may not master the bus reaches nothing", () => {
  configWrite(m, DEVICE, 4, 2, 0);
  expect(reach(0x100n)).toBeUndefined();
  expect(pci.dmaPointer(0x1234, 0n, 1, false)).toBe(0);
});

test("random register writes of any width neither trap nor hang", () => {
  const access = fc.tuple(
    fc.nat(0xfff),
    fc.constantFrom(1, 2, 4, 8),
    fc.bigInt(0n, 2n ** 64n - 1n),
  );
  fc.assert(
    fc.property(fc.array(access, { maxLength: 60 }), (accesses) => {
      for (const [offset, bytes, value] of accesses) {
        write(offset, value, bytes);
        read(offset, bytes);
        reach(value);
        pci.requestInterrupt(DEVICE, 0xfee0_0000n | (value & 0xf_ffffn), bytes);
      }
    }),
    { numRuns: 200 },
  );
});
