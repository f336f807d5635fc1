/** Shifts and rotations by CL or through carry, and double shifts (Intel SDM 2B, RCL/…, SHLD, SHRD). */
import { rol, ror, sar, shl, shr } from "./alu";
import { flagCF, setCarryOverflow, setFlagsCarryOverflow } from "./flags";
import { readSlot, signExtended, writeSlot } from "./integer";
import { OP_RCL, OP_RCR, OP_ROL, OP_ROR, OP_SHL, OP_SHR } from "../../spec/isa/operations.generated";

/** Shifts or rotates slot `a`. A count of 0 after masking changes no flag. */
export function shift(cpu: usize, operation: u32, a: usize, bytes: u32, by: u32): void {
  const count = by & (bytes == 8 ? 63 : 31);
  if (count == 0) return writeSlot(a, bytes, readSlot(a, bytes));
  if (operation == OP_RCL || operation == OP_RCR)
    return rotateThroughCarry(cpu, operation == OP_RCL, a, bytes, count);
  if (bytes == 1) shiftAs<i8, u8>(cpu, operation, a, count);
  else if (bytes == 2) shiftAs<i16, u16>(cpu, operation, a, count);
  else if (bytes == 4) shiftAs<i32, u32>(cpu, operation, a, count);
  else shiftAs<i64, u64>(cpu, operation, a, count);
}

function shiftAs<T, U>(cpu: usize, operation: u32, a: usize, count: u32): void {
  if (operation == OP_ROL) rol<T, U>(cpu, a, count);
  else if (operation == OP_ROR) ror<T, U>(cpu, a, count);
  else if (operation == OP_SHL) shl<T, U>(cpu, a, count);
  else if (operation == OP_SHR) shr<T, U>(cpu, a, count);
  else sar<T>(cpu, a, count);
}

/**
 * RCL and RCR rotate the operand together with CF, bit by bit: counts are small. OF is defined for a
 * count of 1; RCL's follows from the result, RCR's from its two top bits.
 */
function rotateThroughCarry(cpu: usize, left: bool, a: usize, bytes: u32, by: u32): void {
  const bits: u32 = bytes << 3;
  const count = by % (bits + 1);
  let carry = <u64>flagCF(cpu);
  let value = readSlot(a, bytes);
  const top: u64 = bits - 1;
  for (let n: u32 = 0; n < count; n++) {
    const out = left ? (value >> top) & 1 : value & 1;
    value = left ? (value << 1) | carry : (value >> 1) | (carry << top);
    carry = out;
  }
  writeSlot(a, bytes, value);
  if (count == 0) return;
  const sign = (value >> top) & 1;
  const overflow = left ? sign ^ carry : sign ^ ((value >> (top - 1)) & 1);
  setCarryOverflow(cpu, <u32>carry, <u32>overflow);
}

/**
 * SHLD and SHRD: bits of b move into a. Counts above the width, possible with 16 bits, give
 * undefined results; here b follows a around, as on Intel's processors.
 */
export function shiftDouble(cpu: usize, left: bool, a: usize, b: usize, bytes: u32, by: u32): void {
  const count = by & (bytes == 8 ? 63 : 31);
  const x = readSlot(a, bytes);
  if (count == 0) return writeSlot(a, bytes, x);
  const y = readSlot(b, bytes);
  const bits: u32 = bytes << 3;
  let result: u64;
  let carry: u64;
  if (count <= bits) {
    const rest = bits - count;
    result = left ? high(x, count) | (rest == 64 ? 0 : y >> rest) : (x >> count) | high(y, rest);
    if (count == bits) result = y;
    carry = left ? x >> rest : x >> (count - 1);
  } else {
    // 16 bits: the 48 bits a:b:a (or a:b:a from the right) are shifted.
    const n = count - bits;
    const rest = bits - n;
    result = left ? (y << n) | (x >> rest) : (y >> n) | (x << rest);
    carry = left ? y >> rest : y >> (n - 1);
  }
  writeSlot(a, bytes, result);
  const signed = signExtended(result, bytes);
  const sign = <u32>(result >> (bits - 1)) & 1;
  const before = <u32>(x >> (bits - 1)) & 1;
  setFlagsCarryOverflow(cpu, signed, <u32>carry & 1, sign ^ before);
}

/** value << count, where a count of 64 leaves nothing. */
@inline
function high(value: u64, count: u32): u64 {
  return count >= 64 ? 0 : value << count;
}
