/**
 * Disassembly for reports and traces, in Intel syntax as GNU objdump writes it (`-M intel,intel64`).
 * Prefixes are written where they mean something; those that do nothing are left out.
 */
import * as C from "../spec/isa/conditions.ts";
import { FORMS } from "../spec/isa/forms.ts";
import type { Form } from "../spec/isa/notation.ts";
import * as O from "../spec/isa/operands.ts";
import { BASE_RIP, CODE_64, DECODED, type Decoder, NO_FORM, UNDEFINED } from "./decoder.ts";
import { mnemonicOf, namesImmediate, WITHOUT_SIZE } from "./disassemble-names.ts";
import { memoryText, registerName, stringText, xlatText } from "./disassemble-operands.ts";
import type { Instruction } from "./views.generated.ts";

export interface Disassembled {
  /** Bytes of the instruction; 1 when there is none. */
  readonly length: number;
  /** "(bad)" when the bytes are no instruction, or its first part. */
  readonly text: string;
}

/** The instruction at the beginning of `code`, which lies at linear address or offset `address`. */
export function disassemble(
  decoder: Decoder,
  code: Uint8Array,
  mode: number,
  address: bigint,
): Disassembled {
  const verdict = decoder.decode(code.subarray(0, 15), mode);
  const { instruction } = decoder;
  const form = FORMS[instruction.form];
  // UD2 and the like are known; a LOCK that isn't allowed is not.
  const known = verdict === UNDEFINED && ((form?.flags ?? 0) & C.FORM_UNDEFINED) !== 0;
  if ((verdict !== DECODED && !known) || form === undefined || instruction.form === NO_FORM) {
    return { length: 1, text: "(bad)" };
  }
  const operands = operandTexts(instruction, form, mode, address);
  const words = [...prefixWords(instruction, form), mnemonicOf(instruction, form, mode)];
  const name = words.join(" ");
  const text = operands.length === 0 ? name : `${name} ${operands.join(",")}`;
  return { length: instruction.length, text: text + targetComment(instruction, address) };
}

/** Behind "#": where a RIP-relative operand is. */
function targetComment(instruction: Instruction, address: bigint): string {
  const { memory, base, length, displacement, addressBytes } = instruction;
  if (memory === 0 || base !== BASE_RIP) return "";
  const target = BigInt.asUintN(addressBytes * 8, address + BigInt(length) + displacement);
  return ` # 0x${target.toString(16)}`;
}

/** LOCK, and the repetition of string instructions. */
function prefixWords({ lock, rep }: Instruction, form: Form): string[] {
  const words = lock === 0 ? [] : ["lock"];
  const repeated = form.operands.some(({ kind }) => kind === O.KIND_X || kind === O.KIND_Y);
  if (!repeated || rep === 0) return words;
  const compares = form.operation === "CMPS" || form.operation === "SCAS";
  return [...words, rep === 0xf2 ? "repnz" : compares ? "repz" : "rep"];
}

function operandTexts(
  instruction: Instruction,
  form: Form,
  mode: number,
  address: bigint,
): string[] {
  const widths = [instruction.bytes0, instruction.bytes1, instruction.bytes2, instruction.bytes3];
  const operands = namesImmediate(instruction, form) ? form.operands.slice(0, -1) : form.operands;
  if (form.operation === "XLAT") return [xlatText(instruction)];
  let immediates = 0;
  return operands.map(({ kind }, position) => {
    const bytes = widths[position] ?? 0;
    switch (kind) {
      case O.KIND_I: {
        const second = immediates++ > 0;
        const value = second ? BigInt(instruction.immediate2) : instruction.immediate;
        return immediateText(value, form, position, instruction);
      }
      case O.KIND_J:
        return hex(jumpTarget(instruction, mode, address));
      case O.KIND_A:
        return `${hex(BigInt(instruction.immediate2))}:${hex(instruction.immediate)}`;
      case O.KIND_X:
      case O.KIND_Y:
        return stringText(instruction, kind, bytes);
      default:
        return memoryOrRegister(instruction, form, kind, bytes, mode);
    }
  });
}

const hex = (value: bigint) => `0x${value.toString(16)}`;

function memoryOrRegister(
  instruction: Instruction,
  form: Form,
  kind: number,
  bytes: number,
  mode: number,
): string {
  const perhapsMemory = kind === O.KIND_E || kind === O.KIND_Q || kind === O.KIND_W;
  const memory =
    kind === O.KIND_M || kind === O.KIND_O || (perhapsMemory && instruction.memory !== 0);
  if (!memory) return registerName(instruction, kind, bytes);
  const unsized = kind === O.KIND_O || WITHOUT_SIZE.has(form.operation);
  return memoryText(instruction, unsized ? null : bytes, mode);
}

/** Immediates are written in the width of the operation, what is sign-extended as what it becomes. */
function immediateText(
  value: bigint,
  form: Form,
  position: number,
  instruction: Instruction,
): string {
  const size = form.operands[position]?.size;
  const extended = size === O.SIZE_BS || size === O.SIZE_Z || size === O.SIZE_V;
  const bits = extended ? instruction.operandBytes * 8 : 64;
  return hex(BigInt.asUintN(bits, value));
}

/** RIP is cut to 16 bits by a 16-bit operand size, to 32 bits outside of 64-bit mode. */
function jumpTarget(instruction: Instruction, mode: number, address: bigint): bigint {
  const bits = mode === CODE_64 ? 64 : instruction.operandBytes === 2 ? 16 : 32;
  return BigInt.asUintN(bits, address + BigInt(instruction.length) + instruction.immediate);
}
