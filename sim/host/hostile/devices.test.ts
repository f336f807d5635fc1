/** Drivers that misbehave reach RAM and interrupts, as the manuals say, and nothing else. */
import { describe, expect, test } from "vitest";
import { DEVICES, runDriver } from "./devices.ts";

const SEEDS = 16;
const HASHED = 2;

describe.each(DEVICES)("%s", (device) => {
  test("takes rings, registers and messages of any contents, and stays in order", async () => {
    const failures: string[] = [];
    let done = 0;
    for (let seed = 1; seed <= SEEDS; seed++)
      try {
        done += (await runDriver(device, seed)).work;
      } catch (error) {
        failures.push(`seed ${seed}: ${error}`);
      }
    expect(failures).toEqual([]);
    // The device has not given up at once.
    if (device !== "platform") expect(done).toBeGreaterThan(SEEDS / 2);
  });

  test("does the same with the same", async () => {
    for (let seed = 1; seed <= HASHED; seed++)
      expect(await runDriver(device, seed)).toEqual(await runDriver(device, seed));
  });
});
