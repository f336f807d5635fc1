import fc from "fast-check";
import { expect, test } from "vitest";
import { Journal } from "./journal.ts";
import { Machine } from "./machine.ts";
import { busyMachine, bytesOf } from "./testing/workload.ts";

const HPET = 0xfed0_0000;

/** Things that people do to machines. */
const action = fc.oneof(
  fc.integer({ min: 1, max: 20 }).map((steps) => (m: Machine) => void m.run({ steps })),
  fc
    .integer({ min: 0, max: 300_000 })
    .map((by) => (m: Machine) => void m.run({ until: m.time + BigInt(by) })),
  fc.string({ maxLength: 40 }).map((text) => (m: Machine) => m.input.serial(text)),
  fc.uint8Array({ minLength: 60, maxLength: 80 }).map((b) => (m: Machine) => void m.input.frame(b)),
  fc.constant((m: Machine) => m.input.powerButton()),
  fc.constant((m: Machine) => void m.input.peekPort(0x3f8, 1)),
  fc.nat(0xffff).map((value) => (m: Machine) => m.input.poke(HPET + 0x108, 4, 5_000 + value)),
  fc.tuple(fc.nat(4 * 2 ** 20 - 16), fc.uint8Array({ minLength: 1, maxLength: 16 })).map(
    ([at, bytes]) =>
      (m: Machine) =>
        m.physical.write(at, bytes),
  ),
  fc.nat(1_000).map((rax) => (m: Machine) => {
    const [cpu] = m.sim.cpus;
    if (cpu) cpu.rax = BigInt(rax);
  }),
  fc.constant((m: Machine) => m.input.fault("timeout", "nvme", { skip: 3 })),
);

const nic = "52:54:00:12:34:56";

test("a replayed journal, from its file, goes through the same states at every step", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(action, { minLength: 1, maxLength: 12 }), async (actions) => {
      const machine = await busyMachine({ nic });
      const states: [bigint, bigint, string][] = [];
      for (const act of actions) {
        act(machine);
        machine.step(); // inputs of the last step are in, whichever way one got there
        states.push([machine.steps, machine.time, machine.stateHash()]);
      }
      const journal = await Journal.fromBytes(await machine.journal.toBytes());
      const again = await Machine.replay(journal);
      for (const [steps, , hash] of states) {
        again.run({ steps: Number(steps - again.steps) });
        expect([again.steps, again.stateHash()]).toEqual([steps, hash]);
      }
      expect(again.journal.entries).toEqual(machine.journal.entries);
    }),
    { numRuns: 25 },
  );
}, 60_000);

test("three runs of the same inputs are the same at every step", async () => {
  const run = async () => {
    const machine = await busyMachine({ nic });
    const hashes: string[] = [];
    for (let n = 0; n < 60; n++) {
      if (n === 20) machine.input.serial("hello, machine, this is more than the FIFO has room for");
      if (n === 30) machine.input.powerButton();
      machine.step();
      hashes.push(machine.stateHash());
    }
    return hashes;
  };
  const first = await run();
  expect(new Set(first).size).toBe(60);
  expect(await run()).toEqual(first);
  expect(await run()).toEqual(first);
});

test("an input to an idle machine comes at the time to which it was run", async () => {
  const machine = await Machine.create({ memory: 2 ** 21, start: false });
  machine.run({ until: 5_000 });
  machine.input.powerButton();
  expect(machine.journal.entries.map(({ time }) => time)).toEqual([5_000n]);
  const again = await Machine.replay(machine.journal);
  expect(again.run({ until: 4_999 })).toBe("limit");
  expect(again.journal.entries).toEqual([]);
  again.run({ until: 5_001 });
  expect(again.stateHash()).toBe(machine.stateHash());
});

test("serial input waits for room: with no reader, the FIFO's byte is in and the rest is not", async () => {
  const machine = await busyMachine();
  machine.input.serial("abc");
  machine.run({ steps: 100 });
  expect(machine.journal.entries.filter(({ input }) => input.kind === "serial")).toHaveLength(1);
  expect(machine.input.peekPort(0x3f8, 1)).toBe(0x61);
  machine.run({ steps: 32 });
  expect(machine.input.peekPort(0x3f8, 1)).toBe(0x62);
});

test("a replayed machine takes no other inputs until its journal is used up", async () => {
  const machine = await busyMachine();
  const again = await Machine.replay(machine.journal);
  expect(() => again.input.powerButton()).toThrowError(
    expect.objectContaining({ code: "machine-busy" }),
  );
  again.run({ until: 1 });
  again.input.powerButton();
});

test("a replay with other drives is refused by the first that differs", async () => {
  const { journal } = await busyMachine({ drives: [{ data: bytesOf(4096) }] });
  await expect(Machine.replay(journal)).rejects.toMatchObject({ code: "journal-mismatch" });
  await expect(Machine.replay(journal, { drives: [{ data: bytesOf(8192) }] })).rejects.toThrow(
    "drive 0: bytes was 4096 and is 8192",
  );
});

test("a malformed, truncated, altered or newer journal is refused by name", async () => {
  const machine = await busyMachine();
  machine.input.serial("x");
  const file = await machine.journal.toBytes();
  const text = new TextDecoder().decode(file);
  const refused = async (content: string | Uint8Array) => {
    const bytes = typeof content === "string" ? new TextEncoder().encode(content) : content;
    const error = await Journal.fromBytes(bytes).catch((caught: unknown) => caught);
    return (error as { code?: string }).code;
  };
  expect(await refused("")).toBe("journal-malformed");
  expect(await refused("{}")).toBe("journal-malformed");
  expect(await refused(text.replace('"version":1', '"version":2'))).toBe("journal-version");
  expect(await refused(text.replace('"power-button"', '"x"').replace("serial", "zerial"))).toBe(
    "journal-altered",
  );
  await fc.assert(
    fc.asyncProperty(
      fc.nat(file.length - 1),
      fc.integer({ min: 1, max: 255 }),
      async (at, bits) => {
        const altered = file.slice();
        altered[at] = (altered[at] ?? 0) ^ bits;
        expect(await refused(altered)).toMatch(/^journal-(malformed|version|truncated|altered)$/);
        expect(await refused(file.slice(0, at))).toMatch(/^journal-(malformed|version|truncated)$/);
      },
    ),
    { numRuns: 100 },
  );
});
