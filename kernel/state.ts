/**
 * The root of all kernel state, at a fixed place in RAM above the kernel's constants. Kernel code
 * keeps nothing in WebAssembly globals: a copy of RAM, CPUs and devices is the whole system.
 */
import { pointer } from "../hal/memory";
import { Agent } from "./agent/agent";
import { Image } from "./agent/image";
import { IpcState } from "./ipc/state";
import { Pool } from "./mm/pool";
import { Prediction } from "./mm/predictions";
import { Quarantine } from "./mm/shootdown";
import { Network } from "./network/network";
import { KernelObject, Slab, SlabArena } from "./object/slab";
import { Sched } from "./sched/sched";
import { KERNEL_ADDRESS, KERNEL_BYTES } from "../sim/spec/platform";

/** A linear-memory address of one `T` or of an array of them; the typed views follow it. */
export type Ptr<T> = usize;

/** Upper half of the kernel's megabyte; the lower half holds the module's constants. */
const ROOT_ADDRESS: u64 = KERNEL_ADDRESS + KERNEL_BYTES / 2;
const ROOT_BYTES: usize = KERNEL_BYTES / 2;

@unmanaged
export class Kernel {
  /** Bytes of the root area that are taken. */
  taken: u32;
  cpuCount: u32;
  /** Physical address of the IDT. */
  idt: u64;
  /** Structures by name; each is described where it is defined. */
  boot: usize;
  cpus: usize;
  panic: usize;
  trace: usize;
  frames: usize;
  paging: usize;
  clock: usize;
  console: usize;
  /** Tables of objects, one a kind. */
  slabs: Ptr<Slab>;
  slabArena: Ptr<SlabArena>;
  /** The directory of the slab of capabilities: each system call begins there, with one load less. */
  capabilities: usize;
  audit: usize;
  entropy: usize;
  /** The object that capabilities of KIND_KERNEL name. */
  authority: Ptr<KernelObject>;
  /** Time at which the running entry began, ns: what the kernel does in one entry has one time. */
  now: u64;
  /** Index of the CPU that runs the entry. */
  entered: u32;
  /** Run queues of all CPUs. */
  sched: Ptr<Sched>;
  /** 1 once agents are scheduled. */
  scheduling: u32;
  /** The network controller and its links. */
  network: Ptr<Network>;
  /** Communication: deadlines, pending operations. */
  ipc: Ptr<IpcState>;
  /** The first agent, and the pool that all memory of agents comes from. */
  init: Ptr<Agent>;
  pool: Ptr<Pool>;
  /** Images of the boot bundle. */
  images: Ptr<Image>;
  /** 1 once an image is machine code: before, nobody executes what is in RAM. */
  machineCode: u32;
  /** Nodes of the fair queues' trees (sched/nodes.ts). */
  schedNodes: usize;
  /** Frames that TLBs may still know (mm/shootdown.ts). */
  quarantine: Ptr<Quarantine>;
  /** What userland expects agents to use when (mm/predictions.ts). */
  predictions: Ptr<Prediction>;
}

@inline
export function kernel(): Kernel {
  return changetype<Kernel>(pointer(ROOT_ADDRESS));
}

/**
 * Takes zeroed bytes, aligned to 16, from the root area: for what must exist before there are
 * frames. The sum is fixed by the limits, so running out is a mistake in the kernel.
 */
export function rootAllocate(bytes: usize): usize {
  const root = kernel();
  if (root.taken == 0) root.taken = <u32>((offsetof<Kernel>() + 15) & ~15);
  const at = <usize>root.taken;
  assert(bytes <= ROOT_BYTES - at, "rootAllocate: the root area is full");
  root.taken = <u32>((at + bytes + 15) & ~15);
  return changetype<usize>(root) + at;
}

/** Whether the module's constants end below the root area. */
export function constantsFit(): bool {
  return __heap_base <= pointer(ROOT_ADDRESS);
}
