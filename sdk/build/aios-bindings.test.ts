/** Bindings of the import module "aios": one table, and what compilers of three languages make of it. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { AIOS_CALLS, type Parameter } from "../../services/wasm/aios_calls.ts";
import { readModule } from "../../services/wasm/module/read.ts";
import { compileAssemblyScript, compileC, compileRust } from "../testing/compilers.ts";
import { BINDINGS } from "./aios-bindings.ts";

test("the files of the bindings are made of the table", () => {
  for (const [file, text] of Object.entries(BINDINGS))
    expect([file, readFileSync(file, "utf8")]).toEqual([file, text()]);
});

/** A type's encoding (WebAssembly 2.0, 5.3.1), as the table has it: addresses have 32 bits. */
const I32 = 0x7f;
const I64 = 0x7e;
const typesOf = ({ kind, bytes }: Parameter): number[] => {
  if (kind === "handle" || kind === "u64") return [I64];
  return kind === "in" || (kind === "out" && bytes === 0) ? [I32, I32] : [I32];
};
const EXPECTED = new Map(
  AIOS_CALLS.map(({ name, parameters }) => [
    name,
    { parameters: parameters.flatMap(typesOf), results: [I32] },
  ]),
);

/** What a module imports from "aios", when a program in the language calls every function with zeros. */
async function importsOf(
  name: string,
  frame: (calls: string) => string,
  compile: (file: string) => Uint8Array | Promise<Uint8Array>,
  zero: Readonly<Record<Parameter["kind"], string>>,
) {
  const calls = AIOS_CALLS.map(({ name, parameters }) => {
    const zeros = parameters.flatMap((it) =>
      typesOf(it).map((_, n) => (n === 0 ? zero[it.kind] : "0")),
    );
    return `aios_${name}(${zeros.join(", ")});`;
  });
  const folder = mkdtempSync(join(tmpdir(), "aios-bindings-"));
  try {
    writeFileSync(join(folder, name), frame(calls.join("\n")));
    const module = readModule(await compile(join(folder, name)));
    const found = module.imports.filter(({ module }) => module === "aios");
    return new Map(found.map(({ name, type }) => [name, module.types[type]]));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const ZERO = { handle: "0", u32: "0", u64: "0", in: "0", out: "0" };

test("in AssemblyScript each function has the table's name and types", async () => {
  const frame = (calls: string) =>
    `${BINDINGS["sdk/assemblyscript/aios.ts"]?.()}\nexport function _start(): void {\n${calls}\n}`;
  expect(await importsOf("a.ts", frame, compileAssemblyScript, ZERO)).toEqual(EXPECTED);
});

test("in C each function has the table's name and types", async () => {
  const frame = (calls: string) => `#include "aios_wasm.h"\nint main(void) {\n${calls}\n}`;
  expect(await importsOf("a.c", frame, compileC, ZERO)).toEqual(EXPECTED);
});

test("in Rust each function has the table's name and types", async () => {
  const path = join(process.cwd(), "sdk/rust/wasm/aios.rs");
  const frame = (calls: string) =>
    `#[path = "${path}"]\nmod aios;\nuse aios::*;\nfn main() { unsafe {\n${calls}\n} }`;
  const pointers = { ...ZERO, in: "core::ptr::null()", out: "core::ptr::null_mut()" };
  expect(await importsOf("a.rs", frame, compileRust, pointers)).toEqual(EXPECTED);
});
