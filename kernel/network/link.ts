/**
 * Links: a queue with an Ethernet address of its own. What comes for the address is a message there;
 * what goes out is from the address. An address has one link at most, a link one queue, and it ends
 * with its queue.
 */
import { Endpoint } from "../ipc/endpoint";
import { kernelPost } from "../ipc/kernel_message";
import { LINKS_MAX } from "../limits";
import { Ptr } from "../state";
import { network } from "./network";

/** The 48 bits of an address; its first byte is the lowest. */
export const LINK_ADDRESS_MASK: u64 = 0xffff_ffff_ffff;

@unmanaged
export class Link {
  mac: u64;
  /** 0 when the entry is free. */
  queue: Ptr<Endpoint>;
}

/** The link numbered `number`, from 1. */
@inline
export function linkAt(number: u32): Link {
  return changetype<Link>(network().links + <usize>(number - 1) * offsetof<Link>());
}

/** Number of the link that has the address; 0 when nobody has it. */
export function linkOf(mac: u64): u32 {
  for (let number: u32 = 1; number <= LINKS_MAX; number++) {
    const link = linkAt(number);
    if (link.queue != 0 && link.mac == mac) return number;
  }
  return 0;
}

/** Gives the queue, which has no link, the address, which nobody has; false when the table is full. */
export function linkMake(queue: Endpoint, mac: u64): bool {
  assert(queue.link == 0 && linkOf(mac) == 0, "linkMake: the queue or the address has a link");
  for (let number: u32 = 1; number <= LINKS_MAX; number++) {
    const link = linkAt(number);
    if (link.queue != 0) continue;
    link.mac = mac;
    link.queue = changetype<usize>(queue);
    queue.link = number;
    return true;
  }
  return false;
}

/** The queue goes: its address is free. */
export function linkClose(queue: Endpoint): void {
  const link = linkAt(queue.link);
  link.queue = 0;
  link.mac = 0;
  queue.link = 0;
}

/**
 * A frame of `bytes` bytes, an Ethernet header at least, has come to linear address `frame`. It is a
 * message of the queue that has its destination; for nobody, or without room, it is dropped and counted.
 */
export function linkDeliver(frame: usize, bytes: u32): void {
  const number = linkOf(load<u64>(frame) & LINK_ADDRESS_MASK);
  if (number != 0 && kernelPost(changetype<Endpoint>(linkAt(number).queue), frame, bytes)) network().delivered += 1;
  else network().dropped += 1;
}
