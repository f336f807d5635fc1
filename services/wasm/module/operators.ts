/**
 * The operators that an agent's code may have (WebAssembly 2.0, 5.4): what follows the opcode, and how
 * the operand stack's height changes. What isn't in the tables is refused by name.
 */
import type { Reader } from "./bytes.ts";
import { WasmError } from "./errors.ts";

export const OP_UNREACHABLE = 0x00;
export const OP_BLOCK = 0x02;
export const OP_LOOP = 0x03;
export const OP_IF = 0x04;
export const OP_ELSE = 0x05;
export const OP_END = 0x0b;
export const OP_BR = 0x0c;
export const OP_BR_IF = 0x0d;
export const OP_BR_TABLE = 0x0e;
export const OP_RETURN = 0x0f;
export const OP_CALL = 0x10;
export const OP_CALL_INDIRECT = 0x11;
/** Of what is written; an agent's own code may not have it. */
export const OP_RETURN_CALL = 0x12;
export const OP_DROP = 0x1a;
export const OP_LOCAL_GET = 0x20;
export const OP_LOCAL_SET = 0x21;
export const OP_LOCAL_TEE = 0x22;
export const OP_GLOBAL_GET = 0x23;
export const OP_GLOBAL_SET = 0x24;
export const OP_I32_LOAD = 0x28;
export const OP_I64_LOAD = 0x29;
export const OP_F32_LOAD = 0x2a;
export const OP_F64_LOAD = 0x2b;
export const OP_I32_STORE = 0x36;
export const OP_I64_STORE = 0x37;
export const OP_F32_STORE = 0x38;
export const OP_F64_STORE = 0x39;
export const OP_MEMORY_SIZE = 0x3f;
export const OP_MEMORY_GROW = 0x40;
export const OP_I32_CONST = 0x41;
export const OP_I64_CONST = 0x42;
export const OP_F32_CONST = 0x43;
export const OP_F64_CONST = 0x44;
export const OP_I32_EQZ = 0x45;
export const OP_I32_EQ = 0x46;
export const OP_I32_LT_S = 0x48;
export const OP_I32_GE_U = 0x4f;
export const OP_I64_LT_S = 0x53;
export const OP_I32_ADD = 0x6a;
export const OP_I32_SUB = 0x6b;
export const OP_I32_AND = 0x71;
export const OP_I32_OR = 0x72;
export const OP_I32_SHR_U = 0x76;
export const OP_I64_SUB = 0x7d;
export const OP_I64_EXTEND_I32_U = 0xad;
export const OP_REF_FUNC = 0xd2;
const OP_REF_NULL = 0xd0;
const OP_TABLE_GET = 0x25;
/** Operators that leave a reference: constant expressions have them, code may not. */
export const REFERENCES: ReadonlySet<number> = new Set([OP_TABLE_GET, OP_REF_NULL, OP_REF_FUNC]);
/** Opcodes behind a prefix are prefix << 12 | number. */
export const OP_MEMORY_INIT = 0xfc008;
export const OP_MEMORY_COPY = 0xfc00a;
export const OP_MEMORY_FILL = 0xfc00b;
export const OP_V128_CONST = 0xfd00c;

/** What follows an opcode. */
type Immediates =
  | "none"
  | "leb"
  | "leb2"
  | "bytes4"
  | "bytes8"
  | "bytes16"
  | "byte"
  | "memory"
  | "lane"
  | "special";

export interface Operator {
  readonly immediates: Immediates;
  readonly pops: number;
  readonly pushes: number;
}

/** First and last opcode, immediates, values popped and pushed. */
type Row = readonly [first: number, last: number, Immediates, pops: number, pushes: number];

/** Their effect on the stack depends on types; the reader of a body knows it. */
const CONTROL: readonly Row[] = [
  [0x00, 0x01, "none", 0, 0],
  [0x02, 0x04, "special", 0, 0],
  [0x05, 0x05, "none", 0, 0],
  [0x0b, 0x0b, "none", 0, 0],
  [0x0c, 0x0c, "leb", 0, 0],
  [0x0d, 0x0d, "leb", 1, 0],
  [0x0e, 0x0e, "special", 1, 0],
  [0x0f, 0x0f, "none", 0, 0],
  [0x10, 0x10, "leb", 0, 0],
  [0x11, 0x11, "leb2", 1, 0],
  [0x1a, 0x1a, "none", 1, 0],
  [0x1b, 0x1b, "none", 3, 1],
  [0x1c, 0x1c, "special", 3, 1],
];
const VARIABLES: readonly Row[] = [
  [0x20, 0x20, "leb", 0, 1],
  [0x21, 0x21, "leb", 1, 0],
  [0x22, 0x22, "leb", 1, 1],
  [0x23, 0x23, "leb", 0, 1],
  [0x24, 0x24, "leb", 1, 0],
  [0x25, 0x25, "leb", 1, 1],
  [0xd0, 0xd0, "leb", 0, 1],
  [0xd1, 0xd1, "none", 1, 1],
  [0xd2, 0xd2, "leb", 0, 1],
];
const MEMORY: readonly Row[] = [
  [0x28, 0x35, "memory", 1, 1],
  [0x36, 0x3e, "memory", 2, 0],
  [0x3f, 0x3f, "leb", 0, 1],
  [0x40, 0x40, "leb", 1, 1],
  [0xfc008, 0xfc008, "leb2", 3, 0],
  [0xfc00a, 0xfc00a, "leb2", 3, 0],
  [0xfc00b, 0xfc00b, "leb", 3, 0],
  [0xfc010, 0xfc010, "leb", 0, 1],
];
const NUMERIC: readonly Row[] = [
  [0x41, 0x42, "leb", 0, 1],
  [0x43, 0x43, "bytes4", 0, 1],
  [0x44, 0x44, "bytes8", 0, 1],
  [0x45, 0x45, "none", 1, 1],
  [0x46, 0x4f, "none", 2, 1],
  [0x50, 0x50, "none", 1, 1],
  [0x51, 0x66, "none", 2, 1],
  [0x67, 0x69, "none", 1, 1],
  [0x6a, 0x78, "none", 2, 1],
  [0x79, 0x7b, "none", 1, 1],
  [0x7c, 0x8a, "none", 2, 1],
  [0x8b, 0x91, "none", 1, 1],
  [0x92, 0x98, "none", 2, 1],
  [0x99, 0x9f, "none", 1, 1],
  [0xa0, 0xa6, "none", 2, 1],
  [0xa7, 0xc4, "none", 1, 1],
  [0xfc000, 0xfc007, "none", 1, 1],
];
/** Vector instructions but relaxed ones, whose results differ between hosts. */
const VECTOR: readonly Row[] = [
  [0xfd000, 0xfd00a, "memory", 1, 1],
  [0xfd00b, 0xfd00b, "memory", 2, 0],
  [0xfd00c, 0xfd00c, "bytes16", 0, 1],
  [0xfd00d, 0xfd00d, "bytes16", 2, 1],
  [0xfd00e, 0xfd00e, "none", 2, 1],
  [0xfd00f, 0xfd014, "none", 1, 1],
  [0xfd015, 0xfd016, "byte", 1, 1],
  [0xfd017, 0xfd017, "byte", 2, 1],
  [0xfd018, 0xfd019, "byte", 1, 1],
  [0xfd01a, 0xfd01a, "byte", 2, 1],
  [0xfd01b, 0xfd01b, "byte", 1, 1],
  [0xfd01c, 0xfd01c, "byte", 2, 1],
  [0xfd01d, 0xfd01d, "byte", 1, 1],
  [0xfd01e, 0xfd01e, "byte", 2, 1],
  [0xfd01f, 0xfd01f, "byte", 1, 1],
  [0xfd020, 0xfd020, "byte", 2, 1],
  [0xfd021, 0xfd021, "byte", 1, 1],
  [0xfd022, 0xfd022, "byte", 2, 1],
  [0xfd023, 0xfd04c, "none", 2, 1],
  [0xfd04d, 0xfd04d, "none", 1, 1],
  [0xfd04e, 0xfd051, "none", 2, 1],
  [0xfd052, 0xfd052, "none", 3, 1],
  [0xfd053, 0xfd053, "none", 1, 1],
  [0xfd054, 0xfd057, "lane", 2, 1],
  [0xfd058, 0xfd05b, "lane", 2, 0],
  [0xfd05c, 0xfd05d, "memory", 1, 1],
  [0xfd05e, 0xfd0ff, "none", 1, 1],
  // Of these, some take two.
  [0xfd065, 0xfd066, "none", 2, 1],
  [0xfd06b, 0xfd073, "none", 2, 1],
  [0xfd076, 0xfd079, "none", 2, 1],
  [0xfd07b, 0xfd07b, "none", 2, 1],
  [0xfd082, 0xfd082, "none", 2, 1],
  [0xfd085, 0xfd086, "none", 2, 1],
  [0xfd08b, 0xfd093, "none", 2, 1],
  [0xfd095, 0xfd09f, "none", 2, 1],
  [0xfd0ab, 0xfd0bf, "none", 2, 1],
  [0xfd0cb, 0xfd0df, "none", 2, 1],
  [0xfd0e4, 0xfd0eb, "none", 2, 1],
  [0xfd0f0, 0xfd0f7, "none", 2, 1],
];

/** Proposals by opcode, for the refusal's text. */
const REFUSED: readonly (readonly [first: number, last: number, name: string])[] = [
  [0x06, 0x0a, "exceptions"],
  [0x12, 0x15, "tail calls and typed references"],
  [0x18, 0x19, "exceptions"],
  [0x1f, 0x1f, "exceptions"],
  [0x26, 0x26, "changes of tables"],
  [0xd3, 0xd6, "garbage collection"],
  [0xfb000, 0xfbfff, "garbage collection"],
  [0xfc009, 0xfc009, "data.drop"],
  [0xfc00c, 0xfc00f, "changes of tables"],
  [0xfc011, 0xfc011, "changes of tables"],
  [0xfd100, 0xfdfff, "relaxed SIMD"],
  [0xfe000, 0xfefff, "threads"],
];

const TABLE = new Map<number, Operator>();
for (const rows of [CONTROL, VARIABLES, MEMORY, NUMERIC, VECTOR])
  for (const [first, last, immediates, pops, pushes] of rows)
    for (let opcode = first; opcode <= last; opcode++)
      TABLE.set(opcode, { immediates, pops, pushes });

/** Reads an opcode. @throws WasmError wasm-feature for one that isn't supported */
export function readOperator(reader: Reader): number {
  const at = reader.at;
  const first = reader.byte();
  const opcode = first < 0xfb || first === 0xff ? first : first * 0x1000 + reader.u32();
  if (TABLE.has(opcode)) return opcode;
  const why = REFUSED.find(([low, high]) => opcode >= low && opcode <= high)?.[2];
  const text = why ?? `opcode 0x${opcode.toString(16)}`;
  throw new WasmError("wasm-feature", at, `an agent's code can't have ${text}`);
}

export function operatorOf(opcode: number): Operator {
  const known = TABLE.get(opcode);
  if (!known) throw new WasmError("wasm-feature", null, `opcode 0x${opcode.toString(16)}`);
  return known;
}

const FIXED: Partial<Record<Immediates, number>> = {
  none: 0,
  byte: 1,
  bytes4: 4,
  bytes8: 8,
  bytes16: 16,
};
/** Bit of a memory argument's alignment that says that a memory's index follows. */
const HAS_MEMORY_INDEX = 0x40;

/** Skips what follows an opcode. */
export function skipImmediates(reader: Reader, opcode: number): void {
  const { immediates } = operatorOf(opcode);
  const fixed = FIXED[immediates];
  if (fixed !== undefined) reader.skip(fixed);
  else if (immediates === "leb") reader.skipLeb();
  else if (immediates === "leb2") {
    reader.skipLeb();
    reader.skipLeb();
  } else if (immediates === "special") skipSpecial(reader, opcode);
  else skipMemoryArgument(reader, immediates === "lane");
}

function skipMemoryArgument(reader: Reader, lane: boolean): void {
  if (reader.u32() >= HAS_MEMORY_INDEX)
    throw new WasmError("wasm-feature", reader.at, "an agent's code can't have several memories");
  reader.u32();
  if (lane) reader.byte();
}

function skipSpecial(reader: Reader, opcode: number): void {
  if (opcode === OP_BR_TABLE) {
    const labels = reader.u32();
    for (let n = 0; n <= labels; n++) reader.u32();
  } else if (opcode <= OP_IF) reader.s33();
  else reader.skip(reader.u32());
}
