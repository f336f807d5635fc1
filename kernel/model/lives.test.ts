import { expect, test } from "vitest";
import { walk } from "./exhaustive.ts";
import { WORLDS } from "./lives.ts";

/** Levels of the walk; lives.soak.ts takes one more. */
const DEPTH = 3;

test.each(WORLDS)("%s: every sequence of three calls", async (_, create) => {
  const { world, subject, menu } = await create();
  const { sequences, refused } = walk(world, subject, menu, DEPTH);
  expect(sequences).toBeGreaterThan(900);
  expect(refused).toBeGreaterThan(300);
});
