/**
 * Far transfers, interrupts and task switches check and change many registers in turn. They begin by
 * keeping what they may change; when one of their steps faults, all of it is put back, and the fault
 * finds the CPU at the instruction. What was written to memory (accessed flags, words pushed) stays,
 * as on a processor.
 */
import { Cpu, Segment, SEGMENTS } from "./cpu";
import { setPrivilege } from "./segments";
import { keptState } from "../engine/memory";

/** General registers, RIP and RFLAGS are the beginning of the structure. */
const REGISTER_BYTES: usize = offsetof<Cpu>("cr0");
const SEGMENT_BYTES: usize = <usize>SEGMENTS * offsetof<Segment>();
const LEVEL_AT: usize = REGISTER_BYTES + SEGMENT_BYTES;

export function keepState(cpu: Cpu): void {
  const at = keptState();
  memory.copy(at, changetype<usize>(cpu), REGISTER_BYTES);
  memory.copy(at + REGISTER_BYTES, cpu.segments, SEGMENT_BYTES);
  store<u32>(at, cpu.cpl, LEVEL_AT);
}

export function putBack(cpu: Cpu): void {
  const at = keptState();
  memory.copy(changetype<usize>(cpu), at, REGISTER_BYTES);
  memory.copy(cpu.segments, at + REGISTER_BYTES, SEGMENT_BYTES);
  setPrivilege(cpu, load<u32>(at, LEVEL_AT));
}
