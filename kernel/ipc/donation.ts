/**
 * Donation: while an agent waits for another one, that one runs on its time. The scheduler carries it
 * out (kernel/sched/donation.ts); here is who donates to whom.
 *
 * A donor has one donee at most, so the donations are a forest, and a chain is walked by `donee`.
 */
import { Agent } from "../agent/agent";
import { schedDonate, schedDonateStatus, schedUndonate } from "../sched/donation";
import { Endpoint } from "./endpoint";

/** Whether `from` can donate to `to`: no ring comes of it, no chain or crowd beyond its limit. */
export function donationStatus(from: Agent, to: Agent): u32 {
  return schedDonateStatus(from, to);
}

/**
 * `to` runs on the time of `from` until donationEnd; `mutex` is what `from` waits for, null for a
 * reply. Where the crowd is too large, because a mutex with many waiters has gone to somebody who has
 * donors already, `from` waits without donating until it has gone to the next.
 */
export function donationBegin(from: Agent, to: Agent, mutex: Endpoint | null): void {
  assert(from.donee == 0, "donationBegin: donates already");
  from.donatesFor = changetype<usize>(mutex);
  schedDonate(from, to);
}

export function donationEnd(from: Agent): void {
  schedUndonate(from);
  from.donatesFor = 0;
}
