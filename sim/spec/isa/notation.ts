/**
 * Reads the description of the instruction set. A row is what the manual's instruction pages begin
 * with, opcode, mnemonic, operands, and the superscripts of its opcode maps:
 *
 *   [NP|NFx|66|F3|F2] [REX.W] opcode bytes [/digit|/r] [immediates]   mnemonic   operands   attributes
 *
 *   bytes        80, 0F AF, 0F 38 F0; behind the opcode a whole ModR/M byte may follow (0F 01 C8);
 *                +r: general register in the low three bits; +i: the same in ModR/M (D8 C0+i)
 *   immediates   ib iw iz iv cb cz cp, which the operands repeat: one checks the other
 *   mnemonic     variants for operand sizes of 2, 4 and 8 bytes, or address sizes, separated by /
 *   operands     codes of SDM 2D, A.2 (operands.ts), registers by their names, or -
 *   attributes   i64 o64 d64 f64 (SDM 2D, A.2.5), lock, cpl0, reg and mem (ModR/M mod), mod3 (mod is
 *                ignored), b0 (no REX.B), undefined, op=NAME (operation, when the mnemonic isn't it)
 *   #            begins a comment
 *
 * Rows of one opcode are tried in the order in which they stand; the first that matches counts.
 */
import * as C from "./conditions.ts";
import * as O from "./operands.ts";

export interface Operand {
  readonly code: string;
  readonly kind: number;
  readonly size: number;
}

export interface Form {
  /** The row as it stands in the description. */
  readonly text: string;
  readonly operation: string;
  readonly mnemonics: readonly string[];
  readonly prefix: number;
  readonly map: number;
  readonly opcode: number;
  /** Opcodes from `opcode` on that the row has: 1, or 8 with +r. */
  readonly opcodes: number;
  /** A ModR/M byte b fits when (b & mask) == value. */
  readonly modrmMask: number;
  readonly modrmValue: number;
  readonly flags: number;
  readonly operands: readonly Operand[];
}

const PREFIXES: Readonly<Record<string, number>> = {
  NP: C.PREFIX_NONE,
  NFx: C.PREFIX_NFX,
  "66": C.PREFIX_66,
  F3: C.PREFIX_F3,
  F2: C.PREFIX_F2,
};

const ATTRIBUTES: Readonly<Record<string, number>> = {
  i64: C.FORM_NOT_64,
  o64: C.FORM_ONLY_64,
  d64: C.FORM_DEFAULT_64,
  f64: C.FORM_FORCED_64,
  lock: C.FORM_LOCK,
  cpl0: C.FORM_PRIVILEGED,
  reg: C.FORM_REGISTER,
  mem: C.FORM_MEMORY,
  mod3: C.FORM_MOD_IGNORED,
  b0: C.FORM_REX_B0,
  undefined: C.FORM_UNDEFINED,
};

const KINDS: Readonly<Record<string, number>> = {
  E: O.KIND_E,
  G: O.KIND_G,
  I: O.KIND_I,
  J: O.KIND_J,
  A: O.KIND_A,
  M: O.KIND_M,
  O: O.KIND_O,
  Z: O.KIND_Z,
  R: O.KIND_R,
  S: O.KIND_S,
  C: O.KIND_C,
  D: O.KIND_D,
  X: O.KIND_X,
  Y: O.KIND_Y,
  P: O.KIND_P,
  Q: O.KIND_Q,
  N: O.KIND_N,
  V: O.KIND_V,
  W: O.KIND_W,
  U: O.KIND_U,
};

const SIZES: Readonly<Record<string, number>> = {
  "": O.SIZE_ADDRESS,
  b: O.SIZE_B,
  bs: O.SIZE_BS,
  w: O.SIZE_W,
  d: O.SIZE_D,
  ss: O.SIZE_D,
  q: O.SIZE_Q,
  sd: O.SIZE_Q,
  t: O.SIZE_T,
  dq: O.SIZE_DQ,
  ps: O.SIZE_DQ,
  pd: O.SIZE_DQ,
  v: O.SIZE_V,
  z: O.SIZE_Z,
  y: O.SIZE_Y,
  p: O.SIZE_P,
  a: O.SIZE_A,
  s: O.SIZE_S,
  e: O.SIZE_E,
  st: O.SIZE_ST,
  fx: O.SIZE_FX,
  xs: O.SIZE_XS,
};

/** Operands that are registers by name. */
const NAMED: Readonly<Record<string, readonly [number, number]>> = {
  AL: [O.KIND_ACCUMULATOR, O.SIZE_B],
  AX: [O.KIND_ACCUMULATOR, O.SIZE_W],
  eAX: [O.KIND_ACCUMULATOR, O.SIZE_Z],
  rAX: [O.KIND_ACCUMULATOR, O.SIZE_V],
  CL: [O.KIND_CL, O.SIZE_B],
  DX: [O.KIND_DX, O.SIZE_W],
  "1": [O.KIND_ONE, O.SIZE_B],
  ST0: [O.KIND_ST0, O.SIZE_T],
  STi: [O.KIND_STI, O.SIZE_T],
  XMM0: [O.KIND_XMM0, O.SIZE_DQ],
  ES: [O.KIND_S, O.SIZE_W],
  CS: [O.KIND_S, O.SIZE_W],
  SS: [O.KIND_S, O.SIZE_W],
  DS: [O.KIND_S, O.SIZE_W],
  FS: [O.KIND_S, O.SIZE_W],
  GS: [O.KIND_S, O.SIZE_W],
};

/** How the opcode column writes the immediate of an operand. */
const IMMEDIATES: Readonly<Record<string, string>> = {
  Ib: "ib",
  Ibs: "ib",
  Iw: "iw",
  Iz: "iz",
  Iv: "iv",
  Jb: "cb",
  Jz: "cz",
  Ap: "cp",
};

const MEMORY_KINDS = new Set([O.KIND_M]);
const REGISTER_KINDS = new Set([O.KIND_R, O.KIND_N, O.KIND_U, O.KIND_STI]);
/** A byte of the opcode column. */
const BYTE = /^[0-9A-F]{2}(\+[ri])?$/;

/** @throws Error that names the row, when it isn't in the notation or contradicts itself */
export function parseRows(text: string): Form[] {
  const rows = text.split("\n").map((line) => line.replace(/#.*/, "").trim());
  return rows.filter((row) => row !== "").map(parseRow);
}

function parseRow(text: string): Form {
  const fail = (why: string): never => {
    throw new Error(`${text}: ${why}`);
  };
  const tokens = text.split(/\s+/);
  const [opcode, rest] = splitOpcode(tokens);
  const [mnemonic = fail("no mnemonic"), operandText = fail("no operands"), ...attributes] = rest;
  const operands = operandText === "-" ? [] : operandText.split(",").map(parseOperand);
  const immediates = operands.flatMap(({ code }) => IMMEDIATES[code] ?? []);
  if (immediates.join() !== opcode.immediates.join()) fail("immediates differ from the operands");
  let flags = opcode.flags;
  for (const { kind } of operands) {
    if (MEMORY_KINDS.has(kind)) flags |= C.FORM_MEMORY;
    if (REGISTER_KINDS.has(kind)) flags |= C.FORM_REGISTER;
  }
  let operation = (mnemonic.split("/")[0] ?? "").toUpperCase();
  for (const attribute of attributes) {
    if (attribute.startsWith("op=")) operation = attribute.slice(3);
    else flags |= ATTRIBUTES[attribute] ?? fail(`attribute ${attribute}`);
  }
  if (flags & C.FORM_MOD_IGNORED) flags &= ~C.FORM_REGISTER;
  const { immediates: _, ...place } = opcode;
  return { text, operation, mnemonics: mnemonic.split("/"), ...place, flags, operands };
}

type Place = Pick<Form, "prefix" | "map" | "opcode" | "opcodes" | "modrmMask" | "modrmValue">;

/** The opcode column, and the tokens behind it. */
function splitOpcode(tokens: readonly string[]) {
  const left = [...tokens];
  const prefix = PREFIXES[left[0] ?? ""] ?? C.PREFIX_ANY;
  if (prefix !== C.PREFIX_ANY) left.shift();
  let flags = 0;
  if (left[0] === "REX.W") {
    flags |= C.FORM_REX_W;
    left.shift();
  }
  const bytes: string[] = [];
  while (BYTE.test(left[0] ?? "")) bytes.push(left.shift() as string);
  const place: { -readonly [K in keyof Place]: Place[K] } = {
    prefix,
    ...opcodePlace(bytes),
  };
  if (bytes.length > 0) flags |= C.FORM_MODRM | C.FORM_REGISTER;
  const digit = /^\/([0-7r])$/.exec(left[0] ?? "")?.[1];
  if (digit !== undefined) {
    left.shift();
    flags |= C.FORM_MODRM;
    if (digit !== "r") [place.modrmMask, place.modrmValue] = [0x38, Number(digit) << 3];
  }
  const immediates: string[] = [];
  while (/^(i[bwzv]|c[bzp])$/.test(left[0] ?? "")) immediates.push(left.shift() as string);
  return [{ ...place, flags, immediates }, left] as const;
}

/** Takes the opcode, and a ModR/M byte that belongs to it, from `bytes`. What is left is that byte. */
function opcodePlace(bytes: string[]): Omit<Place, "prefix"> {
  let map = 0;
  if (bytes[0] === "0F") {
    map = bytes[1] === "38" ? 2 : bytes[1] === "3A" ? 3 : 1;
    bytes.splice(0, map === 1 ? 1 : 2);
  }
  const [byte = "", more] = (bytes.shift() ?? "").split("+");
  const [modrm, low] = bytes[0]?.split("+") ?? [];
  const modrmMask = modrm === undefined ? 0 : low === "i" ? 0xf8 : 0xff;
  const modrmValue = modrm === undefined ? 0 : Number.parseInt(modrm, 16);
  const opcodes = more === "r" ? 8 : 1;
  return { map, opcode: Number.parseInt(byte, 16), opcodes, modrmMask, modrmValue };
}

function parseOperand(code: string): Operand {
  const named = NAMED[code];
  if (named) return { code, kind: named[0], size: named[1] };
  const kind = KINDS[code.slice(0, 1)];
  const size = SIZES[code.slice(1)];
  if (kind === undefined || size === undefined) throw new Error(`operand ${code}`);
  return { code, kind, size };
}
