import { expect, test } from "vitest";
import { World } from "../testing/world-host.ts";

test("AgentSchedule refuses an address that is misaligned, null or not the caller's, by name", async () => {
  const world = await World.create();
  const init = world.kernel.root.initAt(0);
  const self = Number(init.capabilitiesAt(0).nextAt(0).id);
  const weight = init.weight;
  expect(world.call(world.init, "AGENT_INFO", self).status).not.toBe("CAPABILITY_KIND");
  for (const [address, status] of [
    [0x1001, "MISALIGNED"],
    [0, "BAD_ADDRESS"],
    [0x5000_0000, "BAD_ADDRESS"],
    [0xffff_8000_0000_0000n, "BAD_ADDRESS"],
    [0xffff_ffff_ffff_fff8n, "BAD_ADDRESS"],
  ] as const)
    expect(world.call(world.init, "AGENT_SCHEDULE", self, address).status).toBe(status);
  expect(init.weight).toBe(weight);
});
