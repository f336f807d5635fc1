import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import { System } from "./system.ts";
import { RunningSystem } from "./testing.ts";

const exits = (code: number) =>
  compileSource(`
@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;
export function _start(): void { proc_exit(${code}); }`);

test("modules that agents, jobs or health checks name outlast a start; what nothing names goes", async () => {
  const state = mkdtempSync(join(tmpdir(), "aios-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const first = await System.start({ state });
  const running = first.run();

  const [agent = "", judge = "", job = "", nobody = ""] = await Promise.all(
    [1, 2, 3, 4].map(async (code) => first.addCode(await exits(code))),
  );
  const health = { interval: 3600, exec: [judge] };
  await first.access.owner.call("project.apply", {
    project: "p",
    agents: { a: { image: agent, health, restart: { policy: "no" } } },
    jobs: { j: { image: job, every: 3600 } },
  });
  await first.stop();
  await running;

  const second = await System.start({ state });
  const again = second.run();
  await second.ready();
  const has = (digest: string) => second.store.hasObject(digest);
  expect(await Promise.all([agent, judge, job, nobody].map(has))).toEqual([
    true,
    true,
    true,
    false,
  ]);
  await second.stop();
  await again;
});

test("what was made of an image's code goes with the last image that has it", async () => {
  const running = await RunningSystem.start();
  onTestFinished(() => running.stop());
  const { client, state, system } = running;
  const code = await exits(0);
  const put = async (name: string) => {
    const { archive } = await build(agentFile({ name }), { "agent.wasm": code });
    await client.putImage(archive);
    await client.call("agent.run", { image: `${name}:1.0.0`, name });
    await client.call("agent.wait", { name, wait: 30 });
    await client.call("agent.remove", { name });
  };
  const made = () => [
    system.preparer.codes.size,
    readdirSync(join(state, "cache/prepared")).length,
  ];
  await put("one");
  await put("other");
  expect(made()).toEqual([1, 1]);
  await client.call("image.remove", { reference: "one:1.0.0" });
  expect(made()).toEqual([1, 1]);
  await client.call("image.remove", { reference: "other:1.0.0" });
  expect(made()).toEqual([0, 0]);
  // It is made again for whoever brings it again.
  await put("one");
  expect(made()).toEqual([1, 1]);
});
