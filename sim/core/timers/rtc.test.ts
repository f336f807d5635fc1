import fc from "fast-check";
import { expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { advanceTo } from "../../host/testing/clock.ts";
import { lineLevel, rises } from "../../host/testing/records.ts";
import * as Rtc from "../../spec/rtc.ts";

const SECOND = 1_000_000_000n;
const GSI = 8;

async function create(epochSeconds = Date.UTC(2024, 1, 28, 23, 59, 58) / 1000) {
  const machine = await Machine.create({ memory: 4 << 20, start: false, epochSeconds });
  const { sim } = machine.core;
  const read = (index: number) => {
    sim.portWrite(0x70, 1, index);
    return sim.portRead(0x71, 1) & 0xff;
  };
  const write = (index: number, value: number) => {
    sim.portWrite(0x70, 1, index);
    sim.portWrite(0x71, 1, value);
  };
  const at = (seconds: number | bigint) => advanceTo(machine, BigInt(seconds) * SECOND);
  /** The clock as digits: century, year, month, day, weekday, hours, minutes, seconds. */
  const clock = () =>
    [0x32, 9, 8, 7, 6, 4, 2, 0].map((index) => read(index).toString(16).padStart(2, "0")).join(" ");
  return { machine, read, write, at, clock };
}

/** What the clock registers show at `seconds` since 1970 in BCD and 24 hours, by JavaScript. */
function digits(seconds: number): string {
  const date = new Date(seconds * 1000);
  const year = date.getUTCFullYear();
  return [
    Math.floor(year / 100),
    year % 100,
    date.getUTCMonth() + 1,
    date.getUTCDate(),
    date.getUTCDay() + 1,
    date.getUTCHours(),
    date.getUTCMinutes(),
    date.getUTCSeconds(),
  ]
    .map((part) => String(part).padStart(2, "0"))
    .join(" ");
}

test("shows the time at power-on in BCD and 24 hours and counts on", async () => {
  const { clock, at } = await create();
  expect(clock()).toBe("20 24 02 28 04 23 59 58");
  at(1);
  expect(clock()).toBe("20 24 02 28 04 23 59 59");
  at(2);
  expect(clock()).toBe("20 24 02 29 05 00 00 00");
});

test("agrees with JavaScript's calendar at any time from 1970 to 9999, after any time", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 250_000_000_000 }),
      fc.integer({ min: 0, max: 1_000_000_000 }),
      async (epoch, later) => {
        const { clock, at } = await create(epoch);
        expect(clock()).toBe(digits(epoch));
        at(later);
        expect(clock()).toBe(digits(epoch + later));
      },
    ),
    { numRuns: 200 },
  );
});

test.each([
  ["1900 has no leap day", "19 00 02 28 04 23 59 59", "19 00 03 01 05 00 00 00"],
  ["2000 has one", "20 00 02 28 02 23 59 59", "20 00 02 29 03 00 00 00"],
  ["a century ends", "20 99 12 31 05 23 59 59", "21 00 01 01 06 00 00 00"],
  ["the weekday follows 7 with 1", "20 24 03 31 07 23 59 59", "20 24 04 01 01 00 00 00"],
  [
    "30 February stands still, its time does not",
    "20 24 02 30 01 10 00 00",
    "20 24 02 30 01 10 00 01",
  ],
])("%s", async (_name, before, after) => {
  const { write, clock, at } = await create();
  write(Rtc.RTC_B, Rtc.RTC_SET | Rtc.RTC_24_HOURS);
  const values = before.split(" ").map((digit) => Number.parseInt(digit, 16));
  [0x32, 9, 8, 7, 6, 4, 2, 0].forEach((index, place) => {
    write(index, values[place] ?? 0);
  });
  at(5);
  expect(clock()).toBe(before); // SET holds the clock
  write(Rtc.RTC_B, Rtc.RTC_24_HOURS);
  at(6);
  expect(clock()).toBe(after);
});

test("binary and 12 hours: midnight is 12 AM, noon 12 PM", async () => {
  const { read, write, at } = await create();
  const set = (hours: number) => {
    write(Rtc.RTC_B, Rtc.RTC_SET | Rtc.RTC_BINARY);
    for (const [index, value] of [
      [0, 59],
      [2, 59],
      [4, hours],
      [6, 1],
      [7, 31],
      [8, 12],
      [9, 24],
      [0x32, 20],
    ] as const)
      write(index, value);
    write(Rtc.RTC_B, Rtc.RTC_BINARY);
  };
  set(11);
  at(1);
  expect([read(4), read(2), read(0)]).toEqual([0x8c, 0, 0]);
  set(0x8c);
  at(2);
  expect(read(4)).toBe(0x81);
  set(0x8b);
  at(3);
  expect([read(4), read(7), read(8), read(9)]).toEqual([12, 1, 1, 25]);
});

test("update in progress is up for 2,228 microseconds before each second, not while SET", async () => {
  const { machine, read, write } = await create();
  const busy = () => read(Rtc.RTC_A) & Rtc.RTC_UPDATE_IN_PROGRESS;
  const levels = [
    3n * SECOND - 2_228_001n,
    3n * SECOND - 2_228_000n,
    3n * SECOND - 1n,
    3n * SECOND,
  ];
  expect(
    levels.map((time) => {
      advanceTo(machine, time);
      return busy();
    }),
  ).toEqual([0, 0x80, 0x80, 0]);
  write(Rtc.RTC_B, Rtc.RTC_SET);
  advanceTo(machine, 4n * SECOND - 1n);
  expect(busy()).toBe(0);
});

// Data sheet, table 4: rate select to interrupt frequency with the 32,768 Hz time base.
test.each([
  [1, 256],
  [2, 128],
  [3, 8192],
  [6, 1024],
  [15, 2],
])("periodic rate %i interrupts %i times a second, exactly", async (rate, hertz) => {
  const { machine, read, write } = await create();
  write(Rtc.RTC_A, Rtc.RTC_DIVIDER_32768 | rate);
  write(Rtc.RTC_B, Rtc.RTC_24_HOURS | Rtc.RTC_PERIODIC);
  for (let index = 1n; index <= 5n; index++) {
    const due = (index * SECOND + BigInt(hertz) - 1n) / BigInt(hertz);
    advanceTo(machine, due - 1n);
    expect(lineLevel(machine, GSI)).toBe(0);
    advanceTo(machine, due);
    expect(lineLevel(machine, GSI)).toBe(1);
    expect(read(Rtc.RTC_C) & 0xc0).toBe(Rtc.RTC_INTERRUPT | Rtc.RTC_PERIODIC);
    expect(lineLevel(machine, GSI)).toBe(0);
  }
});

test("register C says what happened, whether it interrupts or not, and clears when read", async () => {
  const { read, at, machine } = await create();
  read(Rtc.RTC_C);
  at(1);
  expect(read(Rtc.RTC_C)).toBe(Rtc.RTC_PERIODIC | Rtc.RTC_UPDATE);
  expect(read(Rtc.RTC_C)).toBe(0);
  expect(rises(machine, GSI)).toEqual([]);
});

test("the update interrupt comes on each second once register C is read", async () => {
  const { read, write, at, machine } = await create();
  write(Rtc.RTC_B, Rtc.RTC_24_HOURS | Rtc.RTC_UPDATE);
  at(2);
  read(Rtc.RTC_C);
  at(3);
  expect(rises(machine, GSI)).toEqual([SECOND, 3n * SECOND]);
});

test("the alarm interrupts at its time; 0xC0 to 0xFF match any", async () => {
  const { read, write, at, machine } = await create();
  write(Rtc.RTC_SECONDS_ALARM, 0x30);
  write(Rtc.RTC_MINUTES_ALARM, 0x01);
  write(Rtc.RTC_HOURS_ALARM, 0xc5);
  write(Rtc.RTC_B, Rtc.RTC_24_HOURS | Rtc.RTC_ALARM);
  at(3000);
  // 23:59:58 + 92 s = 00:01:30
  expect(rises(machine, GSI)).toEqual([92n * SECOND]);
  expect(read(Rtc.RTC_C) & 0xa0).toBe(0xa0);
  at(2 * 3600);
  expect(rises(machine, GSI)).toEqual([92n * SECOND, 3692n * SECOND]);
});

test("an alarm that went by unwatched has set its flag", async () => {
  const { read, write, at } = await create();
  write(Rtc.RTC_SECONDS_ALARM, 0x05);
  write(Rtc.RTC_MINUTES_ALARM, 0x00);
  write(Rtc.RTC_HOURS_ALARM, 0x00);
  at(6);
  expect(read(Rtc.RTC_C) & Rtc.RTC_ALARM).toBe(0);
  at(100);
  expect(read(Rtc.RTC_C) & Rtc.RTC_ALARM).toBe(Rtc.RTC_ALARM);
});

test("a divider let out of reset updates half a second later", async () => {
  const { machine, write, read } = await create();
  write(Rtc.RTC_A, 0x76);
  advanceTo(machine, 10_300_000_000n);
  expect(read(Rtc.RTC_SECONDS)).toBe(0x58);
  write(Rtc.RTC_A, 0x26);
  advanceTo(machine, 10_799_999_999n);
  expect(read(Rtc.RTC_SECONDS)).toBe(0x58);
  advanceTo(machine, 10_800_000_000n);
  expect(read(Rtc.RTC_SECONDS)).toBe(0x59);
});

test("registers C and D cannot be written, D is valid, setting SET clears the update interrupt", async () => {
  const { write, read } = await create();
  write(Rtc.RTC_D, 0);
  expect(read(Rtc.RTC_D)).toBe(0x80);
  write(Rtc.RTC_B, 0x92);
  expect(read(Rtc.RTC_B)).toBe(0x82);
});

test("RAM keeps 114 bytes; bit 7 of the index port masks NMIs and is no part of the index", async () => {
  const { write, read } = await create();
  const ram = [...Array(128).keys()].filter((index) => index > 13 && index !== 0x32);
  for (const index of ram) write(index | 0x80, index ^ 0x5a);
  expect(ram.map(read)).toEqual(ram.map((index) => index ^ 0x5a));
});

test("hostile accesses never trap, whatever the registers hold", async () => {
  const { machine } = await create();
  const { sim } = machine.core;
  const access = fc.tuple(fc.constantFrom(0x70, 0x71), fc.constantFrom(1, 2, 4), fc.integer());
  fc.assert(
    fc.property(fc.array(access), fc.bigInt({ min: 0n, max: 200_000n }), (accesses, seconds) => {
      for (const [port, bytes, value] of accesses) {
        sim.portWrite(port, bytes, value);
        sim.portRead(port, bytes);
      }
      machine.state.now += seconds * SECOND;
      machine.run(machine.state.now + 10_000n);
      sim.portRead(0x71, 1);
    }),
  );
});
