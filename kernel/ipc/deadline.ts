/**
 * Deadlines of waits: one heap a CPU, by (time, identifier). An agent is in the heap of the CPU on
 * which it began to wait, whichever it will run on, so only that CPU's timer matters.
 *
 * Room is made before an agent blocks, so nothing can fail once it waits.
 */
import { Agent } from "../agent/agent";
import { kernelCpu } from "../cpu/cpu";
import { Heap, heapDeadline, heapFirst, heapInit, heapInsert, heapRemove, heapReserve } from "../sched/heap";
import { kernel } from "../state";
import { NEVER } from "../time";
import { ipc } from "./state";

@inline
export function deadlinesOf(cpu: u32): Heap {
  return changetype<Heap>(ipc().deadlines + <usize>cpu * offsetof<Heap>());
}

export function deadlinesInit(cpu: u32): void {
  heapInit(deadlinesOf(cpu), offsetof<Agent>("waitPosition"));
}

/** When the first wait on CPU `cpu` ends, ns; NEVER when none has an end. */
@inline
export function nextDeadline(cpu: u32): u64 {
  const heap = deadlinesOf(cpu);
  return heap.count == 0 ? NEVER : heapDeadline(heap);
}

/** Makes room for `more` in the running CPU's heap; false when RAM is short. */
@inline
export function deadlineReserve(more: u32): bool {
  const heap = deadlinesOf(kernel().entered);
  return heapReserve(heap, heap.count + more);
}

/** Puts `agent` with its `waitUntil` into the running CPU's heap, in which there is room. */
export function deadlineInsert(agent: Agent): void {
  const cpu = kernel().entered;
  const heap = deadlinesOf(cpu);
  agent.waitCpu = cpu;
  heapInsert(heap, changetype<usize>(agent), agent.waitUntil);
  // The timer is set when the CPU chooses.
  if (heapFirst(heap) == changetype<usize>(agent)) kernelCpu(cpu).reschedule = 1;
}

/** Takes `agent` out of the heap that it is in, if any. */
export function deadlineRemove(agent: Agent): void {
  if (agent.waitPosition != 0) heapRemove(deadlinesOf(agent.waitCpu), changetype<usize>(agent));
}
