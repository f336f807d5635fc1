import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { PROGRAMS } from "../../services/orchestrator/testing/programs.ts";
import { TestSystem } from "../../services/orchestrator/testing/system.ts";
import { askAgain } from "./again.ts";
import { Client, NoSystem } from "./client.ts";

let system: TestSystem;
beforeAll(async () => {
  system = await TestSystem.start(PROGRAMS);
});
afterAll(() => system.stop());

test("whoever follows events is told of all of them, whatever becomes of the orchestrator", async () => {
  const { next } = await system.call("events.read", { limit: 1000 });
  const asked = { from: next, limit: 1000, wait: 20 };
  const cutOff = system.call("events.read", asked);
  const followed = askAgain(() => system.call("events.read", asked));
  system.fail("orchestrator");
  const run = { image: "sleeper:1.0.0", name: "after" };
  await expect(cutOff).rejects.toMatchObject({ code: "unavailable" });
  await askAgain(() => system.call("agent.list", {}));
  await system.call("agent.run", run);
  const { events } = await followed;
  expect(events[0]).toMatchObject({ sequence: next, kind: "agent.started", name: "after" });
});

test("what is refused, and what nobody is there to answer, isn't asked again", async () => {
  let asked = 0;
  const counted = <T>(ask: () => Promise<T>) => {
    asked++;
    return ask();
  };
  await expect(
    askAgain(() => counted(() => system.call("agent.inspect", { name: "nobody" }))),
  ).rejects.toThrow("there is no agent");
  const client = new Client({ socket: join(tmpdir(), "aios-no-such-socket") });
  await expect(askAgain(() => counted(() => client.call("agent.list", {})))).rejects.toThrow(
    NoSystem,
  );
  expect(asked).toBe(2);
});
