/** Agents under test: the example of the README, and what a trace shows. */
import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { compileSource } from "../../services/wasm/testing/compile.ts";
import { assemblyScriptBindings } from "../build/aios-bindings.ts";
import { startSystem } from "./index.ts";
import { lineOf } from "./trace.ts";

const bytes = (text: string) => new TextEncoder().encode(text);

const ECHO = `
import { exit, messages } from "aios";
for await (const message of messages()) {
  if (message.text === "end") exit(7);
  message.reply("you said: " + message.text);
}`;

const ASKER = `
import { request, send } from "aios";
console.log((await request("echo", "hello")).text);
send("test", "done");`;

test("agents talk to each other and to the test, which sees each call in its order", async () => {
  const system = await startSystem({
    echo: { script: bytes(ECHO) },
    asker: { script: bytes(ASKER), peers: ["echo", "test"] },
  });
  expect(system.receive()).toMatchObject({ from: "asker", text: "done" });
  expect(system.ended("asker")).toMatchObject({ code: 0, stdout: "you said: hello\n" });
  system.send("echo", "end");
  expect(system.ended("echo")).toMatchObject({ reason: "exited", code: 7 });
  const calls = [...Array(system.trace.length)].map(() => system.step());
  expect(calls).toEqual(system.trace);
  // The first peer is a number below 0, and so is a deadline that never comes.
  const waits = calls.filter(({ agent, call }) => agent === "asker" && call === "aios.wait");
  // For the answer, a minute at most; and, once it is there, for none that has come after it.
  expect(waits.map((it) => it.arguments.deadline)).toEqual([
    expect.stringMatching(/^60\d{9}$/),
    "0",
  ]);
  const times = calls.map(({ time }) => time);
  expect(times).toEqual([...times].sort((a, b) => (a < b ? -1 : 1)));
});

test("a line of the trace says when, who, what, with which arguments, and what came of it", async () => {
  const module = await compileSource(`${assemblyScriptBindings().replaceAll("export ", "")}
    const name = memory.data<u8>([116, 101, 115, 116]), told = memory.data(64);
    export function _start(): void {
      aios_capability(name, 4, told);
      aios_send(load<i64>(told), name, 2, 0);
      aios_send(5, name, 4, 0);
      aios_receive(0, AIOS_NEVER, told + 32, 32, told);
      aios_exit(3);
    }`);
  const system = await startSystem({ agent: { module, peers: ["test"] } });
  expect(system.receive().text).toBe("te");
  system.send("agent", "go");
  expect(system.ended("agent").code).toBe(3);
  const lines = system.trace.map((call) => lineOf(call).replace(/^0\.\d{9} /, ""));
  expect(lines).toEqual([
    'agent aios.send(to: test, payload: "te", along: 0) OK',
    'agent aios.send(to: 5, payload: "test", along: 0) CAPABILITY_FORGED',
    'agent aios.receive(from: 0, deadline: never, buffer: "go") OK',
    "agent aios.exit(code: 3)",
  ]);
});

test("what doesn't come is an error that shows what has been done", async () => {
  const system = await startSystem({ echo: { script: bytes(ECHO) } });
  system.send("echo", "end");
  expect(system.ended("echo").code).toBe(7);
  expect(() => system.receive()).toThrow("a message hasn't come");
});

test("the README's example is the one that runs beside it", () => {
  const example = readFileSync(new URL("example.test.ts", import.meta.url), "utf8");
  const readme = readFileSync(new URL("README.md", import.meta.url), "utf8");
  expect(readme).toContain(example);
});
