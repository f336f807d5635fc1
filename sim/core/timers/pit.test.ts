import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { Machine } from "../../host/machine.ts";
import { loadModules } from "../../host/modules.ts";
import { advanceTo } from "../../host/testing/clock.ts";
import { Pit as PitView } from "../../host/views.generated.ts";
import { ReferencePit } from "./pit.reference.ts";

const PIT_HZ = 1_193_182n;
const SECOND = 1_000_000_000n;

/** First nanosecond at which `tick` ticks have passed. */
const tickTime = (tick: bigint): bigint => (tick * SECOND + PIT_HZ - 1n) / PIT_HZ;

beforeAll(() => loadModules());

async function create() {
  const machine = await Machine.create({ memory: 4 << 20, start: false });
  const write = (port: number, value: number) => machine.core.sim.portWrite(port, 1, value);
  const read = (port: number) => machine.core.sim.portRead(port, 1) & 0xff;
  const view = new PitView(machine.core.data, machine.state.pit);
  /** Ticks go by; the test stands at the moment of the last one. */
  let tick = 0n;
  const ticks = (count: number | bigint) => {
    tick += BigInt(count);
    advanceTo(machine, tickTime(tick));
  };
  const out = (counter: number) => {
    write(0x43, 0xc0 | 0x20 | (2 << counter));
    return read(0x40 + counter) >> 7;
  };
  return { machine, write, read, view, ticks, out };
}

/** OUT of counter 0 after the write, tick by tick. */
async function waveform(control: number, count: number, length: number): Promise<string> {
  const { write, ticks, out } = await create();
  write(0x43, control);
  write(0x40, count);
  let levels = String(out(0));
  for (let tick = 1; tick <= length; tick++) {
    ticks(1);
    levels += out(0);
  }
  return levels;
}

// The timing diagrams of the data sheet (231164, figures 15 to 20), GATE high.
test("mode 0: OUT is low until N + 1 ticks after the count", async () => {
  expect(await waveform(0x10, 4, 10)).toBe("00000111111");
});

test("mode 2: OUT is low in the last tick of every N", async () => {
  expect(await waveform(0x14, 3, 10)).toBe("11101101101");
});

test("mode 3: OUT is a square wave, an odd count is high for one tick more", async () => {
  expect(await waveform(0x16, 4, 10)).toBe("11100110011");
  expect(await waveform(0x16, 5, 12)).toBe("1111001110011");
});

test("mode 4: OUT is low for one tick, N + 1 ticks after the count, once", async () => {
  expect(await waveform(0x18, 3, 10)).toBe("11110111111");
});

/** OUT of counter 2 in its hardware-triggered modes: trigger, `length` ticks. */
async function triggered(control: number, count: number, length: number): Promise<string> {
  const { write, read, ticks } = await create();
  write(0x61, 0);
  write(0x43, control);
  write(0x42, count);
  ticks(3);
  write(0x61, 1);
  let levels = "";
  for (let tick = 0; tick <= length; tick++) {
    levels += (read(0x61) >> 5) & 1;
    ticks(1);
  }
  return levels;
}

test("mode 1: a trigger makes a pulse of N ticks", async () => {
  expect(await triggered(0x92, 3, 7)).toBe("10001111");
});

test("mode 5: a trigger makes a strobe N + 1 ticks later", async () => {
  expect(await triggered(0x9a, 3, 7)).toBe("11110111");
});

test("IRQ0 rises at the exact nanosecond, a billion ticks after power-on too", async () => {
  const { machine, write, view, ticks } = await create();
  ticks(1_000_000_007n);
  write(0x43, 0x34);
  write(0x40, 0xa9);
  write(0x40, 0x04); // 1193: about a millisecond
  // Loaded by the next tick, then N ticks a cycle.
  const edge = tickTime(1_000_000_007n + 1n + 1193n * 5n);
  advanceTo(machine, edge - 1n);
  expect(view.line).toBe(0);
  advanceTo(machine, edge);
  expect(view.line).toBe(1);
});

test("a hundred interrupts a second do not drift in an hour", async () => {
  const { machine, write, view } = await create();
  write(0x43, 0x34);
  write(0x40, 0x9c);
  write(0x40, 0x2e); // 11932
  const cycles = (3600n * PIT_HZ) / 11932n;
  advanceTo(machine, tickTime(1n + cycles * 11932n) - 1n);
  expect(view.line).toBe(0);
  advanceTo(machine, tickTime(1n + cycles * 11932n));
  expect(view.line).toBe(1);
});

test("port 0x61 toggles bit 4 at every refresh, 18 ticks", async () => {
  const { read, ticks } = await create();
  const levels: number[] = [];
  for (let tick = 0; tick < 72; tick++) {
    levels.push((read(0x61) >> 4) & 1);
    ticks(1);
  }
  expect(levels).toEqual(Array.from({ length: 72 }, (_, tick) => Math.floor(tick / 18) & 1));
});

test("BCD counts 10,000 when programmed with 0", async () => {
  const { write, read, ticks } = await create();
  write(0x43, 0x35);
  write(0x40, 0);
  write(0x40, 0);
  ticks(2);
  write(0x43, 0x00);
  expect(read(0x40) | (read(0x40) << 8)).toBe(0x9999);
});

const byte = fc.integer({ min: 0, max: 255 });
/** Counts near the edges, where modes differ, as often as any others. */
const countByte = fc.oneof(fc.constantFrom(0, 1, 2, 3, 4, 5, 0x10, 0x99), byte);
const step = fc.oneof(
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("control" as const), value: byte }) },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("count" as const),
      counter: fc.integer({ min: 0, max: 2 }),
      value: countByte,
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("gate" as const), value: byte }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant("read" as const),
      counter: fc.integer({ min: 0, max: 2 }),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant("ticks" as const),
      value: fc.oneof(fc.integer({ min: 1, max: 12 }), fc.integer({ min: 13, max: 70_000 })),
    }),
  },
);

test("agrees with a model that steps clock by clock, however it is programmed", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { write, read, view, ticks } = await create();
      const model = new ReferencePit();
      for (const action of steps) {
        if (action.kind === "control") {
          write(0x43, action.value);
          model.control(action.value);
        } else if (action.kind === "count") {
          write(0x40 + action.counter, action.value);
          model.write(action.counter, action.value);
        } else if (action.kind === "gate") {
          write(0x61, action.value);
          model.gate(2, action.value & 1);
        } else if (action.kind === "read") {
          expect(read(0x40 + action.counter)).toBe(model.read(action.counter));
        } else {
          ticks(action.value);
          for (let tick = 0; tick < action.value; tick++) model.tick();
        }
        expect(view.line).toBe(model.out(0));
        expect((read(0x61) >> 5) & 1).toBe(model.out(2));
      }
      // All of the visible state, at last.
      write(0x43, 0xce);
      model.control(0xce);
      for (const counter of [0, 1, 2])
        for (let count = 0; count < 3; count++)
          expect(read(0x40 + counter)).toBe(model.read(counter));
    }),
    { numRuns: 200 },
  );
});

test("hostile accesses of any width never trap", async () => {
  const { machine } = await create();
  fc.assert(
    fc.property(
      fc.array(
        fc.tuple(
          fc.constantFrom(0x40, 0x41, 0x42, 0x43, 0x61),
          fc.constantFrom(1, 2, 4),
          fc.integer(),
        ),
      ),
      (accesses) => {
        for (const [port, bytes, value] of accesses) {
          machine.core.sim.portWrite(port, bytes, value);
          machine.core.sim.portRead(port, bytes);
          machine.run(machine.state.now + 5_000n);
        }
      },
    ),
  );
});
