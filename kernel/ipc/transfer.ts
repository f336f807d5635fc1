/** Payloads whose pages change hands instead of being copied: out of a sender's memory, into a receiver's. */
import { Agent } from "../agent/agent";
import { pagesGive, pagesTake } from "../mm/transfer";

/**
 * Makes the `pages` pages at `address` of `agent`'s memory, which `pagesCheck` has found movable, the
 * payload; zeroes follow them there. Refused, nothing has changed. An area is a list of linear
 * addresses, as the frames of memory are told.
 */
@inline
export function payloadTake(area: usize, pages: u32, agent: Agent, address: u64): u32 {
  return pagesTake(agent, address, pages, area);
}

/** Puts the payload's first `pages` frames in place of what `agent` has at `address`, as `pagesCheck` allows. */
@inline
export function payloadGive(area: usize, pages: u32, agent: Agent, address: u64): void {
  pagesGive(agent, address, pages, area);
}
