/**
 * The named invariants of the kernel: what holds after every system call. `checkInvariants`
 * (kernel/testing/invariants.ts) answers the number of the first that does not. Portable.
 */
export const INVARIANTS_HOLD = 0;

/** kernel/cap/invariants.ts */
export const CAPABILITY_IN_ONE_TABLE = 1;
export const CAPABILITY_NARROWS = 2;
export const CAPABILITY_TREE_ACYCLIC = 3;
export const CAPABILITY_DESCENDANTS_COUNTED = 4;
export const CAPABILITY_HOLDER_LIVES = 5;
export const CAPABILITY_OBJECT_FOUND = 6;

/** kernel/audit/invariants.ts */
export const AUDIT_RING_WITHIN_LIMIT = 10;
export const AUDIT_NOTHING_SILENT = 11;

/** kernel/mm/invariants.ts, kernel/mm/invariants_pages.ts */
export const MEMORY_FRAMES_OWNED_ONCE = 20;
export const MEMORY_MAPPINGS_IN_ORDER = 21;
export const MEMORY_TABLES_RESERVED = 22;
export const MEMORY_TABLES_WELL_FORMED = 23;
export const MEMORY_PAGES_AS_MAPPED = 24;
export const MEMORY_SHARING_COUNTED = 25;
export const MEMORY_PROMISES_BACKED = 26;
export const MEMORY_OBJECTS_COUNTED = 27;
export const MEMORY_POOLS_ADD_UP = 28;
export const MEMORY_DISCARDABLE_COUNTED = 29;
export const MEMORY_TRANSLATIONS_KNOWN = 60;

/** kernel/ipc/invariants.ts */
export const MESSAGE_IN_ONE_QUEUE = 30;
export const MESSAGE_PAID = 31;
export const MESSAGE_HAS_SENDER = 32;
export const ENDPOINT_OWNED = 33;
export const WAIT_NODE_LINKED = 34;
export const WAIT_ONLY_WAITING = 35;
export const WAIT_DEADLINE_IN_ONE_HEAP = 36;
export const WAIT_FOR_WHAT_IS_NOT_THERE = 37;
export const MUTEX_HOLDER_LIVES = 38;
export const OPERATION_IN_ITS_LIST = 39;
export const NOTICE_LISTED = 40;
export const WATCH_LISTED = 41;
export const WATCH_FOR_WHAT_IS_NOT_THERE = 42;

/** kernel/network/invariants.ts */
export const LINK_ONE_QUEUE = 80;

/** kernel/agent/invariants.ts */
export const AGENT_TREE_LINKED = 70;
export const AGENT_TREE_COUNTED = 71;
export const AGENT_WORK_LISTED = 72;
export const AGENT_DEAD_HOLDS_NOTHING = 73;
export const AGENT_ENDS_COUNTED = 74;
export const AGENT_KEPT_BY_ONE = 75;
export const IMAGE_REFERENCED = 76;

/** kernel/sched/invariants.ts */
export const SCHED_QUEUES_MATCH_STATES = 50;
export const SCHED_ONE_QUEUE_EACH = 51;
export const SCHED_WEIGHTS_SUM = 52;
export const SCHED_QUEUES_IN_ORDER = 53;
export const SCHED_TIME_CONSERVED = 54;
export const SCHED_DONATIONS_A_FOREST = 55;
export const SCHED_RESERVATIONS_FIT = 56;
export const SCHED_CURRENT_RUNS = 57;
