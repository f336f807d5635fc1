import { expect, test } from "vitest";
import { Machine } from "./index.ts";

test("a test of the machine in ten lines", async () => {
  const machine = await Machine.create({ cpus: 4, memory: 64 * 1024 * 1024 });
  machine.breakOn("page-mapped", (event) => event.order === 12);
  expect(machine.run({ until: 1e9 })).toBe("break"); // the kernel has mapped its first 4 KiB page
  expect(machine.kernel.frames?.free).toBeGreaterThan(0);
  const other = machine.fork();
  other.physical.write(0x5000, Uint8Array.of(1)); // on purpose
  expect(other.stateHash()).not.toBe(machine.stateHash());
  other.step({ slice: true });
  expect(other.steps).toBeGreaterThan(machine.steps);
});
