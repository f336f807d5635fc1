/**
 * The status flags, kept as the last result left them (SDM 1, 3.4.3.1):
 *
 *   ZF  flagResult == 0                  CF  bit 0 of flagCarry
 *   SF  flagResult < 0, but for bit 1 of flagCarry
 *   PF  parity of the low byte of flagResult ^ (flagCarry >> 8)
 *   AF  bit 4 of flagAux                 OF  bit 63 of flagAux ^ CF
 *
 * flagAux = a ^ b ^ result has the carries into each bit, so its top bit is the carry into the sign
 * and CF the one out of it. Results of 8, 16 and 32 bits are sign-extended, and the rest is the same.
 */
import { Cpu } from "../cpu/cpu";
import {
  RFLAGS_AF,
  RFLAGS_CF,
  RFLAGS_OF,
  RFLAGS_PF,
  RFLAGS_SF,
  RFLAGS_STATUS,
  RFLAGS_ZF,
} from "../../spec/x86";

export const SIGN_DELTA: u32 = 2;
export const PARITY_DELTA_SHIFT: u32 = 8;

@inline
export function setFlags(cpu: usize, result: i64, aux: i64, carry: u32): void {
  store<i64>(cpu, result, offsetof<Cpu>("flagResult"));
  store<i64>(cpu, aux, offsetof<Cpu>("flagAux"));
  store<u32>(cpu, carry, offsetof<Cpu>("flagCarry"));
}

/** Flags of a result whose AF is 0 and whose CF and OF are given. */
@inline
export function setFlagsCarryOverflow(cpu: usize, result: i64, carry: u32, overflow: u32): void {
  setFlags(cpu, result, <i64>(<u64>(carry ^ overflow) << 63), carry);
}

/** Changes CF and OF and no other flag, as rotations do. */
@inline
export function setCarryOverflow(cpu: usize, carry: u32, overflow: u32): void {
  const aux = (auxOf(cpu) << 1) >> 1;
  store<u64>(cpu, aux | (<u64>(carry ^ overflow) << 63), offsetof<Cpu>("flagAux"));
  store<u32>(cpu, (carryOf(cpu) & ~1) | carry, offsetof<Cpu>("flagCarry"));
}

/** CLC, STC, CMC. */
export function clearCarry(cpu: usize): void {
  setCarryOverflow(cpu, 0, flagOF(cpu));
}
export function setCarry(cpu: usize): void {
  setCarryOverflow(cpu, 1, flagOF(cpu));
}
export function complementCarry(cpu: usize): void {
  setCarryOverflow(cpu, flagCF(cpu) ^ 1, flagOF(cpu));
}

@inline
function resultOf(cpu: usize): u64 {
  return load<u64>(cpu, offsetof<Cpu>("flagResult"));
}

@inline
function auxOf(cpu: usize): u64 {
  return load<u64>(cpu, offsetof<Cpu>("flagAux"));
}

@inline
function carryOf(cpu: usize): u32 {
  return load<u32>(cpu, offsetof<Cpu>("flagCarry"));
}

@inline
export function flagCF(cpu: usize): u32 {
  return carryOf(cpu) & 1;
}

@inline
export function flagZF(cpu: usize): u32 {
  return <u32>(resultOf(cpu) == 0);
}

@inline
export function flagSF(cpu: usize): u32 {
  return <u32>(resultOf(cpu) >> 63) ^ ((carryOf(cpu) >> 1) & 1);
}

@inline
export function flagOF(cpu: usize): u32 {
  return (<u32>(auxOf(cpu) >> 63) ^ carryOf(cpu)) & 1;
}

@inline
export function flagPF(cpu: usize): u32 {
  const low = (<u32>resultOf(cpu) ^ (carryOf(cpu) >> PARITY_DELTA_SHIFT)) & 0xff;
  return ~(<u32>popcnt(low)) & 1;
}

@inline
export function flagAF(cpu: usize): u32 {
  return <u32>(auxOf(cpu) >> 4) & 1;
}

/** Conditions of Jcc, SETcc and CMOVcc, by the low four bits of their opcodes (SDM 2D, B.1.4.7). */
@inline
export function conditionO(cpu: usize): u32 {
  return flagOF(cpu);
}
@inline
export function conditionB(cpu: usize): u32 {
  return flagCF(cpu);
}
@inline
export function conditionZ(cpu: usize): u32 {
  return flagZF(cpu);
}
@inline
export function conditionBE(cpu: usize): u32 {
  return flagCF(cpu) | flagZF(cpu);
}
@inline
export function conditionS(cpu: usize): u32 {
  return flagSF(cpu);
}
@inline
export function conditionP(cpu: usize): u32 {
  return flagPF(cpu);
}
@inline
export function conditionL(cpu: usize): u32 {
  const carry = carryOf(cpu);
  return (<u32>((resultOf(cpu) ^ auxOf(cpu)) >> 63) ^ carry ^ (carry >> 1)) & 1;
}
@inline
export function conditionLE(cpu: usize): u32 {
  return conditionL(cpu) | flagZF(cpu);
}

/** Whether condition `code` (0-15) holds, for where it isn't known beforehand. */
export function condition(cpu: usize, code: u32): u32 {
  let holds: u32;
  switch (code >> 1) {
    case 0:
      holds = conditionO(cpu);
      break;
    case 1:
      holds = conditionB(cpu);
      break;
    case 2:
      holds = conditionZ(cpu);
      break;
    case 3:
      holds = conditionBE(cpu);
      break;
    case 4:
      holds = conditionS(cpu);
      break;
    case 5:
      holds = conditionP(cpu);
      break;
    case 6:
      holds = conditionL(cpu);
      break;
    default:
      holds = conditionLE(cpu);
  }
  return holds ^ (code & 1);
}

/** The six status flags at their places in RFLAGS. */
export function statusFlags(cpu: Cpu): u64 {
  const at = changetype<usize>(cpu);
  return <u64>(
    (flagCF(at) * RFLAGS_CF) |
    (flagPF(at) * RFLAGS_PF) |
    (flagAF(at) * RFLAGS_AF) |
    (flagZF(at) * RFLAGS_ZF) |
    (flagSF(at) * RFLAGS_SF) |
    (flagOF(at) * RFLAGS_OF)
  );
}

/** Takes the status flags from where RFLAGS has them. */
export function setStatusFlags(cpu: Cpu, flags: u64): void {
  const zero = (flags & RFLAGS_ZF) != 0;
  const carry = <u32>flags & RFLAGS_CF;
  const overflow: u32 = flags & RFLAGS_OF ? 1 : 0;
  // A result of 0 has even parity, one of 1 odd; neither is negative.
  const parity = ((flags & RFLAGS_PF) != 0) == zero ? 0 : 1;
  cpu.flagResult = zero ? 0 : 1;
  cpu.flagCarry =
    carry | (flags & RFLAGS_SF ? SIGN_DELTA : 0) | (<u32>parity << PARITY_DELTA_SHIFT);
  cpu.flagAux = (<u64>(carry ^ overflow) << 63) | (flags & RFLAGS_AF);
}

/** The same of no more than CF and ZF, not both: what a comparison of numbers gives. */
@inline
export function setRelation(cpu: usize, flags: u32): void {
  const zero = flags >> 6;
  const carry = flags & RFLAGS_CF;
  // PF is 0, though a result of 0 has even parity.
  setFlags(cpu, <i64>(zero ^ 1), <i64>(<u64>carry << 63), carry | (zero << PARITY_DELTA_SHIFT));
}

/** Puts the status flags into `rflags`, for whoever reads them there. */
export function storeFlags(cpu: Cpu): void {
  cpu.rflags = (cpu.rflags & ~(<u64>RFLAGS_STATUS)) | statusFlags(cpu);
}

/** The other way, after somebody may have changed `rflags`. */
export function loadFlags(cpu: Cpu): void {
  setStatusFlags(cpu, cpu.rflags);
}

/** A vector behind the XMM registers, where FXSAVE's image has reserved bytes (sse/emit.ts). */
const TEMPORARY_VECTOR: usize = 416;

/** Ends a turn: what only turns use goes to 0, so that equal states are equal bytes. */
export function clearTemporaries(cpu: Cpu): void {
  cpu.t0 = 0;
  cpu.t1 = 0;
  cpu.t2 = 0;
  cpu.t3 = 0;
  v128.store(cpu.fxsave + TEMPORARY_VECTOR, i64x2.splat(0));
  cpu.flagResult = 0;
  cpu.flagAux = 0;
  cpu.flagCarry = 0;
}
