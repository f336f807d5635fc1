import { expect, test } from "vitest";
import { sweep } from "../host/testing/faults.ts";
import { smallImage } from "../host/testing/images.ts";

/** Where the quick sweep of the tests ends, this one begins. */
const FIRST_SEED = 300;
const BOOTS = 5000;

test(`${BOOTS} boots with random faults each end in a boot or a named error`, async () => {
  const image = await smallImage();
  const results = await sweep(FIRST_SEED, BOOTS, image, "npm run soak");
  expect([...results.values()].reduce((sum, count) => sum + count, 0)).toBeGreaterThan(0);
});
