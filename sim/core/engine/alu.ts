/**
 * Integer arithmetic on slots, with its flags (Intel SDM 2A-2B, "Operation" and "Flags Affected" of
 * each instruction). T is the signed type of the width, U the unsigned one; `slot` is the address of
 * the destination. What the manual leaves undefined is as Intel's processors have it.
 */
import { flagCF, setCarryOverflow, setFlags, setFlagsCarryOverflow } from "./flags";

/** Writes a general register or a temporary: 32 bits clear the upper half (SDM 1, 3.4.1.1). */
@inline
export function put<T>(slot: usize, value: T): void {
  if (sizeof<T>() == 4) store<u64>(slot, <u64>(<u32>value));
  else store<T>(slot, value);
}

@inline
export function add<T, U>(cpu: usize, slot: usize, y: T): void {
  const x = load<T>(slot);
  const r = <T>(x + y);
  put<T>(slot, r);
  setFlags(cpu, <i64>r, <i64>(<T>(x ^ y ^ r)), <u32>(<U>r < <U>x));
}

@inline
export function adc<T, U>(cpu: usize, slot: usize, y: T): void {
  const carry = flagCF(cpu);
  const x = load<T>(slot);
  const r = <T>(x + y + <T>carry);
  put<T>(slot, r);
  const out = <u32>(<U>r < <U>x) | (<u32>(r == x) & carry);
  setFlags(cpu, <i64>r, <i64>(<T>(x ^ y ^ r)), out);
}

@inline
export function sub<T, U>(cpu: usize, slot: usize, y: T): void {
  const x = load<T>(slot);
  put<T>(slot, <T>(x - y));
  cmp<T, U>(cpu, x, y);
}

@inline
export function sbb<T, U>(cpu: usize, slot: usize, y: T): void {
  const carry = flagCF(cpu);
  const x = load<T>(slot);
  const r = <T>(x - y - <T>carry);
  put<T>(slot, r);
  const out = <u32>(<U>x < <U>y) | (<u32>(x == y) & carry);
  setFlags(cpu, <i64>r, <i64>(<T>(x ^ y ^ r)), out);
}

/** Flags of x - y. */
@inline
export function cmp<T, U>(cpu: usize, x: T, y: T): void {
  const r = <T>(x - y);
  setFlags(cpu, <i64>r, <i64>(<T>(x ^ y ^ r)), <u32>(<U>x < <U>y));
}

/** Flags of a logical operation: CF, OF and AF are 0. */
@inline
export function logic<T>(cpu: usize, r: T): void {
  setFlags(cpu, <i64>r, 0, 0);
}

@inline
export function and<T>(cpu: usize, slot: usize, y: T): void {
  const r = <T>(load<T>(slot) & y);
  put<T>(slot, r);
  logic<T>(cpu, r);
}

@inline
export function or<T>(cpu: usize, slot: usize, y: T): void {
  const r = <T>(load<T>(slot) | y);
  put<T>(slot, r);
  logic<T>(cpu, r);
}

@inline
export function xor<T>(cpu: usize, slot: usize, y: T): void {
  const r = <T>(load<T>(slot) ^ y);
  put<T>(slot, r);
  logic<T>(cpu, r);
}

/**
 * INC and DEC keep CF, so the top bit of the carries is chosen to give their OF with that CF.
 * @param overflowing the one operand that overflows
 */
@inline
function step<T>(cpu: usize, slot: usize, by: T, overflowing: T): void {
  const x = load<T>(slot);
  const r = <T>(x + by);
  put<T>(slot, r);
  const carry = flagCF(cpu);
  const aux = <i64>(x ^ r) & 0x10;
  setFlags(cpu, <i64>r, aux | (<i64>(<u32>(x == overflowing) ^ carry) << 63), carry);
}

@inline
export function inc<T>(cpu: usize, slot: usize): void {
  step<T>(cpu, slot, 1, <T>((<u64>1 << ((sizeof<T>() << 3) - 1)) - 1));
}

@inline
export function dec<T>(cpu: usize, slot: usize): void {
  step<T>(cpu, slot, <T>(-1), <T>(<u64>1 << ((sizeof<T>() << 3) - 1)));
}

@inline
export function neg<T, U>(cpu: usize, slot: usize): void {
  const x = load<T>(slot);
  put<T>(slot, <T>(0 - x));
  cmp<T, U>(cpu, 0, x);
}

@inline
export function not<T>(slot: usize): void {
  put<T>(slot, <T>~load<T>(slot));
}

/*
 * Shifts by a count that isn't 0 and has been masked. OF is defined for a count of 1; for others it
 * follows the same rule from the last step, and AF is 0. A count beyond the width shifts all out.
 */

/** SHL: OF = sign of the result ^ CF. */
@inline
export function shl<T, U>(cpu: usize, slot: usize, count: u32): void {
  const wide = <u64>load<U>(slot);
  const r = <T>(wide << count);
  put<T>(slot, r);
  const bits: u32 = sizeof<T>() << 3;
  const carry = count <= bits ? <u32>(wide >> (bits - count)) & 1 : 0;
  setFlagsCarryOverflow(cpu, <i64>r, carry, carry ^ <u32>(r < 0));
}

/** SHR: OF = sign before the last step. */
@inline
export function shr<T, U>(cpu: usize, slot: usize, count: u32): void {
  const last = <u64>load<U>(slot) >> (count - 1);
  const r = <T>(<U>(last >> 1));
  put<T>(slot, r);
  setFlagsCarryOverflow(cpu, <i64>r, <u32>last & 1, <u32>(<T>last < 0));
}

/** SAR: OF = 0. */
@inline
export function sar<T>(cpu: usize, slot: usize, count: u32): void {
  const last = <i64>load<T>(slot) >> (count - 1);
  const r = <T>(last >> 1);
  put<T>(slot, r);
  setFlagsCarryOverflow(cpu, <i64>r, <u32>last & 1, 0);
}

@inline
export function rol<T, U>(cpu: usize, slot: usize, count: u32): void {
  const bits: u32 = sizeof<T>() << 3;
  const x = load<U>(slot);
  const by = count & (bits - 1);
  const r = by == 0 ? x : <U>((<u64>x << by) | (<u64>x >> (bits - by)));
  put<T>(slot, <T>r);
  const carry = <u32>r & 1;
  setCarryOverflow(cpu, carry, carry ^ <u32>(<T>r < 0));
}

/** ROR: OF = exclusive or of the two top bits. */
@inline
export function ror<T, U>(cpu: usize, slot: usize, count: u32): void {
  const bits: u32 = sizeof<T>() << 3;
  const x = load<U>(slot);
  const by = count & (bits - 1);
  const r = by == 0 ? x : <U>((<u64>x >> by) | (<u64>x << (bits - by)));
  put<T>(slot, <T>r);
  const top = <u32>(<u64>r >> (bits - 2));
  setCarryOverflow(cpu, (top >> 1) & 1, (top ^ (top >> 1)) & 1);
}

/** IMUL of two or three operands: CF = OF = the product doesn't fit; ZF and AF are 0 or of it. */
@inline
export function imul32(cpu: usize, slot: usize, x: i32, y: i32): void {
  const product = <i64>x * <i64>y;
  const r = <i32>product;
  put<i32>(slot, r);
  const lost = <u32>(<i64>r != product);
  setFlagsCarryOverflow(cpu, <i64>r, lost, lost);
}

@inline
export function imul64(cpu: usize, slot: usize, x: i64, y: i64): void {
  const r = x * y;
  store<i64>(slot, r);
  const lost = <u32>(signedHigh(x, y) != r >> 63);
  setFlagsCarryOverflow(cpu, r, lost, lost);
}

/** High 64 bits of the product of two unsigned numbers. */
@inline
export function unsignedHigh(x: u64, y: u64): u64 {
  const xl = x & 0xffff_ffff;
  const xh = x >> 32;
  const yl = y & 0xffff_ffff;
  const yh = y >> 32;
  const cross = xh * yl + ((xl * yl) >> 32);
  const middle = xl * yh + (cross & 0xffff_ffff);
  return xh * yh + (cross >> 32) + (middle >> 32);
}

@inline
export function signedHigh(x: i64, y: i64): i64 {
  return <i64>(unsignedHigh(<u64>x, <u64>y) - (<u64>(x >> 63) & <u64>y) - (<u64>(y >> 63) & <u64>x));
}
