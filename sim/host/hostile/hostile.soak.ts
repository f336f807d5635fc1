/**
 * `npm run soak -- hostile`: guests and drivers that misbehave, for HOSTILE_MINUTES (default 20) from
 * HOSTILE_SEED on, guests in turn with and without the machine's assertions.
 */
import { expect, test } from "vitest";
import { runApart } from "./apart.ts";

const MINUTES = Number(process.env.HOSTILE_MINUTES ?? 20);
const FIRST = Number(process.env.HOSTILE_SEED ?? 1000);
const BATCH = 300;
const MEMORY_MAX = 1.5 * 2 ** 30;
const MARGIN = 5;

test(`guests misbehave for ${MINUTES} minutes, and the host lives`, {
  timeout: (MINUTES + MARGIN) * 60_000,
}, async () => {
  const end = Date.now() + MINUTES * 60_000;
  const failures: string[] = [];
  let seed = FIRST;
  for (let batch = 0; Date.now() < end && failures.length < 10; batch++) {
    const build = batch % 3 === 1 ? "" : "debug";
    const result = await runApart(seed, BATCH, { build, drivers: batch % 3 === 2 });
    failures.push(...result.failures);
    if (result.memory > MEMORY_MAX) failures.push(`seeds from ${seed}: ${result.memory} bytes`);
    seed += BATCH;
  }
  console.log(`hostile: ${seed - FIRST} guests, seeds ${FIRST} to ${seed - 1}`);
  expect(failures).toEqual([]);
});
