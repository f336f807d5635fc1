import { readFileSync } from "node:fs";
import { get } from "node:http";
import { afterEach, beforeEach, expect, test } from "vitest";
import type { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import type { System } from "./system.ts";
import { RunningSystem } from "./testing.ts";

let running: RunningSystem;
let system: System;
let client: Client;

beforeEach(async () => {
  running = await RunningSystem.start();
  ({ system, client } = running);
});

afterEach(() => running.stop());

const HELLO = `
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
const list = memory.data(16), text = memory.data<u8>([104, 101, 108, 108, 111, 10]);
export function _start(): void {
  store<usize>(list, text);
  store<i32>(list + 4, 6);
  fd_write(1, list, 1, list + 8);
  proc_exit(7);
}`;

test("a module runs as an agent, and what it writes and how it ends is there to see", async () => {
  const image = await system.addCode(await compileSource(HELLO));
  const begun = await client.call("agent.run", { image, name: "hello" });
  expect(begun).toMatchObject({ name: "hello", project: "default", state: "running" });
  await expect
    .poll(async () => await client.call("agent.inspect", { name: "hello" }))
    .toMatchObject({ state: "exited", exit: { reason: "exited", code: 7 } });
  await expect
    .poll(async () => (await client.call("agent.logs", { name: "hello" })).lines)
    .toMatchObject([{ sequence: 0, stream: "stdout", text: "hello" }]);
  expect(await client.call("agent.list", {})).toHaveLength(1);
  await expect(client.call("agent.kill", { name: "hello" })).rejects.toThrow("doesn't run");
  await expect(client.call("agent.run", { image, name: "A" })).rejects.toThrow(
    'name: "A" is no name: 1 to 31',
  );
});

test("a script runs as an agent, and a clone of it counts on from where it stands", async () => {
  const script = `
    import { args, env } from "aios";
    for (let n = 0; ; n++) {
      console.log([...args, env.GREETING, n].join(" "));
      await new Promise((resolve) => setTimeout(resolve, 20));
    }`;
  const file = agentFile({ runtime: "quickjs", entry: "agent.js" });
  const { archive } = await build(file, { "agent.js": new TextEncoder().encode(script) });
  const { reference } = await client.putImage(archive);
  const run = { image: reference ?? "", name: "script", args: ["one"], env: { GREETING: "hi" } };
  await client.call("agent.run", run);
  const firstLine = async (name: string, from: number) =>
    (await client.call("agent.logs", { name, from, wait: 20 })).lines[0]?.text;
  expect(await firstLine("script", 0)).toBe("one hi 0");
  expect(await firstLine("script", 3)).toBe("one hi 3");
  await client.call("agent.clone", { name: "script", as: "copy" });
  expect(Number((await firstLine("copy", 0))?.split(" ").at(-1))).toBeGreaterThan(3);
});

test("the OpenAPI document is of this project's version", async () => {
  const text = await new Promise<string>((resolve, reject) => {
    const asked = get({ socketPath: system.socket, path: "/openapi.json" }, (answer) => {
      let all = "";
      answer.setEncoding("utf8").on("data", (part) => {
        all += part;
      });
      answer.on("end", () => resolve(all));
    });
    asked.on("error", reject);
  });
  const manifest = JSON.parse(readFileSync(new URL("../../package.json", import.meta.url), "utf8"));
  expect(JSON.parse(text).info.version).toBe(manifest.version);
});
