/**
 * The micro-ops: each a name and what the interpreter does for it, in AssemblyScript. Here: moves,
 * memory, arithmetic; branches are in branches.ts.
 *
 *   0 op  u16 | 2 a | 3 b | 4 c | 5 s | 6 length | 7 count | 8 imm i32 | 12 y u32
 *
 * a, b and c are slots (offsets in Cpu). A memory operand is b + (c << s) + the 64 bits at 8; bit 7
 * of s says that it is in the stack segment, bit 6 that it is in a flat one of 32-bit code. `length` and `count` are those of the instructions that
 * end with the micro-op, else 0. Inside a case `cpu`, `ip`, `block`, `left`, `lines` and `context` are
 * the interpreter's variables.
 *
 * No case calls a function and goes on behind it: what lives across a call is kept in memory by a
 * compiler, which would double the time of every micro-op. A case that needs one is left by SLOWLY, and
 * done by the one in `slow`.
 */

export interface MicroOp {
  readonly name: string;
  readonly code: string;
  /** The whole of it with function calls, for when `code` has left by SLOWLY; it returns on a fault. */
  readonly slow?: string;
  /** Ends the block: `code` has set `site`. */
  readonly branches?: boolean;
  /** Micro-ops that it consists of, if more than one. */
  readonly count?: number;
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

/** Leaves for the micro-op's code in `slow`; nothing is done yet. */
export const SLOWLY = "return leave(LEFT_SLOWLY, block, ip, left);";
/** In `slow`, behind a call. */
export const CHECK = "if (faulted(cpu)) return;";

/** In `slow`: where an access of so many bytes at `va` is. */
export const reaching = (
  bytes: number,
) => `const at = reached(changetype<Cpu>(cpu), ip, va, ${bytes});
        ${CHECK}`;

/** Sum of the memory operand, with an index or without. */
const ADDRESS = {
  indexed: `load<u64>(${B}) + (load<u64>(${C}) << load<u8>(ip, 5)) + load<u64>(ip, 8)`,
  based: `load<u64>(${B}) + load<u64>(ip, 8)`,
  /** With 32 bits of displacement: the rest is taken by an immediate. */
  short: `load<u64>(${B}) + (load<u64>(${C}) << load<u8>(ip, 5)) + <u64>load<i32>(ip, 8)`,
};

/** The line of `va`, and whether it doesn't allow an access of so many bytes by the tag at `tag`. */
export function lineForbids(bytes: number, tag: number): string {
  const last = bytes > 1 ? `va + ${bytes - 1}` : "va";
  return `const line = lineOf(lines, va);
        if (load<u64>(line, ${tag}) != (((${last}) & PAGE) | context))`;
}
export const READ_TAG = 0;
export const WRITE_TAG = 8;
export const POINTER = "<usize>va + load<usize>(line, DELTA)";

type Codes = Pick<MicroOp, "code" | "slow">;

/** Loads a `type` from the address in `before` and does `use` with it, which is code with `value`. */
export function loading(before: string, type: string, bits: number, use: string): Codes {
  return {
    code: `${before}
        ${lineForbids(bits / 8, READ_TAG)} ${SLOWLY}
        const value = load<${type}>(${POINTER});
        ${use};`,
    slow: `${before}
        ${reaching(bits / 8)}
        const value = <${type}>loadSlow(changetype<Cpu>(cpu), at, ${bits / 8});
        ${CHECK}
        ${use};`,
  };
}

/** Stores `value`, an expression of unsigned type, at the address in `before`, and goes on with `then`. */
export function storing(before: string, width: Width, value: string, then = ""): Codes {
  const { bits, unsigned } = width;
  return {
    code: `${before}
        ${lineForbids(bits / 8, WRITE_TAG)} ${SLOWLY}
        store<${unsigned}>(${POINTER}, ${value});
        ${then}`,
    slow: `${before}
        ${reaching(bits / 8)}
        storeSlow(changetype<Cpu>(cpu), at, ${bits / 8}, <u64>(${value}));
        ${CHECK}
        ${then}`,
  };
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
    ...loading(`const va = ${ADDRESS[form]};`, type, bits, putA(into)),
  })),
);

const stores = (["indexed", "based"] as const).flatMap((form) =>
  WIDTHS.map((width) => ({
    name: `STORE_${form === "indexed" ? "X" : "B"}_${width.bits}`,
    ...storing(`const va = ${ADDRESS[form]};`, width, `load<${width.unsigned}>(${A})`),
  })),
);

const constantStores = WIDTHS.map((width) => ({
  name: `STORE_I_${width.bits}`,
  ...storing(`const va = ${ADDRESS.short};`, width, `<${width.unsigned}><i64>load<i32>(ip, 12)`),
}));

/** Read-modify-write: at MODIFIED is where the result goes, or 0 when `modifyEnd` knows. */
const modifies: MicroOp[] = [
  ...WIDTHS.map(({ bits, unsigned }) => ({
    name: `MODIFY_${bits}`,
    code: `const va = ${ADDRESS.indexed};
        ${lineForbids(bits / 8, WRITE_TAG)} ${SLOWLY}
        const pointer = ${POINTER};
        store<usize>(MODIFIED, pointer);
        store<u64>(${A}, <u64>load<${unsigned}>(pointer));`,
    slow: `const va = ${ADDRESS.indexed};
        ${reaching(bits / 8)}
        store<usize>(MODIFIED, 0);
        const value = modifyBegin(changetype<Cpu>(cpu), at, ${bits / 8});
        ${CHECK}
        store<u64>(${A}, value);`,
  })),
  ...WIDTHS.map(({ bits, unsigned }) => ({
    name: `MODIFY_END_${bits}`,
    code: `const pointer = load<usize>(MODIFIED);
        if (pointer == 0) ${SLOWLY}
        store<${unsigned}>(pointer, load<${unsigned}>(${A}));`,
    slow: `modifyEnd(${bits / 8}, load<u64>(${A}));`,
  })),
];

const PUSH_ADDRESS = "const va = load<u64>(cpu, RSP) - 8;";
const QUADWORD = WIDTHS[3] as Width;
const PUSHED = "store<u64>(cpu, va, RSP);";
/** In a flat stack segment of 32 bits. */
export const TOP_32 = "const va = <u64>load<u32>(cpu, RSP);";
export const PUSH_ADDRESS_32 = "const va = <u64>(load<u32>(cpu, RSP) - 4);";
const DOUBLEWORD = WIDTHS[2] as Width;
const stack: MicroOp[] = [
  { name: "PUSH", ...storing(PUSH_ADDRESS, QUADWORD, `load<u64>(${A})`, PUSHED) },
  { name: "PUSH_I", ...storing(PUSH_ADDRESS, QUADWORD, `<u64><i64>${IMMEDIATE}`, PUSHED) },
  {
    // POP RSP: the value that was read counts (SDM 2B, POP), so RSP moves first.
    name: "POP",
    ...loading(
      "const va = load<u64>(cpu, RSP);",
      "u64",
      64,
      `store<u64>(cpu, va + 8, RSP);
        store<u64>(${A}, value)`,
    ),
  },
  { name: "PUSH_32", ...storing(PUSH_ADDRESS_32, DOUBLEWORD, `load<u32>(${A})`, PUSHED) },
  { name: "PUSH_I_32", ...storing(PUSH_ADDRESS_32, DOUBLEWORD, `<u32>${IMMEDIATE}`, PUSHED) },
  {
    name: "POP_32",
    ...loading(
      TOP_32,
      "u32",
      32,
      `store<u64>(cpu, <u64>(<u32>va + 4), RSP);
        store<u64>(${A}, <u64>value)`,
    ),
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
  code: SLOWLY,
  slow: `execute${name}(changetype<Cpu>(cpu), ip);`,
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
