/** Payloads whose pages change hands instead of being copied: out of a sender's memory, into a receiver's. */
import { physical, pointer } from "../../hal/memory";
import { Agent } from "../agent/agent";
import { pagesGive, pagesTake } from "../mm/transfer";
import { STATUS_OK } from "../syscall/status";
import { payloadFrame } from "./payload";
import { ipc } from "./state";

/**
 * Makes the `pages` pages at `address` of `agent`'s memory, which `pagesCheck` has found movable, the
 * payload; zeroes follow them there. Refused, nothing has changed.
 */
export function payloadTake(area: usize, pages: u32, agent: Agent, address: u64): u32 {
  const list = ipc().list;
  const status = pagesTake(agent, address, pages, list);
  if (status != STATUS_OK) return status;
  for (let index: u32 = 0; index < pages; index++)
    store<u32>(area + (<usize>index << 2), <u32>pointer(load<u64>(list + (<usize>index << 3))));
  return STATUS_OK;
}

/** Puts the payload's first `pages` frames in place of what `agent` has at `address`, as `pagesCheck` allows. */
export function payloadGive(area: usize, pages: u32, agent: Agent, address: u64): void {
  const list = ipc().list;
  for (let index: u32 = 0; index < pages; index++)
    store<u64>(list + (<usize>index << 3), physical(payloadFrame(area, index)));
  pagesGive(agent, address, pages, list);
}
