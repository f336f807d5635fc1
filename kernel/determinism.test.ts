import fc from "fast-check";
import { expect, test } from "vitest";
import { buildBootImage } from "../sdk/image/index.ts";
import { Journal } from "../sim/host/journal.ts";
import { Machine } from "../sim/host/machine.ts";

/** Steps between two comparisons. A boot makes few: an entry of the kernel is one step. */
const EVERY = 10;
const HASHED_EVERY_STEP_CPUS = 2;

const entries = [
  { name: "a", data: Uint8Array.from({ length: 700_000 }, (_, index) => index * 7) },
  { name: "b", data: new Uint8Array(3) },
];
const image = await buildBootImage({ entries });
const options = (cpus: number) => ({ cpus, memory: 64 * 2 ** 20, drives: [{ data: image }] });

/** What a person does to the machine while it boots; all of it ends up in the journal. */
const interference: Readonly<Record<number, (machine: Machine) => void>> = {
  20: (machine) => machine.input.fault("interrupt-lost", "nvme", { skip: 3 }),
  40: (machine) => machine.input.serial("are you there?"),
  60: (machine) => machine.physical.write(0x9000, Uint8Array.of(1, 2, 3)),
};

interface Run {
  readonly machine: Machine;
  readonly hashes: string[];
}

/** Boots and powers off, with the hash of all state at every `every`-th step and at the end. */
function record(machine: Machine, every: number, touched = true): Run {
  const hashes: string[] = [];
  for (let goal = every; ; goal += every) {
    if (touched) for (let at = goal - every; at < goal; at++) interference[at]?.(machine);
    let reason = machine.run({ steps: goal - Number(machine.steps) });
    if (reason === "idle" && touched) {
      machine.input.powerButton();
      reason = machine.run({ steps: goal - Number(machine.steps) });
    }
    hashes.push(machine.stateHash());
    if (reason !== "steps") return { machine, hashes };
  }
}

test.each([
  [HASHED_EVERY_STEP_CPUS, 1],
  [4, EVERY],
  [64, EVERY * 10],
])(
  "three boots and a replay of %i CPUs have the same state at every step compared",
  { timeout: 120_000 },
  async (cpus, every) => {
    const first = record(await Machine.create(options(cpus)), every);
    expect(first.machine.stopReason).toBe("power-off");
    expect(new Set(first.hashes).size).toBeGreaterThan(first.hashes.length / 2);
    for (let again = 0; again < 2; again++)
      expect(record(await Machine.create(options(cpus)), every).hashes).toEqual(first.hashes);
    const journal = await Journal.fromBytes(await first.machine.journal.toBytes());
    const replay = await Machine.replay(journal, { drives: [{ data: image }] });
    expect(record(replay, every, false).hashes).toEqual(first.hashes);
  },
);

test("a boot cut anywhere, copied there and continued ends as the one in one piece", async () => {
  const whole = await Machine.create(options(4));
  whole.boot();
  const end = whole.stateHash();
  await fc.assert(
    fc.asyncProperty(fc.nat(Number(whole.steps)), fc.boolean(), async (steps, byFile) => {
      const machine = await Machine.create(options(4));
      machine.run({ steps });
      const copy = byFile
        ? await Machine.restore(machine.snapshot(), { drives: options(4).drives })
        : machine.fork();
      expect(copy.boot()).toBe(whole.stopReason);
      expect([copy.steps, copy.stateHash()]).toEqual([whole.steps, end]);
    }),
    { numRuns: 8 },
  );
}, 60_000);
