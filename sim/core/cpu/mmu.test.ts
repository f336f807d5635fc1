/**
 * Address translation against a second walker, written from the SDM's tables alone, over random
 * tables (garbage, loops and self-references included), control registers and accesses.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { ProcessorBench } from "../../host/testing/processor.ts";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
const TABLES = [0x30_0000, 0x30_1000, 0x30_2000, 0x30_3000];
const DATA_PAGE = 0x40_0000;
const BEYOND_RAM = 0x30_0000_0000;
const WRITE = 2;
const USER = 4;
const FETCH = 16;
const SYSTEM = 0x100;

interface Mode {
  readonly wp: boolean;
  readonly smep: boolean;
  readonly smap: boolean;
  readonly nxe: boolean;
  readonly pge: boolean;
  readonly pcide: boolean;
}

type Outcome =
  | { readonly address: bigint; readonly marks: Map<number, bigint> }
  | { readonly code: number };

const bit = (value: bigint, n: number) => ((value >> BigInt(n)) & 1n) === 1n;

/** One level of the walk, as SDM 3A tables 4-15 to 4-20 list its reserved bits. */
function malformed(entry: bigint, level: number, nxe: boolean): boolean {
  for (let n = 40; n <= 51; n++) if (bit(entry, n)) return true;
  if (bit(entry, 63) && !nxe) return true;
  if (level === 4) return bit(entry, 7);
  if (level === 1 || !bit(entry, 7)) return false;
  for (let n = 13; n < (level === 3 ? 30 : 21); n++) if (bit(entry, n)) return true;
  return false;
}

/** What the manual says happens: the physical address and the flags set, or the error code. */
function expected(
  read: (physical: number) => bigint,
  mode: Mode,
  va: bigint,
  access: number,
  ac: boolean,
  checkRights = true,
): Outcome {
  const write = (access & WRITE) !== 0;
  const fetch = (access & FETCH) !== 0;
  const user = (access & USER) !== 0;
  const errorBits = (write ? 2 : 0) + (user ? 4 : 0) + (fetch && (mode.nxe || mode.smep) ? 16 : 0);
  const trail: number[] = [];
  let table = BigInt(TABLES[0] ?? 0);
  let mayWrite = true;
  let isUser = true;
  let mayFetch = true;
  for (let level = 4; level >= 1; level--) {
    const index = (va >> BigInt(12 + 9 * (level - 1))) & 511n;
    const at = Number(table + 8n * index);
    const entry = at + 8 <= 16 * 1024 * 1024 ? read(at) : ALL_ONES;
    if (!bit(entry, 0)) return { code: errorBits };
    if (malformed(entry, level, mode.nxe)) return { code: errorBits + 8 + 1 };
    trail.push(at);
    mayWrite &&= bit(entry, 1);
    isUser &&= bit(entry, 2);
    mayFetch &&= !bit(entry, 63);
    if (level > 1 && (level === 4 || !bit(entry, 7))) {
      table = entry & 0xff_ffff_f000n;
      continue;
    }
    const size = 1n << BigInt(12 + 9 * (level - 1));
    let allowed = true;
    if (user && !isUser) allowed = false;
    if (write && !mayWrite && (user || mode.wp)) allowed = false;
    if (fetch && !mayFetch) allowed = false;
    if (fetch && !user && isUser && mode.smep) allowed = false;
    const explicit = (access & SYSTEM) === 0;
    if (!fetch && !user && isUser && mode.smap && !(ac && explicit)) allowed = false;
    if (checkRights && !allowed) return { code: errorBits + 1 };
    const marks = new Map<number, bigint>();
    trail.forEach((used, depth) => {
      const flags = write && depth === trail.length - 1 ? 0x60n : 0x20n;
      marks.set(used, (marks.get(used) ?? read(used)) | flags);
    });
    return { address: (entry & 0xff_ffff_f000n & ~(size - 1n)) + (va & (size - 1n)), marks };
  }
  throw new Error("four levels always end");
}

const flag = fc.boolean();
const often = fc.integer({ min: 0, max: 15 }).map((n) => n > 0);
const rarely = fc.integer({ min: 0, max: 15 }).map((n) => n === 0);
const target = fc.constantFrom(...TABLES, ...TABLES, DATA_PAGE, BEYOND_RAM).map(BigInt);
const entryArbitrary = fc
  .record({
    present: often,
    writable: fc.integer({ min: 0, max: 5 }).map((n) => n > 0),
    user: often,
    accessed: flag,
    dirty: flag,
    large: fc.integer({ min: 0, max: 4 }).map((n) => n === 0),
    global: flag,
    noExecute: rarely,
    strayBit: fc.option(fc.integer({ min: 9, max: 62 }), { freq: 12 }),
    target,
    aligned: often,
  })
  .map((e) => {
    const bits: [boolean, number][] = [
      [e.present, 0],
      [e.writable, 1],
      [e.user, 2],
      [e.accessed, 5],
      [e.dirty, 6],
      [e.large, 7],
      [e.global, 8],
      [e.noExecute, 63],
    ];
    let entry = e.large && e.aligned ? (e.target >> 30n) << 30n : e.target;
    for (const [set, n] of bits) if (set) entry |= 1n << BigInt(n);
    return e.strayBit === null ? entry : entry ^ (1n << BigInt(e.strayBit));
  });
const garbage = fc.bigInt({ min: 0n, max: ALL_ONES });
const modeArbitrary = fc.record({
  wp: flag,
  smep: flag,
  smap: flag,
  nxe: often,
  pge: flag,
  pcide: flag,
});
const accessArbitrary = fc.record({
  access: fc.constantFrom(
    0,
    WRITE,
    FETCH,
    USER,
    USER | WRITE,
    USER | FETCH,
    SYSTEM,
    SYSTEM | WRITE,
  ),
  ac: flag,
  offset: fc.bigInt({ min: 0n, max: 4095n }),
});
const indexArbitrary = fc.constantFrom(0, 1, 255, 256, 511);
const caseArbitrary = fc.record({
  entries: fc.array(
    fc.oneof({ weight: 15, arbitrary: entryArbitrary }, { weight: 1, arbitrary: garbage }),
    { minLength: 16, maxLength: 16 },
  ),
  indexes: fc.array(indexArbitrary, { minLength: 4, maxLength: 4 }),
  mode: modeArbitrary,
  accesses: fc.array(accessArbitrary, { minLength: 1, maxLength: 4 }),
});
type Case = typeof caseArbitrary extends fc.Arbitrary<infer T> ? T : never;

const bench = await ProcessorBench.create();
const read = (physical: number) => bench.read64(physical);

/** Puts CPU 0 into long mode with `mode`, with nothing cached. */
function enterMode(mode: Mode): void {
  const { cpu } = bench;
  cpu.cr0 = 0x8000_0011n | (mode.wp ? 0x1_0000n : 0n);
  cpu.cr3 = BigInt(TABLES[0] ?? 0);
  cpu.cr4 =
    0x20n |
    (mode.pge ? 0x80n : 0n) |
    (mode.pcide ? 0x2_0000n : 0n) |
    (mode.smep ? 0x10_0000n : 0n) |
    (mode.smap ? 0x20_0000n : 0n);
  cpu.efer = 0x500n | (mode.nxe ? 0x800n : 0n);
  bench.do.invalidateContext(2, 0, 0n);
}

/** Fills the entries that the case's address can meet in each of the four tables. */
function layOut(example: Case): bigint {
  example.entries.forEach((entry, n) => {
    const table = TABLES[n >> 2] ?? 0;
    bench.write64(table + 8 * (example.indexes[n & 3] ?? 0), entry);
  });
  const page = example.indexes.reduce((va, index) => (va << 9n) | BigInt(index), 0n) << 12n;
  return BigInt.asUintN(64, BigInt.asIntN(48, page));
}

function clear(example: Case): void {
  for (const table of TABLES)
    for (const index of example.indexes) bench.write64(table + 8 * index, 0n);
}

const slots = (example: Case) =>
  TABLES.flatMap((table) => example.indexes.map((index) => table + 8 * index));

test("every access ends as a second walker says: address or error code, and flags set", () => {
  fc.assert(
    fc.property(caseArbitrary, (example) => {
      const page = layOut(example);
      enterMode(example.mode);
      for (const { access, ac, offset } of example.accesses) {
        bench.cpu.rflags = ac ? 0x4_0002n : 2n;
        const want = expected(read, example.mode, page + offset, access, ac);
        const before = new Map(slots(example).map((slot) => [slot, read(slot)]));
        const got = BigInt.asUintN(64, bench.do.translateFor(0, page + offset, access));
        if ("code" in want) {
          expect([got, bench.cpu.fault, bench.cpu.faultCode]).toEqual([ALL_ONES, 14, want.code]);
          expect(bench.cpu.faultAddress).toBe(page + offset);
        } else {
          expect(got).toBe(want.address);
          for (const [slot, value] of want.marks) before.set(slot, value);
        }
        for (const [slot, value] of before) expect(read(slot)).toBe(value);
      }
      clear(example);
    }),
    { numRuns: 3000 },
  );
});

test("a look finds what an access would find, and leaves no trace", () => {
  fc.assert(
    fc.property(caseArbitrary, (example) => {
      const va = layOut(example) + 5n;
      enterMode(example.mode);
      const want = expected(read, example.mode, va, 0, false, false);
      const before = slots(example).map(read);
      const got = BigInt.asUintN(64, bench.do.peekTranslate(0, va));
      expect(got).toBe("code" in want ? ALL_ONES : want.address);
      expect(slots(example).map(read)).toEqual(before);
      clear(example);
    }),
    { numRuns: 1000 },
  );
});

test("loads and stores obey the same rules, first time and again", () => {
  const step = fc.record({
    store: flag,
    offset: fc.bigInt({ min: 0n, max: 4088n }),
    ac: flag,
    wp: flag,
    value: fc.bigInt({ min: 0n, max: ALL_ONES }),
  });
  const steps = fc.array(step, { minLength: 2, maxLength: 8 });
  fc.assert(
    fc.property(caseArbitrary, steps, (example, actions) => {
      const page = layOut(example);
      enterMode(example.mode);
      for (const action of actions) {
        bench.do.writeControl(0, 0x8000_0011n | (action.wp ? 0x1_0000n : 0n));
        bench.cpu.rflags = action.ac ? 0x4_0002n : 2n;
        const va = page + action.offset;
        const mode = { ...example.mode, wp: action.wp };
        const want = expected(read, mode, va, action.store ? WRITE : 0, action.ac);
        // A store into the tables themselves would make what is cached stale.
        if (action.store && "address" in want && want.address < BigInt(DATA_PAGE)) continue;
        let got = 0n;
        if (action.store) bench.do.storeVirtual(va, 8, action.value);
        else got = BigInt.asUintN(64, bench.do.loadVirtual(va, 8));
        const vector = bench.takeException();
        if ("code" in want) {
          expect([vector, bench.cpu.pendingErrorCode, bench.cpu.cr2]).toEqual([14, want.code, va]);
        } else {
          expect(vector).toBe(-1);
          const inRam = want.address < 16n * 1024n * 1024n;
          if (inRam && action.store) expect(read(Number(want.address))).toBe(action.value);
          if (inRam && !action.store) expect(got).toBe(read(Number(want.address)));
        }
      }
      clear(example);
    }),
    { numRuns: 1500 },
  );
});

test("an address that isn't canonical is #GP, on either side of both edges", () => {
  enterMode({ wp: true, smep: true, smap: true, nxe: true, pge: true, pcide: false });
  const edges: [bigint, number][] = [
    [0x0000_7fff_ffff_ffffn, 14],
    [0x0000_8000_0000_0000n, 13],
    [0xffff_7fff_ffff_ffffn, 13],
    [0xffff_8000_0000_0000n, 14],
  ];
  for (const [va, vector] of edges) {
    expect(BigInt.asUintN(64, bench.do.translateFor(0, va, 0))).toBe(ALL_ONES);
    expect(bench.cpu.fault).toBe(vector);
    expect(BigInt.asUintN(64, bench.do.peekTranslate(0, va))).toBe(ALL_ONES);
  }
});

test("a store that crosses into a page that faults writes nothing", () => {
  const map = (physical: number, flags: bigint) => BigInt(physical) | flags;
  bench.write64(TABLES[0] ?? 0, map(TABLES[1] ?? 0, 3n));
  bench.write64(TABLES[1] ?? 0, map(TABLES[2] ?? 0, 3n));
  bench.write64(TABLES[2] ?? 0, map(TABLES[3] ?? 0, 3n));
  bench.write64(TABLES[3] ?? 0, map(DATA_PAGE, 3n));
  enterMode({ wp: true, smep: false, smap: false, nxe: true, pge: false, pcide: false });
  bench.write64(DATA_PAGE + 0xff8, 0x1111_2222_3333_4444n);
  bench.do.storeVirtual(0xffdn, 8, ALL_ONES);
  expect(bench.takeException()).toBe(14);
  expect(bench.cpu.cr2).toBe(0x1000n);
  expect(bench.read64(DATA_PAGE + 0xff8)).toBe(0x1111_2222_3333_4444n);
  bench.write64((TABLES[3] ?? 0) + 8, map(DATA_PAGE + 0x5000, 3n));
  bench.do.storeVirtual(0xffdn, 8, 0x0807_0605_0403_0201n);
  expect(bench.takeException()).toBe(-1);
  expect(BigInt.asUintN(64, bench.do.loadVirtual(0xffdn, 8))).toBe(0x0807_0605_0403_0201n);
  expect(bench.read64(DATA_PAGE + 0x5000) & 0xff_ffff_ffffn).toBe(0x08_0706_0504n);
});
