/** The scripts of services/quickjs/examples on a running system: input, children and files. */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { bundle } from "../quickjs/bundle.ts";
import { RunningSystem } from "./testing.ts";

let running: RunningSystem;
beforeAll(async () => {
  running = await RunningSystem.start();
});
afterAll(() => running.stop());

async function put(name: string): Promise<void> {
  const entry = fileURLToPath(new URL(`../quickjs/examples/${name}.ts`, import.meta.url));
  const file = agentFile({ name, runtime: "quickjs", entry: "agent.js" });
  await running.client.putImage((await build(file, { "agent.js": await bundle(entry) })).archive);
}

test("a script has the files counted that its input names, by agents that it starts, and writes a report", async () => {
  const { client, state } = running;
  for (const name of ["tally", "count"]) await put(name);
  const folder = "/projects/words";
  const onHost = join(state, "files", folder);
  mkdirSync(onHost, { recursive: true });
  writeFileSync(join(onHost, "short"), "three little words\n");
  writeFileSync(join(onHost, "long"), "word ".repeat(30_000));
  const image = "PROC_SPAWN:count:1.0.0";
  const capabilities = [image, `FS_READ:${folder}`, `FS_WRITE:${folder}`];
  await client.call("agent.run", {
    ...{ image: "tally:1.0.0", name: "tally", stdin: true, capabilities },
    ...{ args: ["count:1.0.0", folder, "report"], limits: { memory: 32 << 20 } },
  });
  for (const data of ["sho", "rt\nnone\nlo", "ng"])
    await client.call("agent.input", { name: "tally", data: btoa(data) });
  await client.call("agent.input", { name: "tally", data: "", end: true });
  const { exit } = await client.call("agent.wait", { name: "tally", wait: 30 });
  expect(exit).toEqual({ reason: "exited", code: 0 });
  const report = "short: 3\nnone: not counted\nlong: 30000\n";
  expect(readFileSync(join(onHost, "report"), "utf8")).toBe(report);
  const { lines } = await client.call("agent.logs", { name: "tally" });
  expect(lines.map(({ text }) => text).sort()).toEqual([
    `${folder}/none: ENOENT`,
    `${report.length} bytes of report`,
  ]);
});
