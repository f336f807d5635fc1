/** Flags and special values of the calls that send, receive and wait. Portable. */
/** IPCSend: whole pages leave the sender's memory and go along, instead of being copied. */
export const SEND_MOVE = 1 << 0;

/** Wait: also for a message in the caller's mailbox. */
export const WAIT_MAILBOX = 1 << 0;
/** Wait: also for a notice. */
export const WAIT_NOTICES = 1 << 1;

/** What Wait answers, beside the index of a capability in the list: the low 32 bits of the value. */
export const READY_MAILBOX = 16;
export const READY_NOTICE = 17;
/*
 * The high 32 bits of that value: for a timer the expiries that went by unseen; for a mutex 1 when
 * its last holder ended without releasing it, so that what it protects may be half changed.
 */
