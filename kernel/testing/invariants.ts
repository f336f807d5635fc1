/** All named invariants of the kernel, one after the other. */
import { auditAccountsForAll, auditWithinLimit } from "../audit/invariants";
import {
  capabilitiesNarrow,
  capabilityDescendantsCounted,
  capabilityHoldersLive,
  capabilityObjectsFound,
  capabilityTablesHold,
  capabilityTreeAcyclic,
} from "../cap/invariants";
import {
  schedCurrentRuns,
  schedDonationsForest,
  schedOneQueueEach,
  schedQueuesInOrder,
  schedQueuesMatchStates,
  schedReservationsFit,
  schedTimeConserved,
  schedWeightsSum,
} from "../sched/invariants";
import {
  AUDIT_NOTHING_SILENT,
  AUDIT_RING_WITHIN_LIMIT,
  CAPABILITY_DESCENDANTS_COUNTED,
  CAPABILITY_HOLDER_LIVES,
  CAPABILITY_IN_ONE_TABLE,
  CAPABILITY_NARROWS,
  CAPABILITY_OBJECT_FOUND,
  CAPABILITY_TREE_ACYCLIC,
  INVARIANTS_HOLD,
  SCHED_CURRENT_RUNS,
  SCHED_DONATIONS_A_FOREST,
  SCHED_ONE_QUEUE_EACH,
  SCHED_QUEUES_IN_ORDER,
  SCHED_QUEUES_MATCH_STATES,
  SCHED_RESERVATIONS_FIT,
  SCHED_TIME_CONSERVED,
  SCHED_WEIGHTS_SUM,
} from "../invariant_names";

/** Number of the first invariant that does not hold (kernel/invariant_names.ts), or INVARIANTS_HOLD. */
export function checkInvariants(): u32 {
  return capabilities() || auditing() || scheduling();
}

function capabilities(): u32 {
  // First what the others walk along: a list in a circle or a parent out of order would not end.
  if (!capabilityTablesHold()) return CAPABILITY_IN_ONE_TABLE;
  if (!capabilityTreeAcyclic()) return CAPABILITY_TREE_ACYCLIC;
  if (!capabilitiesNarrow()) return CAPABILITY_NARROWS;
  if (!capabilityDescendantsCounted()) return CAPABILITY_DESCENDANTS_COUNTED;
  if (!capabilityHoldersLive()) return CAPABILITY_HOLDER_LIVES;
  return capabilityObjectsFound() ? INVARIANTS_HOLD : CAPABILITY_OBJECT_FOUND;
}

function auditing(): u32 {
  if (!auditWithinLimit()) return AUDIT_RING_WITHIN_LIMIT;
  return auditAccountsForAll() ? INVARIANTS_HOLD : AUDIT_NOTHING_SILENT;
}

export function scheduling(): u32 {
  // The forest first: chains of donations are walked by what comes after.
  if (!schedDonationsForest()) return SCHED_DONATIONS_A_FOREST;
  if (!schedQueuesMatchStates()) return SCHED_QUEUES_MATCH_STATES;
  if (!schedOneQueueEach()) return SCHED_ONE_QUEUE_EACH;
  if (!schedWeightsSum()) return SCHED_WEIGHTS_SUM;
  if (!schedQueuesInOrder()) return SCHED_QUEUES_IN_ORDER;
  if (!schedTimeConserved()) return SCHED_TIME_CONSERVED;
  if (!schedReservationsFit()) return SCHED_RESERVATIONS_FIT;
  return schedCurrentRuns() ? INVARIANTS_HOLD : SCHED_CURRENT_RUNS;
}
