/** Registers and memory operands in Intel syntax. */
import * as O from "../spec/isa/operands.ts";
import { BASE_RIP, CODE_64, NO_REGISTER } from "./decoder.ts";
import type { Instruction } from "./views.generated.ts";

const LOW = ["ax", "cx", "dx", "bx", "sp", "bp", "si", "di"];
const HIGH_BYTES = ["ah", "ch", "dh", "bh"];
const LOW_BYTES = ["al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"];
const SEGMENTS: readonly string[] = ["es", "cs", "ss", "ds", "fs", "gs"];
const SEGMENT_FS = 4;

/** Sizes of memory operands in the syntax; what is no access of a size (CLFLUSH) counts as a byte. */
const SIZES: Readonly<Record<number, string>> = {
  0: "BYTE PTR ",
  1: "BYTE PTR ",
  2: "WORD PTR ",
  4: "DWORD PTR ",
  6: "FWORD PTR ",
  8: "QWORD PTR ",
  10: "TBYTE PTR ",
  16: "XMMWORD PTR ",
};

/** Name of general register `number`, `bytes` wide; without REX, bytes 4 to 7 are AH to BH. */
export function generalRegister(number: number, bytes: number, rex: number): string {
  if (number >= 8)
    return `r${number}${bytes === 8 ? "" : bytes === 4 ? "d" : bytes === 2 ? "w" : "b"}`;
  if (bytes === 1) {
    return (rex === 0 && number >= 4 ? HIGH_BYTES[number - 4] : LOW_BYTES[number]) ?? "";
  }
  return `${bytes === 8 ? "r" : bytes === 4 ? "e" : ""}${LOW[number]}`;
}

export function registerName(instruction: Instruction, kind: number, bytes: number): string {
  const { reg, rm, rex } = instruction;
  switch (kind) {
    case O.KIND_G:
    case O.KIND_Z:
      return generalRegister(reg, bytes, rex);
    case O.KIND_ACCUMULATOR:
      return generalRegister(0, bytes, rex);
    case O.KIND_CL:
      return "cl";
    case O.KIND_DX:
      return "dx";
    case O.KIND_ONE:
      return "1";
    case O.KIND_S:
      return SEGMENTS[reg] ?? "";
    case O.KIND_C:
      return `cr${reg}`;
    case O.KIND_D:
      return `dr${reg}`;
    case O.KIND_P:
      return `mm${reg}`;
    case O.KIND_Q:
    case O.KIND_N:
      return `mm${rm}`;
    case O.KIND_V:
      return `xmm${reg}`;
    case O.KIND_W:
    case O.KIND_U:
      return `xmm${rm}`;
    case O.KIND_XMM0:
      return "xmm0";
    case O.KIND_ST0:
      return "st";
    case O.KIND_STI:
      return `st(${rm})`;
    default:
      return generalRegister(rm, bytes, rex);
  }
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

/** `bytes` null: the syntax writes no size. */
export function memoryText(instruction: Instruction, bytes: number | null, mode: number): string {
  const { base, index, scale, addressBytes, displacement } = instruction;
  const size = bytes === null ? "" : (SIZES[bytes] ?? "");
  const segment = segmentText(instruction, mode);
  const based = base !== NO_REGISTER;
  if (!based && index === NO_REGISTER) {
    const bits = mode === CODE_64 && addressBytes === 4 ? 64 : addressBytes * 8;
    const offset = hex(BigInt.asUintN(bits, displacement));
    return `${size}${segment || "ds:"}${offset}`;
  }
  const parts: string[] = [];
  if (base === BASE_RIP) parts.push(addressBytes === 8 ? "rip" : "eip");
  else if (based) parts.push(generalRegister(base, addressBytes, 0));
  if (index !== NO_REGISTER) {
    const factor = addressBytes === 2 ? "" : `*${1 << scale}`;
    parts.push(generalRegister(index, addressBytes, 0) + factor);
  }
  return `${size}${segment}[${parts.join("+")}${displacementText(instruction)}]`;
}

/** A displacement that isn't encoded isn't written; RIP's always is. */
function displacementText({ modrm, base, displacement, addressBytes }: Instruction): string {
  if (base === BASE_RIP) return `+${hex(BigInt.asUintN(addressBytes * 8, displacement))}`;
  if (modrm >> 6 === 0 && base !== NO_REGISTER) return "";
  return displacement < 0n ? `-${hex(-displacement)}` : `+${hex(displacement)}`;
}

/** The segment when a prefix names it, and it isn't one of those that do nothing. */
function segmentText({ segmentPrefix, segment }: Instruction, mode: number): string {
  if (segmentPrefix === 0 || (mode === CODE_64 && segment < SEGMENT_FS)) return "";
  return `${SEGMENTS[segment]}:`;
}

/** DS:rSI or ES:rDI. */
export function stringText(instruction: Instruction, kind: number, bytes: number): string {
  const { addressBytes, segment } = instruction;
  const register = generalRegister(kind === O.KIND_X ? 6 : 7, addressBytes, 0);
  const name = kind === O.KIND_X ? SEGMENTS[segment] : "es";
  return `${SIZES[bytes] ?? ""}${name}:[${register}]`;
}

/** Memory at DS:rBX. */
export function xlatText({ addressBytes, segment }: Instruction): string {
  return `BYTE PTR ${SEGMENTS[segment]}:[${generalRegister(3, addressBytes, 0)}]`;
}
