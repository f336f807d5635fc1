import { describe, expect, test } from "vitest";
import { RAM_BASE } from "../sim/host/core.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModules } from "../sim/host/modules.ts";
import { records } from "../sim/host/testing/records.ts";
import { HPET_BASE } from "../sim/spec/platform.ts";
import { TRACE_INTERRUPT } from "../sim/spec/trace.ts";
import { Mailbox } from "./testing/views.generated.ts";

const CALIBRATE = 0x20;
const SCRIPT = RAM_BASE + 0x1_8000;
const RESULTS = RAM_BASE + 0x1_9000;
const CANCEL_FIRST = 1n << 63n;
const VECTOR = 0x40;
const LIMIT = 60_000_000_000n;

/** Runs one operation on a CPU with the deadlines of the script, each set when the last is past. */
async function operate(
  operation: number,
  hpet: number,
  delays: readonly bigint[] = [],
  prepare: (data: DataView) => void = () => {},
) {
  const modules = await loadModules("hal-testing");
  const machine = await Machine.create({ memory: 4 << 20, modules });
  const { data } = machine.core;
  data.setBigUint64(SCRIPT, BigInt(delays.length), true);
  for (const [index, delay] of delays.entries())
    data.setBigUint64(SCRIPT + 8 + 8 * index, delay, true);
  const box = new Mailbox(data, RAM_BASE + 0x8000);
  box.operation = operation;
  box.a = BigInt(hpet);
  prepare(data);
  machine.run(LIMIT);
  expect(box.done).toBe(1);
  const shots = delays.map((_, index) => ({
    deadline: data.getBigUint64(RESULTS + 16 * index, true),
    fired: data.getBigUint64(RESULTS + 16 * index + 8, true),
  }));
  const taken = records(machine, TRACE_INTERRUPT).filter((record) => record.a === VECTOR);
  return { machine, box, shots, taken };
}

describe.each([
  ["HPET", 0x21, 100_000_000n],
  ["local APIC, TSC deadline", 0x22, 1_000_000_000n],
  ["local APIC, one-shot", 0x23, 1_000_000_000n],
])("%s", (_name, operation, frequency) => {
  test("interrupts at its deadline, near or far, never before", async () => {
    const delays = [5_000n, 20_001n, 1_000_000n, 999_999_937n, 10_000_000_000n];
    const { box, shots } = await operate(operation, HPET_BASE, delays);
    expect(box.result).toBe(0n);
    expect(box.a).toBe(frequency);
    for (const { deadline, fired } of shots) {
      expect(fired).toBeGreaterThanOrEqual(deadline);
      // Getting into the kernel and reading the clock.
      expect(fired - deadline).toBeLessThan(2_000n);
    }
  });

  test("a deadline that is past interrupts as soon as it can", async () => {
    const { shots, taken } = await operate(operation, HPET_BASE, [0n, 0n, 0n, 1n]);
    expect(taken.length).toBe(4);
    for (const { deadline, fired } of shots) expect(fired - deadline).toBeLessThan(6_000n);
  });

  test("a deadline taken back does not interrupt; the one set after it does", async () => {
    const { shots, taken } = await operate(operation, HPET_BASE, [CANCEL_FIRST | 1_000_000n]);
    expect(taken.length).toBe(1);
    const [shot] = shots;
    expect(shot && shot.fired - shot.deadline).toBeLessThan(2_000n);
  });

  test("one interrupt a deadline, unless it is beyond what the hardware reaches", async () => {
    const { box, taken } = await operate(operation, HPET_BASE, [30_000n, 40_000n, 9_000_000_000n]);
    const steps = (9_000_000_000n + box.b - 1n) / box.b;
    expect(taken.length).toBe(2 + Number(steps));
    expect(box.c).toBe(BigInt(taken.length));
  });
});

test("the HPET's timer refuses a base at which nothing answers", async () => {
  const { box } = await operate(0x21, 0xd000_0000);
  expect(box.result).toBe(1n);
});

test("calibration against the HPET finds 1 GHz for TSC and APIC, within 10 ns of 2 ms", async () => {
  const { box } = await operate(CALIBRATE, HPET_BASE);
  expect([box.result, box.c]).toEqual([1n, 1n]);
  for (const frequency of [box.a, box.b])
    expect(Math.abs(Number(frequency) - 1e9)).toBeLessThanOrEqual(5_000);
});

test.each([
  ["there is no HPET", 0],
  ["nothing answers where it should be", 0xd000_0000],
])("when %s the 8254 is the reference, within two of its ticks of 20 ms", async (_when, base) => {
  const { box } = await operate(CALIBRATE, base);
  expect([box.result, box.c]).toEqual([1n, 2n]);
  for (const frequency of [box.a, box.b])
    expect(Math.abs(Number(frequency) - 1e9)).toBeLessThanOrEqual(84_000);
});

test.each([
  ["answers but does not count", 10_000_000n],
  ["says that it counts every 0 fs", 0n],
  ["says that it counts slower than the specification allows", 100_000_001n],
])("an HPET that %s gives way to the 8254", async (_what, period) => {
  // RAM holds what was written: registers of an HPET that stands still.
  const still = 0x30_0000;
  const { box } = await operate(CALIBRATE, still, [], (data) => {
    data.setBigUint64(RAM_BASE + still, (period << 32n) | 0x8086_a201n, true);
    data.setBigUint64(RAM_BASE + still + 0xf0, 0x1234_5678n, true);
  });
  expect([box.result, box.c]).toEqual([1n, 2n]);
  for (const frequency of [box.a, box.b])
    expect(Math.abs(Number(frequency) - 1e9)).toBeLessThanOrEqual(84_000);
});
