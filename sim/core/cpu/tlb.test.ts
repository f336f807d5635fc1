/** What software may count on: what an invalidation drops is never used again (SDM 3A, 4.10). */
import { beforeEach, describe, expect, test } from "vitest";
import { CODE, CodeBench, DATA } from "../../host/testing/code.ts";
import { PML4 } from "../../host/testing/longmode.ts";
import { ProcessorBench } from "../../host/testing/processor.ts";

const ROOT_A = 0x30_0000;
const ROOT_B = 0x31_0000;
const OLD = 0x20_0000;
const NEW = 0x30_0000;
const PLAIN = 0x1000n;
const GLOBAL = 0x2000n;
const LARGE = 0x20_0000n;
const HUGE = 0x4000_0000n;
const CR0 = 0x8001_0011n;
const PGE = 0x80n;
const PCIDE = 0x2_0000n;
const NO_FLUSH = 1n << 63n;
const GP = 13;

const bench = await ProcessorBench.create();
const where = (va: bigint) => Number(bench.do.translateFor(0, va, 0));

/** Maps the four pages under `root` to `physical`; the two small ones one page apart. */
function mapAll(root: number, physical: number): void {
  const base = BigInt(physical);
  bench.write64(root, BigInt(root + 0x1000) | 7n);
  bench.write64(root + 0x1000, BigInt(root + 0x2000) | 7n);
  bench.write64(root + 0x1008, physical === OLD ? 0x187n & ~0x100n : 0x8000_0087n);
  bench.write64(root + 0x2000, BigInt(root + 0x3000) | 7n);
  bench.write64(root + 0x2008, (base & ~0x1f_ffffn) | (physical === OLD ? 0x87n : 0x80_0087n));
  bench.write64(root + 0x3008, base | 7n);
  bench.write64(root + 0x3010, (base + 0x1000n) | 0x107n);
}

const pages = [PLAIN, GLOBAL, LARGE, HUGE];
const look = () => pages.map(where);
let stale: number[];
let fresh: number[];

/** Every page has been used once, and then changed in memory. */
beforeEach(() => {
  const { cpu } = bench;
  cpu.cr0 = CR0;
  cpu.efer = 0xd00n;
  cpu.cr4 = 0x20n | PGE | PCIDE;
  cpu.cr3 = BigInt(ROOT_A) | 1n;
  bench.takeException();
  bench.do.invalidateContext(2, 0, 0n);
  mapAll(ROOT_A, NEW);
  mapAll(ROOT_B, NEW);
  fresh = look();
  bench.do.invalidateContext(2, 0, 0n);
  mapAll(ROOT_A, OLD);
  stale = look();
  mapAll(ROOT_A, NEW);
  expect(fresh.every((address, n) => address !== stale[n])).toBe(true);
});

/** What is expected of each page after the operation: true = the new mapping. */
function expectFresh(plain: boolean, global: boolean, large: boolean, huge: boolean): void {
  const want = [plain, global, large, huge].map((isNew, n) => (isNew ? fresh[n] : stale[n]));
  expect(look()).toEqual(want);
}

test("a cached translation is used until it is invalidated", () =>
  expectFresh(false, false, false, false));

describe("INVLPG", () => {
  test("drops the page it names, of any size, and no other", () => {
    bench.do.invalidatePage(PLAIN + 0xfffn);
    expectFresh(true, false, false, false);
    bench.do.invalidatePage(LARGE + 0x1f_ffffn);
    expectFresh(true, false, true, false);
    bench.do.invalidatePage(HUGE + 0x3fff_ffffn);
    expectFresh(true, false, true, true);
  });
  test("drops a global page, from whatever context", () => {
    bench.do.writeControl(3, BigInt(ROOT_B) | 2n);
    bench.do.invalidatePage(GLOBAL);
    bench.do.writeControl(3, BigInt(ROOT_A) | 1n | NO_FLUSH);
    expectFresh(false, true, false, false);
  });
  test("leaves other contexts' pages alone", () => {
    bench.do.writeControl(3, BigInt(ROOT_B) | 2n);
    bench.do.invalidatePage(PLAIN);
    bench.do.writeControl(3, BigInt(ROOT_A) | 1n | NO_FLUSH);
    expectFresh(false, false, false, false);
  });
  test("of an address that isn't canonical does nothing", () => {
    bench.do.invalidatePage(1n << 47n);
    expect(bench.takeException()).toBe(-1);
    expectFresh(false, false, false, false);
  });
});

describe("INVPCID", () => {
  test("type 0 drops one page of one context, but no global one", () => {
    bench.do.invalidateContext(0, 2, PLAIN);
    expectFresh(false, false, false, false);
    bench.do.invalidateContext(0, 1, PLAIN);
    bench.do.invalidateContext(0, 1, GLOBAL);
    expectFresh(true, false, false, false);
  });
  test("type 1 drops a context but its global pages", () => {
    bench.do.invalidateContext(1, 2, 0n);
    expectFresh(false, false, false, false);
    bench.do.invalidateContext(1, 1, 0n);
    expectFresh(true, false, true, true);
  });
  test("type 2 drops everything", () => {
    bench.do.invalidateContext(2, 0, 0n);
    expectFresh(true, true, true, true);
  });
  test("type 3 drops all contexts but global pages", () => {
    bench.do.invalidateContext(3, 0, 0n);
    expectFresh(true, false, true, true);
  });
  test.each([
    ["type 4", 4, 0, 0n],
    ["a PCID of 13 bits", 1, 0x1000, 0n],
    ["an address that isn't canonical, in type 0", 0, 1, 1n << 47n],
  ])("%s is #GP and drops nothing", (_, type, pcid, va) => {
    bench.do.invalidateContext(type, pcid, va);
    expect(bench.takeException()).toBe(GP);
    expectFresh(false, false, false, false);
  });
  test("a PCID other than 0 is #GP while CR4.PCIDE is clear", () => {
    bench.cpu.cr4 &= ~PCIDE;
    bench.do.invalidateContext(1, 1, 0n);
    expect(bench.takeException()).toBe(GP);
    bench.do.invalidateContext(1, 0, 0n);
    expect(bench.takeException()).toBe(-1);
  });
});

describe("a load of CR3", () => {
  test("drops the new context's pages, not the global ones", () => {
    bench.do.writeControl(3, BigInt(ROOT_A) | 1n);
    expectFresh(true, false, true, true);
  });
  test("with bit 63 drops nothing, and the bit isn't stored", () => {
    bench.do.writeControl(3, BigInt(ROOT_A) | 1n | NO_FLUSH);
    expect(bench.cpu.cr3).toBe(BigInt(ROOT_A) | 1n);
    expectFresh(false, false, false, false);
  });
  test("keeps the contexts of other PCIDs, which never mix", () => {
    bench.do.writeControl(3, BigInt(ROOT_B) | 2n);
    expect(where(PLAIN)).toBe(fresh[0]);
    bench.do.writeControl(3, BigInt(ROOT_A) | 1n | NO_FLUSH);
    expectFresh(false, false, false, false);
  });
  test("without PCIDs drops all but global pages", () => {
    bench.do.writeControl(3, BigInt(ROOT_A));
    bench.do.writeControl(4, 0x20n | PGE);
    mapAll(ROOT_A, OLD);
    bench.do.writeControl(3, BigInt(ROOT_A));
    look();
    mapAll(ROOT_A, NEW);
    bench.do.writeControl(3, BigInt(ROOT_A));
    expect(where(PLAIN)).toBe(fresh[0]);
    expect(where(LARGE)).toBe(fresh[2]);
  });
});

test.each([
  ["PGE", PGE],
  ["SMEP", 0x10_0000n],
  ["PCIDE", PCIDE],
])("a change of CR4.%s drops everything", (_, flag) => {
  bench.do.writeControl(4, bench.cpu.cr4 ^ flag);
  expect(bench.takeException()).toBe(-1);
  expectFresh(true, true, true, true);
});

test("turning paging off and on drops everything", () => {
  bench.do.writeControl(3, BigInt(ROOT_A) | 1n | NO_FLUSH);
  bench.do.writeControl(4, 0x20n | PGE);
  look();
  mapAll(ROOT_A, OLD);
  bench.do.writeControl(0, 0x11n);
  bench.do.writeControl(0, CR0);
  expect(bench.takeException()).toBe(-1);
  expect(look()).toEqual(stale);
});

test("a write to a page cached clean sets its dirty flag", () => {
  const entry = ROOT_A + 0x3008;
  bench.do.invalidatePage(PLAIN);
  where(PLAIN);
  expect(bench.read64(entry) & 0x60n).toBe(0x20n);
  bench.do.storeVirtual(PLAIN, 8, 1n);
  expect(bench.read64(entry) & 0x60n).toBe(0x60n);
});

test("a right that was added counts at once, one that was taken away after INVLPG", () => {
  const entry = ROOT_A + 0x3008;
  bench.write64(entry, BigInt(NEW) | 5n);
  bench.do.invalidatePage(PLAIN);
  bench.do.storeVirtual(PLAIN, 8, 1n);
  expect(bench.takeException()).toBe(14);
  bench.write64(entry, BigInt(NEW) | 7n);
  bench.do.storeVirtual(PLAIN, 8, 1n);
  expect(bench.takeException()).toBe(-1);
  bench.write64(entry, BigInt(NEW) | 5n);
  bench.do.invalidatePage(PLAIN);
  bench.do.storeVirtual(PLAIN, 8, 1n);
  expect(bench.takeException()).toBe(14);
});

test("the kernel's right to write read-only pages ends when CR0.WP is set", () => {
  bench.write64(ROOT_A + 0x3008, BigInt(NEW) | 5n);
  bench.do.invalidatePage(PLAIN);
  bench.do.writeControl(0, CR0 & ~0x1_0000n);
  for (const vector of [-1, -1]) {
    bench.do.storeVirtual(PLAIN, 8, 1n);
    expect(bench.takeException()).toBe(vector);
  }
  bench.do.writeControl(0, CR0);
  bench.do.storeVirtual(PLAIN, 8, 1n);
  expect(bench.takeException()).toBe(14);
});

test("the kernel's right to user pages ends when CR4.SMAP is set, and follows AC then", () => {
  bench.do.loadVirtual(PLAIN, 8);
  bench.do.writeControl(4, bench.cpu.cr4 | 0x20_0000n);
  for (const [flags, vector] of [
    [2n, 14],
    [0x4_0002n, -1],
    [2n, 14],
  ] as const) {
    bench.cpu.rflags = flags;
    bench.do.loadVirtual(PLAIN, 8);
    expect(bench.takeException()).toBe(vector);
  }
  bench.cpu.rflags = 2n;
});

test("more pages than the TLB has places are all translated rightly", () => {
  for (let n = 0; n < 512; n++) bench.write64(ROOT_A + 0x3000 + 8 * n, BigInt(OLD + n * 4096) | 3n);
  bench.write64(ROOT_A + 0x2010, BigInt(ROOT_B + 0x3000) | 3n);
  for (let n = 0; n < 512; n++) bench.write64(ROOT_B + 0x3000 + 8 * n, BigInt(NEW + n * 4096) | 3n);
  bench.do.invalidateContext(2, 0, 0n);
  for (let pass = 0; pass < 2; pass++)
    for (let n = 0; n < 512; n++) {
      expect(where(BigInt(n * 4096))).toBe(OLD + n * 4096);
      expect(where(0x40_0000n + BigInt(n * 4096))).toBe(NEW + n * 4096);
    }
});

describe("a write to a page cached clean looks into the tables: what they say then holds for reads, too", () => {
  const TABLES = 0x50_0000;
  const OTHER = DATA + 0x1000;
  /** Its fast line isn't the code's. */
  const LINEAR = 0x4000_5000n;
  const NOTHING = 0xfe00_0000;

  /** Reads, writes and reads again, with the entry of the page changed behind the first read. */
  async function readsAfter(frame: number): Promise<bigint[]> {
    const on = await CodeBench.create();
    const { cpu } = on;
    on.on.bench.write64(PML4 + 0x1008, BigInt(TABLES) | 7n);
    on.on.bench.write64(TABLES, BigInt(TABLES + 0x1000) | 7n);
    const map = (to: number) => on.on.bench.write64(TABLES + 0x1028, BigInt(to) | 7n);
    // hlt: a page with code has no fast line for writes.
    on.put("f4", OTHER + 8);
    Object.assign(cpu, { rip: BigInt(OTHER + 8), activity: 1 });
    on.run();
    on.put("11 11 11 11", DATA);
    on.put("22 22 22 22", OTHER);
    map(DATA);
    // mov eax, [rdi]; hlt; mov [rdi + 4], ecx; mov eax, [rdi]; hlt
    on.put("8b 07 f4 89 4f 04 8b 07 f4");
    Object.assign(cpu, { rip: BigInt(CODE), rdi: LINEAR, activity: 1 });
    on.run();
    const first = cpu.rax;
    map(frame);
    cpu.activity = 1;
    on.run();
    return [first, cpu.rax];
  }
  test("a frame of RAM with code in it", async () => {
    expect(await readsAfter(OTHER)).toEqual([0x1111_1111n, 0x2222_2222n]);
  });
  test("where no RAM is", async () => {
    expect(await readsAfter(NOTHING)).toEqual([0x1111_1111n, 0xffff_ffffn]);
  });
});
