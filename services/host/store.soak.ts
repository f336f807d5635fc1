/** Each call that writes to the state directory, or syncs it, fails once, of which store.test.ts tries a few. */
import { constants } from "node:os";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FaultTests } from "./testing/faults.ts";

const { ENOSPC, EIO } = constants.errno;
const faults = new FaultTests();
beforeAll(() => faults.begin());
afterAll(() => faults.end());

test.each([
  ["ENOSPC", ENOSPC],
  ["EIO", EIO],
])("%s at any call: what was acknowledged is there, nothing is half there", async (name, errno) => {
  let nth = 1;
  // Up to a call that never comes.
  while (true) {
    const told = await faults.at(nth, errno);
    if (told.every(({ refused }) => refused === null)) break;
    nth++;
  }
  console.log(`${name}: ${nth - 1} calls, each of which has failed once`);
  expect(nth).toBeGreaterThan(30);
});
