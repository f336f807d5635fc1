/** Messages that no agent has sent: the kernel's own, in queues. */
import { Agent } from "../agent/agent";
import { agentOver } from "../agent/tree";
import { Pool } from "../mm/pool";
import { KernelObject } from "../object/slab";
import { kernel } from "../state";
import { Endpoint } from "./endpoint";
import { Message, messageReturn, messageTake, payloadOf } from "./message";
import { queueAppend, queueOf } from "./message_queue";
import { payloadCopy, payloadReserve } from "./payload";
import { wakeForContent } from "./wake";
import { watchesLook } from "./watch";

/**
 * Puts a message with the `bytes` bytes at linear address `from` into the queue, whose pool pays; false,
 * and the message is lost, when there is no room, nobody who pays, or no memory. Its sender is the
 * kernel. Its number counts those that were lost as well, so that their receiver sees a gap.
 */
export function kernelPost(queue: Endpoint, from: usize, bytes: u32): bool {
  queue.told += 1;
  const owner = changetype<Agent>(queue.owner);
  if (queue.count + queue.reserved >= queue.capacity || agentOver(owner)) return false;
  const slot = messageTake(changetype<Pool>(queue.pool), bytes, owner.cpu);
  if (slot == 0) return false;
  const message = changetype<Message>(slot);
  const area = payloadOf(message);
  if (!payloadReserve(area, message.pageCount)) {
    messageReturn(message);
    return false;
  }
  payloadCopy(area, message.pageCount, from, bytes);
  message.sender = changetype<KernelObject>(kernel().authority).id;
  message.sequence = queue.told;
  message.capability = 0;
  queueAppend(queueOf(queue), message);
  wakeForContent(queue);
  watchesLook(queue);
  return true;
}
