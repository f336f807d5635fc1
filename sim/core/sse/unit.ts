/** Where vectors are: the CPU's FXSAVE image (emit.ts says how micro-ops name them). */
import { Cpu } from "../cpu/cpu";

@inline
export function unitAt(cpu: Cpu, unit: u32): usize {
  return cpu.fxsave + (<usize>unit << 4);
}

/** MXCSR in the FXSAVE image (Intel SDM 1, 10.5.1). */
export const MXCSR_AT: usize = 24;
@inline
export function mxcsrOf(cpu: Cpu): u32 {
  return load<u32>(cpu.fxsave, MXCSR_AT);
}
