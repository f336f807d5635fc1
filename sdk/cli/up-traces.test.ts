/** Traces of a system that the built command runs. */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { afterAll, expect, test } from "vitest";
import { Collector, SERVER } from "../../services/gateway/testing/collector.ts";
import { Client } from "../client/client.ts";

const PKG = join(process.cwd(), "pkg");
const folder = mkdtempSync(join(tmpdir(), "aios-traces-"));
const children: ChildProcess[] = [];
afterAll(() => {
  for (const child of children) child.kill("SIGKILL");
  rmSync(folder, { recursive: true, force: true });
});

const HOUR_MS = "3600000";

test("spans are sent when it stops, and a collector that doesn't answer holds it up only so long", async () => {
  const collector = await Collector.start(() => {});
  const env = {
    ...process.env,
    OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
    OTEL_SERVICE_NAME: "mine",
    // So nothing is sent before, and the libraries themselves would wait for longer than this test may take.
    OTEL_BSP_SCHEDULE_DELAY: HOUR_MS,
    OTEL_BSP_EXPORT_TIMEOUT: HOUR_MS,
    OTEL_EXPORTER_OTLP_TIMEOUT: HOUR_MS,
  };
  const args = [join(PKG, "cli.js"), "up", "--state", join(folder, "state"), "--no-port", "--json"];
  const up = spawn("node", args, { env, stdio: ["ignore", "pipe", "inherit"] });
  children.push(up);
  const ended = new Promise((resolve) => up.on("close", resolve));
  const said: { kind: string; text: string }[] = [];
  for await (const line of createInterface(up.stdout)) {
    const entry = JSON.parse(line);
    said.push(entry);
    if (entry.kind !== "ready") continue;
    const client = new Client({ socket: entry.socket });
    expect(await client.call("agent.list", {})).toEqual([]);
    client.close();
    up.kill("SIGTERM");
  }
  expect(await ended).toBe(0);
  expect(said.at(-1)?.kind).toBe("stopped");
  expect(said.filter(({ kind }) => kind === "error").map(({ text }) => text)).toEqual([
    expect.stringMatching(/^traces: the collector takes nothing/),
  ]);
  expect(collector.spans.filter(({ kind }) => kind === SERVER)).toMatchObject([
    { name: "GET /v1/agents", resource: { "service.name": "mine" } },
  ]);
  await collector.stop();
}, 60_000);

/** Files of pkg/ that are loaded with one of them, whatever it then does. */
function loadedWith(name: string, known = new Set<string>()): Set<string> {
  if (known.has(name)) return known;
  known.add(name);
  const text = readFileSync(join(PKG, name), "utf8");
  for (const [, other = ""] of text.matchAll(/^(?:import|export)\b.*?"\.\/([^"]+)"/gm))
    loadedWith(other, known);
  return known;
}

test("the libraries for it are in files that nothing loads without need", () => {
  const has = (name: string) =>
    readFileSync(join(PKG, name), "utf8").includes("OTEL_EXPORTER_OTLP_HEADERS");
  expect(
    readdirSync(PKG)
      .filter((name) => name.endsWith(".js"))
      .filter(has),
  ).toHaveLength(1);
  const usual = [...loadedWith("cli.js"), ...loadedWith("cli-up-run.js")];
  expect(usual).toContain("cli-up-run.js");
  expect(usual.length).toBeGreaterThan(5);
  expect(usual.filter(has)).toEqual([]);
});
