import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { loadKernelTesting } from "../testing/module.ts";

const MIB = 1 << 20;
const OWNER = 2;
const RAM = 16 * MIB;

async function allocator(ranges: readonly (readonly [number, number])[]) {
  const { exports } = await loadKernelTesting(RAM);
  const first = Number(exports.setUpFrames(RAM / 4096));
  for (const [start, end] of ranges) exports.framesAdd(BigInt(Math.max(start, first)), BigInt(end));
  return { exports, first };
}

describe("the buddy allocator", () => {
  test("hands out every frame once, aligned, and takes all of them back", async () => {
    const { exports } = await allocator([[0, RAM]]);
    const before = exports.framesFree();
    const taken = new Set<number>();
    for (let at = exports.frameAlloc(0, OWNER); at !== 0n; at = exports.frameAlloc(0, OWNER))
      taken.add(Number(at));
    expect(taken.size).toBe(before);
    expect(exports.framesFree()).toBe(0);
    expect(exports.framesOwned(OWNER)).toBe(before);
    for (const at of taken) exports.frameFree(BigInt(at));
    expect(exports.framesFree()).toBe(before);
    expect(exports.framesValid()).toBe(1);
  });

  test("merges buddies: after any use the largest block can be had again", async () => {
    const { exports } = await allocator([[8 * MIB, 16 * MIB]]);
    const small = Array.from({ length: 2048 }, () => exports.frameAlloc(0, OWNER));
    expect(exports.frameAlloc(0, OWNER)).toBe(0n);
    for (const at of small.sort(() => -1)) exports.frameFree(at);
    expect(exports.frameAlloc(11, OWNER)).toBe(BigInt(8 * MIB));
  });

  test("never hands out what was not given to it", async () => {
    const { exports } = await allocator([
      [8 * MIB, 9 * MIB],
      [10 * MIB, 10 * MIB + 12288],
    ]);
    for (let at = exports.frameAlloc(0, OWNER); at !== 0n; at = exports.frameAlloc(0, OWNER)) {
      const inside =
        at < BigInt(9 * MIB) || (at >= BigInt(10 * MIB) && at < BigInt(10 * MIB + 12288));
      expect(inside).toBe(true);
    }
  });

  test("agrees with a list of taken spans under any sequence of requests", async () => {
    const action = fc.oneof(
      fc.record({ order: fc.integer({ min: 0, max: 6 }) }),
      fc.record({ free: fc.nat() }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(action, { maxLength: 120 }), async (actions) => {
        const { exports } = await allocator([[9 * MIB, 11 * MIB]]);
        const spans: { at: number; bytes: number }[] = [];
        for (const step of actions) {
          if ("order" in step) {
            const at = Number(exports.frameAlloc(step.order, OWNER));
            if (at === 0) continue;
            const bytes = 4096 << step.order;
            expect(at % bytes).toBe(0);
            for (const span of spans)
              expect(at + bytes <= span.at || span.at + span.bytes <= at).toBe(true);
            spans.push({ at, bytes });
          } else if (spans.length > 0) {
            const [gone] = spans.splice(step.free % spans.length, 1);
            if (gone) exports.frameFree(BigInt(gone.at));
          }
          const used = spans.reduce((sum, span) => sum + span.bytes, 0);
          expect(exports.framesFree() * 4096 + used).toBe(2 * MIB);
        }
        expect(exports.framesValid()).toBe(1);
      }),
      { numRuns: 40 },
    );
  });

  test("refuses to free what is not the start of a block in use", async () => {
    const { exports } = await allocator([[8 * MIB, 16 * MIB]]);
    const at = exports.frameAlloc(1, OWNER);
    expect(() => exports.frameFree(at + 4096n)).toThrow(
      "frameFree: not the start of a block in use",
    );
    exports.frameFree(at);
    expect(() => exports.frameFree(at)).toThrow("frameFree: not the start of a block in use");
  });
});
