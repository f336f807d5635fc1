import { spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, onTestFinished, test } from "vitest";
import { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { bundle } from "../host/testing/bundle.ts";
import type { Agent } from "../messages/api.ts";
import { ownerToken, SOCKET_FILE, TOKEN_FILE } from "./sockets.ts";
import { System } from "./system.ts";

const MAIN = new URL("../../sdk/cli/main.ts", import.meta.url);
/** Blocks that a file may have, of 512 bytes or of 1024: the records have more after some tens of changes. */
const BLOCKS = 64;
const CHANGES_MAX = 1000;
const SCRIPT = `import { messages } from "aios"; for await (const message of messages()) message;`;

/** `aios up` where no file may grow beyond a size, once it is ready. */
async function upWithLimit(state: string) {
  const aios = await bundle(MAIN);
  onTestFinished(() => aios.remove());
  const command = [aios.path, "up", "--state", state, "--no-port", "--json"];
  const limited = ["-c", `ulimit -f ${BLOCKS}; exec "$@"`, "-", process.execPath, ...command];
  const child = spawn("sh", limited, { stdio: ["ignore", "pipe", "pipe"] });
  const said: { kind: string; text: string }[] = [];
  const lines = createInterface({ input: child.stdout });
  let error = "";
  child.stderr.setEncoding("utf8").on("data", (text) => (error += text));
  const ended = new Promise<number | null>((resolve) => child.on("close", resolve));
  await new Promise<void>((resolve, reject) => {
    lines.on("line", (line) => {
      said.push(JSON.parse(line));
      if (said.at(-1)?.kind === "ready") resolve();
    });
    void ended.then((status) => reject(new Error(`ended with ${status}: ${error}`)));
  });
  return { said, ended, errors: () => error };
}

test("when the disk is full a change is refused with its reason, the system ends, and what was acknowledged is there", async () => {
  const state = mkdtempSync(join(tmpdir(), "aios-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const { said, ended, errors } = await upWithLimit(state);
  const client = new Client({ socket: join(state, SOCKET_FILE) });
  const file = agentFile({ runtime: "quickjs", entry: "a.js" });
  const script = new TextEncoder().encode(SCRIPT);
  const { digest } = await client.putImage((await build(file, { "a.js": script })).archive);
  await client.call("agent.run", { image: digest, name: "it", restart: "always" });
  let weight = 0;
  const change = async () => {
    while (weight < CHANGES_MAX) {
      await client.call("agent.update", { name: "it", limits: { weight: weight + 1 } });
      weight++;
    }
  };
  const why = /state directory .* can't be written: .*File too large/;
  await expect(change()).rejects.toMatchObject({
    code: "unavailable",
    message: expect.stringMatching(why),
  });
  expect(weight).toBeGreaterThan(0);
  client.close();

  expect(await ended).toBe(1);
  expect(errors()).toBe("");
  expect(said.at(-2)).toMatchObject({ kind: "error", text: expect.stringMatching(why) });

  const again = await System.start({ state });
  const running = again.run();
  const agent = await again.access.owner.call("agent.inspect", { name: "it" });
  // What was refused may be there as well, whole.
  expect([weight, weight + 1]).toContain((agent as Agent).limits.weight);
  await again.stop();
  await running;
});

test("a token of which a full disk has taken a part is none", () => {
  const state = mkdtempSync(join(tmpdir(), "aios-"));
  onTestFinished(() => rmSync(state, { recursive: true }));
  const token = ownerToken(state);
  expect(ownerToken(state)).toBe(token);
  const file = join(state, TOKEN_FILE);
  for (let bytes = 0; bytes < token.length; bytes++) {
    writeFileSync(file, token.slice(0, bytes));
    const fresh = ownerToken(state);
    expect(fresh).toHaveLength(token.length);
    expect(fresh).not.toBe(token);
    expect(readFileSync(file, "utf8")).toBe(`${fresh}\n`);
  }
});
