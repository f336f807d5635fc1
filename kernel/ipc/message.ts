/** Messages on their way: bytes inside the slot when they are few, else in whole pages. */
import { KernelObject } from "../object/slab";
import { Ptr } from "../state";

/** Bytes that a message carries in its own slot. */
export const MESSAGE_INLINE_BYTES: u32 = 64;

/** What stands before the payload. */
@unmanaged
export class Message extends KernelObject {
  next: Ptr<Message>;
  bytes: u32;
  /** Identifier of the sender. */
  sender: u64;
  /** The capability that came along; 0 for none. */
  capability: u64;
  /** Physical address of a page with the frame list when the payload is in pages; 0 when inline. */
  pages: u64;
  pageCount: u32;
  flags: u32;
}
