/**
 * From one agent to another. At the end of every entry that came from ring 3 or from the idle loop,
 * `leaveKernel` decides who goes on: registers are saved and loaded only when it is somebody else.
 *
 * The way to ring 3 is an interrupt frame at the top of the CPU's kernel stack; that is where the
 * processor itself pushes one when it comes from ring 3 (Intel SDM 3A, 6.14).
 */
import { interruptsSend } from "../../hal/interrupts";
import { TIMER_NEVER, timerAt } from "../../hal/timer";
import {
  loadRegisters,
  readRegister,
  returnByInterrupt,
  saveRegisters,
  writeRegister,
} from "../../hal/x86_64/machine";
import { ENTRY_BYTES, ENTRY_IDLE } from "../../sim/spec/entries";
import { REGISTER_RSP, RFLAGS_FIXED } from "../../sim/spec/x86";
import { Agent, contextOf } from "../agent/agent";
import { boot } from "../boot/boot";
import { isNative } from "../agent/image";
import { agentOver } from "../agent/tree";
import { lifeWork } from "../agent/work";
import { interruptController } from "../boot/interrupts";
import { nextDeadline } from "../ipc/deadline";
import { KERNEL_TEXT } from "../mm/layout";
import { AddressSpace } from "../mm/address_space";
import { extendedLoad, extendedSave } from "../mm/extended";
import { spaceUse, useKernelSpace } from "../mm/shootdown";
import { networkDeadline } from "../network/network";
import { schedPick, schedSliceEnd } from "../sched/scheduler";
import { kernel } from "../state";
import { Timer } from "../../hal/timer";
import { KernelCpu, kernelCpu } from "./cpu";
import { SELECTOR_KERNEL_CODE, SELECTOR_KERNEL_DATA, SELECTOR_USER_CODE, SELECTOR_USER_DATA } from "./descriptors";
import { VECTOR_RESCHEDULE } from "./vector_numbers";

/** What the low bits of CS say in ring 3. */
const RING_3: u64 = 3;

/** The frame that an interrupt from ring 3 leaves, and IRETQ takes. */
@unmanaged
class InterruptFrame {
  rip: u64;
  cs: u64;
  rflags: u64;
  rsp: u64;
  ss: u64;
}

const RAX: u32 = 0;
const RCX: u32 = 1;
const RDX: u32 = 2;
const R11: u32 = 11;

@inline
function frameOf(cpu: KernelCpu): InterruptFrame {
  return changetype<InterruptFrame>(cpu.frame);
}

/** The running CPU goes on with what is in its agent's context, whatever it holds. */
export function reloadContext(): void {
  const cpu = kernelCpu(kernel().entered);
  cpu.saved = 1;
  cpu.reschedule = 1;
}

/** Whether the running entry is a handler that has interrupted the CPU's agent in ring 3. */
export function fromAgent(cpu: KernelCpu): bool {
  if (cpu.current == 0 || readRegister(REGISTER_RSP) != cpu.stackTop - offsetof<InterruptFrame>()) return false;
  return (frameOf(cpu).cs & RING_3) == RING_3;
}

/** RIP of the agent that a handler has interrupted. */
export function interruptedAt(cpu: KernelCpu): u64 {
  return frameOf(cpu).rip;
}

/** Asks CPU `index` to choose again at its next chance; interrupts it when that is another one. */
export function kick(index: u32): void {
  const cpu = kernelCpu(index);
  if (cpu.reschedule != 0) return;
  cpu.reschedule = 1;
  if (index != kernel().entered) interruptsSend(interruptController(), cpu.apicId, VECTOR_RESCHEDULE);
}

/** The end of an entry from ring 3: the same agent goes on, another one, or the idle loop. */
export function leaveKernel(index: u32, fromSyscall: bool): void {
  const cpu = kernelCpu(index);
  if (cpu.reschedule == 0) return;
  lifeWork(index);
  const previous = cpu.current;
  const next = choose(cpu, index);
  if (next != 0 && next == previous && cpu.saved == 0) return;
  if (previous != 0) save(cpu, changetype<Agent>(previous), fromSyscall);
  if (next != 0) restore(cpu, changetype<Agent>(next));
  else goIdle(cpu);
}

/** The CPU drops the agent that it holds if that is over: its registers are worth nothing. */
export function letGo(cpu: KernelCpu): void {
  if (cpu.current == 0 || !agentOver(changetype<Agent>(cpu.current))) return;
  changetype<Agent>(cpu.current).running = 0;
  cpu.current = 0;
  cpu.saved = 0;
  useKernelSpace(cpu);
}

/** Puts the registers of `agent`, in whose system call the running CPU is, into its context. */
export function saveContext(agent: Agent): void {
  const context = contextOf(agent);
  saveRegisters(changetype<usize>(context));
  context.rip = readRegister(RCX);
  context.rflags = readRegister(R11);
  if (isNative(agent)) extendedSave(changetype<AddressSpace>(agent.space));
}

/** Puts the result of a system call that `agent` is in, wherever its registers are. */
export function setResult(agent: Agent, status: u32, value: u64): void {
  if (agent.running == 0 || kernelCpu(agent.running - 1).saved != 0) {
    contextOf(agent).rax = status;
    contextOf(agent).rdx = value;
    return;
  }
  // It blocked in the running entry: the entry writes the registers when the call returns.
  assert(agent.running == kernel().entered + 1, "setResult: the agent runs on another CPU");
  writeRegister(RAX, status);
  writeRegister(RDX, value);
}

/** The idle loop: somebody to run, or nobody. */
export function leaveIdle(index: u32): bool {
  const cpu = kernelCpu(index);
  lifeWork(index);
  const next = choose(cpu, index);
  if (next == 0) return false;
  restore(cpu, changetype<Agent>(next));
  return true;
}

function choose(cpu: KernelCpu, index: u32): usize {
  cpu.reschedule = 0;
  const next = kernel().scheduling != 0 ? schedPick(index) : 0;
  cpu.sliceEnd = kernel().scheduling != 0 ? schedSliceEnd(index) : TIMER_NEVER;
  arm(cpu, cpu.sliceEnd);
  cpu.switches += next != cpu.current ? 1 : 0;
  return next;
}

/** Sets the CPU's one timer to the earliest of: the slice's end, the first wait's, what the network or the boot waits for. */
function arm(cpu: KernelCpu, sliceEnd: u64): void {
  if (kernel().scheduling == 0) return;
  const timer = changetype<Timer>(cpu.timer);
  let until = min(min(sliceEnd, nextDeadline(cpu.index)), networkDeadline(cpu.index));
  if (cpu.index == 0) until = min(until, boot().deadline);
  if (timer.deadline != until) timerAt(timer, until);
}

function save(cpu: KernelCpu, agent: Agent, fromSyscall: bool): void {
  if (cpu.saved == 0) {
    if (fromSyscall) saveContext(agent);
    else {
      const context = contextOf(agent);
      const frame = frameOf(cpu);
      saveRegisters(changetype<usize>(context));
      context.rip = frame.rip;
      context.rflags = frame.rflags;
      context.rsp = frame.rsp;
      if (isNative(agent)) extendedSave(changetype<AddressSpace>(agent.space));
    }
  }
  cpu.saved = 0;
  agent.running = 0;
  cpu.current = 0;
}

/** Registers and frame of `agent`, whose space becomes the CPU's. */
function restore(cpu: KernelCpu, agent: Agent): void {
  const context = contextOf(agent);
  cpu.current = changetype<usize>(agent);
  agent.running = cpu.index + 1;
  spaceUse(cpu, agent);
  if (isNative(agent)) extendedLoad(changetype<AddressSpace>(agent.space));
  loadRegisters(changetype<usize>(context));
  setFrame(cpu, context.rip, SELECTOR_USER_CODE | 3, context.rflags, context.rsp, SELECTOR_USER_DATA | 3);
}

function goIdle(cpu: KernelCpu): void {
  useKernelSpace(cpu);
  const idle = KERNEL_TEXT + ENTRY_IDLE * ENTRY_BYTES;
  setFrame(cpu, idle, SELECTOR_KERNEL_CODE, RFLAGS_FIXED, cpu.stackTop, SELECTOR_KERNEL_DATA);
}

function setFrame(cpu: KernelCpu, rip: u64, cs: u64, rflags: u64, rsp: u64, ss: u64): void {
  const frame = frameOf(cpu);
  frame.rip = rip;
  frame.cs = cs;
  frame.rflags = rflags;
  frame.rsp = rsp;
  frame.ss = ss;
  writeRegister(REGISTER_RSP, cpu.stackTop - offsetof<InterruptFrame>());
  returnByInterrupt();
}
