/** Copies of a running Debian: forks, snapshots, replays, the past. One boot serves them all. */
import { beforeEach, describe, expect, test } from "vitest";
import { RAM_BASE } from "../core.ts";
import { Machine } from "../machine.ts";
import type { MachineOptions } from "../options.ts";
import { Snapshot } from "../snapshot.ts";
import { command, debianOptions, PROMPT, SHELL } from "../testing/debian.ts";
import { randomFrom } from "../testing/random.ts";

const UNTIL = 120_000_000_000n;
/** Virtual time from one checkpoint to the next, in ns. */
const CHECKPOINT_INTERVAL = 100_000_000n;

/** State hashes at checkpoints of the boot, the last one at the prompt. */
interface Boot {
  readonly options: MachineOptions;
  readonly machine: Machine;
  readonly checkpoints: readonly { readonly steps: bigint; readonly hash: string }[];
}

async function bootOnce(): Promise<Boot> {
  const options = await debianOptions({ cpus: 2, script: SHELL });
  const machine = await Machine.create(options);
  const checkpoints: { steps: bigint; hash: string }[] = [];
  while (!machine.consoleText.includes(PROMPT)) {
    machine.run({ until: machine.time + CHECKPOINT_INTERVAL });
    if (machine.time > UNTIL) throw new Error(`no prompt: ${machine.consoleText.slice(-500)}`);
    checkpoints.push({ steps: machine.steps, hash: machine.stateHash() });
    // Keys that nobody waits for yet are in the journal, too.
    if (checkpoints.length % 5 === 0) machine.input.serial("#");
  }
  machine.input.serial("\n");
  machine.run({ until: machine.time + CHECKPOINT_INTERVAL });
  return { options, machine, checkpoints };
}

let booted: Promise<Boot> | undefined;
let boot: Boot;
beforeEach(async () => {
  booted ??= bootOnce();
  boot = await booted;
});

/** The same hash with nothing remembered of any page. */
function hashAnew(machine: Machine): string {
  machine.core.sim.forgetFrames();
  return machine.stateHash();
}

/** Pages that are in the machine's own memory and aren't all zeroes. */
function pagesIn({ core, physical }: Machine): number {
  const end = RAM_BASE + physical.size;
  let count = 0;
  const next = (at: number) => core.sim.nextUsedPage(at, end) >>> 0;
  for (let at = next(RAM_BASE); at < end; at = next(at + 4096)) count += 1;
  return count;
}

describe("Debian's copies", { timeout: 300_000 }, () => {
  test("replayed from the journal, in other pieces, are the same at every checkpoint", async () => {
    const { machine, options, checkpoints } = boot;
    const random = randomFrom(19);
    for (const cut of [() => Number.POSITIVE_INFINITY, () => 1 + random(700)]) {
      const again = await Machine.replay(machine.journal, options);
      const hashes = checkpoints.map(({ steps }) => {
        while (again.steps < steps)
          again.run({ steps: Math.min(cut(), Number(steps - again.steps)) });
        return { steps, hash: again.stateHash() };
      });
      expect(hashes).toEqual(checkpoints);
      expect(hashAnew(again)).toBe(checkpoints.at(-1)?.hash);
    }
  });

  test("forked, write their own files and share what they don't reach", () => {
    const { machine } = boot;
    const here = machine.stateHash();
    const used = pagesIn(machine);
    const forks = Array.from({ length: 8 }, () => machine.fork());
    expect(forks.map(pagesIn)).toEqual(forks.map(() => 0));
    forks.forEach((fork, n) => {
      expect(command(fork, `echo copy ${n} > /tmp/mine${n}; cat /tmp/mine*`)).toBe(`copy ${n}`);
    });
    forks.forEach((fork, n) => {
      expect(command(fork, "cat /tmp/mine*")).toBe(`copy ${n}`);
      expect(pagesIn(fork)).toBeLessThan(used / 4);
    });
    expect(machine.stateHash()).toBe(here);
    expect(command(machine.fork(), "ls /tmp")).toBe("");
  });

  test("forked and reseeded, draw their own random numbers once the kernel asks for new ones", () => {
    // The kernel draws again after a minute: drivers/char/random.c, CRNG_RESEED_INTERVAL.
    const draw = (seed: number) => {
      const fork = boot.machine.fork();
      fork.input.reseed(new Uint8Array(32).fill(seed));
      return command(fork, "sleep 65; head -c 16 /dev/urandom | md5sum");
    };
    const [one, other, again] = [draw(1), draw(2), draw(1)];
    expect(other).not.toBe(one);
    expect(again).toBe(one);
  });

  test("are in the same state whether their memory was shared or copied whole", () => {
    const { machine } = boot;
    const [shared, whole] = [machine.fork(), machine.fork()];
    expect(whole.stateHash()).toBe(machine.stateHash());
    const family = [shared, whole];
    for (const line of [
      "ls -lR /sys | md5sum",
      "md5sum /bin/busybox",
      "dd if=/dev/zero of=/f bs=1M count=3",
    ])
      for (const one of family) command(one, line);
    expect(pagesIn(shared)).toBeLessThan(pagesIn(whole));
    family.push(shared.fork());
    for (const one of family) command(one, "rm /f; cat /proc/interrupts");
    const hashes = family.map((one) => one.stateHash());
    expect(hashes).toEqual(family.map(() => hashes[0]));
    expect(hashAnew(whole)).toBe(hashes[0]);
  });

  test("come out of a snapshot of a fork that shares its memory", async () => {
    const { machine, options } = boot;
    const fork = machine.fork();
    command(fork, "echo kept > /tmp/kept");
    const snapshot = await Snapshot.fromBytes(await fork.snapshot().toBytes());
    const copy = await Machine.restore(snapshot, options);
    expect(command(copy, "cat /tmp/kept")).toBe("kept");
    command(fork, "cat /tmp/kept");
    expect(copy.stateHash()).toBe(fork.stateHash());
  });

  test("go back, instruction by instruction, to the states that were there", async () => {
    const fork = boot.machine.fork();
    const on = fork.debugger;
    on.attach();
    fork.input.serial("uname\n");
    on.advance(0, UNTIL, 40);
    const states: string[] = [];
    for (let n = 0; n < 4; n++) {
      on.beginStep(0);
      while (!on.advance(0, UNTIL, 100).stop);
      states.push(fork.stateHash());
    }
    for (const before of states.slice(0, -1).reverse()) {
      expect((await on.reverseStep(0)).reason).toBe("step");
      expect(fork.stateHash()).toBe(before);
    }
  });
});
