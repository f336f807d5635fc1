/** WASI snapshot preview 1 (WebAssembly/WASI, legacy/preview1/docs.md): its numbers. */

export const WASI_MODULE = "wasi_snapshot_preview1";

/** `errno`, in its order: POSIX's names without their E. */
const ERRNOS =
  `SUCCESS 2BIG ACCES ADDRINUSE ADDRNOTAVAIL AFNOSUPPORT AGAIN ALREADY BADF BADMSG BUSY CANCELED
  CHILD CONNABORTED CONNREFUSED CONNRESET DEADLK DESTADDRREQ DOM DQUOT EXIST FAULT FBIG HOSTUNREACH IDRM ILSEQ
  INPROGRESS INTR INVAL IO ISCONN ISDIR LOOP MFILE MLINK MSGSIZE MULTIHOP NAMETOOLONG NETDOWN NETRESET
  NETUNREACH NFILE NOBUFS NODEV NOENT NOEXEC NOLCK NOLINK NOMEM NOMSG NOPROTOOPT NOSPC NOSYS NOTCONN NOTDIR
  NOTEMPTY NOTRECOVERABLE NOTSOCK NOTSUP NOTTY NXIO OVERFLOW OWNERDEAD PERM PIPE PROTO PROTONOSUPPORT
  PROTOTYPE RANGE ROFS SPIPE SRCH STALE TIMEDOUT TXTBSY XDEV NOTCAPABLE`.split(/\s+/);
/** By number: ENOENT. */
export const ERRNO_NAMES: readonly string[] = ERRNOS.map((name) => `E${name}`);
const NUMBERS = new Map(ERRNOS.map((name, number) => [name, number]));

/** An errno by POSIX's name, ENOENT; what has none is EIO. */
export const errnoNamed = (name: string): number => NUMBERS.get(name.slice(1)) ?? ERRNO_IO;

export const ERRNO_SUCCESS = 0;
export const ERRNO_BADF = 8;
export const ERRNO_FAULT = 21;
export const ERRNO_ILSEQ = 25;
export const ERRNO_INVAL = 28;
export const ERRNO_IO = 29;
export const ERRNO_ISDIR = 31;
export const ERRNO_MFILE = 33;
export const ERRNO_NAMETOOLONG = 37;
export const ERRNO_NOTDIR = 54;
export const ERRNO_NOTSOCK = 57;
export const ERRNO_NOTSUP = 58;
export const ERRNO_PIPE = 64;
export const ERRNO_SPIPE = 70;
export const ERRNO_XDEV = 75;
export const ERRNO_NOTCAPABLE = 76;

export const CLOCK_REALTIME = 0;
export const CLOCK_MONOTONIC = 1;

export const FILETYPE_UNKNOWN = 0;
export const FILETYPE_CHARACTER_DEVICE = 2;
export const FILETYPE_DIRECTORY = 3;
export const FILETYPE_REGULAR_FILE = 4;
export const FILETYPE_SYMBOLIC_LINK = 7;

/** `rights`, in their order. */
const RIGHTS = [
  ...["FD_DATASYNC", "FD_READ", "FD_SEEK", "FD_FDSTAT_SET_FLAGS", "FD_SYNC", "FD_TELL", "FD_WRITE"],
  ...["FD_ADVISE", "FD_ALLOCATE", "PATH_CREATE_DIRECTORY", "PATH_CREATE_FILE"],
  ...["PATH_LINK_SOURCE", "PATH_LINK_TARGET", "PATH_OPEN", "FD_READDIR", "PATH_READLINK"],
  ...["PATH_RENAME_SOURCE", "PATH_RENAME_TARGET", "PATH_FILESTAT_GET", "PATH_FILESTAT_SET_SIZE"],
  ...["PATH_FILESTAT_SET_TIMES", "FD_FILESTAT_GET", "FD_FILESTAT_SET_SIZE"],
  ...["FD_FILESTAT_SET_TIMES", "PATH_SYMLINK", "PATH_REMOVE_DIRECTORY", "PATH_UNLINK_FILE"],
  ...["POLL_FD_READWRITE", "SOCK_SHUTDOWN", "SOCK_ACCEPT"],
] as const;
export type Right = (typeof RIGHTS)[number];

export const rights = (...names: readonly Right[]): bigint =>
  names.reduce((mask, name) => mask | (1n << BigInt(RIGHTS.indexOf(name))), 0n);

/** What a file may be used for, and a folder: to read, to write. */
export const READ_RIGHTS = rights("FD_READ", "FD_READDIR");
export const WRITE_RIGHTS = rights("FD_WRITE", "FD_ALLOCATE", "FD_FILESTAT_SET_SIZE");
export const FILE_RIGHTS = rights(
  ...([
    "FD_SEEK",
    "FD_TELL",
    "FD_ADVISE",
    "FD_FDSTAT_SET_FLAGS",
    "FD_SYNC",
    "FD_DATASYNC",
  ] as const),
  ...(["FD_FILESTAT_GET", "POLL_FD_READWRITE"] as const),
);
export const FOLDER_READ_RIGHTS = rights(
  ...([
    "PATH_OPEN",
    "FD_READDIR",
    "PATH_READLINK",
    "PATH_FILESTAT_GET",
    "FD_FILESTAT_GET",
  ] as const),
  ...(["FD_FDSTAT_SET_FLAGS", "FD_SYNC", "FD_DATASYNC"] as const),
);
export const FOLDER_WRITE_RIGHTS = rights(
  ...(["PATH_OPEN", "PATH_CREATE_DIRECTORY", "PATH_CREATE_FILE", "PATH_LINK_SOURCE"] as const),
  ...(["PATH_LINK_TARGET", "PATH_RENAME_SOURCE", "PATH_RENAME_TARGET", "PATH_SYMLINK"] as const),
  ...(["PATH_FILESTAT_SET_SIZE", "PATH_FILESTAT_SET_TIMES", "PATH_REMOVE_DIRECTORY"] as const),
  ...(["PATH_UNLINK_FILE", "FD_FILESTAT_SET_TIMES"] as const),
);
export const STREAM_RIGHTS = rights("POLL_FD_READWRITE", "FD_FILESTAT_GET", "FD_FDSTAT_SET_FLAGS");

export const FDFLAG_APPEND = 1;
export const FDFLAG_DSYNC = 2;
export const FDFLAG_NONBLOCK = 4;
export const FDFLAG_RSYNC = 8;
export const FDFLAG_SYNC = 16;
export const FDFLAGS_ALL = 31;
export const LOOKUP_FOLLOW = 1;
export const OFLAG_CREATE = 1;
export const OFLAG_DIRECTORY = 2;
export const OFLAG_EXCLUSIVE = 4;
export const OFLAG_TRUNCATE = 8;
export const FSTFLAG_ATIM = 1;
export const FSTFLAG_ATIM_NOW = 2;
export const FSTFLAG_MTIM = 4;
export const FSTFLAG_MTIM_NOW = 8;
export const ADVICE_MAX = 5;
export const WHENCE_SET = 0;
export const WHENCE_CUR = 1;
export const WHENCE_END = 2;

/** Structures: bytes and offsets. */
export const FDSTAT_BYTES = 24;
export const FDSTAT_FLAGS = 2;
export const FDSTAT_RIGHTS = 8;
export const FDSTAT_INHERITING = 16;
export const FILESTAT_BYTES = 64;
export const PRESTAT_BYTES = 8;
export const PRESTAT_LENGTH = 4;
export const DIRENT_BYTES = 24;
export const IOVEC_BYTES = 8;
export const SUBSCRIPTION_BYTES = 48;
export const SUBSCRIPTION_TAG = 8;
/** Of a clock, and of a descriptor. */
export const SUBSCRIPTION_SUBJECT = 16;
export const SUBSCRIPTION_TIMEOUT = 24;
export const SUBSCRIPTION_FLAGS = 40;
export const EVENTTYPE_CLOCK = 0;
export const EVENTTYPE_FD_READ = 1;
export const EVENTTYPE_FD_WRITE = 2;
export const SUBCLOCK_ABSOLUTE = 1;
export const EVENT_BYTES = 32;
export const EVENT_ERRNO = 8;
export const EVENT_TYPE = 10;
export const EVENT_COUNT = 16;

/** Signals end an agent, but for those that POSIX has ignored or that stop (NOTSUP). */
export const SIGNAL_MAX = 30;
export const SIGNALS_IGNORED: readonly number[] = [0, 16, 17, 22, 27];
export const SIGNALS_STOPPING: readonly number[] = [18, 19, 20, 21];
export const SIGNAL_EXIT = 128;
