/** What the host asks of a CPU from outside: a debugger, a test, a trace viewer. */
import { Cpu, cpuAt } from "./cpu";
import { Machine, machine } from "../machine";
import { NO_ADDRESS, peek, translate } from "./mmu";

/** Linear addresses of the machine's count of micro-steps, of its time, of RAX to R15, of `loadedAt`. */
export function stepsAddress(): usize {
  return changetype<usize>(machine()) + offsetof<Machine>("steps");
}
export function nowAddress(): usize {
  return changetype<usize>(machine()) + offsetof<Machine>("now");
}
export function registersAddress(cpu: u32): usize {
  return changetype<usize>(cpuAt(cpu)) + offsetof<Cpu>("rax");
}
export function loadedAddress(cpu: u32): usize {
  return changetype<usize>(cpuAt(cpu)) + offsetof<Cpu>("loadedAt");
}

/**
 * Where CPU `cpu` has `va` mapped, looking only: no flag is set, nothing is cached, rights don't
 * matter. Physical address, or all ones when it is not mapped or there is no such CPU.
 */
export function peekTranslate(cpu: u32, va: u64): u64 {
  return cpu < machine().cpuCount ? peek(cpuAt(cpu), va) : NO_ADDRESS;
}

/**
 * Translates `va` as an access of CPU `cpu` does, with all its effects on the TLB and the tables.
 * @param access 2 write, 4 user, 16 fetch, 0x100 system structure; bits of a fault's error code
 * @returns physical address, or all ones: then the CPU's `fault` and `faultCode` say why
 */
export function translateFor(cpu: u32, va: u64, access: u32): u64 {
  if (cpu >= machine().cpuCount) return NO_ADDRESS;
  const target = cpuAt(cpu);
  target.fault = 0;
  return translate(target, va, access);
}
