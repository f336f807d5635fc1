import { expect, test } from "vitest";
import { Actor, Life } from "../testing/life-host.ts";

/** Limits of kernel/limits.ts. */
const AGENT_DEPTH_MAX = 64;
const CAPABILITY_DEPTH_MAX = 16;

test(`a pool that is handed down ends after ${CAPABILITY_DEPTH_MAX} levels of derivation`, async () => {
  const life = await Life.create();
  let actor = life.init;
  for (let level = 1; level < CAPABILITY_DEPTH_MAX; level++) actor = actor.child();
  const image = life.image(actor.id);
  expect(actor.memory).toBeGreaterThan(0);
  const before = life.accounts();
  expect(actor.spawn({ image }).status).toBe("TOO_DEEP");
  expect(life.accounts()).toEqual(before);
  expect(actor.spawn({ poolRights: 0 }).status).toBe("OK");
});

test(`a tree of agents is ${AGENT_DEPTH_MAX} levels deep, and the next one is refused by name`, async () => {
  const life = await Life.create();
  let actor = life.init;
  for (let level = 1; level < AGENT_DEPTH_MAX; level++) {
    // Each has a pool's capability of its own, which derives from nothing.
    const { id, self } = actor.child({ poolRights: 0 });
    actor = new Actor(life, id, self, life.authority.poolCapability(id));
  }
  expect(actor.view.depth).toBe(AGENT_DEPTH_MAX - 1);
  const image = life.image(actor.id);
  expect(actor.memory).toBeGreaterThan(0);
  const before = life.accounts();
  expect(actor.spawn({ image, poolRights: 0 }).status).toBe("TOO_DEEP");
  expect(life.accounts()).toEqual(before);
});
