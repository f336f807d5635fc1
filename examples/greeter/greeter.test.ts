import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { compileAssemblyScript, compileC, compileRust } from "../../sdk/testing/compilers.ts";
import { type AgentUnderTest, startSystem } from "../../sdk/testing/index.ts";
import { bundle } from "../../services/quickjs/bundle.ts";

const file = (name: string) => fileURLToPath(new URL(name, import.meta.url));

const LANGUAGES: [string, () => Promise<AgentUnderTest>][] = [
  ["greeter.ts", async () => ({ script: await bundle(file("greeter.ts")) })],
  ["assembly.ts", async () => ({ module: await compileAssemblyScript(file("assembly.ts")) })],
  ["greeter.c", async () => ({ module: compileC(file("greeter.c")) })],
  ["greeter.rs", async () => ({ module: compileRust(file("greeter.rs")) })],
];

test.each(LANGUAGES)("%s greets who asks, and counts them", async (_, compile) => {
  const system = await startSystem({
    greeter: await compile(),
    asker: { script: await bundle(file("asker.ts")), args: ["Ada", "Grace"], peers: ["greeter"] },
  });
  expect(system.ended("asker").stdout).toBe("hello Ada\nhello Grace\n");
  // What it has asked of the system, one after the other.
  const calls: string[] = [];
  while (calls.filter((call) => call.endsWith(".fd_write")).length < 2) {
    const { agent, call } = system.step();
    if (agent === "greeter") calls.push(call);
  }
  expect(calls.filter((call) => call.endsWith(".send"))).toHaveLength(2);
});

test("the book's chapter shows these files", () => {
  const chapter = readFileSync("docs/book/21-an-agent-of-your-own.md", "utf8");
  for (const name of ["greeter.ts", "assembly.ts", "greeter.c", "greeter.rs", "asker.ts"])
    expect(chapter).toContain(readFileSync(file(name), "utf8"));
});
