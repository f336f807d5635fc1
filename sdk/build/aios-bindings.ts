/**
 * Makes what WebAssembly agents import from "aios" known to C, Rust and AssemblyScript, from the table of
 * what answers (services/wasm/aios_calls.ts) and the kernel's statuses, rights and ends.
 * sdk/build/agent-interface.ts writes the files.
 */
import * as states from "../../kernel/agent/states.ts";
import * as rights from "../../kernel/cap/rights.ts";
import * as status from "../../kernel/syscall/status.ts";
import * as aios from "../../services/wasm/aios_calls.ts";

const NOTE = "Made from services/wasm/aios_calls.ts by sdk/build/agent-interface.ts. Do not edit.";

type Types = Readonly<Record<string, string>>;
/** The parameter with an address, and the one behind it, if there is one. */
type Write = (name: string, type: string) => string;

interface Language {
  readonly types: Types;
  readonly parameter: Write;
  readonly call: (name: string, parameters: readonly string[]) => string;
  readonly constant: (name: string, value: number) => string;
  readonly frame: (body: string) => string;
}

const C: Language = {
  types: { handle: "int64_t", u32: "uint32_t", u64: "uint64_t", in: "const void *", out: "void *" },
  parameter: (name, type) => `${type}${type.endsWith("*") ? "" : " "}${name}`,
  call: (name, parameters) =>
    `__attribute__((import_module("${aios.AIOS_MODULE}"), import_name("${name}")))\n` +
    `uint32_t aios_${name}(${parameters.join(", ")});\n`,
  constant: (name, value) => `#define AIOS_${name} ${value}\n`,
  frame: (body) =>
    `/* ${NOTE} */\n#ifndef AIOS_WASM_H\n#define AIOS_WASM_H\n\n#include <stdint.h>\n\n` +
    `#define AIOS_NEVER UINT64_MAX\n${body}\n#endif\n`,
};

const RUST: Language = {
  types: { handle: "i64", u32: "u32", u64: "u64", in: "*const u8", out: "*mut u8" },
  parameter: (name, type) => `${name}: ${type}`,
  call: (name, parameters) =>
    `    #[link_name = "${name}"]\n    pub fn aios_${name}(${parameters.join(", ")}) -> u32;\n`,
  constant: (name, value) => `pub const AIOS_${name}: u32 = ${value};\n`,
  frame: (body) => {
    const [constants = "", calls = ""] = body.split("\n\n");
    return (
      `// ${NOTE}\n//! What a WebAssembly agent asks its system for beside WASI. A module of its own: \`mod aios;\`\n` +
      `#![allow(dead_code)]\n\npub const AIOS_NEVER: u64 = u64::MAX;\n${constants}\n\n` +
      `#[link(wasm_import_module = "${aios.AIOS_MODULE}")]\nextern "C" {\n${calls}}\n`
    );
  },
};

const ASSEMBLYSCRIPT: Language = {
  types: { handle: "i64", u32: "u32", u64: "u64", in: "usize", out: "usize" },
  parameter: (name, type) => `${name}: ${type}`,
  call: (name, parameters) =>
    `@external("${aios.AIOS_MODULE}", "${name}")\n` +
    `export declare function aios_${name}(${parameters.join(", ")}): u32;\n`,
  constant: (name, value) => `export const AIOS_${name}: u32 = ${value};\n`,
  frame: (body) => `// ${NOTE}\nexport const AIOS_NEVER: u64 = u64.MAX_VALUE;\n${body}`,
};

/** By name, since modules have no other order everywhere. */
function constants(): [string, number][] {
  const shown = { ...status, ...rights, ...startingWith("END_", states), ...aios };
  return Object.entries(shown)
    .filter((entry): entry is [string, number] => typeof entry[1] === "number")
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

function startingWith(start: string, table: Readonly<Record<string, unknown>>) {
  return Object.fromEntries(Object.entries(table).filter(([name]) => name.startsWith(start)));
}

/** An address is followed by its bytes, or by how many records there are. */
function parametersOf(it: aios.Parameter, { types, parameter }: Language): string[] {
  const first = parameter(it.name, types[it.kind] ?? "");
  if (it.kind === "in" && it.bytes > 0)
    return [first, parameter(`${it.name}_count`, types.u32 ?? "")];
  if (it.kind === "in" || (it.kind === "out" && it.bytes === 0))
    return [first, parameter(`${it.name}_bytes`, types.u32 ?? "")];
  return [first];
}

function bindings(language: Language): string {
  const calls = aios.AIOS_CALLS.map(({ name, parameters }) =>
    language.call(
      name,
      parameters.flatMap((it) => parametersOf(it, language)),
    ),
  );
  const values = constants().map(([name, value]) => language.constant(name, value));
  return language.frame(`${values.join("")}\n${calls.join("")}`);
}

export const cBindings = (): string => bindings(C);
export const rustBindings = (): string => bindings(RUST);
export const assemblyScriptBindings = (): string => bindings(ASSEMBLYSCRIPT);

/** Where they are. */
export const BINDINGS: Readonly<Record<string, () => string>> = {
  "sdk/c/aios_wasm.h": cBindings,
  "sdk/rust/wasm/aios.rs": rustBindings,
  "sdk/assemblyscript/aios.ts": assemblyScriptBindings,
};
