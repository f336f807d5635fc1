/** Debug registers (Intel SDM 3B, 17.2). */
import { Cpu } from "./cpu";
import { refuse } from "./segments";
import { CR4_DE, VECTOR_DB, VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/** DR6: which breakpoints were hit (0-3), and the other reasons of #DB. */
export const DR6_BD: u64 = 1 << 13;
export const DR6_BS: u64 = 1 << 14;
export const DR6_BT: u64 = 1 << 15;
const DR6_WRITABLE: u64 = 0xe00f;
const DR6_ONES: u64 = 0xffff_0ff0;
/** DR7: general detect. Enabled breakpoints are bits 7-0. */
export const DR7_GD: u64 = 1 << 13;
export const DR7_ENABLED: u64 = 0xff;
const DR7_WRITABLE: u64 = 0xffff_23ff;
const DR7_ONES: u64 = 0x400;

/** DR4 and DR5 are other names of DR6 and DR7, unless CR4.DE is set (17.2.2). */
function registerNumber(cpu: Cpu, number: u32): u32 {
  if (number != 4 && number != 5) return number;
  if (cpu.cr4 & CR4_DE) refuse(cpu, VECTOR_UD, 0);
  return number + 2;
}

/** Whether debug registers may be touched: #DB when a debugger guards them (17.2.4). */
function mayTouch(cpu: Cpu): bool {
  if (cpu.fault != 0) return false;
  if (!(cpu.dr7 & DR7_GD)) return true;
  cpu.dr6 |= DR6_BD;
  return refuse(cpu, VECTOR_DB, 0);
}

@inline
function breakpointAddress(cpu: Cpu, number: u32): usize {
  return changetype<usize>(cpu) + offsetof<Cpu>("dr0") + (<usize>number << 3);
}

/** MOV from DR0 to DR7. What isn't allowed is left in `cpu.fault`. */
export function readDebugRegister(cpu: Cpu, number: u32): u64 {
  const named = registerNumber(cpu, number);
  if (!mayTouch(cpu)) return 0;
  if (named == 6) return cpu.dr6;
  return named == 7 ? cpu.dr7 : load<u64>(breakpointAddress(cpu, named));
}

/** MOV to DR0 to DR7: #GP(0) for an upper half of DR6 or DR7 that isn't 0. */
export function writeDebugRegister(cpu: Cpu, number: u32, value: u64): void {
  const named = registerNumber(cpu, number);
  if (!mayTouch(cpu)) return;
  if (named < 4) return store<u64>(breakpointAddress(cpu, named), value);
  if (value >> 32 != 0) refuse(cpu, VECTOR_GP, 0);
  else if (named == 6) cpu.dr6 = (value & DR6_WRITABLE) | DR6_ONES;
  else cpu.dr7 = (value & DR7_WRITABLE) | DR7_ONES;
}
