/**
 * Structures of communication in the caller's memory: offsets in bytes, all fields u64. They are
 * aligned to 8 bytes. Portable.
 */

/** What IPCRecv says about a message. */
/** Identifier of the agent that sent it, and which of that agent's messages it is, from 1. */
export const HEADER_SENDER = 0;
export const HEADER_SEQUENCE = 8;
export const HEADER_PAYLOAD_BYTES = 16;
/** The receiver's own capability that came along; 0 for none. */
export const HEADER_CAPABILITY = 24;
/** Pages of the payload; 0 for one of 64 bytes or less. */
export const HEADER_PAGES = 32;
export const HEADER_BYTES = 40;

/** What Wait says about a notice. */
/** NOTICE_… of kernel/ipc/notice_kinds.ts. */
export const NOTICE_KIND = 0;
/** Identifier of the object that it is about. */
export const NOTICE_SUBJECT = 8;
export const NOTICE_STATUS = 16;
export const NOTICE_VALUE = 24;
export const NOTICE_BYTES = 32;

/** What a message says that EndpointNotify asked for. */
/** As the caller gave it. */
export const NOTIFY_TAG = 0;
/** NOTIFY_… of kernel/ipc/notify_kinds.ts: what was waited for, or GONE. */
export const NOTIFY_CONDITION = 8;
/** Bytes or messages that were there, or room for so many; GONE: 0. */
export const NOTIFY_AMOUNT = 16;
export const NOTIFY_BYTES = 24;

/** What PqcTake says about an operation. */
export const OPERATION_ID = 0;
/** Identifier of the agent that asks for it. */
export const OPERATION_REQUESTER = 8;
/** Which operation: the service knows what the number means. */
export const OPERATION_NUMBER = 16;
export const OPERATION_INPUT_BYTES = 24;
/** Most bytes that the result may have. */
export const OPERATION_RESULT_BYTES_MAX = 32;
export const OPERATION_BYTES = 40;
