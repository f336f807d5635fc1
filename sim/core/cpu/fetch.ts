/** Whether the CPU may fetch the instruction that it stands at. */
import { Cpu, SEGMENT_CS, segmentAt } from "./cpu";
import { in64BitMode } from "./control";
import { raiseFault } from "./exceptions";
import { ACCESS_FETCH, accessOf, translate } from "./mmu";
import { fastFetch } from "./tlb";

/** Fetches from RIP, with all effects on tables and TLB; false when that has raised a fault. */
export function fetchable(cpu: Cpu): bool {
  const linear = in64BitMode(cpu) ? cpu.rip : segmentAt(cpu, SEGMENT_CS).base + cpu.rip;
  if (fastFetch(cpu, linear) != 0) return true;
  cpu.fault = 0;
  translate(cpu, linear, accessOf(cpu, ACCESS_FETCH));
  return !raiseFault(cpu);
}
