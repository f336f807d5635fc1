/**
 * A machine interface that does nothing, as WebAssembly: a call of it costs what the kernel's calls
 * into the machine cost, where one of JavaScript would cost several times as much. It has every
 * function that hal/x86_64/machine.ts declares; those with a result answer 0, like
 *
 *   (func (export "timestamp") (result i64) i64.const 0)
 *   (func (export "mmioWrite32") (param i64 i32))
 */
import { readFileSync } from "node:fs";

const I32 = 0x7f;
const I64 = 0x7e;
const END = 0x0b;
const TYPES: Readonly<Record<string, number>> = { u32: I32, usize: I32, u64: I64 };
/** i32.const 0, i64.const 0 */
const ZEROES: Readonly<Record<number, readonly number[]>> = { [I32]: [0x41, 0], [I64]: [0x42, 0] };

interface Stub {
  readonly name: string;
  readonly parameters: readonly number[];
  readonly result: readonly number[];
}

const DECLARATIONS = new URL("../../hal/x86_64/machine.ts", import.meta.url);
const DECLARATION = /^export declare function (\w+)\(([^)]*)\): (\w+);$/gm;

function typeNumber(name: string): number {
  const type = TYPES[name];
  if (type === undefined) throw new TypeError(`the machine interface has no type ${name}`);
  return type;
}

function declared(): Stub[] {
  return [...readFileSync(DECLARATIONS, "utf8").matchAll(DECLARATION)].map(
    ([, name = "", list = "", result = ""]) => ({
      name,
      parameters: [...list.matchAll(/: (\w+)/g)].map((match) => typeNumber(match[1] ?? "")),
      result: result === "void" ? [] : [typeNumber(result)],
    }),
  );
}

/** An unsigned number in the binary format (LEB128). */
const unsigned = (value: number): number[] =>
  value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...unsigned(value >>> 7)];
/** A vector: its length, then its items. */
const vector = (items: readonly (readonly number[])[]) => [
  ...unsigned(items.length),
  ...items.flat(),
];
const counted = (bytes: readonly number[]) => [...unsigned(bytes.length), ...bytes];
const section = (id: number, content: readonly number[]) => [id, ...counted(content)];

export function stubMachine(): WebAssembly.ModuleImports {
  const stubs = declared();
  const types = stubs.map(({ parameters, result }) => [
    0x60,
    ...counted(parameters),
    ...counted(result),
  ]);
  const exported = stubs.map(({ name }, index) => [
    ...counted([...Buffer.from(name)]),
    0,
    ...unsigned(index),
  ]);
  const bodies = stubs.map(({ result }) =>
    counted([0, ...result.flatMap((type) => ZEROES[type] ?? []), END]),
  );
  const bytes = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(stubs.map((_, index) => unsigned(index)))),
    ...section(7, vector(exported)),
    ...section(10, vector(bodies)),
  ];
  return new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports;
}
