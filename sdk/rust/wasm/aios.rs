// Made from services/wasm/aios_calls.ts by sdk/build/agent-interface.ts. Do not edit.
//! What a WebAssembly agent asks its system for beside WASI. A module of its own: `mod aios;`
#![allow(dead_code)]

pub const AIOS_NEVER: u64 = u64::MAX;
pub const AIOS_CHILD_CAPABILITY: u32 = 8;
pub const AIOS_CHILD_ID: u32 = 0;
pub const AIOS_END_EXITED: u32 = 1;
pub const AIOS_END_FAULT: u32 = 3;
pub const AIOS_END_KILLED: u32 = 2;
pub const AIOS_END_MERGED: u32 = 4;
pub const AIOS_EVENT_AGENT: u32 = 8;
pub const AIOS_EVENT_CODE: u32 = 24;
pub const AIOS_EVENT_ENDED: u32 = 2;
pub const AIOS_EVENT_INDEX: u32 = 4;
pub const AIOS_EVENT_INPUT: u32 = 3;
pub const AIOS_EVENT_KIND: u32 = 0;
pub const AIOS_EVENT_MESSAGE: u32 = 1;
pub const AIOS_EVENT_OBJECT: u32 = 0;
pub const AIOS_EVENT_REASON: u32 = 16;
pub const AIOS_GRANT_BYTES: u32 = 16;
pub const AIOS_GRANT_CAPABILITY: u32 = 0;
pub const AIOS_GRANT_NAME: u32 = 8;
pub const AIOS_GRANT_NAME_BYTES: u32 = 12;
pub const AIOS_MESSAGE_CAPABILITY: u32 = 24;
pub const AIOS_MESSAGE_PAYLOAD_BYTES: u32 = 16;
pub const AIOS_MESSAGE_SENDER: u32 = 0;
pub const AIOS_MESSAGE_SEQUENCE: u32 = 8;
pub const AIOS_RIGHTS_ALL: u32 = 1073741823;
pub const AIOS_RIGHT_ALLOCATE: u32 = 256;
pub const AIOS_RIGHT_AUDIT: u32 = 67108864;
pub const AIOS_RIGHT_CLONE: u32 = 1024;
pub const AIOS_RIGHT_CLOSE: u32 = 2097152;
pub const AIOS_RIGHT_CREATE: u32 = 1048576;
pub const AIOS_RIGHT_CRYPTO: u32 = 268435456;
pub const AIOS_RIGHT_DERIVE: u32 = 4194304;
pub const AIOS_RIGHT_DONATE: u32 = 524288;
pub const AIOS_RIGHT_DRAIN: u32 = 134217728;
pub const AIOS_RIGHT_EXECUTE: u32 = 32;
pub const AIOS_RIGHT_INFO: u32 = 1;
pub const AIOS_RIGHT_KILL: u32 = 131072;
pub const AIOS_RIGHT_MAP: u32 = 64;
pub const AIOS_RIGHT_MERGE: u32 = 2048;
pub const AIOS_RIGHT_PREDICT: u32 = 536870912;
pub const AIOS_RIGHT_RANDOM: u32 = 33554432;
pub const AIOS_RIGHT_READ: u32 = 8;
pub const AIOS_RIGHT_RECEIVE: u32 = 4;
pub const AIOS_RIGHT_RESUME: u32 = 65536;
pub const AIOS_RIGHT_REVOKE: u32 = 8388608;
pub const AIOS_RIGHT_SCHEDULE: u32 = 262144;
pub const AIOS_RIGHT_SEND: u32 = 2;
pub const AIOS_RIGHT_SHARE: u32 = 128;
pub const AIOS_RIGHT_SPAWN: u32 = 512;
pub const AIOS_RIGHT_SPECIALIZE: u32 = 16384;
pub const AIOS_RIGHT_SPLIT: u32 = 4096;
pub const AIOS_RIGHT_SUSPEND: u32 = 32768;
pub const AIOS_RIGHT_UPGRADE: u32 = 8192;
pub const AIOS_RIGHT_WAIT: u32 = 16777216;
pub const AIOS_RIGHT_WRITE: u32 = 16;
pub const AIOS_STATUS_ABANDONED: u32 = 32;
pub const AIOS_STATUS_ADMISSION_UNDECIDED: u32 = 33;
pub const AIOS_STATUS_BAD_ADDRESS: u32 = 12;
pub const AIOS_STATUS_BAD_ARGUMENT: u32 = 11;
pub const AIOS_STATUS_BAD_IMAGE: u32 = 38;
pub const AIOS_STATUS_BUDGET_TOO_SMALL: u32 = 26;
pub const AIOS_STATUS_CAPABILITY_EXPIRED: u32 = 5;
pub const AIOS_STATUS_CAPABILITY_FOREIGN: u32 = 4;
pub const AIOS_STATUS_CAPABILITY_FORGED: u32 = 2;
pub const AIOS_STATUS_CAPABILITY_KIND: u32 = 7;
pub const AIOS_STATUS_CAPABILITY_REVOKED: u32 = 6;
pub const AIOS_STATUS_CAPABILITY_STALE: u32 = 3;
pub const AIOS_STATUS_CYCLE: u32 = 29;
pub const AIOS_STATUS_EMPTY: u32 = 21;
pub const AIOS_STATUS_FULL: u32 = 20;
pub const AIOS_STATUS_IN_USE: u32 = 37;
pub const AIOS_STATUS_LIMIT: u32 = 17;
pub const AIOS_STATUS_MISALIGNED: u32 = 13;
pub const AIOS_STATUS_NOT_ADMITTED: u32 = 25;
pub const AIOS_STATUS_NOT_MAPPED: u32 = 30;
pub const AIOS_STATUS_NOT_OWNER: u32 = 31;
pub const AIOS_STATUS_NO_DEVICE: u32 = 36;
pub const AIOS_STATUS_NO_MEMORY: u32 = 19;
pub const AIOS_STATUS_OBJECT_GONE: u32 = 10;
pub const AIOS_STATUS_OK: u32 = 0;
pub const AIOS_STATUS_OUT_OF_RANGE: u32 = 14;
pub const AIOS_STATUS_OVERLAP: u32 = 15;
pub const AIOS_STATUS_QUOTA: u32 = 18;
pub const AIOS_STATUS_RIGHTS_MISSING: u32 = 8;
pub const AIOS_STATUS_ROLLED_BACK: u32 = 34;
pub const AIOS_STATUS_SCOPE: u32 = 9;
pub const AIOS_STATUS_TIMED_OUT: u32 = 23;
pub const AIOS_STATUS_TOO_DEEP: u32 = 28;
pub const AIOS_STATUS_TOO_LARGE: u32 = 16;
pub const AIOS_STATUS_UNKNOWN_NAME: u32 = 35;
pub const AIOS_STATUS_UNKNOWN_SYSCALL: u32 = 1;
pub const AIOS_STATUS_WOULD_WIDEN: u32 = 27;
pub const AIOS_STATUS_WRONG_STATE: u32 = 24;
pub const AIOS_WAIT_CHILDREN: u32 = 2;
pub const AIOS_WAIT_INPUT: u32 = 4;
pub const AIOS_WAIT_MAILBOX: u32 = 1;

#[link(wasm_import_module = "aios")]
extern "C" {
    #[link_name = "id"]
    pub fn aios_id(agent: *mut u8) -> u32;
    #[link_name = "now"]
    pub fn aios_now(time: *mut u8) -> u32;
    #[link_name = "random"]
    pub fn aios_random(buffer: *mut u8, buffer_bytes: u32) -> u32;
    #[link_name = "capability"]
    pub fn aios_capability(name: *const u8, name_bytes: u32, handle: *mut u8) -> u32;
    #[link_name = "send"]
    pub fn aios_send(to: i64, payload: *const u8, payload_bytes: u32, along: i64) -> u32;
    #[link_name = "receive"]
    pub fn aios_receive(from: i64, deadline: u64, buffer: *mut u8, buffer_bytes: u32, message: *mut u8) -> u32;
    #[link_name = "request"]
    pub fn aios_request(to: i64, payload: *const u8, payload_bytes: u32, deadline: u64, buffer: *mut u8, buffer_bytes: u32, message: *mut u8) -> u32;
    #[link_name = "queue"]
    pub fn aios_queue(capacity: u32, handle: *mut u8) -> u32;
    #[link_name = "derive"]
    pub fn aios_derive(from: i64, rights: u32, handle: *mut u8) -> u32;
    #[link_name = "drop"]
    pub fn aios_drop(which: i64) -> u32;
    #[link_name = "wait"]
    pub fn aios_wait(list: *const u8, list_count: u32, deadline: u64, flags: u32, event: *mut u8) -> u32;
    #[link_name = "clone"]
    pub fn aios_clone(child: *mut u8) -> u32;
    #[link_name = "spawn"]
    pub fn aios_spawn(image: i64, arguments: *const u8, arguments_bytes: u32, grants: *const u8, grants_count: u32, quota: u64, child: *mut u8) -> u32;
    #[link_name = "kill"]
    pub fn aios_kill(child: i64, code: u64) -> u32;
    #[link_name = "exit"]
    pub fn aios_exit(code: u32) -> u32;
}
