/** BT, BTS, BTR, BTC, BSF, BSR, CRC32 (Intel SDM 2A). */
import { setCarryOverflow, flagOF, setFlags } from "./flags";
import { readSlot, writeSlot } from "./integer";
import { OP_BTC, OP_BTR, OP_BTS } from "../../spec/isa/operations.generated";

/** CF = the bit; the others of the status flags stay, as on Intel's processors. */
export function bitTest(cpu: usize, operation: u32, a: usize, bytes: u32, offset: u32): void {
  const bit = <u64>1 << (offset & ((bytes << 3) - 1));
  const value = readSlot(a, bytes);
  const overflow = flagOF(cpu);
  if (operation == OP_BTS) writeSlot(a, bytes, value | bit);
  else if (operation == OP_BTR) writeSlot(a, bytes, value & ~bit);
  else if (operation == OP_BTC) writeSlot(a, bytes, value ^ bit);
  setCarryOverflow(cpu, (value & bit) != 0 ? 1 : 0, overflow);
}

/** Distance in bytes of the operand that holds bit `offset` of a string of bits. */
export function byteOffset(offset: i64, bytes: u32): i64 {
  const log = <i64>(3 + ctz(bytes));
  return (offset >> log) << <i64>ctz(bytes);
}

/**
 * ZF = the source is 0, and then the destination stays as it is (AMD64 APM 3, BSF; Intel's do the
 * same). The other flags are those of the source.
 */
export function scanForward(cpu: usize, a: usize, bytes: u32, source: u64): void {
  if (source != 0) writeSlot(a, bytes, ctz(source));
  setScanFlags(cpu, source);
}

export function scanReverse(cpu: usize, a: usize, bytes: u32, source: u64): void {
  if (source != 0) writeSlot(a, bytes, 63 - clz(source));
  setScanFlags(cpu, source);
}

function setScanFlags(cpu: usize, source: u64): void {
  setFlags(cpu, source != 0 ? 1 : 0, 0, 0);
}

/** The polynomial 11EDC6F41, reflected (SDM 2A, CRC32). */
const CASTAGNOLI: u32 = 0x82f6_3b78;

export function crc32(before: u32, value: u64, bytes: u32): u32 {
  let crc = before;
  for (let n: u32 = 0; n < bytes; n++) {
    crc ^= <u32>(value >> (<u64>n << 3)) & 0xff;
    for (let bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? CASTAGNOLI : 0);
  }
  return crc;
}
