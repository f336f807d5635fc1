/** A place in the queue of those that wait for an object. */
import { Ptr } from "../state";

@unmanaged
export class WaitNode {
  agent: usize;
  object: usize;
  /** Neighbours in the object's queue. */
  next: Ptr<WaitNode>;
  previous: Ptr<WaitNode>;
  /** Next node of the same agent. */
  nextOfAgent: Ptr<WaitNode>;
  /** Which of the things waited for this is. */
  index: u32;
}
