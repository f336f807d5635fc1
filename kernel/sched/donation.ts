/**
 * Donation: while an agent waits for another one, that one runs on its time (bandwidth inheritance:
 * Lipari, Lamastra, Abeni, "Task synchronization in reservation-based real-time systems", IEEE
 * Transactions on Computers 53, 2004). The donor's context stays in its queues as it is, with its
 * weight or its budget and deadline, and whoever is at the end of its chain of donations runs.
 *
 * An agent donates to one other at most, so donations are a forest. Nobody has more than DONORS_MAX
 * below it, and no chain is longer than DONATION_DEPTH_MAX.
 */
import { Agent } from "../agent/agent";
import { DONATION_DEPTH_MAX, DONORS_MAX } from "../limits";
import { STATUS_CYCLE, STATUS_LIMIT, STATUS_OK, STATUS_TOO_DEEP, STATUS_WRONG_STATE } from "../syscall/status";
import { refresh } from "./contexts";

/** Whether `from` can donate to `to`, or why not. */
export function schedDonateStatus(from: Agent, to: Agent): u32 {
  if (from.donee != 0) return STATUS_WRONG_STATE;
  for (let at = changetype<usize>(to); at != 0; at = changetype<Agent>(at).donee)
    if (at == changetype<usize>(from)) return STATUS_CYCLE;
  let depth = height(from) + 1;
  for (let at = changetype<usize>(to); at != 0; at = changetype<Agent>(at).donee) {
    if (depth > DONATION_DEPTH_MAX) return STATUS_TOO_DEEP;
    if (changetype<Agent>(at).donorCount + from.donorCount + 1 > DONORS_MAX) return STATUS_LIMIT;
    depth += 1;
  }
  return STATUS_OK;
}

/** Donations on the longest chain that ends in `agent`. */
function height(agent: Agent): u32 {
  let highest: u32 = 0;
  for (let at = agent.donorFirst; at != 0; at = changetype<Agent>(at).donorNext)
    highest = max(highest, height(changetype<Agent>(at)) + 1);
  return highest;
}

/** From now on, while `from` waits, `to` runs on its time; the status when that cannot be. */
export function schedDonate(from: Agent, to: Agent): u32 {
  const status = schedDonateStatus(from, to);
  if (status != STATUS_OK) return status;
  from.donee = changetype<usize>(to);
  from.donorNext = to.donorFirst;
  from.donorPrevious = 0;
  if (to.donorFirst != 0) changetype<Agent>(to.donorFirst).donorPrevious = changetype<usize>(from);
  to.donorFirst = changetype<usize>(from);
  count(to, <i32>from.donorCount + 1);
  refresh(from);
  return STATUS_OK;
}

/** The end of the donation of `from`, if it makes one. */
export function schedUndonate(from: Agent): void {
  if (from.donee == 0) return;
  const to = changetype<Agent>(from.donee);
  if (from.donorPrevious == 0) to.donorFirst = from.donorNext;
  else changetype<Agent>(from.donorPrevious).donorNext = from.donorNext;
  if (from.donorNext != 0) changetype<Agent>(from.donorNext).donorPrevious = from.donorPrevious;
  from.donee = 0;
  from.donorNext = 0;
  from.donorPrevious = 0;
  count(to, -(<i32>from.donorCount + 1));
  refresh(from);
}

function count(to: Agent, donors: i32): void {
  for (let at = changetype<usize>(to); at != 0; at = changetype<Agent>(at).donee)
    changetype<Agent>(at).donorCount += donors;
}
