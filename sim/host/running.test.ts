import fc from "fast-check";
import { expect, test } from "vitest";
import { Machine } from "./machine.ts";
import { busyMachine } from "./testing/workload.ts";

test("a run to a virtual time stands there, even when nothing happened on the way", async () => {
  const machine = await busyMachine();
  expect(machine.run({ until: 12_345 })).toBe("limit");
  expect(machine.time).toBe(12_345n);
  expect(machine.steps).toBe(0n);
});

test("nothing that is due at the limit or later is done", async () => {
  const machine = await busyMachine();
  machine.run({ until: 100_000n });
  expect(machine.steps).toBe(0n);
  machine.run({ until: 100_001n });
  expect(machine.steps).toBe(1n);
});

test("a step is one event, a number of steps is that many, a condition ends a run", async () => {
  const machine = await busyMachine();
  expect([machine.step(), machine.steps, machine.time]).toEqual(["steps", 1n, 100_000n]);
  expect([machine.run({ steps: 4 }), machine.steps]).toEqual(["steps", 5n]);
  expect(machine.stepUntil(() => machine.time >= 900_000n)).toBe("condition");
  expect([machine.steps, machine.stopReason]).toEqual([9n, "condition"]);
});

test("a condition that never holds ends at the limit it was given", async () => {
  const machine = await busyMachine();
  expect(machine.stepUntil(() => false, { steps: 7 })).toBe("steps");
  expect(machine.stepUntil(() => false, { until: 2_000_000 })).toBe("limit");
});

test("a breakpoint ends the run after the step in which its event happened", async () => {
  const machine = await busyMachine();
  const seen: bigint[] = [];
  const watch = machine.breakOn("line", (event) => event.line === 20 && event.level === 1n);
  machine.on("line", (event) => seen.push(event.time));
  expect([machine.run(), machine.time]).toEqual(["break", 100_000n]);
  expect([machine.run(), machine.time]).toEqual(["break", 200_000n]);
  watch.remove();
  expect(machine.run({ until: 500_001 })).toBe("limit");
  expect([...new Set(seen)]).toEqual([1n, 2n, 3n, 4n, 5n].map((n) => n * 100_000n));
});

test("a boot that ends idle stands where it became idle, not at its limit", async () => {
  const machine = await Machine.create({ memory: 2 ** 21, start: false });
  expect([machine.boot(), machine.time]).toEqual(["idle", 0n]);
  expect([machine.run({ until: 500 }), machine.time]).toEqual(["idle", 500n]);
});

test("a machine that is off stays off, and says so each time", async () => {
  const machine = await busyMachine();
  machine.input.pokePort(0x604, 2, 0x2000);
  expect([machine.run(), machine.run(), machine.step()]).toEqual(Array(3).fill("power-off"));
});

test("a trap ends the machine with an error that says where; the process goes on", async () => {
  const machine = await Machine.create({ memory: 2 ** 21 });
  machine.sim.root.eventQueue = 0xffff_fff0; // no memory is there
  let caught: unknown;
  try {
    machine.run();
  } catch (error) {
    caught = error;
  }
  expect(caught).toMatchObject({ name: "MachineError", code: "guest-trap" });
  expect(String(caught)).toMatch(/trapped in step \d+ at \d+ ns: memory access out of bounds/);
  expect([machine.run(), machine.stopReason, machine.crash]).toEqual([
    "crashed",
    "crashed",
    caught,
  ]);
  expect(() => machine.snapshot()).toThrow(String(machine.crash?.message));
});

test("inputs and runs out of the middle of a step are refused, and the step goes on", async () => {
  const machine = await Machine.create({ memory: 2 ** 21 });
  const errors: unknown[] = [];
  machine.onConsole(() => {
    try {
      machine.input.powerButton();
    } catch (error) {
      errors.push(error);
    }
  });
  expect(machine.boot()).not.toBe("crashed");
  expect(errors[0]).toMatchObject({ code: "machine-busy" });
});

/** How a run is cut up: by steps, by slices, by time, by conditions that never hold. */
const cut = fc.oneof(
  fc.integer({ min: 1, max: 5 }).map((steps) => (m: Machine) => m.run({ steps })),
  fc.constant((m: Machine) => m.step({ slice: true })),
  fc
    .integer({ min: 0, max: 250_000 })
    .map((by) => (m: Machine) => m.run({ until: m.time + BigInt(by) })),
  fc
    .integer({ min: 1, max: 3 })
    .map((steps) => (m: Machine) => m.stepUntil(() => false, { steps })),
);

test("the state after n steps does not depend on how the run was cut", async () => {
  const whole = await busyMachine();
  const hashes = new Map([[whole.steps, whole.stateHash()]]);
  for (let n = 0; n < 80; n++) {
    whole.step();
    hashes.set(whole.steps, whole.stateHash());
  }
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { maxLength: 12 }), async (cuts) => {
      const machine = await busyMachine();
      for (const act of cuts) {
        act(machine);
        expect(machine.stateHash()).toBe(hashes.get(machine.steps));
      }
    }),
    { numRuns: 25 },
  );
}, 60_000);

test("the same holds while kernel code runs on the CPUs", async () => {
  const whole = await Machine.create({ memory: 4 * 2 ** 20, cpus: 2 });
  const hashes = new Map([[whole.steps, whole.stateHash()]]);
  while (whole.step() === "steps") hashes.set(whole.steps, whole.stateHash());
  hashes.set(whole.steps, whole.stateHash());
  await fc.assert(
    fc.asyncProperty(fc.array(cut, { maxLength: 6 }), async (cuts) => {
      const machine = await Machine.create({ memory: 4 * 2 ** 20, cpus: 2 });
      for (const act of cuts) {
        act(machine);
        expect(machine.stateHash()).toBe(hashes.get(machine.steps));
      }
      expect(machine.run()).toBe(whole.stopReason);
      expect([machine.steps, machine.stateHash()]).toEqual([whole.steps, whole.stateHash()]);
    }),
    { numRuns: 10 },
  );
}, 60_000);
