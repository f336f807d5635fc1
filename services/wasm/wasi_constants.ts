/** WASI snapshot preview 1 (WebAssembly/WASI, legacy/preview1/docs.md): numbers that are used here. */

export const WASI_MODULE = "wasi_snapshot_preview1";

export const ERRNO_SUCCESS = 0;
export const ERRNO_2BIG = 1;
export const ERRNO_BADF = 8;
export const ERRNO_FAULT = 21;
export const ERRNO_INVAL = 28;
export const ERRNO_NOTSUP = 58;
export const ERRNO_PIPE = 64;
export const ERRNO_SPIPE = 70;
export const ERRNO_NOTCAPABLE = 76;

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;

export const FILETYPE_CHARACTER_DEVICE = 2;
export const RIGHT_FD_READ = 1n << 1n;
export const RIGHT_FD_WRITE = 1n << 6n;
export const RIGHT_POLL = 1n << 27n;

/** Structures: `fdstat`, `ciovec`, `subscription`, `event`; bytes and offsets. */
export const FDSTAT_BYTES = 24;
export const FDSTAT_RIGHTS = 8;
export const IOVEC_BYTES = 8;
export const SUBSCRIPTION_BYTES = 48;
export const SUBSCRIPTION_TAG = 8;
export const SUBSCRIPTION_CLOCK = 16;
export const SUBSCRIPTION_TIMEOUT = 24;
export const SUBSCRIPTION_FLAGS = 40;
export const EVENTTYPE_CLOCK = 0;
export const SUBCLOCK_ABSOLUTE = 1;
export const EVENT_BYTES = 32;
