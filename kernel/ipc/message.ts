/**
 * Messages on their way: up to 64 bytes inside the slot, else in whole frames of their own.
 *
 *   0   header (`Message`)
 *   48  payload of at most 64 bytes, or the linear addresses of at most 16 frames (payload.ts)
 */
import { Pool, poolCharge, poolRelease } from "../mm/pool";
import { KIND_MESSAGE } from "../object/kinds";
import { KernelObject, objectReturn, objectTake } from "../object/slab";
import { Ptr } from "../state";
import { payloadFree, payloadPages } from "./payload";

/** Bytes that a message carries in its own slot. */
export const MESSAGE_INLINE_BYTES: u32 = 64;

/** What stands before the payload. */
@unmanaged
export class Message extends KernelObject {
  next: Ptr<Message>;
  bytes: u32;
  /** Identifier of the sender, and which of its messages this is, from 1. */
  sender: u64;
  sequence: u64;
  /** The capability that came along, already the receiver's; 0 for none. */
  capability: u64;
  /** Who pays for it. */
  pool: Ptr<Pool>;
  /** Frames of the payload; 0 when it is in the slot. */
  pageCount: u32;
}

/** Bytes of a message's slot. */
export const MESSAGE_BYTES: u32 = offsetof<Message>() + MESSAGE_INLINE_BYTES;

/** What a message of `bytes` bytes costs the pool that pays for it. */
@inline
export function messageCost(bytes: u32): u64 {
  return <u64>MESSAGE_BYTES + (<u64>payloadPages(bytes) << 12);
}

@inline
export function payloadOf(message: Message): usize {
  return changetype<usize>(message) + offsetof<Message>();
}

/**
 * A message that `pool` pays, without payload; 0, and nothing changed, when the pool has not enough
 * left (`poolCharge` says so as well) or no slot was left.
 */
@inline
export function messageTake(pool: Pool, bytes: u32, shard: u32): usize {
  if (!poolCharge(pool, messageCost(bytes))) return 0;
  const slot = objectTake(KIND_MESSAGE, shard);
  if (slot == 0) {
    poolRelease(pool, messageCost(bytes));
    return 0;
  }
  const message = changetype<Message>(slot);
  message.bytes = bytes;
  message.pool = changetype<usize>(pool);
  message.pageCount = payloadPages(bytes);
  return slot;
}

/** Gives the slot and what it costs back; its frames must be gone. */
@inline
export function messageReturn(message: Message): void {
  poolRelease(changetype<Pool>(message.pool), messageCost(message.bytes));
  objectReturn(changetype<usize>(message));
}

/** Frees a message with its payload. */
@inline
export function messageFree(message: Message): void {
  if (message.pageCount != 0) payloadFree(payloadOf(message), message.pageCount);
  messageReturn(message);
}
