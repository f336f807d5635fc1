/** Queues of messages: an agent's mailbox, and endpoints of the type queue. First in, first out. */
import { Agent } from "../agent/agent";
import { Ptr } from "../state";
import { Endpoint } from "./endpoint";
import { Message } from "./message";

/** These four fields stand in this order in `Agent` and in `Endpoint`. */
@unmanaged
export class MessageQueue {
  first: Ptr<Message>;
  last: Ptr<Message>;
  count: u32;
  /** Payload bytes of all of them. */
  bytes: u32;
}

@inline
export function mailboxOf(agent: Agent): MessageQueue {
  return changetype<MessageQueue>(changetype<usize>(agent) + offsetof<Agent>("mailboxFirst"));
}

@inline
export function queueOf(endpoint: Endpoint): MessageQueue {
  return changetype<MessageQueue>(changetype<usize>(endpoint) + offsetof<Endpoint>("first"));
}

@inline
export function queueAppend(queue: MessageQueue, message: Message): void {
  const at = changetype<usize>(message);
  message.next = 0;
  if (queue.last == 0) queue.first = at;
  else changetype<Message>(queue.last).next = at;
  queue.last = at;
  queue.count += 1;
  queue.bytes += message.bytes;
}

/**
 * Puts a message of another queue behind all that are there, but before those that its sender has
 * sent later: of each sender they stay in their order.
 */
export function queueMerge(queue: MessageQueue, message: Message): void {
  let front: usize = 0;
  for (let at = queue.first; at != 0; at = changetype<Message>(at).next) {
    const there = changetype<Message>(at);
    if (there.sender == message.sender && there.sequence > message.sequence) {
      message.next = at;
      if (front == 0) queue.first = changetype<usize>(message);
      else changetype<Message>(front).next = changetype<usize>(message);
      queue.count += 1;
      queue.bytes += message.bytes;
      return;
    }
    front = at;
  }
  queueAppend(queue, message);
}

/** Takes the first message out; there must be one. */
@inline
export function queueTake(queue: MessageQueue): Message {
  assert(queue.count != 0, "queueTake: the queue is empty");
  const message = changetype<Message>(queue.first);
  queue.first = message.next;
  if (message.next == 0) queue.last = 0;
  queue.count -= 1;
  queue.bytes -= message.bytes;
  return message;
}
