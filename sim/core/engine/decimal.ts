/** Decimal adjustment (Intel SDM 2A-2B: DAA, DAS, AAA, AAS, AAM, AAD); not in 64-bit mode. */
import { Cpu } from "../cpu/cpu";
import { FAULT_DIVIDE } from "./access";
import { flagAF, flagCF, setFlagsCarryOverflow, setStatusFlags, statusFlags } from "./flags";
import { RFLAGS_AF, RFLAGS_CF } from "../../spec/x86";

/** Flags of AL, then CF and AF; OF, which is undefined, is 0. */
function setDecimalFlags(cpu: Cpu, carry: bool, auxiliary: bool): void {
  const slots = changetype<usize>(cpu);
  setFlagsCarryOverflow(slots, <i64>load<i8>(slots), 0, 0);
  let flags = statusFlags(cpu);
  if (carry) flags |= RFLAGS_CF;
  if (auxiliary) flags |= RFLAGS_AF;
  setStatusFlags(cpu, flags);
}

/** DAA and DAS. */
export function adjust(cpu: Cpu, subtracts: bool): void {
  const slots = changetype<usize>(cpu);
  const before = <u32>load<u8>(slots);
  const carryBefore = flagCF(slots) != 0;
  const low = (before & 15) > 9 || flagAF(slots) != 0;
  const high = before > 0x99 || carryBefore;
  let by: u32 = low ? 6 : 0;
  if (high) by += 0x60;
  store<u8>(slots, <u8>(subtracts ? before - by : before + by));
  // A borrow of the low digit's step counts as well (DAS, operation).
  setDecimalFlags(cpu, high || (subtracts && low && before < 6), low);
}

/** AAA and AAS. */
export function ascii(cpu: Cpu, subtracts: bool): void {
  const slots = changetype<usize>(cpu);
  const adjusts = (<u32>load<u8>(slots) & 15) > 9 || flagAF(slots) != 0;
  const ax = <u32>load<u16>(slots);
  const moved = !adjusts ? ax : subtracts ? ax - 0x106 : ax + 0x106;
  store<u16>(slots, <u16>(moved & 0xff0f));
  setDecimalFlags(cpu, adjusts, adjusts);
}

/** AAM: AH = AL / base, AL = the remainder; #DE for base 0. */
export function asciiDivide(cpu: Cpu, base: u32): void {
  if (base == 0) {
    cpu.fault = FAULT_DIVIDE;
    return;
  }
  const slots = changetype<usize>(cpu);
  const al = <u32>load<u8>(slots);
  store<u16>(slots, <u16>((al / base) << 8) | <u16>(al % base));
  setDecimalFlags(cpu, false, false);
}

/** AAD: AL = AL + AH * base, AH = 0. */
export function asciiMultiply(cpu: Cpu, base: u32): void {
  const slots = changetype<usize>(cpu);
  const al = <u32>load<u8>(slots) + <u32>load<u8>(slots, 1) * base;
  store<u16>(slots, <u16>(al & 0xff));
  setDecimalFlags(cpu, false, false);
}
