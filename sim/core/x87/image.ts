/**
 * What software sees of the unit's state when it saves it: the FXSAVE image, and the environment of
 * FSTENV and FSAVE in its four formats (Intel SDM 1, 8.1.10 and 10.5.1).
 */
import { KIND_NORMAL, KIND_ZERO, kindOf } from "../float/extended";
import {
  Image,
  initialize,
  physical,
  registerAt,
  setControl,
} from "./unit";

/** Bytes of the FXSAVE image that are the x87's: its header without MXCSR, and the registers. */
export const LEGACY_HEADER_BYTES: usize = 24;
const LEGACY_REGISTERS_AT: usize = 32;
const LEGACY_REGISTER_BYTES: usize = 16;
const REGISTERS: u32 = 8;

/** Writes the x87 part of an FXSAVE image: bytes 0 to 23 and 32 to 159, registers from the top on. */
export function saveLegacy(image: Image, to: usize): void {
  memory.copy(to, changetype<usize>(image), LEGACY_HEADER_BYTES);
  for (let index: u32 = 0; index < REGISTERS; index++) {
    const from = changetype<usize>(registerAt(image, physical(image, index)));
    memory.copy(to + LEGACY_REGISTERS_AT + <usize>index * LEGACY_REGISTER_BYTES, from, 10);
    memory.fill(to + LEGACY_REGISTERS_AT + <usize>index * LEGACY_REGISTER_BYTES + 10, 0, 6);
  }
}

/** Reads the x87 part of an FXSAVE image. Reserved bits of the control word are dropped. */
export function restoreLegacy(image: Image, from: usize): void {
  memory.copy(changetype<usize>(image), from, LEGACY_HEADER_BYTES);
  image.reserved = 0;
  image.opcode &= 0x7ff;
  setControl(image, image.control);
  for (let index: u32 = 0; index < REGISTERS; index++) {
    const to = changetype<usize>(registerAt(image, physical(image, index)));
    memory.copy(to, from + LEGACY_REGISTERS_AT + <usize>index * LEGACY_REGISTER_BYTES, 10);
  }
}

/** The initial state of the x87 part, as XRSTOR gives it without an image (Intel SDM 1, 13.6). */
export function clearLegacy(image: Image): void {
  initialize(image);
  memory.fill(changetype<usize>(image) + LEGACY_REGISTERS_AT, 0, REGISTERS * 16);
}

/** The full tag word: two bits a register; 0 valid, 1 zero, 2 anything else, 3 empty. */
export function tagWord(image: Image): u32 {
  let word: u32 = 0;
  for (let number: u32 = 0; number < REGISTERS; number++) {
    let tag: u32 = 3;
    if (((<u32>image.tags >> number) & 1) != 0) {
      const kind = kindOf(registerAt(image, number));
      tag = kind == KIND_NORMAL ? 0 : kind == KIND_ZERO ? 1 : 2;
    }
    word |= tag << (2 * number);
  }
  return word;
}

function setTagWord(image: Image, word: u32): void {
  let tags: u32 = 0;
  for (let number: u32 = 0; number < REGISTERS; number++)
    if (((word >> (2 * number)) & 3) != 3) tags |= 1 << number;
  image.tags = <u8>tags;
}

/** Formats of the environment: 32-bit or 16-bit operands, and real or virtual-8086 mode. */
export const ENVIRONMENT_32: u32 = 1;
export const ENVIRONMENT_REAL: u32 = 2;

export function environmentBytes(format: u32): u32 {
  return (format & ENVIRONMENT_32) != 0 ? 28 : 14;
}

/** A word of the environment: 16 bits, or 32 with ones above. */
function storeWord(to: usize, index: u32, wide: bool, value: u32): void {
  if (wide) store<u32>(to + 4 * index, 0xffff_0000 | value);
  else store<u16>(to + 2 * index, <u16>value);
}

/**
 * FNSTENV's image. Selectors of instruction and operand are not kept: this processor has deprecated
 * them, as CPUID says (leaf 7, EBX bit 13), and stores zeros (Intel SDM 1, 8.1.8).
 */
export function storeEnvironment(image: Image, format: u32, to: usize): void {
  const wide = (format & ENVIRONMENT_32) != 0;
  const real = (format & ENVIRONMENT_REAL) != 0;
  memory.fill(to, 0, environmentBytes(format));
  storeWord(to, 0, wide, image.control);
  storeWord(to, 1, wide, image.status);
  storeWord(to, 2, wide, tagWord(image));
  const instruction = <u32>image.instruction;
  const operand = <u32>image.operand;
  const opcode = <u32>image.opcode;
  if (!wide) {
    store<u16>(to + 6, <u16>instruction);
    store<u16>(to + 10, <u16>operand);
    if (!real) return;
    store<u16>(to + 8, <u16>(((instruction >> 16) << 12) | opcode));
    return store<u16>(to + 12, <u16>((operand >> 16) << 12));
  }
  if (!real) {
    store<u32>(to + 12, instruction);
    store<u32>(to + 16, opcode << 16);
    store<u32>(to + 20, operand);
    return store<u32>(to + 24, 0xffff_0000);
  }
  store<u32>(to + 12, 0xffff_0000 | (instruction & 0xffff));
  store<u32>(to + 16, ((instruction >> 16) << 12) | opcode);
  store<u32>(to + 20, 0xffff_0000 | (operand & 0xffff));
  store<u32>(to + 24, (operand >> 16) << 12);
}

/** FLDENV. Exceptions that become unmasked are pending from then on. */
export function loadEnvironment(image: Image, format: u32, from: usize): void {
  const wide = (format & ENVIRONMENT_32) != 0;
  const real = (format & ENVIRONMENT_REAL) != 0;
  const size: usize = wide ? 4 : 2;
  image.status = load<u16>(from + size);
  setTagWord(image, load<u16>(from + 2 * size));
  let instruction: u32;
  let operand: u32;
  let opcode: u32 = 0;
  if (!wide) {
    instruction = load<u16>(from + 6);
    operand = load<u16>(from + 10);
    if (real) {
      opcode = load<u16>(from + 8);
      instruction |= (opcode >> 12) << 16;
      operand |= (<u32>load<u16>(from + 12) >> 12) << 16;
    }
  } else if (!real) {
    instruction = load<u32>(from + 12);
    opcode = load<u16>(from + 18);
    operand = load<u32>(from + 20);
  } else {
    opcode = load<u32>(from + 16);
    instruction = (<u32>load<u16>(from + 12)) | ((opcode >> 12) << 16);
    operand = (<u32>load<u16>(from + 20)) | ((load<u32>(from + 24) >> 12) << 16);
  }
  image.opcode = <u16>(opcode & 0x7ff);
  image.instruction = instruction;
  image.operand = operand;
  setControl(image, load<u16>(from));
}

/** FNSAVE: environment and registers from the top on, 10 bytes each; then FNINIT. */
export function saveState(image: Image, format: u32, to: usize): void {
  storeEnvironment(image, format, to);
  const registers = to + environmentBytes(format);
  for (let index: u32 = 0; index < REGISTERS; index++) {
    const from = registerAt(image, physical(image, index));
    memory.copy(registers + 10 * index, changetype<usize>(from), 10);
  }
  initialize(image);
}

/** FRSTOR. */
export function restoreState(image: Image, format: u32, from: usize): void {
  loadEnvironment(image, format, from);
  const registers = from + environmentBytes(format);
  for (let index: u32 = 0; index < REGISTERS; index++) {
    const to = registerAt(image, physical(image, index));
    memory.copy(changetype<usize>(to), registers + 10 * index, 10);
  }
}
