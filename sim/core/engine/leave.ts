/** How the interpreter ends, and what it needs of others' layouts as plain numbers. */
import { Cpu } from "../cpu/cpu";
import { FastLine, LINE_MASK, LINE_SHIFT } from "../cpu/tlb";
import { FAULT_PROTECTION, writable } from "./access";
import { reached } from "./address";
import { engine, ENGINE_BASE, EngineState } from "./memory";

/** At `site`: the block behind it is not known, has been dropped, or is longer than the budget. */
export const LEFT_AT_SITE: u32 = 1;
/** In the instruction of `operation`, which has done nothing: `cpu.fault` says why. */
export const LEFT_FAULT: u32 = 2;
/** At an instruction that is executed outside (system.ts). */
export const LEFT_SYSTEM: u32 = 3;
/** As LEFT_FAULT, but the fault isn't one of a memory access. */
export const LEFT_REFUSED: u32 = 4;
/** At a micro-op that needs a function: executeSlowly does it, and the block goes on behind it. */
export const LEFT_SLOWLY: u32 = 5;

export const RCX: usize = offsetof<Cpu>("rcx");
export const RSP: usize = offsetof<Cpu>("rsp");
export const T0: usize = offsetof<Cpu>("t0");
export const T1: usize = offsetof<Cpu>("t1");
export const T3: usize = offsetof<Cpu>("t3");
export const PAGE: u64 = ~(<u64>0xfff);
export const DELTA: usize = offsetof<FastLine>("delta");

/** Where the result of a read-modify-write goes. */
export const MODIFIED: usize = ENGINE_BASE + offsetof<EngineState>("modified");

/** The fast line among `lines` that `va` may be in. */
@inline
export function lineOf(lines: usize, va: u64): usize {
  return lines + ((<usize>va >>> LINE_SHIFT) & LINE_MASK);
}

@inline
export function faulted(cpu: usize): bool {
  return load<u32>(cpu, offsetof<Cpu>("fault")) != 0;
}

/** Notes where the interpreter stopped; it must return at once. */
export function leave(reason: u32, block: usize, operation: usize, left: i32): void {
  const state = engine();
  state.reason = reason;
  state.block = block;
  state.operation = operation;
  state.left = left;
}

/** At the end of `block`, in front of what `site` leads to. */
export function leaveAt(site: usize, block: usize, left: i32): void {
  const state = engine();
  state.block = block;
  state.reason = LEFT_AT_SITE;
  state.site = site;
  state.left = left;
}

/** A near branch to an address that isn't canonical is #GP(0) of the branch (SDM 2A, JMP, CALL, RET). */
export function refuseTarget(cpu: usize, block: usize, operation: usize, left: i32): void {
  store<u32>(cpu, FAULT_PROTECTION, offsetof<Cpu>("fault"));
  store<u32>(cpu, 0, offsetof<Cpu>("faultCode"));
  leave(LEFT_REFUSED, block, operation, left);
}

/**
 * A vector in memory at `va` that isn't aligned, whatever the segment (Intel SDM 3A, 6.15, #GP); what
 * exceeds its segment comes before that.
 */
export function misaligned(cpu: usize, block: usize, operation: usize, left: i32, va: u64): void {
  reached(changetype<Cpu>(cpu), operation, va, 16);
  if (!faulted(cpu)) store<u32>(cpu, FAULT_PROTECTION, offsetof<Cpu>("fault"));
  leave(LEFT_FAULT, block, operation, left);
}

/** The same of a CALL, whose push to `va` would come first and fault first. */
export function refuseCall(cpu: usize, block: usize, operation: usize, left: i32, va: u64): void {
  if (writable(changetype<Cpu>(cpu), va, 8)) refuseTarget(cpu, block, operation, left);
  else leave(LEFT_FAULT, block, operation, left);
}
