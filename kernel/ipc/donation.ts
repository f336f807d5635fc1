/**
 * Donation: while an agent waits for another one, that one runs on its time. The scheduler carries it
 * out (kernel/sched); here is who donates to whom.
 *
 * A donor has one donee at most, so the donations are a forest, and a chain is walked by `donee`.
 */
import { Agent } from "../agent/agent";
import { DONATION_DEPTH_MAX } from "../limits";
import { Endpoint } from "./endpoint";
import { STATUS_CYCLE, STATUS_OK, STATUS_TOO_DEEP } from "../syscall/status";

/** Whether `from` can donate to `to`: no ring comes of it, and no chain that is too long. */
export function donationStatus(from: Agent, to: Agent): u32 {
  let at = to;
  for (let depth: u32 = 1; depth <= DONATION_DEPTH_MAX; depth++) {
    if (at == from) return STATUS_CYCLE;
    if (at.donee == 0) return STATUS_OK;
    at = changetype<Agent>(at.donee);
  }
  return STATUS_TOO_DEEP;
}

/** `to` runs on the time of `from` until donationEnd; `mutex` is what `from` waits for, null for a reply. */
export function donationBegin(from: Agent, to: Agent, mutex: Endpoint | null): void {
  assert(from.donee == 0, "donationBegin: donates already");
  from.donee = changetype<usize>(to);
  from.donatesFor = changetype<usize>(mutex);
}

export function donationEnd(from: Agent): void {
  if (from.donee == 0) return;
  from.donee = 0;
  from.donatesFor = 0;
}
