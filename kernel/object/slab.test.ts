import fc from "fast-check";
import { expect, test } from "vitest";
import type { KernelViews } from "../host/views.ts";
import { World } from "../testing/world-host.ts";
import {
  KIND_CAPABILITY,
  KIND_ENDPOINT,
  KIND_MAPPING,
  KIND_MESSAGE,
  KIND_POOL,
  KIND_WAIT,
} from "./kinds.ts";

const MADE = [KIND_CAPABILITY, KIND_POOL, KIND_ENDPOINT, KIND_MESSAGE, KIND_WAIT, KIND_MAPPING];
const CACHE_LINE = 64;
const SEED = 1;

const slabOf = (kernel: KernelViews, kind: number) => kernel.root.slabsAt(kind);

/** Bytes of frames that all slabs have taken. */
const taken = (kernel: KernelViews) =>
  MADE.reduce((sum, kind) => sum + Number(slabOf(kernel, kind).memory), 0);

/** Makes an object; its address. */
function make(world: World, kind: number): number {
  const id = world.exports.worldRaw(kind);
  expect(id).not.toBe(0n);
  return world.exports.worldObject(id) >>> 0;
}

test("objects of several kinds are aligned, begin zeroed, and none lies over another", async () => {
  const runs = fc.asyncProperty(
    fc.array(fc.constantFrom(...MADE), { minLength: 1, maxLength: 2000 }),
    async (kinds) => {
      const world = await World.create();
      const ranges = kinds.map((kind) => {
        const start = make(world, kind);
        const { bytes } = slabOf(world.kernel, kind);
        expect(start % 8).toBe(0);
        for (let at = 8; at < bytes; at += 8) expect(world.data.getBigUint64(start + at)).toBe(0n);
        for (let at = 8; at < bytes; at += 8) world.data.setBigUint64(start + at, ~0n);
        return { start, end: start + bytes };
      });
      ranges.sort((a, b) => a.start - b.start);
      for (const [index, { end }] of ranges.entries())
        expect(end).toBeLessThanOrEqual(ranges[index + 1]?.start ?? Number.POSITIVE_INFINITY);
    },
  );
  await fc.assert(runs, { seed: SEED, numRuns: 10 });
});

test("capabilities begin with a cache line", async () => {
  const world = await World.create();
  for (let count = 0; count < 300; count++) {
    make(world, KIND_WAIT);
    expect(make(world, KIND_CAPABILITY) % CACHE_LINE).toBe(0);
  }
});

test("thousands of objects of an odd size take a twentieth more than they have bytes, at most", async () => {
  const world = await World.create();
  const before = taken(world.kernel);
  const count = 8000;
  for (let made = 0; made < count; made++) make(world, KIND_WAIT);
  const { bytes } = slabOf(world.kernel, KIND_WAIT);
  expect(Math.log2(bytes) % 1).not.toBe(0);
  expect(taken(world.kernel) - before).toBeLessThan(count * bytes * 1.05);
});
