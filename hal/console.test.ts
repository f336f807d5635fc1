import { expect, test } from "vitest";
import { RAM_BASE } from "../sim/host/core.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModules } from "../sim/host/modules.ts";
import { Cpu } from "../sim/host/views.generated.ts";
import { Mailbox } from "./testing/views.generated.ts";

const SEND = 0x30;
const SEND_STUCK = 0x31;
const LOOP = 0x32;
const OK = 0n;
const ABSENT = 1n;
const TIMEOUT = 2n;
const UART = 0x3f8;

/** Sends `bytes` letters through the driver on a CPU. */
async function operate(operation: number, port: number, bytes: number) {
  const modules = await loadModules("hal-testing");
  const machine = await Machine.create({ memory: 4 << 20, modules });
  const box = new Mailbox(machine.core.data, RAM_BASE + 0x8000);
  box.operation = operation;
  box.a = BigInt(port);
  box.b = BigInt(bytes);
  machine.run(10_000_000_000n);
  expect(box.done).toBe(1);
  return { machine, box };
}

test("all bytes arrive in order, however many FIFOs they fill", async () => {
  const { machine, box } = await operate(SEND, UART, 1000);
  expect(box.result).toBe(OK);
  expect(box.c).toBe(0n);
  const letters = Array.from({ length: 1000 }, (_, index) => 0x61 + (index % 26));
  expect(machine.consoleBytes).toEqual(letters);
});

test("a port at which nothing answers is reported, and printing to it costs nothing", async () => {
  const { machine, box } = await operate(SEND, 0x2f8, 1000);
  expect(box.result).toBe(ABSENT);
  expect(box.c).toBe(1000n);
  expect(machine.consoleBytes).toEqual([]);
});

test("a UART that never finishes is waited for once; the bytes are lost, the kernel goes on", async () => {
  const { machine, box } = await operate(SEND_STUCK, UART, 1000);
  expect(box.result).toBe(TIMEOUT);
  expect(box.c).toBe(1000n - 16n); // one FIFO's worth is with the device
  // The entry's own time: one full wait of 4,096 reads and one read a byte, 0.8 us each.
  const cpu = new Cpu(machine.core.data, machine.state.cpus);
  expect(cpu.clock).toBeLessThan(6_000_000n);
});

test("received bytes are taken in order, then there are none", async () => {
  const { box } = await operate(LOOP, UART, 5);
  expect(box.a).toBe(0x65_64_63_62_61n);
});
