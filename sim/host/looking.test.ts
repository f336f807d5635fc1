import { expect, test } from "vitest";
import { Machine } from "./machine.ts";
import { busyMachine } from "./testing/workload.ts";

/** Reads every property of an object and of what it leads to. */
function lookAt(value: unknown, depth: number): void {
  if (typeof value !== "object" || value === null || depth === 0) return;
  for (let at: object | null = value; at && at !== Object.prototype; at = Object.getPrototypeOf(at))
    for (const name of Object.getOwnPropertyNames(at))
      if (name !== "data") lookAt((value as Record<string, unknown>)[name], depth - 1);
}

test("looking at everything changes nothing", async () => {
  const machine = await Machine.create({ memory: 4 * 2 ** 20, cpus: 2, nic: "52:54:00:12:34:56" });
  for (let n = 0; n < 12 && machine.run({ steps: 7 }) === "steps"; n++) {
    const before = machine.stateHash();
    lookAt(machine.sim, 3);
    machine.on("*", () => {}).remove();
    machine.physical.bytes(0, machine.physical.size);
    machine.virtual(1).translate(0xffff_ffff_8000_0000n);
    expect([machine.time, machine.consoleText, machine.journal.entries]).toBeDefined();
    await machine.snapshot().toBytes();
    machine.fork();
    expect(machine.stateHash()).toBe(before);
  }
});

test("a field written through a view is an input like any other", async () => {
  const machine = await busyMachine();
  machine.run({ steps: 3 });
  const [cpu] = machine.sim.cpus;
  if (!cpu) throw new Error("no CPU");
  const before = machine.stateHash();
  cpu.rbx = 0x1234_5678_9abc_def0n;
  expect(cpu.rbx).toBe(0x1234_5678_9abc_def0n);
  expect(machine.stateHash()).not.toBe(before);
  expect(machine.journal.entries.at(-1)?.input.kind).toBe("memory");
});

test("a window on RAM shows what is there now; bytes beyond RAM are refused by address", async () => {
  const machine = await Machine.create({ memory: 2 ** 21, start: false });
  const window = machine.physical.bytes(0x1000, 4);
  machine.physical.write(0x1000, Uint8Array.of(1, 2, 3, 4));
  expect([...window]).toEqual([1, 2, 3, 4]);
  expect(machine.physical.number(0x1000, 4)).toBe(0x04030201n);
  for (const [address, length] of [
    [2 ** 21 - 1, 2],
    [-1, 1],
    [0.5, 1],
    [2 ** 21, 1],
    [0xfee0_0000, 4],
  ] as const)
    expect(() => machine.physical.read(address, length)).toThrowError(
      expect.objectContaining({ code: "bad-address" }),
    );
});

test("scheduled events are listed in the order in which they will happen", async () => {
  const machine = await busyMachine();
  machine.run({ steps: 5 });
  const times = machine.sim.events.map(({ time }) => time);
  expect(times[0]).toBe(600_000n);
  expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
});

test("CPU memory is read through the page tables, page by page; what isn't mapped is named", async () => {
  const machine = await Machine.create({ memory: 2 ** 21, start: false });
  const [cpu] = machine.sim.cpus;
  if (!cpu) throw new Error("no CPU");
  // Long mode with tables at 0x180000: two pages at linear 0x4000_0000 (Intel SDM 3A, 4.5).
  const entry = (at: number, value: number) => machine.input.poke(at, 8, value);
  entry(0x18_0000, 0x18_1003);
  entry(0x18_1008, 0x18_2003);
  entry(0x18_2000, 0x18_3003);
  entry(0x18_3000, 0x5003);
  entry(0x18_3008, 0x9003);
  [cpu.cr3, cpu.cr4, cpu.efer, cpu.cr0] = [0x18_0000n, 0x20n, 0x500n, 0x8000_0011n];
  machine.physical.write(0x5ffe, Uint8Array.of(1, 2));
  machine.physical.write(0x9000, Uint8Array.of(3, 4));
  expect([...machine.virtual(0).read(0x4000_0ffen, 4)]).toEqual([1, 2, 3, 4]);
  expect(() => machine.virtual(0).read(0x4000_1fffn, 2)).toThrow(
    "CPU 0: linear 0x40002000 is not mapped",
  );
});

test("a fault for a device that isn't there, or of a kind that isn't, is refused", async () => {
  const machine = await busyMachine();
  expect(() => machine.input.fault("timeout", "floppy")).toThrow(/no device "floppy"/);
  expect(() => machine.input.fault("smoke" as never, "nvme")).toThrow(/there are timeout/);
  for (let n = 0; n < 64; n++) machine.input.fault("error", "01:00.0");
  expect(() => machine.input.fault("error", 0x100)).toThrowError(
    expect.objectContaining({ code: "faults-full" }),
  );
});
