/** The rows of the description as the decoder reads them, and the choice of the one that fits. */
import { CANDIDATES, FORM_COUNT, FORMS, HEADS } from "./tables.generated";
import { CODE_64 } from "./instruction";
import {
  FORM_MEMORY,
  FORM_NOT_64,
  FORM_ONLY_64,
  FORM_REGISTER,
  FORM_REX_B0,
  FORM_REX_W,
  PREFIX_66,
  PREFIX_ANY,
  PREFIX_F2,
  PREFIX_F3,
  PREFIX_NFX,
  PREFIX_NONE,
} from "../../spec/isa/conditions";

/** 16 bytes, read only. */
@unmanaged
export class Form {
  operation: u16;
  /** FORM_… of sim/spec/isa/conditions.ts. */
  flags: u16;
  prefix: u8;
  /** A ModR/M byte b fits when (b & modrmMask) == modrmValue. */
  modrmMask: u8;
  modrmValue: u8;
  /** WIDTH_OF_…: what the width of the operation is. */
  widthOf: u8;
  kind0: u8;
  kind1: u8;
  kind2: u8;
  kind3: u8;
  size0: u8;
  size1: u8;
  size2: u8;
  size3: u8;
}

const REX_W: u32 = 8;
const REX_B: u32 = 1;
const MOD_REGISTER: u32 = 3;

@inline
export function formAt(index: u32): Form {
  assert(index < FORM_COUNT, "decode: no such form");
  return changetype<Form>(FORMS + <usize>index * offsetof<Form>());
}

/** The candidates of `opcode` in `map` are those from firstCandidate to that of the next opcode. */
@inline
export function firstCandidate(map: u32, opcode: u32): u32 {
  return load<u16>(HEADS + <usize>(map * 256 + opcode) * 2);
}

@inline
export function candidateAt(position: u32): u32 {
  return load<u16>(CANDIDATES + <usize>position * 2);
}

/** The mandatory prefix that is there: F2 and F3 come before 66 (Intel SDM 2A, 2.1.2). */
@inline
export function mandatoryPrefix(rep: u32, prefix66: u32): u32 {
  if (rep != 0) return rep == 0xf2 ? PREFIX_F2 : PREFIX_F3;
  return prefix66 != 0 ? PREFIX_66 : PREFIX_NONE;
}

/** Whether all but the ModR/M byte fits. */
export function fitsPrefixes(form: Form, present: u32, rex: u32, mode: u32): bool {
  const flags = <u32>form.flags;
  if ((flags & (mode == CODE_64 ? FORM_NOT_64 : FORM_ONLY_64)) != 0) return false;
  if ((flags & FORM_REX_W) != 0 && (rex & REX_W) == 0) return false;
  if ((flags & FORM_REX_B0) != 0 && (rex & REX_B) != 0) return false;
  const wanted = <u32>form.prefix;
  if (wanted == PREFIX_ANY) return true;
  if (wanted == PREFIX_NFX) return present <= <u32>PREFIX_66;
  return wanted == present;
}

export function fitsModrm(form: Form, modrm: u32): bool {
  if ((modrm & form.modrmMask) != form.modrmValue) return false;
  const register = modrm >> 6 == MOD_REGISTER;
  return (form.flags & (register ? FORM_MEMORY : FORM_REGISTER)) == 0;
}
