import { expect, test } from "vitest";
import { turn } from "./compare.ts";
import { CONTENTS } from "./desk.ts";
import type { Call } from "./step.ts";
import { Subject } from "./subject.ts";
import { type Answer, NOBODY, PAGE } from "./world.ts";

test("a region that an image which failed has mapped twice ends once", async () => {
  const { subject, world } = await Subject.create([1 << 20], 16 << 20);
  const [agent = NOBODY] = world.agents.keys();
  const held = (kind: string) =>
    [...world.capabilities.values()].find(({ thing }) => thing.kind === kind)?.name ?? NOBODY;
  const [self, pool] = [held("agent"), held("pool")];
  const image = subject.shareImage(world, agent, true);
  const does = (call: Call): Answer => {
    const answer = turn(world, subject, { agent, call });
    expect(answer.status, call.call).toBe("OK");
    return answer;
  };
  const [from, one, other] = [CONTENTS, CONTENTS + 16 * PAGE, CONTENTS + 32 * PAGE];
  for (const start of [from, one, other])
    does({ call: "AGENT_MEM_ALLOC", capability: pool, start, pages: 1 });
  const { made = NOBODY } = does({ call: "REGION_SHARE", capability: pool, start: from, pages: 1 });
  does({ call: "AGENT_UPGRADE", capability: self, mode: "begin", image, argument: 0 });
  for (const start of [one, other]) {
    does({ call: "AGENT_MEM_FREE", capability: pool, start, pages: 1 });
    does({ call: "REGION_MAP", capability: made, start, writable: true });
  }
  does({ call: "REGION_UNMAP", capability: made, start: from });
  // What was kept has pages where the region is: there it can't stay.
  turn(world, subject, { agent, call: { call: "FAULT", vector: 14 } });
  expect(world.regions.size).toBe(1);
  turn(world, subject, { agent: NOBODY, call: { call: "SETTLE" } });
  expect(world.regions.size).toBe(0);
});
