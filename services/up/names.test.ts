/** Modules and scripts with names: of agents that are started anew, and of images. */
import { afterAll, beforeAll, expect, test } from "vitest";
import { assemblyScriptBindings } from "../../sdk/build/aios-bindings.ts";
import type { Client } from "../../sdk/client/client.ts";
import { agentFile, build } from "../../sdk/oci/testing.ts";
import { compileSource } from "../wasm/testing/compile.ts";
import type { System } from "./system.ts";
import { RunningSystem } from "./testing.ts";

let running: RunningSystem;
let system: System;
let client: Client;

beforeAll(async () => {
  running = await RunningSystem.start();
  ({ system, client } = running);
});

afterAll(() => running.stop());

const HEAD = `${assemblyScriptBindings().replaceAll("export ", "")}
const room = memory.data(65536), told = memory.data(64);
function find(name: usize, bytes: i32): i64 {
  if (aios_capability(name, bytes, told) != AIOS_STATUS_OK) aios_exit(100);
  return load<i64>(told);
}`;

/** Passes on what it is sent; "clone" makes a clone of it, which passes on "cloned" and ends. */
const RELAY = `${HEAD}
const name = memory.data<u8>([104]);
export function _start(): void {
  const to = find(name, 1);
  while (true) {
    aios_receive(0, AIOS_NEVER, room, 64, told);
    const bytes = <u32>load<u64>(told + AIOS_MESSAGE_PAYLOAD_BYTES);
    if (load<u8>(room) == 99) aios_exit(aios_clone(told) == AIOS_STATUS_OK ? 42 : 43);
    if (aios_send(to, room, bytes, 0) != AIOS_STATUS_OK) aios_exit(44);
  }
}`;
/** Starts an agent of an image, as part of itself: its code is the child's. */
const PARENT = `${HEAD}
const name = memory.data<u8>([99, 104, 105, 108, 100, 58, 49, 46, 48, 46, 48]);
const args = memory.data<u8>([99, 0, 49, 0]);
export function _start(): void {
  if (aios_spawn(find(name, 11), args, 4, 0, 0, 0, told) != AIOS_STATUS_OK) aios_exit(90);
  aios_wait(0, 0, AIOS_NEVER, AIOS_WAIT_CHILDREN, told);
  aios_exit(<u32>load<u64>(told + AIOS_EVENT_CODE));
}`;

const SCRIPTS = {
  hearer: `import { messages } from "aios"; for await (const it of messages()) console.log(it.text);`,
  relay: `import { messages, send } from "aios"; for await (const it of messages()) send("h", it.text);`,
  teller: `import { args, send } from "aios"; send(args[0], args[1]);`,
  child: `import { args, capabilities, exit } from "aios";
    console.log("child", args, capabilities.length);
    exit(7);`,
};

const text = (value: string) => new TextEncoder().encode(value);

async function script(name: keyof typeof SCRIPTS): Promise<void> {
  const file = agentFile({ name, runtime: "quickjs", entry: "agent.js" });
  await client.putImage((await build(file, { "agent.js": text(SCRIPTS[name]) })).archive);
}

let told = 0;
async function tell(to: string, word: string): Promise<void> {
  const capabilities = [`IPC_SEND:${to}`];
  const image = "teller:1.0.0";
  await client.call("agent.run", { image, name: `t${++told}`, args: [to, word], capabilities });
}
const line = async (name: string, from: number) =>
  (await client.call("agent.logs", { name, from, wait: 30 })).lines[0]?.text;

test("a script's and a module's name is whoever runs under it, though nobody has told their code", async () => {
  for (const name of ["hearer", "relay", "teller"] as const) await script(name);
  const module = await system.addCode(await compileSource(RELAY));
  const capabilities = ["IPC_SEND:h"];
  await client.call("agent.run", { image: module, name: "module", capabilities });
  await client.call("agent.run", { image: "relay:1.0.0", name: "script", capabilities });
  await client.call("agent.run", { image: "hearer:1.0.0", name: "h" });
  for (let n = 0; n < 6; n += 2) {
    await tell("module", `from the module ${n}`);
    expect(await line("h", n)).toBe(`from the module ${n}`);
    await tell("script", `from the script ${n}`);
    expect(await line("h", n + 1)).toBe(`from the script ${n}`);
    await client.call("agent.kill", { name: "h" });
    await client.call("agent.start", { name: "h" });
  }
  // A clone has its names, too, though nobody may be behind them.
  await client.call("agent.clone", { name: "script", as: "copy" });
  await tell("copy", "from the copy");
  expect(await line("h", 6)).toBe("from the copy");
  await client.call("agent.kill", { name: "h" });
  await tell("module", "clone");
  const { exit } = await client.call("agent.wait", { name: "module", wait: 30 });
  expect(exit).toEqual({ reason: "exited", code: 42 });
});

test("an agent starts others of an image that it was given, and of no other", async () => {
  await script("child");
  const image = await system.addCode(await compileSource(PARENT));
  const limits = { memory: 8 << 20 };
  const run = (name: string, capabilities: string[]) =>
    client.call("agent.run", { image, name, capabilities, limits });
  await run("parent", ["PROC_SPAWN:child:1.0.0"]);
  const ended = await client.call("agent.wait", { name: "parent", wait: 30 });
  expect(ended.exit).toEqual({ reason: "exited", code: 7 });
  expect(await line("parent", 0)).toBe('child ["1"] 0');
  await expect(client.call("image.remove", { reference: "child:1.0.0" })).rejects.toThrow(
    "child:1.0.0 is wanted by default/parent; remove it first",
  );
  await run("without", []);
  const without = await client.call("agent.wait", { name: "without", wait: 30 });
  expect(without.exit).toEqual({ reason: "exited", code: 100 });
});
