import fc from "fast-check";
import { expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { findRootPointer, readRam, view } from "../../host/testing/acpi.ts";

const PAGE = 65536;
const MIB = 1024 * 1024;
const RAM = 1;

interface Entry {
  readonly address: number;
  readonly size: number;
  readonly type: number;
}

async function handoff(memory: number) {
  const machine = await Machine.create({ memory, start: false });
  const info = view(readRam(machine, 0x6000, 56));
  const count = info.getUint32(48, true);
  const map = view(readRam(machine, Number(info.getBigUint64(40, true)), count * 24));
  const entries = Array.from(
    { length: count },
    (_, n): Entry => ({
      address: Number(map.getBigUint64(n * 24, true)),
      size: Number(map.getBigUint64(n * 24 + 8, true)),
      type: map.getUint32(n * 24 + 16, true),
    }),
  );
  return { machine, info, entries };
}

test("the start info is that of the direct boot ABI, version 1, and leads to the RSDP", async () => {
  const { machine, info } = await handoff(64 * MIB);
  expect(info.getUint32(0, true)).toBe(0x336ec578);
  expect(info.getUint32(4, true)).toBe(1);
  expect(Number(info.getBigUint64(32, true))).toBe(findRootPointer(machine));
});

/** RAM sizes in steps of 64 KiB, more often around the edges: least, 2 GiB, beyond it. */
const memorySizes = fc.oneof(
  fc.integer({ min: 3 * 16, max: 3 * 16 * 1024 }).map((pages) => pages * PAGE),
  fc.integer({ min: -4, max: 4 }).map((pages) => 2048 * MIB + pages * PAGE),
);

test("the memory map is sorted, without overlaps, and its RAM is the machine's", async () => {
  await fc.assert(
    fc.asyncProperty(memorySizes, async (memory) => {
      const { entries } = await handoff(memory);
      let end = 0;
      for (const { address, size } of entries) {
        expect(address).toBeGreaterThanOrEqual(end);
        expect(size).toBeGreaterThan(0);
        end = address + size;
      }
      // Everything that is RAM is in the map, as RAM or as the firmware's.
      const low = Math.min(memory, 2048 * MIB);
      const covered = entries
        .filter(({ address }) => address < low || address >= 2 ** 32)
        .reduce((sum, { size }) => sum + size, 0);
      expect(covered).toBe(memory);
      const usable = entries.filter(({ type }) => type === RAM);
      for (const { address, size } of usable)
        expect(address + size <= low || address >= 2 ** 32).toBe(true);
    }),
    { numRuns: 20 },
  );
});

test("RAM below 1 MiB but the video window and the tables is free, as is all from 1 MiB", async () => {
  const { entries } = await handoff(64 * MIB);
  expect(entries.slice(0, 5)).toEqual([
    { address: 0, size: 0xa0000, type: 1 },
    { address: 0xa0000, size: 0x40000, type: 2 },
    { address: 0xe0000, size: 0x1f000, type: 3 },
    { address: 0xff000, size: 0x1000, type: 4 },
    { address: 0x100000, size: 63 * MIB, type: 1 },
  ]);
});
