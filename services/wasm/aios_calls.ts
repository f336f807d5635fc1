/**
 * The functions of the import module "aios": what a WebAssembly agent asks its system for beside WASI. The
 * bindings in C, Rust and AssemblyScript are made of this table, and what answers checks pointers by it.
 */

export * from "./aios_layouts.ts";

/**
 * `handle`: a capability, i64: below 0 one that the agent was given by name, above 0 one that it has
 * made or been sent, 0 its own self, mailbox, or none. `u32`, `u64`: numbers. `in`: address and bytes
 * that are read; `inN`: address and count of records of N bytes. `out`: address and room for bytes;
 * `outN`: address of N bytes that are written.
 */
const TABLE = `
  id          agent:out8
  now         time:out8
  random      buffer:out
  capability  name:in handle:out8
  send        to:handle payload:in along:handle
  receive     from:handle deadline:u64 buffer:out message:out32
  request     to:handle payload:in deadline:u64 buffer:out message:out32
  queue       capacity:u32 handle:out8
  derive      from:handle rights:u32 handle:out8
  drop        which:handle
  wait        list:in8 deadline:u64 flags:u32 event:out32
  clone       child:out16
  spawn       image:handle arguments:in grants:in16 quota:u64 child:out16
  kill        child:handle code:u64
  exit        code:u32
`;

export interface Parameter {
  readonly name: string;
  readonly kind: "handle" | "u32" | "u64" | "in" | "out";
  /** Of a record that is read, or of what is written; 0: as many as the code says. */
  readonly bytes: number;
}

export interface AiosCall {
  readonly name: string;
  readonly parameters: readonly Parameter[];
}

export const AIOS_MODULE = "aios";

export const AIOS_CALLS: readonly AiosCall[] = TABLE.trim()
  .split("\n")
  .map((line) => {
    const [name = "", ...words] = line.trim().split(/\s+/);
    return { name, parameters: words.map(parameterOf) };
  });

function parameterOf(word: string): Parameter {
  const [, name = "", kind = "", bytes = "0"] =
    /^(\w+):(handle|u32|u64|in|out)(\d+)?$/.exec(word) ?? [];
  return { name, kind: kind as Parameter["kind"], bytes: Number(bytes) };
}
