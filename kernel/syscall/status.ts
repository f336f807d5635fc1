/**
 * What a system call answers in RAX. A call that is refused changes nothing but the audit record.
 * Portable: TypeScript reads the names.
 */
export const STATUS_OK = 0;
export const STATUS_UNKNOWN_SYSCALL = 1;
/** The identifier was never given out, or its MAC is wrong. */
export const STATUS_CAPABILITY_FORGED = 2;
/** The identifier names an earlier generation: the capability was deleted. */
export const STATUS_CAPABILITY_STALE = 3;
/** The capability belongs to another agent. */
export const STATUS_CAPABILITY_FOREIGN = 4;
export const STATUS_CAPABILITY_EXPIRED = 5;
export const STATUS_CAPABILITY_REVOKED = 6;
/** The capability names another object than the call needs: of another kind, or not the caller. */
export const STATUS_CAPABILITY_KIND = 7;
/** The capability's rights don't include what the call needs. */
export const STATUS_RIGHTS_MISSING = 8;
/** Bytes or mask of the object scope don't cover what was asked. */
export const STATUS_SCOPE = 9;
/** The object that the capability names is gone. */
export const STATUS_OBJECT_GONE = 10;
export const STATUS_BAD_ARGUMENT = 11;
/** An address is null, not the agent's, or doesn't allow the access. */
export const STATUS_BAD_ADDRESS = 12;
export const STATUS_MISALIGNED = 13;
export const STATUS_OUT_OF_RANGE = 14;
/** Two ranges of the call overlap, or one overlaps what is mapped. */
export const STATUS_OVERLAP = 15;
export const STATUS_TOO_LARGE = 16;
/** A table of the kernel or of the agent is full (kernel/limits.ts). */
export const STATUS_LIMIT = 17;
/** The pool that pays has not enough left. */
export const STATUS_QUOTA = 18;
/** No frame was left. */
export const STATUS_NO_MEMORY = 19;
/** The queue, pipe or mailbox has no room; try again later. */
export const STATUS_FULL = 20;
/** Nothing is there; wait, or try again later. */
export const STATUS_EMPTY = 21;
/** The deadline of a wait passed. */
export const STATUS_TIMED_OUT = 23;
/** The object is in a state that doesn't allow the call. */
export const STATUS_WRONG_STATE = 24;
/** The admission test found that deadlines could be missed. */
export const STATUS_NOT_ADMITTED = 25;
/** A budget below what entering and leaving the kernel costs makes no progress. */
export const STATUS_BUDGET_TOO_SMALL = 26;
/** Rights, scope or expiry would grow. */
export const STATUS_WOULD_WIDEN = 27;
/** A tree or chain would become deeper than its limit. */
export const STATUS_TOO_DEEP = 28;
/** A chain of donations or waits would become a ring. */
export const STATUS_CYCLE = 29;
export const STATUS_NOT_MAPPED = 30;
/** The caller does not hold the mutex that it releases; the address that a frame is from is not the link's. */
export const STATUS_NOT_OWNER = 31;
/** A wait ended because the object waited for is gone. */
export const STATUS_ABANDONED = 32;
/** The admission test came to its bound on steps without an answer. */
export const STATUS_ADMISSION_UNDECIDED = 33;
/** The new image of an upgrade has failed, or was given up: the old one goes on. */
export const STATUS_ROLLED_BACK = 34;
/** Nothing has this name. */
export const STATUS_UNKNOWN_NAME = 35;
/** The machine has no such device, or it has failed. */
export const STATUS_NO_DEVICE = 36;
/** Somebody has it already, and only one can. */
export const STATUS_IN_USE = 37;
/** The bytes of an image are none that can be run. */
export const STATUS_BAD_IMAGE = 38;
