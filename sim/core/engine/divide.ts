/** MUL, IMUL, DIV, IDIV of one operand: rDX:rAX, or AX for bytes (Intel SDM 2A-2B). */
import { Cpu } from "../cpu/cpu";
import { FAULT_DIVIDE } from "./access";
import { put, signedHigh, unsignedHigh } from "./alu";
import { setFlagsCarryOverflow } from "./flags";
import { readSlot, signExtended, writeSlot } from "./integer";

/** Writes a double-width result: its halves to rAX and rDX, or to AX for bytes. */
function writeWide(cpu: Cpu, bytes: u32, low: u64, high: u64): void {
  const slots = changetype<usize>(cpu);
  if (bytes == 1) return store<u16>(slots, <u16>((low & 0xff) | (high << 8)));
  writeSlot(slots, bytes, low);
  writeSlot(slots + offsetof<Cpu>("rdx"), bytes, high);
}

/** CF = OF = the upper half says something; the other flags are those of the lower half. */
export function multiply(cpu: Cpu, bytes: u32, y: u64): void {
  const slots = changetype<usize>(cpu);
  const x = readSlot(slots, bytes);
  const low = x * y;
  const high = bytes == 8 ? unsignedHigh(x, y) : low >> (<u64>bytes << 3);
  writeWide(cpu, bytes, low, high);
  const said: u32 = high != 0 ? 1 : 0;
  setFlagsCarryOverflow(slots, signExtended(low, bytes), said, said);
}

export function multiplySigned(cpu: Cpu, bytes: u32, y: i64): void {
  const slots = changetype<usize>(cpu);
  const x = signExtended(readSlot(slots, bytes), bytes);
  const low = x * y;
  const high = bytes == 8 ? signedHigh(x, y) : low >> (<i64>bytes << 3);
  writeWide(cpu, bytes, <u64>low, <u64>high);
  const half = signExtended(<u64>low, bytes);
  const said: u32 = bytes == 8 ? <u32>(high != low >> 63) : <u32>(half != low);
  setFlagsCarryOverflow(slots, half, said, said);
}

/** IMUL r16 of two or three operands. */
export function multiplyWords(cpu: usize, slot: usize, x: i16, y: i16): void {
  const product = <i32>x * <i32>y;
  put<i16>(slot, <i16>product);
  const lost: u32 = <i32>(<i16>product) != product ? 1 : 0;
  setFlagsCarryOverflow(cpu, <i64>(<i16>product), lost, lost);
}

function divideError(cpu: Cpu): void {
  cpu.fault = FAULT_DIVIDE;
}

/** DIV: #DE when the divisor is 0 or the quotient doesn't fit. The status flags stay. */
export function divide(cpu: Cpu, bytes: u32, y: u64): void {
  if (y == 0) return divideError(cpu);
  if (bytes == 8) return divideQuadwords(cpu, y);
  const dividend = dividendOf(cpu, bytes);
  const quotient = dividend / y;
  if (quotient >> (<u64>bytes << 3) != 0) return divideError(cpu);
  writeQuotient(cpu, bytes, quotient, dividend % y);
}

/** rDX:rAX or AX, zero-extended. */
function dividendOf(cpu: Cpu, bytes: u32): u64 {
  if (bytes == 1) return cpu.rax & 0xffff;
  const slots = changetype<usize>(cpu);
  const high = readSlot(slots + offsetof<Cpu>("rdx"), bytes);
  return (high << (<u64>bytes << 3)) | readSlot(slots, bytes);
}

/** Quotient to rAX (AL), remainder to rDX (AH). */
function writeQuotient(cpu: Cpu, bytes: u32, quotient: u64, remainder: u64): void {
  writeWide(cpu, bytes, quotient, remainder);
}

function divideQuadwords(cpu: Cpu, y: u64): void {
  const high = cpu.rdx;
  const low = cpu.rax;
  if (high == 0) return writeQuotient(cpu, 8, low / y, low % y);
  if (high >= y) return divideError(cpu);
  const quotient = divideWide(high, low, y);
  // The remainder is less than 2^64, so that wrap-around doesn't matter.
  writeQuotient(cpu, 8, quotient, low - quotient * y);
}

/** (high : low) / y where high < y: long division by digits of 32 bits (Knuth 4.3.1, algorithm D). */
function divideWide(high: u64, low: u64, y: u64): u64 {
  const shift = clz(y);
  const divisor = y << shift;
  const top = shift == 0 ? high : (high << shift) | (low >> (64 - shift));
  const rest = low << shift;
  const first = digit(top, rest >> 32, divisor);
  const left = ((top << 32) | (rest >> 32)) - first * divisor;
  return (first << 32) | digit(left, rest & 0xffff_ffff, divisor);
}

/** One digit of the quotient: (top : next) / divisor, where the divisor's top bit is set. */
function digit(top: u64, next: u64, divisor: u64): u64 {
  const upper = divisor >> 32;
  const lower = divisor & 0xffff_ffff;
  let guess = top / upper;
  let rest = top - guess * upper;
  while (guess >> 32 != 0 || guess * lower > ((rest << 32) | next)) {
    guess -= 1;
    rest += upper;
    if (rest >> 32 != 0) break;
  }
  return guess;
}

/** IDIV: truncates toward 0, the remainder has the dividend's sign. */
export function divideSigned(cpu: Cpu, bytes: u32, y: i64): void {
  if (y == 0) return divideError(cpu);
  if (bytes == 8) return divideSignedQuadwords(cpu, y);
  const dividend = signExtended(dividendOf(cpu, bytes), bytes << 1);
  // -2^63 / -1 doesn't fit either; WebAssembly would trap at it.
  if (y == -1 && dividend == i64.MIN_VALUE) return divideError(cpu);
  const quotient = dividend / y;
  if (signExtended(<u64>quotient, bytes) != quotient) return divideError(cpu);
  writeQuotient(cpu, bytes, <u64>quotient, <u64>(dividend % y));
}

function divideSignedQuadwords(cpu: Cpu, y: i64): void {
  const negative = <i64>cpu.rdx < 0;
  const low = negative ? 0 - cpu.rax : cpu.rax;
  const high = negative ? ~cpu.rdx + <u64>(cpu.rax == 0) : cpu.rdx;
  const divisor = <u64>(y < 0 ? 0 - y : y);
  if (high >= divisor) return divideError(cpu);
  const quotient = high == 0 ? low / divisor : divideWide(high, low, divisor);
  const opposite = negative != y < 0;
  if (quotient > (opposite ? 0x8000_0000_0000_0000 : 0x7fff_ffff_ffff_ffff)) return divideError(cpu);
  const remainder = low - quotient * divisor;
  writeQuotient(cpu, 8, opposite ? 0 - quotient : quotient, negative ? 0 - remainder : remainder);
}
