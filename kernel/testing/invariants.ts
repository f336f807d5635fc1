/** All named invariants of the kernel, one after the other. */
import {
  agentDeadHoldsNothing,
  agentEndsCounted,
  agentKeptByOne,
  agentTreeCounted,
  agentTreeLinked,
  agentWorkListed,
  imageReferenced,
} from "../agent/invariants";
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
  discardableCounted,
  framesOwnedOnce,
  mappingsInOrder,
  memoryObjectsCounted,
  poolsAddUp,
  tablesReserved,
  translationsKnown,
} from "../mm/invariants";
import { pagesAsMapped, promisesBacked, sharingCounted, tablesWellFormed } from "../mm/invariants_pages";
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
  deadlinesHold,
  endpointsOwned,
  messagesHaveSenders,
  messagesInOneQueue,
  messagesPaid,
  mutexHoldersLive,
  nobodyWaitsInVain,
  noticesListed,
  operationsListed,
  waitNodesLinked,
  waitsMatchStates,
} from "../ipc/invariants";
import { nobodyWatchesInVain, watchesListed } from "../ipc/watch_invariants";
import { linksHaveQueues } from "../network/invariants";
import {
  AGENT_DEAD_HOLDS_NOTHING,
  AGENT_ENDS_COUNTED,
  AGENT_KEPT_BY_ONE,
  AGENT_TREE_COUNTED,
  AGENT_TREE_LINKED,
  AGENT_WORK_LISTED,
  AUDIT_NOTHING_SILENT,
  AUDIT_RING_WITHIN_LIMIT,
  CAPABILITY_DESCENDANTS_COUNTED,
  CAPABILITY_HOLDER_LIVES,
  CAPABILITY_IN_ONE_TABLE,
  CAPABILITY_NARROWS,
  CAPABILITY_OBJECT_FOUND,
  CAPABILITY_TREE_ACYCLIC,
  ENDPOINT_OWNED,
  IMAGE_REFERENCED,
  INVARIANTS_HOLD,
  LINK_ONE_QUEUE,
  MEMORY_DISCARDABLE_COUNTED,
  MEMORY_FRAMES_OWNED_ONCE,
  MEMORY_MAPPINGS_IN_ORDER,
  MEMORY_OBJECTS_COUNTED,
  MEMORY_PAGES_AS_MAPPED,
  MEMORY_POOLS_ADD_UP,
  MEMORY_PROMISES_BACKED,
  MEMORY_SHARING_COUNTED,
  MEMORY_TABLES_RESERVED,
  MEMORY_TABLES_WELL_FORMED,
  MEMORY_TRANSLATIONS_KNOWN,
  MESSAGE_HAS_SENDER,
  MESSAGE_IN_ONE_QUEUE,
  MESSAGE_PAID,
  MUTEX_HOLDER_LIVES,
  NOTICE_LISTED,
  OPERATION_IN_ITS_LIST,
  WAIT_DEADLINE_IN_ONE_HEAP,
  WAIT_FOR_WHAT_IS_NOT_THERE,
  WAIT_NODE_LINKED,
  WAIT_ONLY_WAITING,
  WATCH_FOR_WHAT_IS_NOT_THERE,
  WATCH_LISTED,
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
  return capabilities() || lives() || auditing() || memoryHolds() || communication() || scheduling();
}

export function lives(): u32 {
  // The tree first: counts are taken along it.
  if (!agentTreeLinked()) return AGENT_TREE_LINKED;
  if (!agentTreeCounted()) return AGENT_TREE_COUNTED;
  if (!agentWorkListed()) return AGENT_WORK_LISTED;
  if (!agentDeadHoldsNothing()) return AGENT_DEAD_HOLDS_NOTHING;
  if (!agentEndsCounted()) return AGENT_ENDS_COUNTED;
  if (!agentKeptByOne()) return AGENT_KEPT_BY_ONE;
  return imageReferenced() ? INVARIANTS_HOLD : IMAGE_REFERENCED;
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

export function memoryHolds(): u32 {
  // Lists first, then tables, then what is found by walking both.
  if (!mappingsInOrder()) return MEMORY_MAPPINGS_IN_ORDER;
  if (!tablesWellFormed()) return MEMORY_TABLES_WELL_FORMED;
  if (!tablesReserved()) return MEMORY_TABLES_RESERVED;
  if (!pagesAsMapped()) return MEMORY_PAGES_AS_MAPPED;
  if (!sharingCounted()) return MEMORY_SHARING_COUNTED;
  if (!discardableCounted()) return MEMORY_DISCARDABLE_COUNTED;
  if (!memoryObjectsCounted()) return MEMORY_OBJECTS_COUNTED;
  if (!framesOwnedOnce()) return MEMORY_FRAMES_OWNED_ONCE;
  if (!promisesBacked()) return MEMORY_PROMISES_BACKED;
  if (!poolsAddUp()) return MEMORY_POOLS_ADD_UP;
  return translationsKnown() ? INVARIANTS_HOLD : MEMORY_TRANSLATIONS_KNOWN;
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

function communication(): u32 {
  if (!linksHaveQueues()) return LINK_ONE_QUEUE;
  // Queues and lists first: the others walk along them.
  if (!watchesListed()) return WATCH_LISTED;
  if (!messagesInOneQueue()) return MESSAGE_IN_ONE_QUEUE;
  if (!endpointsOwned()) return ENDPOINT_OWNED;
  if (!waitNodesLinked()) return WAIT_NODE_LINKED;
  if (!operationsListed()) return OPERATION_IN_ITS_LIST;
  if (!noticesListed()) return NOTICE_LISTED;
  if (!messagesPaid()) return MESSAGE_PAID;
  if (!messagesHaveSenders()) return MESSAGE_HAS_SENDER;
  if (!waitsMatchStates()) return WAIT_ONLY_WAITING;
  if (!deadlinesHold()) return WAIT_DEADLINE_IN_ONE_HEAP;
  if (!nobodyWatchesInVain()) return WATCH_FOR_WHAT_IS_NOT_THERE;
  if (!nobodyWaitsInVain()) return WAIT_FOR_WHAT_IS_NOT_THERE;
  return mutexHoldersLive() ? INVARIANTS_HOLD : MUTEX_HOLDER_LIVES;
}
