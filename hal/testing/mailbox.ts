/** Where a test leaves its request before it runs the machine, and finds the answer afterwards. */
import { pointer } from "../memory";

/** Physical address: low RAM that nothing else uses. */
export const MAILBOX_ADDRESS: u64 = 0x8000;

@unmanaged
export class Mailbox {
  operation: u32;
  /** 1 when the operation has returned. */
  done: u32;
  a: u64;
  b: u64;
  c: u64;
  result: u64;
}

export function mailbox(): Mailbox {
  return changetype<Mailbox>(pointer(MAILBOX_ADDRESS));
}
