/**
 * The micro-ops: each a name and what the interpreter does for it, in AssemblyScript. Here: moves,
 * memory, arithmetic; branches are in branches.ts.
 *
 *   0 op  u16 | 2 a | 3 b | 4 c | 5 s | 6 length | 7 count | 8 imm i32 | 12 y u32
 *
 * a, b and c are slots (offsets in Cpu). A memory operand is b + (c << s) + the 64 bits at 8; bit 7
 * of s says that it is in the stack segment. `length` and `count` are those of the instructions that
 * end with the micro-op, else 0. Inside a case `cpu`, `ip`, `block`, `left`, `lines`, `context` and
 * `modified` are the interpreter's variables.
 */

export interface MicroOp {
  readonly name: string;
  readonly code: string;
  /** Ends the block: `code` has set `site`. */
  readonly branches?: boolean;
}

export interface Width {
  readonly bits: number;
  readonly signed: string;
  readonly unsigned: string;
}

export const WIDTHS: readonly Width[] = [8, 16, 32, 64].map((bits) => ({
  bits,
  signed: `i${bits}`,
  unsigned: `u${bits}`,
}));
export const WIDE = WIDTHS.slice(2);

const field = (n: number) => `<usize>load<u8>(ip, ${n})`;
/** Addresses of the slots that the micro-op names. */
export const A = `cpu + ${field(2)}`;
export const B = `cpu + ${field(3)}`;
const C = `cpu + ${field(4)}`;
/** Immediate, as a signed number of up to 32 bits. */
export const IMMEDIATE = "load<i32>(ip, 8)";

/** Leaves the block like a fault when the last call has set one, and takes over a new context. */
export const CHECK = `if (faulted(cpu)) return leave(LEFT_FAULT, block, ip, left);
        context = load<u64>(cpu, offsetof<Cpu>("fastContext"));`;

/** Linear address of the memory operand, with an index or without. */
const ADDRESS = {
  indexed: `load<u64>(${B}) + (load<u64>(${C}) << load<u8>(ip, 5)) + load<u64>(ip, 8)`,
  based: `load<u64>(${B}) + load<u64>(ip, 8)`,
  /** With 32 bits of displacement: the rest is taken by an immediate. */
  short: `load<u64>(${B}) + (load<u64>(${C}) << load<u8>(ip, 5)) + <u64>load<i32>(ip, 8)`,
};

/** The line of `va`, and whether it allows an access of so many bytes by the tag at `tag`. */
function lineAllows(bytes: number, tag: number): string {
  const last = bytes > 1 ? `va + ${bytes - 1}` : "va";
  return `const line = lineOf(lines, va);
        if (load<u64>(line, ${tag}) == (((${last}) & PAGE) | context))`;
}
const READ_TAG = 0;
const WRITE_TAG = 8;
const POINTER = "<usize>va + load<usize>(line, DELTA)";

/** Loads a `type` from `va` and does `use` with it, which is an expression of `value`. */
export function loading(type: string, bits: number, use: string): string {
  return `${lineAllows(bits / 8, READ_TAG)} {
          const value = load<${type}>(${POINTER});
          ${use};
        } else {
          const value = <${type}>loadSlow(changetype<Cpu>(cpu), va, ${bits / 8});
          ${CHECK}
          ${use};
        }`;
}

/** Stores `value`, an expression of unsigned type. */
export function storing({ bits, unsigned }: Width, value: string): string {
  return `${lineAllows(bits / 8, WRITE_TAG)} store<${unsigned}>(${POINTER}, ${value});
        else {
          storeSlow(changetype<Cpu>(cpu), va, ${bits / 8}, <u64>(${value}));
          ${CHECK}
        }`;
}

/** Names of loads: what is read, and what becomes of it. */
const LOADS: readonly (readonly [string, string, number, string])[] = [
  ["8", "u8", 8, "u8"],
  ["16", "u16", 16, "u16"],
  ["32", "u32", 32, "u64"],
  ["64", "u64", 64, "u64"],
  ["ZX8", "u8", 8, "u64"],
  ["ZX16", "u16", 16, "u64"],
  ["SX8_32", "i8", 8, "i32"],
  ["SX8_64", "i8", 8, "i64"],
  ["SX16_32", "i16", 16, "i32"],
  ["SX16_64", "i16", 16, "i64"],
  ["SX32_64", "i32", 32, "i64"],
];

/** Writes `value` as a `type` into slot a; an i32 clears the upper half. */
const putA = (type: string) =>
  type === "i32" ? `store<u64>(${A}, <u64><u32>value)` : `store<${type}>(${A}, <${type}>value)`;

const loads = (["indexed", "based"] as const).flatMap((form) =>
  LOADS.map(([name, type, bits, into]) => ({
    name: `LOAD_${form === "indexed" ? "X" : "B"}_${name}`,
    code: `const va = ${ADDRESS[form]};
        ${loading(type, bits, putA(into))}`,
  })),
);

const stores = (["indexed", "based"] as const).flatMap((form) =>
  WIDTHS.map((width) => ({
    name: `STORE_${form === "indexed" ? "X" : "B"}_${width.bits}`,
    code: `const va = ${ADDRESS[form]};
        ${storing(width, `load<${width.unsigned}>(${A})`)}`,
  })),
);

const constantStores = WIDTHS.map((width) => ({
  name: `STORE_I_${width.bits}`,
  code: `const va = ${ADDRESS.short};
        ${storing(width, `<${width.unsigned}><i64>load<i32>(ip, 12)`)}`,
}));

/** Read-modify-write: `modified` is where the result goes, or 0 when `modifyEnd` knows. */
const modifies = [
  ...WIDTHS.map(({ bits, unsigned }) => ({
    name: `MODIFY_${bits}`,
    code: `const va = ${ADDRESS.indexed};
        ${lineAllows(bits / 8, WRITE_TAG)} {
          modified = ${POINTER};
          store<u64>(${A}, <u64>load<${unsigned}>(modified));
        } else {
          modified = 0;
          const value = modifyBegin(changetype<Cpu>(cpu), va, ${bits / 8});
          ${CHECK}
          store<u64>(${A}, value);
        }`,
  })),
  ...WIDTHS.map(({ bits, unsigned }) => ({
    name: `MODIFY_END_${bits}`,
    code: `if (modified != 0) store<${unsigned}>(modified, load<${unsigned}>(${A}));
        else modifyEnd(${bits / 8}, load<u64>(${A}));`,
  })),
];

const PUSH_ADDRESS = "const va = load<u64>(cpu, RSP) - 8;";
const stack: MicroOp[] = [
  {
    name: "PUSH",
    code: `${PUSH_ADDRESS}
        ${storing(WIDTHS[3] as Width, `load<u64>(${A})`)}
        store<u64>(cpu, va, RSP);`,
  },
  {
    name: "PUSH_I",
    code: `${PUSH_ADDRESS}
        ${storing(WIDTHS[3] as Width, `<u64><i64>${IMMEDIATE}`)}
        store<u64>(cpu, va, RSP);`,
  },
  {
    // POP RSP: the value that was read counts (SDM 2B, POP), so RSP moves first.
    name: "POP",
    code: `const va = load<u64>(cpu, RSP);
        ${loading("u64", 64, `store<u64>(cpu, va + 8, RSP); store<u64>(${A}, value)`)}`,
  },
];

const moves: MicroOp[] = [
  { name: "NOP", code: "" },
  { name: "MOV_8", code: `store<u8>(${A}, load<u8>(${B}));` },
  { name: "MOV_16", code: `store<u16>(${A}, load<u16>(${B}));` },
  { name: "MOV_32", code: `store<u64>(${A}, <u64>load<u32>(${B}));` },
  { name: "MOV_64", code: `store<u64>(${A}, load<u64>(${B}));` },
  { name: "MOV_I_8", code: `store<u8>(${A}, load<u8>(ip, 8));` },
  { name: "MOV_I_16", code: `store<u16>(${A}, load<u16>(ip, 8));` },
  { name: "MOV_I_64", code: `store<u64>(${A}, load<u64>(ip, 8));` },
  { name: "ZX8_16", code: `store<u16>(${A}, <u16>load<u8>(${B}));` },
  { name: "ZX8", code: `store<u64>(${A}, <u64>load<u8>(${B}));` },
  { name: "ZX16", code: `store<u64>(${A}, <u64>load<u16>(${B}));` },
  { name: "SX8_16", code: `store<i16>(${A}, <i16>load<i8>(${B}));` },
  { name: "SX8_32", code: `store<u64>(${A}, <u64><u32><i32>load<i8>(${B}));` },
  { name: "SX8_64", code: `store<i64>(${A}, <i64>load<i8>(${B}));` },
  { name: "SX16_32", code: `store<u64>(${A}, <u64><u32><i32>load<i16>(${B}));` },
  { name: "SX16_64", code: `store<i64>(${A}, <i64>load<i16>(${B}));` },
  { name: "SX32_64", code: `store<i64>(${A}, <i64>load<i32>(${B}));` },
  { name: "LEA_16", code: `store<u16>(${A}, <u16>(${ADDRESS.indexed}));` },
  { name: "LEA_32", code: `store<u64>(${A}, <u64><u32>(${ADDRESS.indexed}));` },
  { name: "LEA_64", code: `store<u64>(${A}, ${ADDRESS.indexed});` },
  {
    // A linear address with a segment's base; y is the offset of the base in the segment table.
    name: "SEGMENT_BASE",
    code: `const segments = load<usize>(cpu, offsetof<Cpu>("segments"));
        store<u64>(cpu, load<u64>(cpu, T3) + load<u64>(segments + load<usize>(ip, 12)), T3);`,
  },
];

/** What an arithmetic micro-op does with slot a and an operand; in encoding order, then TEST. */
const ARITHMETIC: readonly (readonly [string, (w: Width, y: string) => string])[] = [
  ["ADD", ({ signed: t, unsigned: u }, y) => `add<${t}, ${u}>(cpu, ${A}, ${y});`],
  ["OR", ({ signed: t }, y) => `or<${t}>(cpu, ${A}, ${y});`],
  ["ADC", ({ signed: t, unsigned: u }, y) => `adc<${t}, ${u}>(cpu, ${A}, ${y});`],
  ["SBB", ({ signed: t, unsigned: u }, y) => `sbb<${t}, ${u}>(cpu, ${A}, ${y});`],
  ["AND", ({ signed: t }, y) => `and<${t}>(cpu, ${A}, ${y});`],
  ["SUB", ({ signed: t, unsigned: u }, y) => `sub<${t}, ${u}>(cpu, ${A}, ${y});`],
  ["XOR", ({ signed: t }, y) => `xor<${t}>(cpu, ${A}, ${y});`],
  ["CMP", ({ signed: t, unsigned: u }, y) => `cmp<${t}, ${u}>(cpu, load<${t}>(${A}), ${y});`],
  ["TEST", ({ signed: t }, y) => `logic<${t}>(cpu, load<${t}>(${A}) & ${y});`],
];

/** The second operand: slot b, or the immediate. */
export const OPERANDS = {
  RR: ({ signed }: Width) => `load<${signed}>(${B})`,
  RI: ({ signed }: Width) => (signed === "i32" ? IMMEDIATE : `<${signed}>${IMMEDIATE}`),
};

const arithmetic = (["RR", "RI"] as const).flatMap((form) =>
  ARITHMETIC.flatMap(([name, code]) =>
    WIDTHS.map((width) => ({
      name: `${name}_${form}_${width.bits}`,
      code: code(width, OPERANDS[form](width)),
    })),
  ),
);

const unary = (["inc", "dec", "neg", "not"] as const).flatMap((name) =>
  WIDTHS.map(({ bits, signed, unsigned }) => {
    const types = name === "neg" ? `${signed}, ${unsigned}` : signed;
    const operands = name === "not" ? A : `cpu, ${A}`;
    return { name: `${name.toUpperCase()}_${bits}`, code: `${name}<${types}>(${operands});` };
  }),
);

const SHIFTS = ["rol", "ror", "shl", "shr", "sar"] as const;
const shiftTypes = (name: string, { signed, unsigned }: Width) =>
  name === "sar" ? signed : `${signed}, ${unsigned}`;

const shifts: MicroOp[] = [
  ...SHIFTS.flatMap((name) =>
    WIDTHS.map((width) => ({
      name: `${name.toUpperCase()}_I_${width.bits}`,
      code: `${name}<${shiftTypes(name, width)}>(cpu, ${A}, load<u8>(ip, 8));`,
    })),
  ),
  ...SHIFTS.flatMap((name) =>
    WIDE.map((width) => ({
      name: `${name.toUpperCase()}_CL_${width.bits}`,
      code: `const count = load<u8>(cpu, RCX) & ${width.bits - 1};
        if (count != 0) ${name}<${shiftTypes(name, width)}>(cpu, ${A}, count);${
          width.bits === 32 ? `\n        else store<u64>(${A}, <u64>load<u32>(${A}));` : ""
        }`,
    })),
  ),
];

const products: MicroOp[] = WIDE.flatMap(({ bits, signed: t }) => [
  { name: `IMUL_RR_${bits}`, code: `imul${bits}(cpu, ${A}, load<${t}>(${A}), load<${t}>(${B}));` },
  {
    name: `IMUL_RI_${bits}`,
    code: `imul${bits}(cpu, ${A}, load<${t}>(${B}), <${t}>${IMMEDIATE});`,
  },
]);

/** Functions outside of the interpreter: y says which operation. */
const calls: MicroOp[] = (["Address", "Integer", "X87", "Sse"] as const).map((name) => ({
  name: `CALL_${name.toUpperCase()}`,
  code: `execute${name}(changetype<Cpu>(cpu), ip);
        ${CHECK}`,
}));

/** In the order of their numbers: families by width are counted up from the 8-bit one. */
export const STRAIGHT: readonly MicroOp[] = [
  ...moves,
  ...arithmetic,
  ...unary,
  ...shifts,
  ...products,
  ...loads,
  ...stores,
  ...constantStores,
  ...modifies,
  ...stack,
  ...calls,
];
