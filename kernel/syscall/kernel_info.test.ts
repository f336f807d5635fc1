/** KernelInfo, and the time that AgentInfo says an agent has run. */
import { expect, test } from "vitest";
import type { AgentInfo, KernelInfo } from "../../sdk/agent/index.ts";
import { runAgents } from "../../sdk/agent/testing.ts";
import { SPINNER } from "../host/testing/agents.ts";

const MS = 1_000_000;

test("of two processors one works: an agent's time and the machine's grow as virtual time does", async () => {
  const kernels: KernelInfo[] = [];
  const agents: AgentInfo[] = [];
  await runAgents(
    {
      *init(sys) {
        const spinner = yield* sys.spawn({ image: yield* sys.image("spinner"), affinity: 2n });
        yield* sys.sleep(10 * MS);
        for (let n = 0; n < 2; n++) {
          kernels.push(yield* sys.kernelInfo(Number(sys.argument)));
          agents.push(yield* sys.info(spinner.capability));
          if (n === 0) yield* sys.sleep(100 * MS);
        }
        yield* sys.kill(spinner.capability);
      },
    },
    { cpus: 2, images: { spinner: SPINNER } },
  );
  const [before, after] = kernels as [KernelInfo, KernelInfo];
  const [first, last] = agents as [AgentInfo, AgentInfo];
  const passed = Number(after.time - before.time);
  expect(Math.abs(passed - 100 * MS)).toBeLessThan(MS);
  // The spinner has the second processor to itself; the other one sleeps.
  expect(Math.abs(Number(last.ran - first.ran) - passed)).toBeLessThan(MS);
  expect(Math.abs(Number(after.busy - before.busy) - passed)).toBeLessThan(MS);
  expect([after.cpus, after.agents, after.delivered, after.dropped]).toEqual([2, 2, 0, 0]);
  expect(after.used).toBeGreaterThan(0);
  expect(after.used).toBeLessThan(after.memory);
  expect(after.free).toBeGreaterThan(0);
});
