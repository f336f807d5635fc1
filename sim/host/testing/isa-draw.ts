/**
 * Random x86 instructions, drawn from the rows of the description, with what each of them means.
 *
 * What a drawn instruction means is computed here, from the bytes' making, not by the decoder: so a
 * drawn instruction is a test of the decoder, too.
 */
import * as C from "../../spec/isa/conditions.ts";
import { undefinedFlags } from "../../spec/isa/flags.ts";
import { FORMS } from "../../spec/isa/forms.ts";
import type { Form } from "../../spec/isa/notation.ts";
import * as O from "../../spec/isa/operands.ts";
import { CODE_16, CODE_64 } from "../decoder.ts";
import { type DrawnMemory, drawAddress, drawOffset, segmentOf } from "./isa-address.ts";
import { drawImmediates } from "./isa-immediates.ts";
import { drawPrefixes, operandSize, type Prefixes, prefixBytes } from "./isa-prefixes.ts";

/** A whole number from 0 to `below` - 1. */
export type Random = (below: number) => number;

export interface DrawOptions {
  /** CODE_16, CODE_32 or CODE_64; 64-bit code when it isn't said. */
  readonly mode?: number;
  /** Rows to draw from, indices of FORMS; all when it isn't said. */
  readonly forms?: readonly number[];
  /** Only memory operands, or none, where ModR/M leaves the choice. */
  readonly memory?: boolean;
  /** How often a prefix that the row doesn't need is there, in percent; 10 when it isn't said. */
  readonly prefixes?: number;
}

export interface DrawnOperand {
  /** KIND_… */
  readonly kind: number;
  /** 0 when the width isn't fixed. */
  readonly bytes: number;
  /** Number of the register, when it is one; byte registers 16 to 19 are AH, CH, DH, BH. */
  readonly register: number | null;
}

export interface Drawn {
  readonly bytes: Uint8Array;
  readonly mode: number;
  /** Index of FORMS, and that row. */
  readonly index: number;
  readonly form: Form;
  readonly operation: string;
  readonly operandBytes: number;
  readonly prefixes: Prefixes;
  readonly operands: readonly DrawnOperand[];
  /** The operand in memory by ModR/M or at an offset; string instructions have none here. */
  readonly memory: DrawnMemory | null;
  /** As the decoder extends them, 64 bits unsigned. */
  readonly immediates: readonly bigint[];
  readonly privileged: boolean;
  /** FLAG_… that have no defined value afterwards. For shifts by CL: see `undefinedFlags`. */
  readonly undefinedFlags: number;
}

/** Longest instruction (Intel SDM 2A, 2.3.11). */
const INSTRUCTION_BYTES_MAX = 15;
const ATTEMPTS = 1000;
/** First number of AH, CH, DH, BH among registers. */
export const HIGH_BYTES = 16;

const BY_OPCODE = new Map<number, number[]>();
FORMS.forEach((form, index) => {
  for (let more = 0; more < form.opcodes; more++) {
    const key = form.map * 256 + form.opcode + more;
    BY_OPCODE.set(key, [...(BY_OPCODE.get(key) ?? []), index]);
  }
});

/** Rows that exist in `mode` and don't raise #UD by intent. */
export function formsOf(mode: number): number[] {
  const absent = mode === CODE_64 ? C.FORM_NOT_64 : C.FORM_ONLY_64 | C.FORM_REX_W;
  return [...FORMS.keys()].filter(
    (index) => ((FORMS[index]?.flags ?? 0) & (absent | C.FORM_UNDEFINED)) === 0,
  );
}

const ALL_FORMS = [0, 1, 2].map(formsOf);

/** @throws Error when no row of `options.forms` can be drawn in its mode */
export function drawInstruction(random: Random, options: DrawOptions = {}): Drawn {
  const mode = options.mode ?? CODE_64;
  const forms = options.forms ?? ALL_FORMS[mode] ?? [];
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const index = forms[random(forms.length)] ?? -1;
    const form = FORMS[index];
    if (form === undefined) break;
    const drawn = attemptDraw(random, index, form, mode, options);
    if (drawn !== null) return drawn;
  }
  throw new Error(`no instruction of ${forms.length} rows in mode ${mode}`);
}

/** Null when the bytes turn out to be another row's, to be undefined or too long. */
function attemptDraw(
  random: Random,
  index: number,
  form: Form,
  mode: number,
  options: DrawOptions,
): Drawn | null {
  const hasModrm = (form.flags & C.FORM_MODRM) !== 0;
  const inMemory = drawInMemory(random, form, options.memory);
  const prefixes = drawPrefixes(random, form, mode, inMemory, options.prefixes ?? 10);
  const opcode = form.opcode + random(form.opcodes);
  const modrm = hasModrm ? drawModrm(random, form, inMemory) : 0;
  if (!fits(index, form.map * 256 + opcode, modrm, prefixes, mode)) return null;
  const size = operandSize(form, prefixes, mode);
  const registers = registersOf(form, opcode, modrm, prefixes.rex);
  const operands = form.operands.map((operand) => ({
    kind: operand.kind,
    bytes: widthOf(operand.size, size, prefixes.rex, form),
    register: registerOf(operand.kind, operand.size, registers, prefixes.rex, inMemory),
  }));
  if (!registersExist(operands)) return null;
  const address = addressOf(random, form, modrm, inMemory, prefixes, mode);
  const immediates = drawImmediates(random, form, size);
  const bytes = Uint8Array.from([
    ...prefixBytes(random, prefixes),
    ...(form.map === 0 ? [] : form.map === 1 ? [0x0f] : [0x0f, form.map === 2 ? 0x38 : 0x3a]),
    opcode,
    ...(hasModrm ? [modrm] : []),
    ...(address?.bytes ?? []),
    ...immediates.bytes,
  ]);
  if (bytes.length > INSTRUCTION_BYTES_MAX) return null;
  const width = operationWidth(form, operands, size);
  const count = form.operands.some(({ kind }) => kind === O.KIND_I)
    ? Number(immediates.values[0])
    : form.operands.some(({ kind }) => kind === O.KIND_CL)
      ? 2
      : 1;
  return {
    bytes,
    mode,
    index,
    form,
    operation: form.operation,
    operandBytes: width,
    prefixes,
    operands,
    memory: address?.memory ?? null,
    immediates: immediates.values,
    privileged: (form.flags & C.FORM_PRIVILEGED) !== 0,
    undefinedFlags: undefinedFlags(form.operation, width, count),
  };
}

/** Whether ModR/M is to name memory. */
function drawInMemory(random: Random, form: Form, wanted: boolean | undefined): boolean {
  if ((form.flags & C.FORM_MODRM) === 0) return form.operands.some(({ kind }) => kind === O.KIND_O);
  if ((form.flags & C.FORM_MEMORY) !== 0) return true;
  if ((form.flags & (C.FORM_REGISTER | C.FORM_MOD_IGNORED)) !== 0) return false;
  return wanted ?? random(2) === 0;
}

function drawModrm(random: Random, form: Form, inMemory: boolean): number {
  const ignored = (form.flags & C.FORM_MOD_IGNORED) !== 0;
  const mod = ignored ? random(4) : inMemory ? random(3) : 3;
  return ((((mod << 6) | random(64)) & ~form.modrmMask) | form.modrmValue) & 0xff;
}

/** Whether `index` is the first row that the bytes fit. */
function fits(
  index: number,
  key: number,
  modrm: number,
  prefixes: Prefixes,
  mode: number,
): boolean {
  const { rep, has66, rex } = prefixes;
  const first = (BY_OPCODE.get(key) ?? []).find((candidate) => {
    const form = FORMS[candidate] as Form;
    const { prefix, flags } = form;
    if ((flags & (mode === CODE_64 ? C.FORM_NOT_64 : C.FORM_ONLY_64)) !== 0) return false;
    if (prefix === C.PREFIX_NONE && (rep !== 0 || has66)) return false;
    if (prefix === C.PREFIX_66 && (rep !== 0 || !has66)) return false;
    if (prefix === C.PREFIX_F3 && rep !== 0xf3) return false;
    if (prefix === C.PREFIX_F2 && rep !== 0xf2) return false;
    if (prefix === C.PREFIX_NFX && rep !== 0) return false;
    if ((flags & C.FORM_REX_W) !== 0 && (rex & 8) === 0) return false;
    if ((flags & C.FORM_REX_B0) !== 0 && (rex & 1) !== 0) return false;
    if ((flags & C.FORM_MODRM) === 0) return true;
    if ((modrm & form.modrmMask) !== form.modrmValue) return false;
    return (flags & (modrm >= 0xc0 ? C.FORM_MEMORY : C.FORM_REGISTER)) === 0;
  });
  return first === index;
}

interface Registers {
  readonly reg: number;
  readonly rm: number;
  readonly low: number;
  readonly segment: number;
}

function registersOf(form: Form, opcode: number, modrm: number, rex: number): Registers {
  const inOpcode = (form.flags & C.FORM_MODRM) === 0;
  return {
    reg: ((modrm >> 3) & 7) | ((rex & 4) << 1),
    rm: (modrm & 7) | ((rex & 1) << 3),
    low: (opcode & 7) | ((rex & 1) << 3),
    segment: ((inOpcode ? opcode : modrm) >> 3) & 7,
  };
}

function registerOf(
  kind: number,
  size: number,
  { reg, rm, low, segment }: Registers,
  rex: number,
  inMemory: boolean,
): number | null {
  const general = (number: number) =>
    size === O.SIZE_B && rex === 0 && number >= 4 ? HIGH_BYTES + number - 4 : number;
  switch (kind) {
    case O.KIND_G:
      return general(reg);
    case O.KIND_E:
    case O.KIND_R:
      return inMemory ? null : general(rm);
    case O.KIND_Z:
      return general(low);
    case O.KIND_ACCUMULATOR:
    case O.KIND_ST0:
    case O.KIND_XMM0:
      return 0;
    case O.KIND_CL:
      return 1;
    case O.KIND_DX:
      return 2;
    case O.KIND_S:
      return segment;
    case O.KIND_C:
    case O.KIND_D:
    case O.KIND_V:
      return reg;
    case O.KIND_P:
      return reg & 7;
    case O.KIND_Q:
      return inMemory ? null : rm & 7;
    case O.KIND_N:
    case O.KIND_STI:
      return rm & 7;
    case O.KIND_W:
    case O.KIND_U:
      return inMemory ? null : rm;
    default:
      return null;
  }
}

/** ES to GS, but CS can't be loaded; CR0, CR2, CR3, CR4, CR8; DR0 to DR7. */
function registersExist(operands: readonly DrawnOperand[]): boolean {
  return operands.every(({ kind, register }, position) => {
    if (kind === O.KIND_S) {
      return (register ?? 0) < 6 && (register !== 1 || position > 0 || operands.length === 1);
    }
    if (kind === O.KIND_C) return [0, 2, 3, 4, 8].includes(register ?? -1);
    return kind !== O.KIND_D || (register ?? 0) < 8;
  });
}

/** Width in bytes of operands whose type has a fixed one. */
const WIDTHS: Readonly<Record<number, number>> = {
  [O.SIZE_B]: 1,
  [O.SIZE_BS]: 1,
  [O.SIZE_W]: 2,
  [O.SIZE_D]: 4,
  [O.SIZE_Q]: 8,
  [O.SIZE_T]: 10,
  [O.SIZE_DQ]: 16,
  [O.SIZE_FX]: 512,
};

function widthOf(type: number, size: number, rex: number, form: Form): number {
  const forced = (form.flags & C.FORM_FORCED_64) !== 0 && size === 8;
  if (type === O.SIZE_V) return size;
  if (type === O.SIZE_Z) return size === 2 ? 2 : 4;
  if (type === O.SIZE_Y) return (rex & 8) !== 0 || forced ? 8 : 4;
  if (type === O.SIZE_P) return size + 2;
  if (type === O.SIZE_A) return size * 2;
  if (type === O.SIZE_S) return size === 8 ? 10 : 6;
  if (type === O.SIZE_E) return size === 2 ? 14 : 28;
  if (type === O.SIZE_ST) return size === 2 ? 94 : 108;
  return WIDTHS[type] ?? 0;
}

const WIDTHLESS_KINDS = new Set([
  O.KIND_I,
  O.KIND_J,
  O.KIND_A,
  O.KIND_S,
  O.KIND_DX,
  O.KIND_CL,
  O.KIND_ONE,
]);
const WIDTHLESS_SIZES = new Set([
  O.SIZE_P,
  O.SIZE_A,
  O.SIZE_S,
  O.SIZE_E,
  O.SIZE_ST,
  O.SIZE_FX,
  O.SIZE_XS,
  O.SIZE_ADDRESS,
]);

/** Instruction.operandBytes of the decoder, said again. */
function operationWidth(form: Form, operands: readonly DrawnOperand[], size: number): number {
  const telling = form.operands.findIndex(
    (operand) => !WIDTHLESS_KINDS.has(operand.kind) && !WIDTHLESS_SIZES.has(operand.size),
  );
  return operands[telling]?.bytes ?? size;
}

function addressOf(
  random: Random,
  form: Form,
  modrm: number,
  inMemory: boolean,
  prefixes: Prefixes,
  mode: number,
) {
  if (!inMemory) return null;
  const bytes =
    mode === CODE_64 ? (prefixes.has67 ? 4 : 8) : (mode === CODE_16) === prefixes.has67 ? 4 : 2;
  if ((form.flags & C.FORM_MODRM) === 0)
    return drawOffset(random, bytes, segmentOf(prefixes.segment));
  return drawAddress(random, modrm, bytes, mode === CODE_64, prefixes.rex, prefixes.segment);
}

/**
 * Why Intel's, AMD's and this processor may not do the same with an instruction that is defined, or
 * null: what a test against the host's processor leaves out.
 */
export function differsByProcessor({ form, mode, prefixes, operandBytes }: Drawn): string | null {
  const { has66, rep, rex } = prefixes;
  const wide = (rex & 8) !== 0;
  const near =
    (form.flags & C.FORM_FORCED_64) !== 0 && /^(JCC|JMP|CALL|RET|LOOP|JCXZ)/.test(form.operation);
  if (mode === CODE_64 && near && has66)
    return "66 before a near branch cuts RIP on AMD's processors";
  if (/^(CALL_FAR|JMP_FAR|L[SFG]S)$/.test(form.operation) && wide)
    return "a far pointer with REX.W has ten bytes on Intel's processors only";
  if (/^BS[FR]$/.test(form.operation) && rep === 0xf3)
    return "F3 makes TZCNT and LZCNT of BSF and BSR where CPUID has them";
  if (/^LOOPN?E$/.test(form.operation) && rep !== 0)
    return "F2 and F3 choose between LOOPNE and LOOPE on AMD's processors, whatever the opcode says";
  if (/^(PUSH|POP)_SEGMENT$/.test(form.operation) && operandBytes === 4)
    return "a segment register takes two or four bytes of a four-byte stack slot";
  if (form.operation === "MOVSXD" && operandBytes === 2)
    return "MOVSXD to 16 bits reads 16 bits on Intel's processors, 32 on AMD's";
  if (form.operation === "ENTER" && mode === CODE_16 && operandBytes === 4)
    return "frame pointers of 32 bits of a 16-bit stack have an upper half by SP or by ESP";
  if (/^SYS(CALL|RET|ENTER|EXIT)$/.test(form.operation)) return "it depends on mode and vendor";
  return null;
}
