import fc from "fast-check";
import { expect, test } from "vitest";
import { RAM_BASE } from "../../sim/host/core.ts";
import { Machine } from "../../sim/host/machine.ts";
import { loadModules } from "../../sim/host/modules.ts";
import { Handoff } from "../testing/views.generated.ts";

const INFO = 0x6000;
const MAP = 0x6100;
const MIB = 1024 * 1024;

async function kernel(memory = 4 * MIB) {
  const modules = await loadModules("hal-testing");
  const machine = await Machine.create({ memory, modules, start: false });
  const { data, bytes } = machine.core;
  const parse = machine.core.kernel["testHandoff"] as (at: number, address: bigint) => number;
  const area = bytes.subarray(RAM_BASE + INFO, RAM_BASE + INFO + 0x1000);
  const original = area.slice();
  return {
    read: (address: bigint | number = INFO) => new Handoff(data, parse(0x20000, BigInt(address))),
    put32: (address: number, value: number) => data.setUint32(RAM_BASE + address, value, true),
    put64: (address: number, value: bigint) => data.setBigUint64(RAM_BASE + address, value, true),
    area,
    reset: () => area.set(original),
  };
}

test.each([64 * MIB, 2048 * MIB, 3072 * MIB])(
  "the handoff of %i bytes of RAM is accepted",
  async (memory) => {
    const handoff = (await kernel(memory)).read();
    expect(handoff.error).toBe(0);
    expect(handoff.rsdp).toBe(0xe0000n);
    // All RAM but the video window and the tables: 640 KiB to 1 MiB.
    expect(Number(handoff.ramBytes)).toBe(memory - 0x60000);
  },
);

const entry = (index: number) => MAP + index * 24;

test.each([
  ["a wrong magic number", 2, 0, [[INFO, 0x12345678]]],
  ["version 0", 3, 0, [[INFO + 4, 0]]],
  ["an empty map", 4, 0, [[INFO + 48, 0]]],
  ["a map of too many entries", 5, 0, [[INFO + 48, 129]]],
  ["a map beyond RAM", 6, 0, [[INFO + 40, 0x3fffff]]],
  ["a map in the 32-bit hole", 6, 0, [[INFO + 40, 0xb0000000]]],
  ["an empty range", 7, 1, [[entry(1) + 8, 0]]],
  [
    "a range beyond 2^64",
    8,
    5,
    [
      [entry(5) + 4, 0xffffffff],
      [entry(5) + 12, 1],
    ],
  ],
  ["ranges out of order", 9, 2, [[entry(2), 0x90000]]],
  ["overlapping ranges", 10, 1, [[entry(0) + 8, 0xa0001]]],
  ["RAM that is not there", 11, 4, [[entry(4) + 8, 4 * MIB]]],
  [
    "no RAM at all",
    12,
    9,
    [
      [entry(0) + 16, 2],
      [entry(4) + 16, 2],
    ],
  ],
] as const)("a handoff with %s is refused by name", async (_what, error, at, changes) => {
  const { read, put32 } = await kernel();
  for (const [address, value] of changes) put32(address, value);
  const handoff = read();
  expect([handoff.error, handoff.entry]).toEqual([error, at]);
});

test("a start info that is not in RAM is refused", async () => {
  const { read } = await kernel();
  for (const address of [4 * MIB - 55, 4 * MIB, 0xb0000000, 2 ** 32, (1n << 64n) - 8n])
    expect(read(address).error).toBe(1);
});

test("whatever the bytes, the ranges accepted are sorted, disjoint and RAM where they say so", async () => {
  const { read, area, reset } = await kernel();
  const change = fc.tuple(fc.nat(0x100 + 264 - 1), fc.nat(255));
  fc.assert(
    fc.property(fc.array(change, { minLength: 1, maxLength: 5 }), (changes) => {
      for (const [at, value] of changes) area[at] = value;
      const handoff = read();
      expect(handoff.error).toBeLessThanOrEqual(12);
      if (handoff.error === 0) {
        let end = 0n;
        for (let n = 0; n < handoff.rangeCount; n++) {
          const { base, size, type } = handoff.rangesAt(n);
          expect(base).toBeGreaterThanOrEqual(end);
          end = base + size;
          if (type === 1) expect(end).toBeLessThanOrEqual(BigInt(4 * MIB));
        }
      }
      reset();
    }),
    { numRuns: 1000 },
  );
});
