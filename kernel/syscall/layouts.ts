/**
 * Structures that system calls read and write in the caller's memory: offsets in bytes. Structures
 * are aligned to 8 bytes, their fields little-endian; what is reserved must be 0. Portable.
 */

/** How an agent is scheduled: part of AgentSpawn's arguments, and all of AgentSchedule's. */
/** u32: CLASS_… */
export const SCHEDULE_CLASS = 0;
/** u32: share in the fair class, 1 to 65,536. */
export const SCHEDULE_WEIGHT = 4;
/** u64, ns: what the real-time class may use of each period, before the deadline in it. */
export const SCHEDULE_BUDGET = 8;
export const SCHEDULE_PERIOD = 16;
export const SCHEDULE_DEADLINE = 24;
/** u64: a bit for each CPU that it may run on; 0 for all. */
export const SCHEDULE_AFFINITY = 32;
/** u32: AGENT_GROUP, AGENT_FOREGROUND. */
export const SCHEDULE_FLAGS = 40;
export const SCHEDULE_RESERVED = 44;
export const SCHEDULE_BYTES = 48;

/** SchedConfigure. */
/** u64, ns: period of balancing, of ageing and of the fair class's reserve. */
export const CONFIGURE_EPOCH = 0;
/** u32, ns: longest requests of the fair class, and those of foreground agents. */
export const CONFIGURE_QUANTUM = 8;
export const CONFIGURE_FOREGROUND = 12;
/** u32: part of each epoch that reservations can't take, in 1,024ths; 0 to 1,024. */
export const CONFIGURE_FAIR_RESERVE = 16;
/** u32: epochs after which an agent of the idle class gets a quantum of the fair class's time. */
export const CONFIGURE_AGEING = 20;
export const CONFIGURE_BYTES = 24;

/** A capability that a new agent is given. */
/** u64: the caller's. */
export const GRANT_CAPABILITY = 0;
/** u32: of its rights, those that go along. */
export const GRANT_RIGHTS = 8;
export const GRANT_RESERVED = 12;
/** u64, out: the new agent's. */
export const GRANT_HANDLE = 16;
export const GRANT_BYTES = 24;
export const GRANTS_MAX = 16;

/** AgentSpawn. The grants come first in AgentClone's and AgentSplit's arguments as well. */
/** u64: address of the grants, and u32: how many. */
export const SPAWN_GRANTS = 0;
export const SPAWN_GRANT_COUNT = 8;
/** u32: mask of the rights of the new agent's capability to itself. */
export const SPAWN_SELF_RIGHTS = 12;
/** u32: of the rights of the payer's capability, those of its own to its pool; 0: it gets none. */
export const SPAWN_POOL_RIGHTS = 16;
/** u16: capabilities that it may hold, messages that may wait in its mailbox; 0: as many as with its maker. */
export const SPAWN_CAPABILITIES = 20;
export const SPAWN_MESSAGES = 22;
/** u64: what it finds in RDX. */
export const SPAWN_ARGUMENT = 24;
/** u64, out: the caller's capability to the new agent. */
export const SPAWN_CHILD = 32;
/** u64: capability to the image. */
export const SPAWN_IMAGE = 40;
/** u64, bytes: size of a pool of its own, cut out of the payer's; 0: it shares the payer's. */
export const SPAWN_QUOTA = 48;
export const SPAWN_SCHEDULE = 56;
export const SPAWN_BYTES = 104;

/** AgentClone: begins as AgentSpawn's arguments do. */
/** u64: capability to the pool that pays for the clone, with RIGHT_SPAWN. */
export const CLONE_POOL = 40;
export const CLONE_BYTES = 48;

/** AgentSplit: begins as AgentClone's arguments do. */
/** u64: address of the ranges that move, and how many. */
export const SPLIT_RANGES = 48;
export const SPLIT_RANGE_COUNT = 56;
export const SPLIT_BYTES = 64;

/** A range of addresses: u64 address and u64 bytes, whole pages. */
export const RANGE_ADDRESS = 0;
export const RANGE_LENGTH = 8;
export const RANGE_BYTES = 16;
export const RANGES_MAX = 16;

/** What AgentInfo tells. */
/** u64: identifiers of the agent and of its parent (0: none). */
export const INFO_ID = 0;
export const INFO_PARENT = 8;
/** u32: AGENT_… of agent/states.ts. */
export const INFO_STATE = 16;
/** u32: CLASS_…, weight, AGENT_GROUP and the like. */
export const INFO_CLASS = 20;
export const INFO_WEIGHT = 24;
export const INFO_FLAGS = 28;
/** u32: END_…, and u64: the code, or what the fault was; 0 while it lives. */
export const INFO_END_REASON = 32;
/** u32: children, agents above it. */
export const INFO_CHILDREN = 36;
export const INFO_END_CODE = 40;
export const INFO_DEPTH = 48;
/** u32: capabilities that it holds, rights that AgentSpecialize left it. */
export const INFO_CAPABILITIES = 52;
export const INFO_RIGHTS_LEFT = 56;
/** u32: messages and notices that wait for it. */
export const INFO_MESSAGES = 60;
export const INFO_NOTICES = 64;
/** u32: CPU in whose run queues it is. */
export const INFO_CPU = 68;
/** u64, bytes: what it has mapped; what its pool may use and uses. */
export const INFO_MAPPED = 72;
export const INFO_QUOTA = 80;
export const INFO_USED = 88;
/** u64: system calls made. */
export const INFO_SYSCALLS = 96;
/** u64: identifier of the image that it runs. */
export const INFO_IMAGE = 104;
/** u64: address whose use was the fault that ended it. */
export const INFO_FAULT_ADDRESS = 112;
/** u64: agents in its tree that are not over, itself included. */
export const INFO_TREE = 120;
/** u64, ns: virtual time of the call. */
export const INFO_TIME = 128;
/** u64, ns: time that it has run on processors. */
export const INFO_RAN = 136;
/** SHA-256 of its image's bytes, as the kernel has seen them: 32 bytes. */
export const INFO_DIGEST = 144;
/** u32: capabilities that it may hold, messages that may wait for it. */
export const INFO_CAPABILITY_LIMIT = 176;
export const INFO_MESSAGE_LIMIT = 180;
export const INFO_BYTES = 184;

/** What KernelInfo tells. */
/** u64, ns: virtual time of the call; processors; ns that agents have run on all of them together. */
export const KERNEL_INFO_TIME = 0;
export const KERNEL_INFO_CPUS = 8;
export const KERNEL_INFO_BUSY = 16;
/** u64: control blocks in use, those of agents whose end nobody has noticed yet included. */
export const KERNEL_INFO_AGENTS = 24;
/** u64, bytes: the pool of all memory and what of it is in use or reserved; frames that are free. */
export const KERNEL_INFO_MEMORY = 32;
export const KERNEL_INFO_USED = 40;
export const KERNEL_INFO_FREE = 48;
/** u64: frames from the network that became messages, and those that nobody wanted or had room for. */
export const KERNEL_INFO_DELIVERED = 56;
export const KERNEL_INFO_DROPPED = 64;
export const KERNEL_INFO_BYTES = 72;
