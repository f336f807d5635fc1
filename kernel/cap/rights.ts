/** Rights of a capability: one bit each, with one meaning for all kinds of objects. Portable. */
export const RIGHT_INFO = 1 << 0;
/** Put a message, bytes or a signal there. */
export const RIGHT_SEND = 1 << 1;
/** Take a message or bytes, or wait there. */
export const RIGHT_RECEIVE = 1 << 2;
export const RIGHT_READ = 1 << 3;
export const RIGHT_WRITE = 1 << 4;
export const RIGHT_EXECUTE = 1 << 5;
export const RIGHT_MAP = 1 << 6;
export const RIGHT_SHARE = 1 << 7;
/** Take memory or child pools out of a pool. */
export const RIGHT_ALLOCATE = 1 << 8;
/** Make agents whose memory the pool pays. */
export const RIGHT_SPAWN = 1 << 9;
export const RIGHT_CLONE = 1 << 10;
export const RIGHT_MERGE = 1 << 11;
export const RIGHT_SPLIT = 1 << 12;
export const RIGHT_UPGRADE = 1 << 13;
export const RIGHT_SPECIALIZE = 1 << 14;
export const RIGHT_SUSPEND = 1 << 15;
export const RIGHT_RESUME = 1 << 16;
export const RIGHT_KILL = 1 << 17;
/** Choose class, weight, budget, affinity. */
export const RIGHT_SCHEDULE = 1 << 18;
export const RIGHT_DONATE = 1 << 19;
/** Create endpoints, regions and timers. */
export const RIGHT_CREATE = 1 << 20;
export const RIGHT_CLOSE = 1 << 21;
/** Make capabilities with at most these rights, for oneself or others. */
export const RIGHT_DERIVE = 1 << 22;
export const RIGHT_REVOKE = 1 << 23;
/** Wait, yield, set timers. */
export const RIGHT_WAIT = 1 << 24;
export const RIGHT_RANDOM = 1 << 25;
/** Append to the audit ring. */
export const RIGHT_AUDIT = 1 << 26;
/** Take records out of the audit ring. */
export const RIGHT_DRAIN = 1 << 27;
/** Ask for or complete cryptographic operations. */
export const RIGHT_CRYPTO = 1 << 28;
/** Write the table of predictions. */
export const RIGHT_PREDICT = 1 << 29;
export const RIGHTS_ALL = 0x3fff_ffff;
