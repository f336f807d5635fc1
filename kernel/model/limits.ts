/** Limits of kernel/limits.ts that the specification knows; limits.test.ts compares them. */
export const CAPABILITIES_PER_AGENT_MAX = 1024;
export const CAPABILITY_DEPTH_MAX = 16;
export const SCOPE_BYTES_MAX = 32;
export const IPC_MESSAGE_BYTES_MAX = 64 * 1024;
export const MAILBOX_MESSAGES_MAX = 256;
export const MAILBOX_BYTES_MAX = 1024 * 1024;
export const QUEUE_MESSAGES_MAX = 1024;
export const PIPE_BYTES_MAX = 64 * 1024;
export const EVENT_COUNT_MAX = 0xffff_ffff;
export const ENDPOINTS_PER_AGENT_MAX = 1024;
export const TIMERS_PER_AGENT_MAX = 256;
export const WAIT_MAX = 16;
export const DONATION_DEPTH_MAX = 8;
export const OPERATIONS_PER_AGENT_MAX = 16;
export const AGENT_DEPTH_MAX = 64;
export const MERGE_CHILDREN_MAX = 1024;
export const RANGES_MAX = 16;
