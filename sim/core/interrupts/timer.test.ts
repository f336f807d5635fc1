/** The local APIC's timer against closed forms (Intel SDM 3A, 10.5.4): 1 GHz, divided. */
import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { ApicBench } from "../../host/testing/apic.ts";
import { advance, advanceTo } from "../../host/testing/clock.ts";
import * as Apic from "../../spec/apic.ts";

const VECTOR = 0x40;
const PERIODIC = 1 << 17;
const DEADLINE = 2 << 17;
/** Divide configuration for 1, 2, 4 ... 128 (figure 10-10). */
const DIVIDE = [0b1011, 0b0000, 0b0001, 0b0010, 0b0011, 0b1000, 0b1001, 0b1010];

let m: Machine;
let apic: ApicBench;
beforeEach(async () => {
  m = await Machine.create({ memory: 4 << 20, start: false });
  apic = new ApicBench(m);
  apic.enable(0);
});

function start(mode: number, divide: number, count: number): bigint {
  apic.write(0, Apic.APIC_LVT_TIMER, mode | VECTOR);
  apic.write(0, Apic.APIC_TIMER_DIVIDE, DIVIDE[divide] ?? 0);
  apic.write(0, Apic.APIC_TIMER_INITIAL, count);
  return m.state.now;
}
const count = () => apic.read(0, Apic.APIC_TIMER_CURRENT);
const fired = () => apic.vectors(0, Apic.APIC_IRR).includes(VECTOR);
function acknowledge(): void {
  apic.take(0);
  apic.write(0, Apic.APIC_EOI, 0);
}

describe("one-shot", () => {
  test.each([0, 1, 2, 3, 4, 5, 6, 7])(
    "divided by 2^%i, it fires after exactly divide x count",
    (d) => {
      const begin = start(0, d, 1001);
      const due = begin + (1001n << BigInt(d));
      advanceTo(m, due - 1n);
      expect([count(), fired()]).toEqual([1, false]);
      advanceTo(m, due);
      expect([count(), fired()]).toEqual([0, true]);
      acknowledge();
      advance(m, 10_000_000n);
      expect([count(), fired()]).toEqual([0, false]);
      expect(apic.read(0, Apic.APIC_TIMER_INITIAL)).toBe(1001);
    },
  );

  test("the current count is initial - floor(passed / divide)", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 0xffff_ffff }),
        fc.integer({ min: 0, max: 7 }),
        fc.double({ min: 0, max: 1.2, noNaN: true }),
        (initial, d, part) => {
          const passed = BigInt(Math.floor(initial * part)) << BigInt(d);
          const begin = start(0, d, initial);
          m.state.now = begin + passed;
          const expected = BigInt(initial) - (passed >> BigInt(d));
          expect(count()).toBe(Number(expected > 0n ? expected : 0n));
        },
      ),
      { numRuns: 200 },
    );
  });

  test("an initial count of 0 stops it", () => {
    start(0, 0, 1000);
    apic.write(0, Apic.APIC_TIMER_INITIAL, 0);
    advance(m, 2000n);
    expect([count(), fired()]).toEqual([0, false]);
  });

  test("masked, it counts and is silent", () => {
    const begin = start(0x1_0000, 0, 1000);
    advanceTo(m, begin + 400n);
    expect(count()).toBe(600);
    advanceTo(m, begin + 1000n);
    expect([count(), fired()]).toEqual([0, false]);
  });

  test("a new divisor applies from the count where it stands", () => {
    const begin = start(0, 0, 1000);
    advanceTo(m, begin + 400n);
    apic.write(0, Apic.APIC_TIMER_DIVIDE, DIVIDE[2] ?? 0);
    expect(count()).toBe(600);
    advanceTo(m, begin + 400n + 4n * 599n);
    expect([count(), fired()]).toEqual([1, false]);
    advanceTo(m, begin + 400n + 4n * 600n);
    expect([count(), fired()]).toEqual([0, true]);
  });
});

describe("periodic", () => {
  test("it fires at every multiple of divide x count, without drift", () => {
    const begin = start(PERIODIC, 3, 777);
    const period = 777n * 8n;
    for (let n = 1n; n <= 50n; n++) {
      advanceTo(m, begin + n * period - 1n);
      expect([count(), fired()]).toEqual([1, false]);
      advanceTo(m, begin + n * period);
      expect([count(), fired()]).toEqual([777, true]);
      acknowledge();
    }
  });

  test("a count of 1 is a storm neither for the host nor for the guest", () => {
    start(PERIODIC, 0, 1);
    const steps = m.state.steps;
    advance(m, 1_000_000n);
    expect(fired()).toBe(true);
    expect(Number(m.state.steps - steps)).toBeLessThanOrEqual(1001);
  });
});

describe("TSC deadline", () => {
  const write = (value: bigint) => apic.writeMsr(0, Apic.MSR_TSC_DEADLINE, value);
  const read = () => apic.readMsr(0, Apic.MSR_TSC_DEADLINE);
  beforeEach(() => apic.write(0, Apic.APIC_LVT_TIMER, DEADLINE | VECTOR));

  test("it fires when the TSC reaches the value, and the MSR is 0 from then on", () => {
    const due = m.state.now + 12_345n;
    write(due);
    advanceTo(m, due - 1n);
    expect([read(), fired()]).toEqual([due, false]);
    advanceTo(m, due);
    expect([read(), fired()]).toEqual([0n, true]);
  });

  test("a value that has passed fires at once; 0 disarms", () => {
    advanceTo(m, 1000n);
    write(1n);
    advanceTo(m, apic.cpu(0).clock); // when the WRMSR is done
    expect([read(), fired()]).toEqual([0n, true]);
    acknowledge();
    write(m.state.now + 100n);
    write(0n);
    advance(m, 200n);
    expect(fired()).toBe(false);
  });

  test("the end of time is armed and never comes", () => {
    write(0xffff_ffff_ffff_ffffn);
    advance(m, 1_000_000n);
    expect([read(), fired()]).toEqual([0xffff_ffff_ffff_ffffn, false]);
  });

  test("moving the TSC moves the moment", () => {
    const now = m.state.now;
    write(now + 1000n);
    apic.writeMsr(0, 0x10, now + 600n);
    const moved = apic.cpu(0).clock; // when the WRMSR is done, the TSC is 400 before the deadline
    advanceTo(m, moved + 399n);
    expect(fired()).toBe(false);
    advanceTo(m, moved + 400n);
    expect(fired()).toBe(true);
  });

  test("the count registers are dead, and changing to a counting mode disarms", () => {
    apic.write(0, Apic.APIC_TIMER_INITIAL, 1000);
    expect([apic.read(0, Apic.APIC_TIMER_INITIAL), count()]).toEqual([0, 0]);
    write(m.state.now + 500n);
    apic.write(0, Apic.APIC_LVT_TIMER, VECTOR);
    advance(m, 1000n);
    expect([read(), fired()]).toEqual([0n, false]);
  });

  test("in a counting mode the MSR ignores writes", () => {
    apic.write(0, Apic.APIC_LVT_TIMER, VECTOR);
    write(m.state.now + 500n);
    expect(read()).toBe(0n);
  });
});
