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
