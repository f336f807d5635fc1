import { expect, test } from "vitest";
import { RAM_BASE } from "../sim/host/core.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModules } from "../sim/host/modules.ts";
import { Mailbox } from "./testing/views.generated.ts";

const OFF = 0x10;
const RESET = 0x11;
const PANIC = 0x12;
const RSDP = 0xe0000n;
const PVPANIC = 0x505n;

/** Runs one operation of the power driver on a CPU. */
async function operate(operation: number, rsdp: bigint, panicPort: bigint) {
  const modules = await loadModules("hal-testing");
  const machine = await Machine.create({ memory: 4 * 1024 * 1024, modules });
  const box = new Mailbox(machine.core.data, RAM_BASE + 0x8000);
  box.operation = operation;
  box.a = rsdp;
  box.b = panicPort;
  const stop = machine.run();
  return { stop, done: box.done, result: box.result };
}

test.each([
  ["power-off", OFF, "power-off"],
  ["reset", RESET, "reset"],
  ["a panic report", PANIC, "panic"],
])("%s ends the machine in its own way", async (_what, operation, stop) => {
  expect(await operate(operation, RSDP, PVPANIC)).toEqual({ stop, done: 1, result: 1n });
});

test.each([
  ["power-off without a control register", OFF, 0n],
  ["reset without a reset register", RESET, 0n],
  ["a panic report without a device", PANIC, 0n],
  ["a panic report to a port where nothing is", PANIC, 0x506n],
])("%s says so and changes nothing", async (_what, operation, panicPort) => {
  expect(await operate(operation, 0n, panicPort)).toEqual({ stop: "idle", done: 1, result: 0n });
});
