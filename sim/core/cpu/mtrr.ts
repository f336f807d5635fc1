/**
 * Memory types: which values the MTRRs and the PAT can hold (Intel SDM 3A, 11.11 and 11.12). All
 * memory of the machine is coherent, so a type changes nothing but what is read back.
 */
import { PHYSICAL_ADDRESS_BITS } from "../../spec/x86";

const VARIABLE_PAIRS: u32 = 8;
const FIXED: u32 = 11;
/** Places in a CPU's table: the fixed ranges, then base and mask of each variable range. */
export const MTRRS: u32 = FIXED + 2 * VARIABLE_PAIRS;
/** MTRRCAP: eight variable ranges, fixed ranges, write combining. */
export const MTRR_CAPABILITY: u64 = <u64>VARIABLE_PAIRS | 0x100 | 0x400;

const FIRST_VARIABLE: u32 = 0x200;
const PHYSICAL_PAGE: u64 = ((<u64>1 << PHYSICAL_ADDRESS_BITS) - 1) & ~(<u64>0xfff);

/** Place of the MSR in a CPU's table, or MTRRS when it is no MTRR. */
export function mtrrIndex(msr: u32): u32 {
  if (msr - FIRST_VARIABLE < 2 * VARIABLE_PAIRS) return FIXED + (msr - FIRST_VARIABLE);
  if (msr == 0x250) return 0;
  if (msr - 0x258 < 2) return 1 + (msr - 0x258);
  if (msr - 0x268 < 8) return 3 + (msr - 0x268);
  return MTRRS;
}

/** UC 0, WC 1, WT 4, WP 5, WB 6. */
@inline
function typeValid(type: u32): bool {
  return type < 8 && ((0b0111_0011 >> type) & 1) != 0;
}

/** Whether the MTRR at `place` can hold `value`: types that exist, no reserved bit. */
export function mtrrValid(place: u32, value: u64): bool {
  if (place < FIXED) return typesValid(value, 0);
  if ((place - FIXED) & 1) return (value & ~(PHYSICAL_PAGE | 0x800)) == 0;
  return (value & ~(PHYSICAL_PAGE | 0xff)) == 0 && typeValid(<u32>value & 0xff);
}

/** Whether the PAT can hold `value`: eight types, UC- (7) among them. */
export function patValid(value: u64): bool {
  return typesValid(value, 1);
}

function typesValid(value: u64, uncachedMinus: u32): bool {
  for (let shift: u64 = 0; shift < 64; shift += 8) {
    const type = <u32>(value >> shift) & 0xff;
    if (!typeValid(type) && !(uncachedMinus && type == 7)) return false;
  }
  return true;
}
