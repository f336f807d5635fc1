import { fileURLToPath } from "node:url";
import { beforeAll, expect, test } from "vitest";
import { compileAssemblyScript } from "../../sdk/testing/compilers.ts";
import { startSystem } from "../../sdk/testing/index.ts";

let module: Uint8Array;
beforeAll(async () => {
  module = await compileAssemblyScript(fileURLToPath(new URL("agent.ts", import.meta.url)));
});

/** What a supervisor says that has been started so, and its code. */
async function supervised(...args: string[]) {
  const system = await startSystem({ supervisor: { module, args, memory: 24 << 20 } });
  const { reason, code, stdout } = system.ended("supervisor");
  return { reason, code, said: stdout.trimEnd().split("\n") };
}

test("one-for-one: who crashes is started again, and nobody else", async () => {
  const { code, said } = await supervised("one-for-one", "5", "1000", "a:0:25", "b:2:10", "c:0:60");
  expect(code).toBe(0);
  expect(said).toEqual([
    ...["start a 1", "start b 1", "start c 1"],
    ...["fault b", "start b 2", "crash b", "start b 3"],
    ...["finished a", "finished b", "finished c"],
    "all have finished",
  ]);
});

test("one-for-all: all are stopped and started again with the one that has crashed", async () => {
  const { code, said } = await supervised("one-for-all", "5", "1000", "a:0:30", "b:1:10");
  expect(code).toBe(0);
  expect(said.slice(0, 6)).toEqual([
    ...["start a 1", "start b 1"],
    ...["fault b", "stop a", "start a 2", "start b 2"],
  ]);
  expect(said.slice(6)).toEqual(["finished b", "finished a", "all have finished"]);
});

test("more restarts than its limit in its period, and it gives up, and ends who is left", async () => {
  const { code, said } = await supervised("one-for-one", "3", "1000", "a:0:900", "b:9:10");
  expect(code).toBe(1);
  expect(said.filter((line) => line.startsWith("start b"))).toHaveLength(4);
  expect(said.slice(-2)).toEqual(["give up", "stop a"]);
});

test("as many restarts in a longer time are none too many", async () => {
  const { code } = await supervised("one-for-one", "3", "25", "b:6:10");
  expect(code).toBe(0);
});
