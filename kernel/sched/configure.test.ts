import { expect, test } from "vitest";
import { Life } from "../testing/life-host.ts";

const MS = 1_000_000;

test("the first agent configures the scheduler while it is alone, and within bounds", async () => {
  const life = await Life.create({ cpus: 2 });
  const { init } = life;
  const sched = life.world.kernel.root.schedAt(0);
  expect(init.configure(5 * MS, MS / 2, MS / 4, 0, 3)).toBe("OK");
  expect([sched.epoch, sched.quantum, sched.fairReserve]).toEqual([5_000_000n, MS / 2, 0]);
  expect(init.configure(5 * MS, MS, MS, 1024, 1)).toBe("OK");
  expect(sched.cpusAt(1).serverAt(0).budget).toBe(5_000_000n);
  const refused: readonly (readonly [number, ...number[]])[] = [
    [5 * MS, MS, MS, 1025, 1], // more than all of an epoch
    [5 * MS, MS, MS, 0, 0], // ageing at once
    [5 * MS, MS, 2 * MS, 0, 1], // foreground requests that are the longer ones
    [MS, 2 * MS, MS, 0, 1], // a quantum beyond an epoch
    [5 * MS, MS, 1_999, 0, 1], // less than a trap and its way back
  ];
  for (const wish of refused) expect(init.configure(...wish)).toBe("OUT_OF_RANGE");
  expect([sched.epoch, sched.quantum, sched.fairReserve]).toEqual([5_000_000n, MS, 1024]);
  init.child();
  expect(init.configure(5 * MS, MS, MS, 0, 1)).toBe("WRONG_STATE");
});
