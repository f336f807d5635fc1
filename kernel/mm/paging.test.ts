import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadKernelTesting } from "../testing/module.ts";

const RAM = 16 << 20;
const NOT_MAPPED = -1n; // an i64 comes out of WebAssembly signed
const OK = 0;
const OCCUPIED = 2;
const MISALIGNED = 3;
const NOTHING = 4;

async function space() {
  const { exports, data } = await loadKernelTesting(RAM);
  exports.framesAdd(exports.setUpFrames(RAM / 4096), BigInt(RAM));
  return { exports, data, root: exports.setUpPaging() };
}

/** A walk as the manual's figure 4-8 draws it, written without a look at the kernel's. */
function walk(
  data: DataView,
  linear: (address: bigint) => number,
  root: bigint,
  address: bigint,
): bigint {
  let table = root;
  for (const shift of [39n, 30n, 21n, 12n]) {
    const entry = data.getBigUint64(linear(table) + Number((address >> shift) & 0x1ffn) * 8, true);
    if ((entry & 1n) === 0n) return NOT_MAPPED;
    const target = entry & 0x000f_ffff_ffff_f000n;
    if (shift === 12n || (entry & 0x80n) !== 0n) {
      const mask = (1n << shift) - 1n;
      return (target & ~mask) | (address & mask);
    }
    table = target;
  }
  return NOT_MAPPED;
}

describe("page tables", () => {
  test.each([
    ["4 KiB", 12],
    ["2 MiB", 21],
    ["1 GiB", 30],
  ])("map, translate and unmap pages of %s", async (_name, size) => {
    const { exports, root } = await space();
    const page = 1n << BigInt(size);
    const address = 0xffff_8000_0000_0000n + 5n * page;
    const tables = exports.tableCount();
    expect(exports.mapPage(root, address, 3n * page, size, 2n)).toBe(OK);
    expect(exports.translate(root, address + page - 1n)).toBe(4n * page - 1n);
    expect(exports.translate(root, address + page)).toBe(NOT_MAPPED);
    expect(exports.mapPage(root, address, 0n, size, 2n)).toBe(OCCUPIED);
    expect(exports.unmapPage(root, address + 1n)).toBe(OK);
    expect(exports.unmapPage(root, address)).toBe(NOTHING);
    expect(exports.tableCount()).toBe(tables);
  });

  test("refuse a page that is not aligned to its size, or lies under a larger one", async () => {
    const { exports, root } = await space();
    expect(exports.mapPage(root, 0x1000n, 0n, 21, 2n)).toBe(MISALIGNED);
    expect(exports.mapPage(root, 0n, 0x1000n, 21, 2n)).toBe(MISALIGNED);
    expect(exports.mapPage(root, 0n, 0n, 21, 2n)).toBe(OK);
    expect(exports.mapPage(root, 0x1000n, 0n, 12, 2n)).toBe(OCCUPIED);
  });

  test("give every frame back when the last page is gone", async () => {
    const { exports, root } = await space();
    const before = exports.framesFree();
    expect(exports.mapMany(root, 0x7f00_0000_0000n, 0n, 12, 2000)).toBe(2000);
    expect(exports.framesFree()).toBeLessThan(before);
    expect(exports.unmapMany(root, 0x7f00_0000_0000n, 12, 2000)).toBe(2000);
    expect(exports.framesFree()).toBe(before);
  });

  test("agree with a map of pages and with an independent walk, whatever is mapped and unmapped", async () => {
    const action = fc.record({
      map: fc.boolean(),
      size: fc.constantFrom(12, 12, 12, 21, 30),
      page: fc.integer({ min: 0, max: 700 }),
      target: fc.integer({ min: 0, max: 100 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 60 }), async (actions) => {
        const { exports, data, root } = await space();
        const model = new Map<bigint, { target: bigint; bytes: bigint }>();
        for (const { map, size, page, target } of actions) {
          const bytes = 1n << BigInt(size);
          const address = (BigInt(page) * bytes) % (1n << 39n);
          if (map) {
            const clash = [...model].some(
              ([at, old]) => at < address + bytes && address < at + old.bytes,
            );
            const result = exports.mapPage(root, address, BigInt(target) * bytes, size, 2n);
            // A smaller page's table may stand where a larger page would go.
            if (!clash && result === OK)
              model.set(address, { target: BigInt(target) * bytes, bytes });
            if (clash) expect(result).toBe(OCCUPIED);
          } else {
            const hit = [...model].find(([at, old]) => at <= address && address < at + old.bytes);
            expect(exports.unmapPage(root, address)).toBe(hit ? OK : NOTHING);
            if (hit) model.delete(hit[0]);
          }
        }
        for (const [at, { target, bytes }] of model) {
          expect(exports.translate(root, at + bytes - 1n)).toBe(target + bytes - 1n);
          expect(walk(data, exports.linear, root, at)).toBe(target);
        }
      }),
      { numRuns: 40 },
    );
  });
});
