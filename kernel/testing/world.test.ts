import { expect, test } from "vitest";
import { World } from "./world-host.ts";

/** The two capabilities with which the first agent begins, newest first. */
function capabilities(world: World): { pool: number; self: number } {
  const init = world.kernel.root.initAt(0);
  const pool = init.capabilitiesAt(0);
  const self = pool.nextAt(0);
  return { pool: Number(pool.id), self: Number(self.id) };
}

test("the first agent has a capability to itself and one to the pool of all memory", async () => {
  const world = await World.create();
  const { self, pool } = capabilities(world);
  expect(world.call(world.init, "AGENT_INFO", self)).toEqual({ status: "OK", value: world.init });
  expect(world.call(world.init, "AGENT_INFO", pool).status).toBe("CAPABILITY_KIND");
});

test("identifiers that were never given out, and numbers of no call, are refused by name", async () => {
  const world = await World.create();
  const { self } = capabilities(world);
  expect(world.call(world.init, "AGENT_INFO", 0).status).toBe("CAPABILITY_FORGED");
  expect(world.call(world.init, "AGENT_INFO", self + 2).status).toBe("CAPABILITY_FORGED");
  expect(world.exports.worldCall(0, BigInt(world.init), 9999, 0n, 0n, 0n, 0n, 0n, 0n)).toBe(1);
});
