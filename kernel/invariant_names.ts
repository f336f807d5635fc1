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
