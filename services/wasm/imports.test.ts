import { describe, expect, test } from "vitest";
import { aiosPersonality } from "./aios.ts";
import { FUNCTIONS, importProblem } from "./imports.ts";
import { functionType, VALUE_F64, VALUE_I32, VALUE_I64 } from "./module/model.ts";
import { readModule } from "./module/read.ts";
import { compileSource } from "./testing/compile.ts";
import { canCompileC, cModule } from "./testing/compilers.ts";
import { wasiPersonality } from "./wasi.ts";

const WASI = "wasi_snapshot_preview1";
const I32 = [VALUE_I32];

test("the table has the functions that are answered, and no others", () => {
  const told = { args: [], env: {}, streams: [], capabilities: [], files: null };
  for (const { module, quick, steps } of [wasiPersonality(), aiosPersonality(told)])
    expect([...(FUNCTIONS.get(module)?.keys() ?? [])].sort(), module).toEqual(
      [...quick.keys(), ...steps.keys()].sort(),
    );
});

/** All but proc_raise, which wasi-libc's header doesn't have. */
const DECLARED = [...(FUNCTIONS.get(WASI)?.keys() ?? [])].filter((name) => name !== "proc_raise");

const BINDINGS = `
#include <wasi/api.h>
static void *const all[] = { ${DECLARED.map((name) => `(void *)__wasi_${name}`).join(", ")} };
int main(int count, char **arguments) {
  return ((int (*)(void))all[count])();
}`;

const wantedBy = (code: Uint8Array) => {
  const module = readModule(code);
  return module.imports.map((it, n) => ({ ...it, type: functionType(module, n) }));
};

test.skipIf(!canCompileC)("types are those with which wasi-libc imports the functions", () => {
  const wanted = wantedBy(cModule(BINDINGS));
  expect(wanted.map(({ name }) => name).sort()).toEqual([...DECLARED].sort());
  expect(importProblem(wanted)).toBe(null);
});

test("of the bindings' own functions, too", async () => {
  const code = await compileSource(`
    @external("aios", "send") declare function send(to: i64, at: usize, bytes: usize, along: i64): i32;
    @external("aios", "receive") declare function receive(
      from: i64, deadline: i64, at: usize, bytes: usize, message: usize): i32;
    export function _start(): void { send(0, 0, 0, 0); receive(0, 0, 0, 0, 0); }`);
  const wanted = wantedBy(code);
  expect(wanted.map(({ name }) => name).sort()).toEqual(["receive", "send"]);
  expect(importProblem(wanted)).toBe(null);
});

describe("an import that nothing answers is named, with the type that is wanted", () => {
  test.each([
    [
      { module: "env", name: "log", type: { parameters: [VALUE_F64], results: [] } },
      `imports "env.log" as (f64) -> (); there are ${WASI} and aios`,
    ],
    [
      { module: WASI, name: "fd_dup", type: { parameters: I32, results: I32 } },
      `imports "${WASI}.fd_dup" as (i32) -> i32; "${WASI}" has no such function`,
    ],
    [
      { module: WASI, name: "fd_seek", type: { parameters: [VALUE_I32, ...I32], results: I32 } },
      `imports "${WASI}.fd_seek" as (i32, i32) -> i32; here it is (i32, i64, i32, i32) -> i32`,
    ],
    [
      { module: "aios", name: "exit", type: { parameters: [VALUE_I64], results: [] } },
      'imports "aios.exit" as (i64) -> (); here it is (i32) -> i32',
    ],
  ])("%j", (wanted, problem) => {
    const good = { module: WASI, name: "proc_exit", type: { parameters: I32, results: [] } };
    expect(importProblem([good])).toBe(null);
    expect(importProblem([good, wanted])).toBe(problem);
  });
});
