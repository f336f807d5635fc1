/** What the kernel keeps for each logical processor. */
import { CPUS_MAX } from "../limits";
import { kernel, Ptr, rootAllocate } from "../state";

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
  /** Physical address of the page with its GDT and TSS. */
  tables: u64;
}

export function createKernelCpus(): void {
  kernel().cpus = rootAllocate(<usize>CPUS_MAX * offsetof<KernelCpu>());
}

@inline
export function kernelCpu(index: u32): KernelCpu {
  return changetype<KernelCpu>(kernel().cpus + <usize>index * offsetof<KernelCpu>());
}
