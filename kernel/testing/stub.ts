/**
 * A machine interface that does nothing, as WebAssembly: a call of it costs what the kernel's calls
 * into the machine cost, where one of JavaScript would cost several times as much.
 *
 *   (func (export "timestamp") (result i64) i64.const 0)
 *   (func (export "invalidatePage") (param i64))
 *   (func (export "mmioRead32") (param i64) (result i32) i32.const 0)
 *   (func (export "mmioWrite32") (param i64 i32))
 *   (func (export "portRead8") (param i32) (result i32) i32.const 0)
 */
const I32 = 0x7f;
const I64 = 0x7e;
const END = 0x0b;

interface Stub {
  readonly name: string;
  readonly parameters: readonly number[];
  readonly result: readonly number[];
  readonly body: readonly number[];
}

const ZERO_I32 = [0x41, 0];
const ZERO_I64 = [0x42, 0];
const STUBS: readonly Stub[] = [
  { name: "timestamp", parameters: [], result: [I64], body: ZERO_I64 },
  { name: "invalidatePage", parameters: [I64], result: [], body: [] },
  { name: "mmioRead32", parameters: [I64], result: [I32], body: ZERO_I32 },
  { name: "mmioWrite32", parameters: [I64, I32], result: [], body: [] },
  { name: "portRead8", parameters: [I32], result: [I32], body: ZERO_I32 },
];

/** A vector of the binary format: its length, then its items. All lengths here are below 128. */
const vector = (items: readonly (readonly number[])[]) => [items.length, ...items.flat()];
const counted = (bytes: readonly number[]) => [bytes.length, ...bytes];
const section = (id: number, content: readonly number[]) => [id, ...counted(content)];

export function stubMachine(): WebAssembly.ModuleImports {
  const types = STUBS.map(({ parameters, result }) => [
    0x60,
    ...counted(parameters),
    ...counted(result),
  ]);
  const exported = STUBS.map(({ name }, index) => [...counted([...Buffer.from(name)]), 0, index]);
  const bytes = [
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, vector(types)),
    ...section(3, vector(STUBS.map((_, index) => [index]))),
    ...section(7, vector(exported)),
    ...section(10, vector(STUBS.map(({ body }) => counted([0, ...body, END])))),
  ];
  return new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(bytes))).exports;
}
