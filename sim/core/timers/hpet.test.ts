import fc from "fast-check";
import { expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { advanceTo } from "../../host/testing/clock.ts";
import { lineLevel, messages, rises } from "../../host/testing/records.ts";
import * as Hpet from "../../spec/hpet.ts";
import { HPET_BASE } from "../../spec/platform.ts";

const LEVEL = BigInt(Hpet.HPET_TIMER_LEVEL);
const INTERRUPT = BigInt(Hpet.HPET_TIMER_INTERRUPT);
const PERIODIC = BigInt(Hpet.HPET_TIMER_PERIODIC);
const VALUE_SET = BigInt(Hpet.HPET_TIMER_VALUE_SET);
const NARROW = BigInt(Hpet.HPET_TIMER_32BIT);
const FSB = BigInt(Hpet.HPET_TIMER_FSB_ENABLE);
const ROUTE_20 = 20n << BigInt(Hpet.HPET_TIMER_ROUTE_SHIFT);
const ROUTE_21 = 21n << BigInt(Hpet.HPET_TIMER_ROUTE_SHIFT);
const ENABLE = BigInt(Hpet.HPET_ENABLE);
const LEGACY = BigInt(Hpet.HPET_LEGACY);
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

async function create() {
  const machine = await Machine.create({ memory: 4 << 20, start: false });
  const { sim } = machine.core;
  const read = (offset: number, bytes = 8) =>
    BigInt.asUintN(64, sim.physicalRead(BigInt(HPET_BASE + offset), bytes));
  const write = (offset: number, value: bigint, bytes = 8) =>
    sim.physicalWrite(BigInt(HPET_BASE + offset), bytes, value);
  const timer = (index: number) => {
    const base = Hpet.HPET_TIMER + index * Hpet.HPET_TIMER_BYTES;
    return {
      config: base + Hpet.HPET_TIMER_CONFIGURATION,
      comparator: base + Hpet.HPET_TIMER_COMPARATOR,
      fsb: base + Hpet.HPET_TIMER_FSB,
    };
  };
  return { machine, read, write, timer };
}

test("capabilities: three 64-bit timers of 10 ns, legacy routes, FSB and periodic in all", async () => {
  const { read, timer } = await create();
  expect(read(Hpet.HPET_CAPABILITIES)).toBe(0x0098_9680_8086_a201n);
  for (const index of [0, 1, 2]) {
    expect(read(timer(index).config)).toBe(0x00f0_0000_0000_8030n);
    expect(read(timer(index).comparator)).toBe(ALL_ONES);
  }
  expect(read(Hpet.HPET_CONFIGURATION)).toBe(0n);
});

test("the counter counts 10 ns while enabled and keeps its value while halted", async () => {
  const { machine, read, write } = await create();
  advanceTo(machine, 12_345n);
  expect(read(Hpet.HPET_COUNTER)).toBe(0n);
  write(Hpet.HPET_COUNTER, 0x1_0000_0000n - 5n);
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  advanceTo(machine, 13_345n);
  expect(read(Hpet.HPET_COUNTER)).toBe(0x1_0000_0000n + 95n);
  expect(read(Hpet.HPET_COUNTER, 4)).toBe(95n);
  expect(read(Hpet.HPET_COUNTER + 4, 4)).toBe(1n);
  write(Hpet.HPET_COUNTER, 0n); // running: not taken
  expect(read(Hpet.HPET_COUNTER)).toBe(0x1_0000_0000n + 95n);
  write(Hpet.HPET_CONFIGURATION, 0n);
  advanceTo(machine, 99_999n);
  expect(read(Hpet.HPET_COUNTER)).toBe(0x1_0000_0000n + 95n);
  write(Hpet.HPET_COUNTER + 4, 7n, 4);
  expect(read(Hpet.HPET_COUNTER)).toBe(0x7_0000_005fn);
});

test("a one-shot timer interrupts in the very nanosecond in which the counter matches", async () => {
  const { machine, write, timer } = await create();
  advanceTo(machine, 1_007n);
  write(Hpet.HPET_CONFIGURATION, ENABLE); // tick 100 is the counter's 0
  write(timer(2).config, INTERRUPT | ROUTE_20);
  write(timer(2).comparator, 123_456n);
  advanceTo(machine, 10_000_000n);
  expect(rises(machine, 20)).toEqual([1_000n + 1_234_560n]);
});

test("an edge-triggered timer leaves no status and a low line", async () => {
  const { machine, read, write, timer } = await create();
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  write(timer(0).config, INTERRUPT | ROUTE_20);
  write(timer(0).comparator, 10n);
  advanceTo(machine, 1_000n);
  expect(rises(machine, 20)).toEqual([100n]);
  expect(lineLevel(machine, 20)).toBe(0);
  expect(read(Hpet.HPET_STATUS)).toBe(0n);
});

test("a level-triggered timer holds its line until its status bit is written with 1", async () => {
  const { machine, read, write, timer } = await create();
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  for (const index of [0, 1]) {
    write(timer(index).config, INTERRUPT | LEVEL | ROUTE_20);
    write(timer(index).comparator, 10n + BigInt(index));
  }
  advanceTo(machine, 1_000n);
  expect(rises(machine, 20)).toEqual([100n]); // the second timer joins a line that is high
  expect(read(Hpet.HPET_STATUS)).toBe(3n);
  write(Hpet.HPET_STATUS, 1n);
  expect(lineLevel(machine, 20)).toBe(1);
  write(Hpet.HPET_STATUS, 0n);
  expect(read(Hpet.HPET_STATUS)).toBe(2n);
  write(Hpet.HPET_STATUS, 2n);
  expect(lineLevel(machine, 20)).toBe(0);
});

test("a timer whose interrupt is off sets its status all the same", async () => {
  const { machine, read, write, timer } = await create();
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  write(timer(1).config, LEVEL | ROUTE_21);
  write(timer(1).comparator, 10n);
  advanceTo(machine, 1_000n);
  expect(read(Hpet.HPET_STATUS)).toBe(2n);
  expect(rises(machine, 21)).toEqual([]);
  write(timer(1).config, LEVEL | INTERRUPT | ROUTE_21);
  expect(lineLevel(machine, 21)).toBe(1);
});

test("periodic: VAL_SET sets the accumulator, the next write the period", async () => {
  const { machine, read, write, timer } = await create();
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  write(timer(0).config, INTERRUPT | PERIODIC | VALUE_SET | ROUTE_20);
  expect(read(timer(0).config) & VALUE_SET).toBe(0n);
  write(timer(0).comparator, 1_000n);
  write(timer(0).comparator, 300n);
  expect(read(timer(0).comparator)).toBe(1_000n);
  advanceTo(machine, 19_999n);
  expect(rises(machine, 20)).toEqual([10_000n, 13_000n, 16_000n, 19_000n]);
  expect(read(timer(0).comparator)).toBe(2_200n);
});

test("periodic in 64 bits by 32-bit writes: VAL_SET before each half", async () => {
  const { read, write, timer } = await create();
  const config = INTERRUPT | PERIODIC | VALUE_SET | ROUTE_20;
  write(timer(0).config, config, 4);
  write(timer(0).comparator, 0x8765_4321n, 4);
  write(timer(0).config, config, 4);
  write(timer(0).comparator + 4, 0x12n, 4);
  expect(read(timer(0).comparator)).toBe(0x12_8765_4321n);
});

test("a 32-bit timer matches again each time the low half of the counter comes around", async () => {
  const { machine, read, write, timer } = await create();
  write(Hpet.HPET_COUNTER, 0xffff_fff0n);
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  write(timer(0).config, INTERRUPT | NARROW | ROUTE_20);
  write(timer(0).comparator, 0xabcd_0000_0010n);
  expect(read(timer(0).comparator)).toBe(0x10n);
  const wrap = 10n << 32n;
  advanceTo(machine, 2n * wrap + 1_000n);
  expect(rises(machine, 20)).toEqual([320n, 320n + wrap, 320n + 2n * wrap]);
});

test("a periodic 32-bit accumulator wraps at 32 bits", async () => {
  const { machine, write, timer, read } = await create();
  write(Hpet.HPET_COUNTER, 0xffff_ff00n);
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  write(timer(0).config, INTERRUPT | NARROW | PERIODIC | VALUE_SET | ROUTE_20);
  write(timer(0).comparator, 0xffff_ff80n);
  write(timer(0).comparator, 0x100n);
  advanceTo(machine, 7_000n);
  expect(rises(machine, 20)).toEqual([1_280n, 3_840n, 6_400n]);
  expect(read(timer(0).comparator)).toBe(0x280n);
});

test("FSB delivery writes the value to the address", async () => {
  const { machine, write, timer } = await create();
  write(timer(1).fsb, (0xfee0_1000n << 32n) | 0x4041n);
  write(timer(1).config, INTERRUPT | FSB);
  write(timer(1).comparator, 50n);
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  advanceTo(machine, 10_000n);
  expect(messages(machine)).toEqual([[500n, 0xfee0_1000n, 0x4041n]]);
});

test("legacy replacement takes IRQ0 and IRQ8 from the 8254 and the RTC and gives them back", async () => {
  const { machine, write, timer } = await create();
  const port = (at: number, value: number) => machine.core.sim.portWrite(at, 1, value);
  // The 8254 in mode 3 keeps IRQ0 high as soon as it is programmed.
  expect(lineLevel(machine, 2)).toBe(1);
  write(Hpet.HPET_CONFIGURATION, ENABLE | LEGACY);
  expect(lineLevel(machine, 2)).toBe(0);
  write(timer(0).config, INTERRUPT | ROUTE_20);
  write(timer(0).comparator, 100n);
  write(timer(1).config, INTERRUPT | LEVEL | ROUTE_21);
  write(timer(1).comparator, 200n);
  port(0x40, 100); // two ticks high, two ticks low… of no consequence
  port(0x40, 0);
  const before = rises(machine, 2).length;
  advanceTo(machine, 200_000n);
  expect(rises(machine, 2).slice(before)).toEqual([1_000n]);
  expect(rises(machine, 8)).toEqual([2_000n]);
  expect(rises(machine, 20)).toEqual([]);
  expect(lineLevel(machine, 8)).toBe(1);
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  expect(lineLevel(machine, 8)).toBe(0);
  const again = rises(machine, 2).length;
  advanceTo(machine, 400_000n);
  expect(rises(machine, 2).length).toBeGreaterThan(again);
});

test("a route that is not in the capability is not taken", async () => {
  const { read, write, timer } = await create();
  write(timer(0).config, ROUTE_21);
  write(timer(0).config, 5n << BigInt(Hpet.HPET_TIMER_ROUTE_SHIFT));
  expect(read(timer(0).config) & 0x3e00n).toBe(ROUTE_21);
});

test("reserved bits and registers read as zero", async () => {
  const { read, write, timer } = await create();
  for (const offset of [8, 0x18, 0x28, 0xe8, 0xf8, 0x118, 0x160, 0x3f8]) {
    write(offset, ALL_ONES);
    expect(read(offset)).toBe(0n);
  }
  write(Hpet.HPET_CONFIGURATION, ALL_ONES);
  expect(read(Hpet.HPET_CONFIGURATION)).toBe(3n);
  write(timer(0).config, ALL_ONES & ~0x3e00n);
  expect(read(timer(0).config) & 0xffff_c1ffn).toBe(0xc13en);
});

test("a period below a microsecond interrupts about once a microsecond", async () => {
  const { machine, write, timer } = await create();
  write(timer(0).config, INTERRUPT | PERIODIC | VALUE_SET | ROUTE_20);
  write(timer(0).comparator, 1n);
  write(Hpet.HPET_CONFIGURATION, ENABLE);
  advanceTo(machine, 100_000n);
  expect(rises(machine, 20).length).toBe(99); // every 101 ticks from tick 101
});

test("any accesses at any width never trap, and the counter never goes back while it runs", async () => {
  const { machine, read, write } = await create();
  const access = fc.tuple(
    fc.integer({ min: 0, max: 0x17f }),
    fc.constantFrom(1, 2, 4, 8),
    fc.bigInt({ min: 0n, max: ALL_ONES }),
  );
  fc.assert(
    fc.property(fc.array(access), (accesses) => {
      for (const [offset, bytes, value] of accesses) {
        write(offset, value, bytes);
        read(offset, bytes);
        const before = read(Hpet.HPET_COUNTER);
        machine.run(machine.state.now + 500n);
        expect(BigInt.asIntN(64, read(Hpet.HPET_COUNTER) - before)).toBeGreaterThanOrEqual(0n);
      }
    }),
  );
});

test("agrees with a model that compares at each tick, for any timers", async () => {
  const setup = fc.record({
    start: fc.bigInt({ min: 0n, max: 400n }),
    counter: fc.constantFrom(0n, 0xffff_ff00n, 0xffff_ffff_ffff_ff00n),
    comparator: fc.bigInt({ min: 0n, max: 600n }),
    period: fc.bigInt({ min: 100n, max: 400n }),
    periodic: fc.boolean(),
    narrow: fc.boolean(),
  });
  await fc.assert(
    fc.asyncProperty(setup, async (given) => {
      const { machine, write, timer } = await create();
      advanceTo(machine, given.start * 10n);
      write(Hpet.HPET_COUNTER, given.counter);
      const config = INTERRUPT | ROUTE_20 | (given.narrow ? NARROW : 0n);
      write(timer(0).config, config | (given.periodic ? PERIODIC | VALUE_SET : 0n));
      write(timer(0).comparator, given.counter + given.comparator);
      if (given.periodic) write(timer(0).comparator, given.period);
      write(Hpet.HPET_CONFIGURATION, ENABLE);
      advanceTo(machine, (given.start + 2_000n) * 10n);
      const bits = given.narrow ? 32 : 64;
      let target = BigInt.asUintN(bits, given.counter + given.comparator);
      const expected: bigint[] = [];
      for (let tick = 0n; tick <= 2_000n; tick++) {
        if (BigInt.asUintN(bits, given.counter + tick) !== target) continue;
        expected.push((given.start + tick) * 10n);
        if (given.periodic) target = BigInt.asUintN(bits, target + given.period);
      }
      expect(rises(machine, 20)).toEqual(expected);
    }),
    { numRuns: 60 },
  );
});
