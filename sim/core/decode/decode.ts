/**
 * The decoder: bytes -> Instruction (Intel SDM 2A, chapter 2; AMD64 APM 3, chapter 1).
 *
 *   [prefixes] [REX] [0F [38|3A]] opcode [ModR/M [SIB] [displacement]] [immediate] [immediate]
 *
 * The tables say which rows an opcode has; the first row that fits prefixes, mode and ModR/M counts.
 * No byte behind `available` is read, and the first 15 bytes at most.
 */
import { readAddress, readOffset, setSegment } from "./address";
import { candidateAt, firstCandidate, fitsModrm, fitsPrefixes, Form, formAt, mandatoryPrefix } from "./forms";
import { readImmediates } from "./immediates";
import {
  DECODED,
  Instruction,
  INSTRUCTION_BYTES_MAX,
  NEED_MORE,
  NO_FORM,
  NO_REGISTER,
  TOO_LONG,
  UNDEFINED,
} from "./instruction";
import { registersExist, setOperands, setOperandSize } from "./widths";
import { readPrefixes } from "./prefixes";
import { FORM_FEW_REGISTERS, FORM_LOCK, FORM_MODRM, FORM_TAIL, FORM_UNDEFINED } from "../../spec/isa/conditions";
import { KIND_O, KIND_S } from "../../spec/isa/operands";

/** While an instruction is read, `length` is the number of its bytes that have been read. */
export function decode(at: usize, available: u32, mode: u32, into: Instruction): u32 {
  const limit = min(available, INSTRUCTION_BYTES_MAX);
  clear(into);
  into.form = NO_FORM;
  into.base = NO_REGISTER;
  into.index = NO_REGISTER;
  if (!readPrefixes(at, limit, mode, into) || !readOpcode(at, limit, into)) return missing(available);
  const verdict = chooseForm(at, limit, mode, into);
  if (verdict != DECODED) return verdict == NEED_MORE ? missing(available) : verdict;
  const form = formAt(into.form);
  setOperandSize(form, mode, into);
  if (!readOperands(at, limit, mode, form, into)) return missing(available);
  setOperands(form, into);
  return allowed(form, into) ? DECODED : UNDEFINED;
}

/** All fields 0. As 16-byte stores: memory.fill of so few bytes costs a call out of WebAssembly. */
@inline
function clear(into: Instruction): void {
  assert(offsetof<Instruction>() % 16 == 0, "decode: an Instruction isn't whole 16-byte stores");
  const zero = i64x2.splat(0);
  for (let at: usize = 0; at < offsetof<Instruction>(); at += 16) {
    v128.store(changetype<usize>(into) + at, zero);
  }
}

/** The bytes have ended: those of the page, or the fifteen that an instruction may have. */
@inline
function missing(available: u32): u32 {
  return available < INSTRUCTION_BYTES_MAX ? NEED_MORE : TOO_LONG;
}

/** Opcode with its escapes; false when bytes are missing. */
function readOpcode(at: usize, limit: u32, into: Instruction): bool {
  let next = into.length;
  if (next >= limit) return false;
  let byte = <u32>load<u8>(at + next++);
  if (byte == 0x0f) {
    if (next >= limit) return false;
    into.map = 1;
    byte = load<u8>(at + next++);
    if (byte == 0x38 || byte == 0x3a) {
      if (next >= limit) return false;
      into.map = byte == 0x38 ? 2 : 3;
      byte = load<u8>(at + next++);
    }
  }
  into.opcode = byte;
  into.length = next;
  return true;
}

/** Sets `form`. All rows of an opcode have a ModR/M byte or none has (description.test.ts). */
function chooseForm(at: usize, limit: u32, mode: u32, into: Instruction): u32 {
  const present = mandatoryPrefix(into.rep, into.prefix66);
  const end = firstCandidate(into.map, into.opcode + 1);
  let modrmRead = false;
  for (let position = firstCandidate(into.map, into.opcode); position < end; position++) {
    const index = candidateAt(position);
    const form = formAt(index);
    if (!fitsPrefixes(form, present, into.rex, mode)) continue;
    if ((form.flags & FORM_MODRM) != 0) {
      if (!modrmRead) {
        if (into.length >= limit) return NEED_MORE;
        into.modrm = load<u8>(at + into.length++);
        modrmRead = true;
      }
      if (!fitsModrm(form, into.modrm)) continue;
    }
    into.form = index;
    into.operation = form.operation;
    return DECODED;
  }
  return UNDEFINED;
}

/** What follows opcode and ModR/M; false when bytes are missing. */
function readOperands(at: usize, limit: u32, mode: u32, form: Form, into: Instruction): bool {
  if ((form.flags & FORM_MODRM) != 0) {
    if (!readAddress(at, limit, mode, form.flags, into)) return false;
  } else {
    // PUSH and POP have their segment register in bits 5-3, a Z operand is in bits 2-0.
    const segment = form.kind0 == KIND_S;
    into.reg = segment ? (into.opcode >> 3) & 7 : (into.opcode & 7) | ((into.rex & 1) << 3);
  }
  if (into.memory == 0) setSegment(false, into);
  if ((form.flags & FORM_TAIL) == 0) return true;
  if (form.kind0 == KIND_O || form.kind1 == KIND_O) return readOffset(at, limit, into);
  return readImmediates(at, limit, form, into);
}

/** False: the instruction is known, but raises #UD as it stands. */
function allowed(form: Form, into: Instruction): bool {
  if ((form.flags & FORM_UNDEFINED) != 0) return false;
  // LOCK: only where the manual's page of the instruction allows it, and only with memory.
  if (into.lock != 0 && ((form.flags & FORM_LOCK) == 0 || into.memory == 0)) return false;
  return (form.flags & FORM_FEW_REGISTERS) == 0 || registersExist(form, into);
}
