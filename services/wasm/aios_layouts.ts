/** Numbers and structures of the import module "aios". */

/** Beside the kernel's: AIOS_NEVER, AIOS_WAIT_… and AIOS_EVENT_… of the bindings. */
export const WAIT_MAILBOX = 1;
export const WAIT_CHILDREN = 2;
/** For bytes in standard input, or its end; then reading from it doesn't wait. */
export const WAIT_INPUT = 4;
export const EVENT_OBJECT = 0;
export const EVENT_MESSAGE = 1;
export const EVENT_ENDED = 2;
export const EVENT_INPUT = 3;

/** Structures in linear memory, little-endian; offsets in bytes. Nothing needs to be aligned. */
/** u64 sender, u64 its number among the sender's, u64 bytes, u64 capability that came along or 0. */
export const MESSAGE_SENDER = 0;
export const MESSAGE_SEQUENCE = 8;
export const MESSAGE_PAYLOAD_BYTES = 16;
export const MESSAGE_CAPABILITY = 24;
/** u32 EVENT_…, u32 place in the list; of a child that has ended: u64 identifier, u64 END_…, u64 code. */
export const EVENT_KIND = 0;
export const EVENT_INDEX = 4;
export const EVENT_AGENT = 8;
export const EVENT_REASON = 16;
export const EVENT_CODE = 24;
/** u64 identifier, u64 capability to it. */
export const CHILD_ID = 0;
export const CHILD_CAPABILITY = 8;
/** What a new agent is given: u64 the caller's capability, u32 address and u32 bytes of its name there. */
export const GRANT_CAPABILITY = 0;
export const GRANT_NAME = 8;
export const GRANT_NAME_BYTES = 12;
export const GRANT_BYTES = 16;
