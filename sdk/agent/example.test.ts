import { expect, test } from "vitest";
import { agent, agentImage, buildBootImage, Machine } from "../index.ts";

test("two agents in TypeScript", async () => {
  const host = (program: string) => agentImage({ runtime: "host", program });
  const entries = ["init", "worker"].map((name) => ({ name, data: host(name) }));
  const machine = await Machine.create({ drives: [{ data: await buildBootImage({ entries }) }] });
  const init = agent(function* (sys) {
    const child = yield* sys.spawn({ image: yield* sys.image("worker"), argument: 20 });
    expect(yield* sys.ended(child.id)).toMatchObject({ reason: "exited", code: 42n });
  });
  const worker = agent(function* (sys) {
    yield* sys.exit(2n * sys.argument + 2n);
  });
  machine.agents.program("init", init);
  machine.agents.program("worker", worker);
  expect(machine.boot()).toBe("idle");
  expect(machine.agents.failures).toEqual([]);
  expect(machine.kernel.agents[0]?.end?.reason).toBe("exited");
});
