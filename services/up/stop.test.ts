import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import { System } from "./system.ts";

/** Ends when it is told to; a service would put away what it has first. */
const POLITE = `
  import { exit, messages } from "aios";
  console.log("well");
  for await (const message of messages()) if (message.json().terminate === 0) {
    console.log("bye");
    exit(3);
  }`;
const DEAF = "export function _start(): void { for (let n: u64 = 0; ; n++) store<u64>(0, n); }";

/** Longer than this machine takes for anything: who has ended isn't waited for. */
const LONG_S = 3600;

test("agents end by themselves when the system does, and are started again by their policies", async () => {
  const state = mkdtempSync(join(tmpdir(), "aios-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const up = async () => {
    const system = await System.start({ state });
    const running = system.run();
    const client = new Client({ socket: system.socket });
    return {
      system,
      client,
      async stop(grace: number) {
        await system.stop(grace);
        await running;
        client.close();
      },
    };
  };
  const linesOf = async (client: Client, name: string, from = 0) =>
    (await client.call("agent.logs", { name, from, wait: 30 })).lines.map(({ text }) => text);
  const before = await up();
  const script = new TextEncoder().encode(POLITE);
  const built = await build(agentFile({ runtime: "quickjs", entry: "a.js" }), { "a.js": script });
  const image = (await before.client.putImage(built.archive)).digest;
  for (const [name, restart] of Object.entries({
    once: "no",
    failing: "on-failure",
    kept: "always",
  }))
    await before.client.call("agent.run", { image, name, restart });
  for (const name of ["once", "failing", "kept"])
    expect(await linesOf(before.client, name)).toEqual(["well"]);
  await before.stop(LONG_S);

  const { client, system, stop } = await up();
  const once = await client.call("agent.inspect", { name: "once" });
  expect(once).toMatchObject({ state: "exited", exit: { reason: "exited", code: 3 } });
  expect(await linesOf(client, "once")).toEqual(["well", "bye"]);
  for (const name of ["failing", "kept"]) {
    expect(await linesOf(client, name, 2)).toEqual(["well"]);
    expect(await client.call("agent.inspect", { name })).toMatchObject({
      state: "running",
      restarts: 1,
    });
  }
  // One that reads no messages, and one that can't, end with the machine.
  const deaf = await system.addCode(await compileSource(DEAF));
  await client.call("agent.run", { image: deaf, name: "deaf" });
  await client.call("agent.pause", { name: "kept" });
  await stop(0.1);

  const after = await up();
  expect(await after.client.call("agent.inspect", { name: "deaf" })).toMatchObject({
    state: "lost",
  });
  await after.stop(0);
});
