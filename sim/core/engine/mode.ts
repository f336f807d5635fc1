/**
 * The mode of a block: what of the CPU's state its micro-ops depend on. The privilege level isn't in
 * it: it decides about translations, and about instructions that are executed outside.
 */
import { Cpu, SEGMENT_CS, SEGMENT_SS, segmentAt } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import { SEGMENT_BIG } from "../cpu/segments";
import { CODE_16, CODE_32, CODE_64 } from "../decode/instruction";
import { CR0_EM, CR0_TS, CR4_OSFXSR } from "../../spec/x86";

/** CODE_16, CODE_32 or CODE_64. */
export const MODE_CODE: u32 = 3;
/** SS.B: the stack pointer is ESP (outside of 64-bit mode). */
export const MODE_STACK_32: u32 = 4;
/** CR0.EM, CR0.TS, CR4.OSFXSR: what x87 and SSE instructions raise (Intel SDM 3A, 2.5, 13.1). */
export const MODE_EMULATION: u32 = 8;
export const MODE_TASK_SWITCHED: u32 = 16;
export const MODE_SSE: u32 = 32;
/** CS ends below 4 GiB: every block has to be checked against its limit. */
export const MODE_LIMITED: u32 = 64;
const MODE_BITS: u32 = 7;

export function modeOf(cpu: Cpu): u32 {
  let mode: u32 = 0;
  if (cpu.cr0 & CR0_EM) mode |= MODE_EMULATION;
  if (cpu.cr0 & CR0_TS) mode |= MODE_TASK_SWITCHED;
  if (cpu.cr4 & CR4_OSFXSR) mode |= MODE_SSE;
  if (in64BitMode(cpu)) return mode | CODE_64;
  const code = segmentAt(cpu, SEGMENT_CS);
  mode |= code.attributes & SEGMENT_BIG ? CODE_32 : CODE_16;
  if (segmentAt(cpu, SEGMENT_SS).attributes & SEGMENT_BIG) mode |= MODE_STACK_32;
  return code.limit == 0xffff_ffff ? mode : mode | MODE_LIMITED;
}

/** A tag that no entry of a jump cache has. */
export const NO_TAG: u32 = 2;

/** The tag of entries that may be used now; odd, and so never 0 as in an empty one. */
@inline
export function jumpTag(cpu: Cpu, mode: u32, generation: u32): u32 {
  return (generation << (MODE_BITS + 2)) | (mode << 2) | (<u32>(cpu.cpl == 3) << 1) | 1;
}
