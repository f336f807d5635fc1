/** Who waits for an object, in the order of coming: a doubly linked list of nodes. */
import { Agent } from "../agent/agent";
import { Ptr } from "../state";
import { WaitNode } from "./wait_node";

/** Stands as three fields in every object that can be waited for. */
@unmanaged
export class WaitQueue {
  first: Ptr<WaitNode>;
  last: Ptr<WaitNode>;
  count: u32;
}

export function waitLink(queue: WaitQueue, node: WaitNode): void {
  assert(node.queue == 0, "waitLink: the node is in a queue");
  const at = changetype<usize>(node);
  node.queue = changetype<usize>(queue);
  node.next = 0;
  node.previous = queue.last;
  if (queue.last == 0) queue.first = at;
  else changetype<WaitNode>(queue.last).next = at;
  queue.last = at;
  queue.count += 1;
}

export function waitUnlink(node: WaitNode): void {
  if (node.queue == 0) return;
  const queue = changetype<WaitQueue>(node.queue);
  if (node.previous == 0) queue.first = node.next;
  else changetype<WaitNode>(node.previous).next = node.next;
  if (node.next == 0) queue.last = node.previous;
  else changetype<WaitNode>(node.next).previous = node.previous;
  node.queue = 0;
  queue.count -= 1;
}

@inline
export function replyWaiters(agent: Agent): WaitQueue {
  return changetype<WaitQueue>(changetype<usize>(agent) + offsetof<Agent>("replyFirst"));
}
