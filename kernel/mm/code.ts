/** What the kernel writes into agents' memory may be code: the processor has to be told. */
import { physical } from "../../hal/memory";
import { codeChanged } from "../../hal/x86_64/machine";
import { kernel } from "../state";

/** `bytes` bytes at linear address `at`, in one frame of an agent's memory, have been written. */
@inline
export function codeWritten(at: usize, bytes: u32): void {
  // Without a native image nobody executes anything.
  if (kernel().machineCode != 0) codeChanged(physical(at), bytes);
}
