/** What the kernel keeps for each logical processor. */
import { Timer } from "../../hal/timer";
import { Agent } from "../agent/agent";
import { WORK_LISTS, WorkList } from "../agent/work";
import { CPUS_MAX } from "../limits";
import { AddressSpace } from "../mm/address_space";
import { kernel, Ptr, rootAllocate } from "../state";
import { Call } from "../syscall/call";

@unmanaged
export class KernelCpu {
  index: u32;
  apicId: u32;
  /** 1 once the processor runs with the kernel's tables. */
  online: u32;
  /** Interrupts and exceptions taken. */
  interrupts: u64;
  /** Interrupts that nobody owned. */
  spurious: u64;
  /** Linear (virtual) address behind its kernel stack. */
  stackTop: u64;
  /** Where the frame of an interrupt from ring 3 lies: the top of that stack, reached directly. */
  frame: usize;
  /** Physical address of the page with its GDT and TSS. */
  tables: u64;

  /** The agent whose registers the processor holds; 0 in the idle loop. */
  current: Ptr<Agent>;
  /** 1: choose who runs next before the running entry ends. */
  reschedule: u32;
  /** Top-level table that CR3 holds. */
  root: u64;
  /** The agents' space that it belongs to, 0 for none, and how much of it the TLB has seen. */
  space: Ptr<AddressSpace>;
  generation: u64;
  /** Its clock and its one deadline. */
  timer: Ptr<Timer>;
  /** The system call that is being carried out, and a copy of the structure that it points to. */
  call: Ptr<Call>;
  scratch: usize;
  /** Lists of agents with something left to be done (agent/work.ts). */
  work: Ptr<WorkList>;
  /** 1: the registers of `current` are in its context; what the processor holds counts no more. */
  saved: u32;
  /** Changes of the agent that it runs. */
  switches: u64;
  /** When the running agent's slice is over, ns. */
  sliceEnd: u64;
}

/** Bytes of `scratch`: the largest structure of kernel/syscall/layouts.ts with its lists, then a word of a stack (agent/stack.ts). */
const SCRATCH_BYTES: usize = 1024 + 8;

/** What each CPU needs for system calls. */
export function createCallState(cpu: KernelCpu): void {
  cpu.call = rootAllocate(offsetof<Call>());
  cpu.scratch = rootAllocate(SCRATCH_BYTES);
  cpu.work = rootAllocate(<usize>WORK_LISTS * offsetof<WorkList>());
}

export function createKernelCpus(): void {
  kernel().cpus = rootAllocate(<usize>CPUS_MAX * offsetof<KernelCpu>());
}

@inline
export function kernelCpu(index: u32): KernelCpu {
  return changetype<KernelCpu>(kernel().cpus + <usize>index * offsetof<KernelCpu>());
}
