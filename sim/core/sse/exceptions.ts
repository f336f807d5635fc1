/**
 * SIMD floating-point exceptions (Intel SDM 1, 11.5): what the lanes of an instruction raise, and what
 * becomes of it before a result is written.
 *
 * While all exceptions are masked, lanes add their flags to MXCSR's own word, so that what is native
 * stays native (float/state.ts). Else each lane begins without flags, to be seen by what it raises.
 */
import { Cpu } from "../cpu/cpu";
import { refuse } from "../cpu/segments";
import {
  FLOAT_DE,
  FLOAT_FLAGS,
  FLOAT_IE,
  FLOAT_MASK_SHIFT,
  FLOAT_ZE,
  FloatState,
} from "../float/state";
import { HOST_BASE } from "../memory";
import { MXCSR_AT, mxcsrOf } from "./unit";
import { CR4_OSXMMEXCPT, VECTOR_UD, VECTOR_XM } from "../../spec/x86";

/** The instruction that is being executed. Nothing of it lives longer. */
@unmanaged
export class Work extends FloatState {
  /** Flags of the lanes so far, while some exception is unmasked. */
  gathered: u32;
  traps: u32;
  reserved: u32;
  /** The result, lane by lane. */
  low: u64;
  high: u64;
}

/** In the host window, behind what the decoder has there. */
const WORK: usize = HOST_BASE + 0x700;
const MASKS: u32 = FLOAT_FLAGS << FLOAT_MASK_SHIFT;
const BEFORE: u32 = FLOAT_IE | FLOAT_DE | FLOAT_ZE;

export function beginWork(cpu: Cpu): Work {
  const work = changetype<Work>(WORK);
  const control = mxcsrOf(cpu);
  work.gathered = 0;
  work.traps = (control & MASKS) == MASKS ? 0 : 1;
  work.word = work.traps != 0 ? control & ~FLOAT_FLAGS : control;
  work.low = 0;
  work.high = 0;
  return work;
}

/** Where the result is put together. */
@inline
export function resultOf(work: Work): usize {
  return changetype<usize>(work) + offsetof<Work>("low");
}

/** Behind each lane. */
@inline
export function endLane(work: Work): void {
  if (work.traps == 0) return;
  work.gathered |= work.word & FLOAT_FLAGS;
  work.word &= ~FLOAT_FLAGS;
}

/** Flags that are not masked. */
@inline
function unmasked(work: Work, flags: u32): u32 {
  return flags & ~(work.word >> FLOAT_MASK_SHIFT) & FLOAT_FLAGS;
}

/**
 * Ends the instruction, or a step of it: MXCSR gets the flags. False when an exception is not masked: then there is no
 * result, and if it is one of the operands' nothing is known of results in other lanes either.
 */
export function endWork(cpu: Cpu, work: Work): bool {
  if (work.traps == 0) {
    store<u32>(cpu.fxsave, work.word, MXCSR_AT);
    return true;
  }
  const ofOperands = unmasked(work, work.gathered & BEFORE) != 0;
  const flags = ofOperands ? work.gathered & BEFORE : work.gathered;
  work.gathered = 0;
  store<u32>(cpu.fxsave, mxcsrOf(cpu) | flags, MXCSR_AT);
  if (unmasked(work, flags) == 0) return true;
  return refuse(cpu, cpu.cr4 & CR4_OSXMMEXCPT ? VECTOR_XM : VECTOR_UD, 0);
}
