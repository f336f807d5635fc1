/** A place in the queue of those that wait for an object. */
import { Agent } from "../agent/agent";
import { Ptr } from "../state";

@unmanaged
export class WaitNode {
  /** Identifier of the object waited for. */
  object: u64;
  agent: Ptr<Agent>;
  /** The `WaitQueue` that it is in; 0 for none. */
  queue: usize;
  /** Neighbours in that queue. */
  next: Ptr<WaitNode>;
  previous: Ptr<WaitNode>;
  /** Which of the things that the agent waits for this is. */
  index: u32;
}
