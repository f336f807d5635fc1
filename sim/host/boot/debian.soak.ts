/** Three boots of Debian, cut differently, and a thousand checkpoints; and single steps back in the first one. */
import { expect, test } from "vitest";
import { Machine } from "../machine.ts";
import { command, debianOptions, PROMPT, SHELL } from "../testing/debian.ts";
import { randomFrom } from "../testing/random.ts";

const CHECKPOINTS = 1000;
/** Every so many, the hash is also worked out with nothing remembered of any page. */
const ANEW = 50;
const PLACES = 8;
const STEPS_BACK = 12;
const INTERVAL = 1_000_000n;

function hashAnew(machine: Machine): string {
  machine.core.sim.forgetFrames();
  return machine.stateHash();
}

test("three boots with one journal are the same at each of a thousand checkpoints", async () => {
  const options = await debianOptions({ cpus: 2, script: SHELL });
  const machine = await Machine.create(options);
  while (!machine.consoleText.includes(PROMPT)) {
    machine.run({ until: machine.time + 20n * INTERVAL });
    if (machine.steps % 7n === 0n) machine.input.serial("#");
  }
  machine.input.serial("\n");
  command(machine, "ls -lR /sys | md5sum");
  const { journal, steps } = machine;
  const at = (n: number) => (Number(steps) * (n + 1)) / CHECKPOINTS;
  const hashes = async (piece: () => number) => {
    const again = await Machine.replay(journal, options);
    return Array.from({ length: CHECKPOINTS }, (_, n) => {
      const end = Math.floor(at(n));
      for (let left = end - Number(again.steps); left > 0; left = end - Number(again.steps))
        again.run({ steps: Math.min(left, piece()) });
      const hash = again.stateHash();
      if (n % ANEW === 0) expect(hashAnew(again)).toBe(hash);
      return hash;
    });
  };
  const random = randomFrom(7);
  const first = await hashes(() => Number.POSITIVE_INFINITY);
  expect(first.at(-1)).toBe(machine.stateHash());
  expect(new Set(first).size).toBe(CHECKPOINTS);
  expect(await hashes(() => 1 + random(5000))).toEqual(first);
  expect(await hashes(() => 1 + random(50))).toEqual(first);
});

test("steps back come to the states that were there, all over the boot", async () => {
  const machine = await Machine.create(await debianOptions({ cpus: 2, script: SHELL }));
  const random = randomFrom(11);
  for (let place = 0; place < PLACES; place++) {
    machine.run({ steps: 8_000 + random(4_000) });
    const fork = machine.fork();
    const on = fork.debugger;
    on.attach();
    on.advance(0, 600_000_000_000n, 30);
    const states: string[] = [];
    for (let n = 0; n < STEPS_BACK; n++) {
      on.beginStep(0);
      while (!on.advance(0, 600_000_000_000n, 100).stop);
      states.push(fork.stateHash());
    }
    for (const before of states.slice(0, -1).reverse()) {
      await on.reverseStep(0);
      expect(fork.stateHash()).toBe(before);
    }
  }
});
