/**
 * The mode of a block: what of the CPU's state its micro-ops depend on. The privilege level isn't in
 * it: it decides about translations, and about instructions that are executed outside.
 */
import { Cpu, SEGMENT_CS, SEGMENT_DS, SEGMENT_ES, SEGMENT_SS, segmentAt } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import {
  SEGMENT_BIG,
  SEGMENT_CODE,
  SEGMENT_CONFORMING,
  SEGMENT_PRESENT,
  SEGMENT_WRITABLE,
} from "../cpu/segments";
import { CODE_16, CODE_32, CODE_64 } from "../decode/instruction";
import { CR0_EM, CR0_PE, CR0_TS, CR4_OSFXSR, EFER_LMA, RFLAGS_VM } from "../../spec/x86";

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
/**
 * 32-bit code whose DS, ES and SS are all of 4 GiB, writable, from 0 on: offsets in them are linear addresses,
 * and nothing is to be checked but that an access doesn't go on beyond 4 GiB (Intel SDM 3A, 3.2.1, 5.3).
 * The sum of a memory operand may exceed 32 bits, or a register have something there from 64-bit mode.
 * Such an address has no fast line and is cut where lines are missed (`reached` in address.ts), because
 * legacy mode has no lines beyond 4 GiB and compatibility mode in ring 3 a set of its own.
 */
export const MODE_FLAT: u32 = 128;
const MODE_BITS: u32 = 8;

/** What the attributes of a flat segment are, of these bits; bit 2 is "expand down" in data segments. */
const FLAT_BITS: u32 = SEGMENT_PRESENT | SEGMENT_CODE | SEGMENT_CONFORMING | SEGMENT_WRITABLE;

function isFlat(cpu: Cpu, index: u32): bool {
  const segment = segmentAt(cpu, index);
  if (segment.base != 0 || segment.limit != 0xffff_ffff) return false;
  return (segment.attributes & FLAT_BITS) == (SEGMENT_PRESENT | SEGMENT_WRITABLE);
}

/** Of 32-bit code with a stack of 32 bits. */
function hasFlatData(cpu: Cpu): bool {
  if (!(cpu.cr0 & CR0_PE) || cpu.rflags & RFLAGS_VM || (cpu.efer & EFER_LMA && cpu.cpl != 3)) return false;
  return isFlat(cpu, SEGMENT_DS) && isFlat(cpu, SEGMENT_ES) && isFlat(cpu, SEGMENT_SS);
}

export function modeOf(cpu: Cpu): u32 {
  let mode: u32 = 0;
  if (cpu.cr0 & CR0_EM) mode |= MODE_EMULATION;
  if (cpu.cr0 & CR0_TS) mode |= MODE_TASK_SWITCHED;
  if (cpu.cr4 & CR4_OSFXSR) mode |= MODE_SSE;
  if (in64BitMode(cpu)) return mode | CODE_64;
  const code = segmentAt(cpu, SEGMENT_CS);
  mode |= code.attributes & SEGMENT_BIG ? CODE_32 : CODE_16;
  if (segmentAt(cpu, SEGMENT_SS).attributes & SEGMENT_BIG) mode |= MODE_STACK_32;
  if (code.limit != 0xffff_ffff) return mode | MODE_LIMITED;
  const wide = (mode & (MODE_CODE | MODE_STACK_32)) == (CODE_32 | MODE_STACK_32);
  return wide && hasFlatData(cpu) ? mode | MODE_FLAT : mode;
}

/** A tag that no entry of a jump cache has. */
export const NO_TAG: u32 = 2;

/** The tag of entries that may be used now; odd, and so never 0 as in an empty one. */
@inline
export function jumpTag(cpu: Cpu, mode: u32, generation: u32): u32 {
  return (generation << (MODE_BITS + 2)) | (mode << 2) | (<u32>(cpu.cpl == 3) << 1) | 1;
}
