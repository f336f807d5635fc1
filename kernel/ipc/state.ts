/** What communication keeps for the whole kernel. */
import { Heap } from "../sched/heap";
import { kernel, Ptr } from "../state";
import { WaitNode } from "./wait_node";
import { WaitQueue } from "./wait_queue";
import { Operation } from "./operation";

@unmanaged
export class IpcState {
  /** Waits with an end, one heap a CPU. */
  deadlines: Ptr<Heap>;
  /** WAIT_MAX identifiers and as many objects: the list of the Wait that is being looked at. */
  list: usize;
  targets: usize;
  /** Operations that no service has taken yet, oldest first. */
  pendingFirst: Ptr<Operation>;
  pendingLast: Ptr<Operation>;
  pendingCount: u32;
  /** The fields of `WaitQueue`: services that wait for an operation. */
  waitFirst: Ptr<WaitNode>;
  waitLast: Ptr<WaitNode>;
  waitCount: u32;
}

@inline
export function ipc(): IpcState {
  return changetype<IpcState>(kernel().ipc);
}

@inline
export function operationWaiters(): WaitQueue {
  return changetype<WaitQueue>(kernel().ipc + offsetof<IpcState>("waitFirst"));
}
