import { expect, test } from "vitest";
import { walk } from "./exhaustive.ts";
import { WORLDS } from "./lives.ts";

test.each(WORLDS)("%s: every sequence of four calls", async (name, create) => {
  const { world, subject, menu } = await create();
  const { sequences, refused } = walk(world, subject, menu, 4);
  console.log(`${name}: ${sequences} sequences, ${refused} refused`);
  expect(sequences).toBeGreaterThan(5000);
});
