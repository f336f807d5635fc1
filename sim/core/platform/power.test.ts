import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { advanceTo } from "../../host/testing/clock.ts";
import { records, rises } from "../../host/testing/records.ts";
import { Power } from "../../host/views.generated.ts";
import { TRACE_LINE } from "../../spec/trace.ts";

const STATUS = 0x600;
const ENABLE = 0x602;
const CONTROL = 0x604;
const TIMER = 0x608;
const RESET = 0xcf9;
const PVPANIC = 0x505;
const TMR = 0x001;
const PWRBTN = 0x100;
const HZ = 3_579_545n;
const SECOND = 1_000_000_000n;
/** The first cycle at which the timer's bit 31 has changed `n` times. */
const half = (n: bigint) => ((n << 31n) * SECOND + HZ - 1n) / HZ;

const create = (options = {}) =>
  Machine.create({ memory: 4 * 1024 * 1024, start: false, ...options });

const power = (machine: Machine) => new Power(machine.core.data, machine.state.power);

test("at power-on ACPI mode is on, and no event is pending or enabled", async () => {
  const { sim } = (await create()).core;
  expect(sim.portRead(STATUS, 2)).toBe(0);
  expect(sim.portRead(ENABLE, 2)).toBe(0);
  expect(sim.portRead(CONTROL, 2)).toBe(1);
});

test("the PM timer shows floor(time x 3579545 Hz) in 32 bits at any time", async () => {
  const machine = await create();
  fc.assert(
    fc.property(fc.bigInt({ min: 0n, max: 2n ** 60n }), (now) => {
      machine.state.now = now;
      const ticks = machine.core.sim.portRead(TIMER, 4) >>> 0;
      expect(BigInt(ticks)).toBe(((now * HZ) / SECOND) & 0xffff_ffffn);
    }),
  );
});

test("the PM timer can't be written", async () => {
  const { sim } = (await create()).core;
  sim.portWrite(TIMER, 4, 0xffffffff);
  expect(sim.portRead(TIMER, 4)).toBe(0);
});

test("TMR_STS is set when bit 31 of the timer changes, either way, and only then", async () => {
  const machine = await create();
  const { sim } = machine.core;
  for (const n of [1n, 2n, 3n]) {
    machine.state.now = half(n) - 1n;
    expect(sim.portRead(STATUS, 2)).toBe(0);
    machine.state.now = half(n);
    expect(sim.portRead(STATUS, 2)).toBe(TMR);
    sim.portWrite(STATUS, 2, TMR);
    expect(sim.portRead(STATUS, 2)).toBe(0);
  }
});

test("the timer event comes to the cycle when enabled, and costs nothing when it is not", async () => {
  const machine = await create();
  const { sim } = machine.core;
  expect(machine.run()).toBe("idle");
  sim.portWrite(ENABLE, 2, TMR);
  advanceTo(machine, half(1n) - 1n);
  expect(power(machine).pm1Status).toBe(0);
  advanceTo(machine, half(1n));
  expect(power(machine).pm1Status).toBe(TMR);
  // The status bit stays set: no further event until it is cleared.
  expect(machine.run()).toBe("idle");
});

test("status bits are cleared by writing ones, in any width, and by nothing else", async () => {
  const machine = await create();
  const { sim } = machine.core;
  sim.pressPowerButton();
  sim.portWrite(STATUS, 2, ~PWRBTN & 0xffff);
  sim.portWrite(STATUS, 1, 0xff);
  expect(sim.portRead(STATUS, 2)).toBe(PWRBTN);
  sim.portWrite(STATUS + 1, 1, 0x01);
  expect(sim.portRead(STATUS, 2)).toBe(0);
  sim.pressPowerButton();
  sim.portWrite(STATUS, 4, PWRBTN | (PWRBTN << 16));
  expect(sim.portRead(STATUS, 4)).toBe(PWRBTN << 16);
});

test("an event that the platform has not can't be enabled", async () => {
  const { sim } = (await create()).core;
  sim.portWrite(ENABLE, 2, 0xffff);
  expect(sim.portRead(ENABLE, 2)).toBe(0x521);
});

test("SCI_EN stays set, GBL_RLS and SLP_EN read as zero, SLP_TYP is kept", async () => {
  const { sim } = (await create()).core;
  sim.portWrite(CONTROL, 2, 0xdffe);
  expect(sim.portRead(CONTROL, 2)).toBe(0x1c03);
  sim.portWrite(CONTROL, 2, 0);
  expect(sim.portRead(CONTROL, 2)).toBe(0x0001);
});

test("SLP_EN with the type of S5 turns the power off; every other type has no effect", async () => {
  const machine = await create();
  for (let type = 1; type < 8; type++) {
    machine.core.sim.portWrite(CONTROL, 2, (type << 10) | 0x2000);
    expect(machine.run()).toBe("idle");
    expect(machine.core.sim.portRead(STATUS, 2)).toBe(0);
  }
  machine.core.sim.portWrite(CONTROL, 2, 0x2000);
  expect(machine.run()).toBe("power-off");
});

test("SLP_EN written as a byte takes the SLP_TYP of the same byte", async () => {
  const machine = await create();
  machine.core.sim.portWrite(CONTROL + 1, 1, 0x20);
  expect(machine.run()).toBe("power-off");
});

/** Levels that the SCI line has been driven to, in order. */
const sciLevels = (machine: Machine) =>
  records(machine, TRACE_LINE)
    .filter(({ a }) => a === 9)
    .map(({ b }) => Number(b));

test("SCI is high from an enabled event until its status is cleared", async () => {
  const machine = await create();
  const { sim } = machine.core;
  sim.pressPowerButton();
  expect(sciLevels(machine)).toEqual([]);
  sim.portWrite(ENABLE, 2, PWRBTN);
  expect(sciLevels(machine)).toEqual([1]);
  sim.pressPowerButton();
  sim.portWrite(STATUS, 2, TMR);
  expect(sciLevels(machine)).toEqual([1]);
  sim.portWrite(STATUS, 2, PWRBTN);
  expect(sciLevels(machine)).toEqual([1, 0]);
  sim.pressPowerButton();
  sim.portWrite(ENABLE, 2, 0);
  expect(sciLevels(machine)).toEqual([1, 0, 1, 0]);
});

test("the timer's SCI comes at the cycle at which bit 31 changes", async () => {
  const machine = await create();
  machine.core.sim.portWrite(ENABLE, 2, TMR);
  expect(machine.run()).toBe("idle");
  expect(rises(machine, 9)).toEqual([half(1n)]);
});

test("a double word written to the PCI address port resets nothing", async () => {
  const machine = await create();
  machine.core.sim.portWrite(0xcf8, 4, 0x8000_0600);
  expect(machine.run()).toBe("idle");
  expect(machine.core.sim.portRead(RESET, 1)).toBe(0);
});

test("a reset begins when RST_CPU rises, not before and not while it stays", async () => {
  const machine = await create();
  machine.core.sim.portWrite(RESET, 1, 0x02);
  expect(machine.core.sim.portRead(RESET, 1)).toBe(0x02);
  expect(machine.run()).toBe("idle");
  machine.core.sim.portWrite(RESET, 1, 0x06);
  expect(machine.run()).toBe("reset");
});

test.each([0x04, 0x06, 0x0e])("reset control %i resets", async (value) => {
  const machine = await create();
  machine.core.sim.portWrite(RESET, 1, value);
  expect(machine.run()).toBe("reset");
});

test("pvpanic offers both events; a panic ends the run, a crash kernel goes on", async () => {
  const machine = await create();
  expect(machine.core.sim.portRead(PVPANIC, 1)).toBe(3);
  machine.core.sim.portWrite(PVPANIC, 1, 2);
  expect(machine.run()).toBe("idle");
  expect(power(machine).crashLoaded).toBe(1);
  machine.core.sim.portWrite(PVPANIC, 1, 1);
  expect(machine.run()).toBe("panic");
});

test("any access of any width is answered, and reserved bits read as zero", async () => {
  const machine = await create();
  const { sim } = machine.core;
  fc.assert(
    fc.property(
      fc.integer({ min: STATUS, max: STATUS + 11 }),
      fc.constantFrom(1, 2, 4),
      fc.integer({ min: 0, max: 0xffff_ffff }),
      (port, bytes, value) => {
        sim.portWrite(port, bytes, value);
        sim.portRead(port, bytes);
        expect(sim.portRead(STATUS, 2) & ~0x521).toBe(0);
        expect(sim.portRead(ENABLE, 2) & ~0x521).toBe(0);
        expect(sim.portRead(CONTROL, 4) & ~0x1c02).toBe(1);
      },
    ),
  );
});

test("the clock's interrupt sets RTC_STS, and raises SCI while RTC_EN is set", async () => {
  const machine = await create();
  const { sim } = machine.core;
  const RTC = 0x400;
  const update = () => {
    sim.portWrite(0x70, 1, 0x0c);
    sim.portRead(0x71, 1);
    advanceTo(machine, machine.state.now + SECOND);
  };
  sim.portWrite(0x70, 1, 0x0b);
  sim.portWrite(0x71, 1, 0x12); // update-ended interrupt, 24 hours
  update();
  expect(sim.portRead(STATUS, 2)).toBe(RTC);
  expect(power(machine).sci).toBe(0);
  sim.portWrite(ENABLE, 2, RTC);
  expect([sim.portRead(ENABLE, 2), power(machine).sci]).toEqual([RTC, 1]);
  sim.portWrite(STATUS, 2, RTC);
  expect(power(machine).sci).toBe(0);
  update();
  expect(power(machine).sci).toBe(1);
});

describe("the debug exit port", () => {
  test.each([
    [1, 0x10, 0x21],
    [2, 0x1ff, 0xff],
    [4, 0, 1],
  ])("ends the run: a write of %i bytes of %i gives status %i", async (width, value, status) => {
    const machine = await create({ debugExit: 0x501 });
    machine.core.sim.portWrite(0x501, width, value);
    expect(machine.run()).toBe("debug-exit");
    expect(machine.debugExitStatus).toBe(status);
  });
  test("reads as zero, and isn't there unless it is asked for", async () => {
    expect((await create({ debugExit: 0xf4 })).core.sim.portRead(0xf4, 1)).toBe(0);
    const plain = await create();
    expect(plain.core.sim.portRead(0x501, 1)).toBe(0xff);
    plain.core.sim.portWrite(0x501, 1, 0);
    expect(plain.run()).toBe("idle");
  });
  test.each([-1, 0.5, 0xfffd])("is refused at %d", async (debugExit) => {
    await expect(create({ debugExit })).rejects.toMatchObject({ code: "bad-argument" });
  });
});
