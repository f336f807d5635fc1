// Made from services/wasm/aios_calls.ts by sdk/build/agent-interface.ts. Do not edit.
export const AIOS_NEVER: u64 = u64.MAX_VALUE;
export const AIOS_CHILD_CAPABILITY: u32 = 8;
export const AIOS_CHILD_ID: u32 = 0;
export const AIOS_END_EXITED: u32 = 1;
export const AIOS_END_FAULT: u32 = 3;
export const AIOS_END_KILLED: u32 = 2;
export const AIOS_END_MERGED: u32 = 4;
export const AIOS_EVENT_AGENT: u32 = 8;
export const AIOS_EVENT_CODE: u32 = 24;
export const AIOS_EVENT_ENDED: u32 = 2;
export const AIOS_EVENT_INDEX: u32 = 4;
export const AIOS_EVENT_INPUT: u32 = 3;
export const AIOS_EVENT_KIND: u32 = 0;
export const AIOS_EVENT_MESSAGE: u32 = 1;
export const AIOS_EVENT_OBJECT: u32 = 0;
export const AIOS_EVENT_REASON: u32 = 16;
export const AIOS_GRANT_BYTES: u32 = 16;
export const AIOS_GRANT_CAPABILITY: u32 = 0;
export const AIOS_GRANT_NAME: u32 = 8;
export const AIOS_GRANT_NAME_BYTES: u32 = 12;
export const AIOS_MESSAGE_CAPABILITY: u32 = 24;
export const AIOS_MESSAGE_PAYLOAD_BYTES: u32 = 16;
export const AIOS_MESSAGE_SENDER: u32 = 0;
export const AIOS_MESSAGE_SEQUENCE: u32 = 8;
export const AIOS_RIGHTS_ALL: u32 = 1073741823;
export const AIOS_RIGHT_ALLOCATE: u32 = 256;
export const AIOS_RIGHT_AUDIT: u32 = 67108864;
export const AIOS_RIGHT_CLONE: u32 = 1024;
export const AIOS_RIGHT_CLOSE: u32 = 2097152;
export const AIOS_RIGHT_CREATE: u32 = 1048576;
export const AIOS_RIGHT_CRYPTO: u32 = 268435456;
export const AIOS_RIGHT_DERIVE: u32 = 4194304;
export const AIOS_RIGHT_DONATE: u32 = 524288;
export const AIOS_RIGHT_DRAIN: u32 = 134217728;
export const AIOS_RIGHT_EXECUTE: u32 = 32;
export const AIOS_RIGHT_INFO: u32 = 1;
export const AIOS_RIGHT_KILL: u32 = 131072;
export const AIOS_RIGHT_MAP: u32 = 64;
export const AIOS_RIGHT_MERGE: u32 = 2048;
export const AIOS_RIGHT_PREDICT: u32 = 536870912;
export const AIOS_RIGHT_RANDOM: u32 = 33554432;
export const AIOS_RIGHT_READ: u32 = 8;
export const AIOS_RIGHT_RECEIVE: u32 = 4;
export const AIOS_RIGHT_RESUME: u32 = 65536;
export const AIOS_RIGHT_REVOKE: u32 = 8388608;
export const AIOS_RIGHT_SCHEDULE: u32 = 262144;
export const AIOS_RIGHT_SEND: u32 = 2;
export const AIOS_RIGHT_SHARE: u32 = 128;
export const AIOS_RIGHT_SPAWN: u32 = 512;
export const AIOS_RIGHT_SPECIALIZE: u32 = 16384;
export const AIOS_RIGHT_SPLIT: u32 = 4096;
export const AIOS_RIGHT_SUSPEND: u32 = 32768;
export const AIOS_RIGHT_UPGRADE: u32 = 8192;
export const AIOS_RIGHT_WAIT: u32 = 16777216;
export const AIOS_RIGHT_WRITE: u32 = 16;
export const AIOS_STATUS_ABANDONED: u32 = 32;
export const AIOS_STATUS_ADMISSION_UNDECIDED: u32 = 33;
export const AIOS_STATUS_BAD_ADDRESS: u32 = 12;
export const AIOS_STATUS_BAD_ARGUMENT: u32 = 11;
export const AIOS_STATUS_BAD_IMAGE: u32 = 38;
export const AIOS_STATUS_BUDGET_TOO_SMALL: u32 = 26;
export const AIOS_STATUS_CAPABILITY_EXPIRED: u32 = 5;
export const AIOS_STATUS_CAPABILITY_FOREIGN: u32 = 4;
export const AIOS_STATUS_CAPABILITY_FORGED: u32 = 2;
export const AIOS_STATUS_CAPABILITY_KIND: u32 = 7;
export const AIOS_STATUS_CAPABILITY_REVOKED: u32 = 6;
export const AIOS_STATUS_CAPABILITY_STALE: u32 = 3;
export const AIOS_STATUS_CYCLE: u32 = 29;
export const AIOS_STATUS_EMPTY: u32 = 21;
export const AIOS_STATUS_FULL: u32 = 20;
export const AIOS_STATUS_IN_USE: u32 = 37;
export const AIOS_STATUS_LIMIT: u32 = 17;
export const AIOS_STATUS_MISALIGNED: u32 = 13;
export const AIOS_STATUS_NOT_ADMITTED: u32 = 25;
export const AIOS_STATUS_NOT_MAPPED: u32 = 30;
export const AIOS_STATUS_NOT_OWNER: u32 = 31;
export const AIOS_STATUS_NO_DEVICE: u32 = 36;
export const AIOS_STATUS_NO_MEMORY: u32 = 19;
export const AIOS_STATUS_OBJECT_GONE: u32 = 10;
export const AIOS_STATUS_OK: u32 = 0;
export const AIOS_STATUS_OUT_OF_RANGE: u32 = 14;
export const AIOS_STATUS_OVERLAP: u32 = 15;
export const AIOS_STATUS_QUOTA: u32 = 18;
export const AIOS_STATUS_RIGHTS_MISSING: u32 = 8;
export const AIOS_STATUS_ROLLED_BACK: u32 = 34;
export const AIOS_STATUS_SCOPE: u32 = 9;
export const AIOS_STATUS_TIMED_OUT: u32 = 23;
export const AIOS_STATUS_TOO_DEEP: u32 = 28;
export const AIOS_STATUS_TOO_LARGE: u32 = 16;
export const AIOS_STATUS_UNKNOWN_NAME: u32 = 35;
export const AIOS_STATUS_UNKNOWN_SYSCALL: u32 = 1;
export const AIOS_STATUS_WOULD_WIDEN: u32 = 27;
export const AIOS_STATUS_WRONG_STATE: u32 = 24;
export const AIOS_WAIT_CHILDREN: u32 = 2;
export const AIOS_WAIT_INPUT: u32 = 4;
export const AIOS_WAIT_MAILBOX: u32 = 1;

@external("aios", "id")
export declare function aios_id(agent: usize): u32;
@external("aios", "now")
export declare function aios_now(time: usize): u32;
@external("aios", "random")
export declare function aios_random(buffer: usize, buffer_bytes: u32): u32;
@external("aios", "capability")
export declare function aios_capability(name: usize, name_bytes: u32, handle: usize): u32;
@external("aios", "send")
export declare function aios_send(to: i64, payload: usize, payload_bytes: u32, along: i64): u32;
@external("aios", "receive")
export declare function aios_receive(from: i64, deadline: u64, buffer: usize, buffer_bytes: u32, message: usize): u32;
@external("aios", "request")
export declare function aios_request(to: i64, payload: usize, payload_bytes: u32, deadline: u64, buffer: usize, buffer_bytes: u32, message: usize): u32;
@external("aios", "queue")
export declare function aios_queue(capacity: u32, handle: usize): u32;
@external("aios", "derive")
export declare function aios_derive(from: i64, rights: u32, handle: usize): u32;
@external("aios", "drop")
export declare function aios_drop(which: i64): u32;
@external("aios", "wait")
export declare function aios_wait(list: usize, list_count: u32, deadline: u64, flags: u32, event: usize): u32;
@external("aios", "clone")
export declare function aios_clone(child: usize): u32;
@external("aios", "spawn")
export declare function aios_spawn(image: i64, arguments: usize, arguments_bytes: u32, grants: usize, grants_count: u32, quota: u64, child: usize): u32;
@external("aios", "kill")
export declare function aios_kill(child: i64, code: u64): u32;
@external("aios", "exit")
export declare function aios_exit(code: u32): u32;
