/** The interrupt interface, run by a CPU; what it did is read from the devices themselves. */
import { describe, expect, test } from "vitest";
import { RAM_BASE } from "../sim/host/core.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModules } from "../sim/host/modules.ts";
import { ApicBench } from "../sim/host/testing/apic.ts";
import { records } from "../sim/host/testing/records.ts";
import { TRACE_IPI } from "../sim/spec/trace.ts";
import { Mailbox } from "./testing/views.generated.ts";

const [START, ROUTE, SEND, SEND_OTHERS, SEND_NMI, MESSAGE, STARTUP] = [
  0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56,
];
const ARGUMENT = 1n;

async function operateAs(driver: bigint, operation: number, a = 0n, b = 0n) {
  const modules = await loadModules("hal-testing");
  const machine = await Machine.create({ cpus: 3, memory: 4 << 20, modules });
  const box = new Mailbox(machine.core.data, RAM_BASE + 0x8000);
  box.operation = operation;
  box.a = a;
  box.b = b;
  box.c = driver;
  machine.run();
  expect(box.done).toBe(1);
  return { machine, apic: new ApicBench(machine), result: box.result };
}

const operate = (operation: number, a = 0n, b = 0n) => operateAs(0n, operation, a, b);

/** IPIs on their way: from, to, delivery mode and vector, microseconds since the first. */
function commands(machine: Machine): number[][] {
  const sent = records(machine, TRACE_IPI);
  const first = sent[0]?.time ?? 0n;
  return sent.map(({ time, source, a, b }) => [
    source,
    a,
    Number(b & 0x7ffn),
    Number((time - first) / 1000n),
  ]);
}

describe("start", () => {
  test("the local APIC is in x2APIC mode, enabled, with its sources masked but NMI on LINT1", async () => {
    const { apic, result } = await operate(START);
    expect(result).toBe(0n);
    expect(apic.lapic(0).base & 0xc00n).toBe(0xc00n);
    const { svr, tpr, lvt0, lvt1, lvt2, lvt3, lvt4, lvt5 } = apic.lapic(0);
    expect([svr, tpr]).toEqual([0x1ff, 0]);
    expect([lvt0, lvt1, lvt2, lvt3]).toEqual([0x1_0000, 0x1_0000, 0x1_0000, 0x1_0000]);
    expect([lvt4, lvt5]).toEqual([0x400, 0xfe]);
  });

  test("all lines of the I/O APIC and all inputs of the 8259s are masked", async () => {
    const { apic, machine } = await operate(START);
    for (let pin = 0; pin < 24; pin++) expect(apic.entry(pin) & 0x1_0000).toBe(0x1_0000);
    expect([0x21, 0xa1].map((port) => machine.core.sim.portRead(port, 1) & 0xff)).toEqual([
      0xff, 0xff,
    ]);
  });
});

describe("lines and messages", () => {
  test("a routed line has its CPU, vector, trigger and polarity, and is unmasked", async () => {
    const { apic, result } = await operate(ROUTE, 17n, 0x51n);
    expect(result).toBe(0n);
    expect(apic.entry(17)).toBe(0xa051);
    expect(apic.ioapicRead(0x11 + 2 * 17)).toBe(0x0100_0000);
  });

  test.each([
    ["a line that doesn't exist", 24n, 0x51n],
    ["a line beyond 32 bits of the count", 0xffff_ffffn, 0x51n],
    ["an exception's vector", 17n, 31n],
    ["a vector above 255", 17n, 256n],
  ])("%s is refused", async (_what, line, vector) => {
    const { apic, result } = await operate(ROUTE, line, vector);
    expect(result).toBe(ARGUMENT);
    expect(apic.entry(17)).toBe(0x1_0000);
  });

  test("a message is address 0xfee00000 with the CPU in bits 19-12, data the vector", async () => {
    expect((await operate(MESSAGE, 5n, 0x61n)).result).toBe((0x61n << 32n) | 0xfee0_5000n);
    expect((await operate(MESSAGE, 255n, 0x61n)).result & 0xffff_ffffn).toBe(0n);
    expect((await operate(MESSAGE, 5n, 31n)).result >> 32n).toBe(0n);
  });
});

describe.each([
  ["xAPIC page", 1n, 0x800n],
  ["x2APIC MSRs", 2n, 0xc00n],
])("interrupts between CPUs through the %s", (_name, driver, mode) => {
  const operate = (operation: number, a = 0n, b = 0n) => operateAs(driver, operation, a, b);

  test("the mode is the one that was asked for, and ID and set-up are the same", async () => {
    const { apic, result } = await operate(START);
    expect(result).toBe(0n);
    const { base, svr, tpr, lvt0, lvt3, lvt4, lvt5 } = apic.lapic(0);
    expect(base & 0xc00n).toBe(mode);
    expect([svr, tpr, lvt0, lvt3, lvt4, lvt5]).toEqual([0x1ff, 0, 0x1_0000, 0x1_0000, 0x400, 0xfe]);
  });

  test("to one, to all others, and as NMI", async () => {
    expect(commands((await operate(SEND, 2n, 0x70n)).machine)).toEqual([[0, 2, 0x70, 0]]);
    expect(commands((await operate(SEND_OTHERS, 0n, 0x70n)).machine)).toEqual([
      [0, 1, 0x70, 0],
      [0, 2, 0x70, 0],
    ]);
    const { machine, apic } = await operate(SEND_NMI, 1n);
    expect(commands(machine)).toEqual([[0, 1, 0x400, 0]]);
    expect(apic.cpu(1).pendingNmi).toBe(1);
  });

  test("with an exception's vector they are refused and not sent", async () => {
    const { machine, result } = await operate(SEND, 2n, 31n);
    expect([result, commands(machine)]).toEqual([ARGUMENT, []]);
  });

  test("an ID beyond 8 bits can be named in an MSR only", async () => {
    const { result } = await operate(SEND, 255n, 0x70n);
    expect(result).toBe(mode === 0x800n ? ARGUMENT : 0n);
  });

  test("INIT, 10 ms, startup IPI, 200 us, startup IPI (Intel SDM 3A, 8.4.4.1)", async () => {
    const { machine, result } = await operate(STARTUP, 1n, 0x8000n);
    expect(result).toBe(3n);
    const sent = commands(machine);
    expect(sent.map(([from, to, what]) => [from, to, what])).toEqual([
      [0, 1, 0x500],
      [0, 1, 0x608],
      [0, 1, 0x608],
    ]);
    expect(sent.map((command) => command[3])).toEqual([0, 10_000, 10_200]);
  });

  test("a started CPU comes up and halts", async () => {
    const { apic } = await operate(STARTUP, 1n, 0x8000n);
    const HALTED = 2;
    expect(apic.cpu(1).activity).toBe(HALTED);
  });

  test.each([0x8001n, 0x10_0000n, 0xffff_ffff_ffff_f000n])(
    "a CPU is not started at %i",
    async (entry) => {
      const { machine, result } = await operate(STARTUP, 1n, entry);
      expect([result >> 32n, commands(machine)]).toEqual([ARGUMENT, []]);
    },
  );
});
