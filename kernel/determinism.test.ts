import fc from "fast-check";
import { beforeAll, expect, test } from "vitest";
import { buildBootImage } from "../sdk/image/boot-image.ts";
import { Journal } from "../sim/host/journal.ts";
import { Machine } from "../sim/host/machine.ts";

let image = new Uint8Array();
beforeAll(async () => {
  const text = (words: string) => new TextEncoder().encode(words);
  image = await buildBootImage({
    entries: [
      { name: "services/planner", data: text("plan\n") },
      { name: "data/table", data: new Uint8Array(300_000).fill(7) },
    ],
  });
});

const options = () => ({
  cpus: 4,
  memory: 64 * 2 ** 20,
  drives: [{ data: image }],
  nic: "52:54:00:12:34:56",
});

/** Micro-steps between two looks; a boot has some 150. */
const STRIDE = 10;
const LOOKS_MAX = 40;

/** A boot with its hashes at every STRIDE-th step, with inputs on the way if asked for. */
function look(machine: Machine, inputs: boolean): string[] {
  const hashes: string[] = [];
  for (let n = 0; n < LOOKS_MAX; n++) {
    if (machine.run({ steps: STRIDE, until: 60e9 }) !== "steps") break;
    hashes.push(machine.stateHash());
    if (inputs && n === 2) machine.input.serial("typed while it boots\n");
    if (inputs && n === 4) machine.input.frame(new Uint8Array(64).fill(0xff));
  }
  if (inputs) machine.input.powerButton();
  const stop = machine.run({ until: 120e9 });
  return [...hashes, machine.stateHash(), `${stop} ${machine.steps}`, machine.consoleText];
}

test("three boots and one replay of the same inputs are the same at every look", async () => {
  const first = await Machine.create(options());
  const hashes = look(first, true);
  expect(hashes.length).toBeGreaterThan(10);
  expect(new Set(hashes.slice(0, 8)).size).toBe(8);
  expect(first.journal.entries.length).toBeGreaterThan(10);
  expect(first.consoleText).toContain("entries verified");
  expect(look(await Machine.create(options()), true)).toEqual(hashes);
  expect(look(await Machine.create(options()), true)).toEqual(hashes);
  const journal = await Journal.fromBytes(await first.journal.toBytes());
  const replay = await Machine.replay(journal, { drives: options().drives });
  expect(look(replay, false)).toEqual(hashes);
}, 60_000);

test("a boot cut anywhere, copied there and continued ends as the one in one piece", async () => {
  const whole = await Machine.create(options());
  whole.boot();
  const end = whole.stateHash();
  await fc.assert(
    fc.asyncProperty(fc.nat(Number(whole.steps)), fc.boolean(), async (steps, byFile) => {
      const machine = await Machine.create(options());
      machine.run({ steps });
      const copy = byFile
        ? await Machine.restore(machine.snapshot(), { drives: options().drives })
        : machine.fork();
      expect(copy.boot()).toBe(whole.stopReason);
      expect([copy.steps, copy.stateHash()]).toEqual([whole.steps, end]);
    }),
    { numRuns: 8 },
  );
}, 60_000);
