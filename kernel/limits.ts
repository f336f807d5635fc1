/** Every limit of the kernel, with its reason. */

/** Logical processors: one bit each in a 64-bit mask. */
export const CPUS_MAX: u32 = 64;
/** Largest buddy block: 2^18 pages = 1 GiB, the largest page of the MMU. */
export const FRAME_ORDER_MAX: u32 = 18;
/** PCI functions that are remembered: more than a full bus. */
export const PCI_FUNCTIONS_MAX: u32 = 256;
/** Block devices: NVMe namespaces and AHCI ports together. */
export const BLOCK_DEVICES_MAX: u32 = 32;
/** GPT entries that are read: the specification's minimum table, which every tool writes. */
export const PARTITIONS_MAX: u32 = 128;
/** Size of a GPT entry array that is read: 128 entries of up to 512 bytes. */
export const PARTITION_ARRAY_BYTES_MAX: u32 = 64 * 1024;
/** Boot bundle: archive and entries. */
export const BUNDLE_BYTES_MAX: u64 = 64 * 1024 * 1024;
export const BUNDLE_ENTRIES_MAX: u32 = 1024;
/** Longest name of a bundle entry, in bytes. */
export const BUNDLE_NAME_MAX: u32 = 255;
/** Bytes read from a block device by one boot request: within every controller's transfer limit. */
export const READ_CHUNK_BYTES: u32 = 128 * 1024;
/** Least RAM that the kernel boots in: its image, page tables, per-CPU stacks and driver pages. */
export const RAM_BYTES_MIN: u64 = 16 * 1024 * 1024;
/** Devices with an address space of their own. */
export const IOMMU_DOMAINS_MAX: u32 = 16;
/** Pages for the IOMMU's tables: 64 MiB of bundle take 32, its devices' own memory the rest. */
export const IOMMU_POOL_PAGES: u64 = 128;
/** Records in the kernel's trace ring; a power of two. */
export const TRACE_RECORDS: u32 = 4096;
/** Kernel stack of a CPU in pages; entries never nest deeper than an interrupt frame on the idle one. */
export const STACK_PAGES: u64 = 4;

/** Agents: a million, one more power of two than anyone has asked for. */
export const AGENTS_MAX: u32 = 1 << 20;
/** Capabilities of all agents, and of one. */
export const CAPABILITIES_MAX: u32 = 1 << 22;
export const CAPABILITIES_PER_AGENT_MAX: u32 = 1024;
/** Levels of the tree of derivations: revoking one step costs at most so many parents. */
export const CAPABILITY_DEPTH_MAX: u32 = 16;
export const POOLS_MAX: u32 = 1 << 20;
/** Levels of pools below the pool of all memory: a walk up has a bound. */
export const POOL_DEPTH_MAX: u32 = 64;
export const ENDPOINTS_MAX: u32 = 1 << 20;
export const REGIONS_MAX: u32 = 1 << 16;
export const TIMERS_MAX: u32 = 1 << 20;
/** Blocks of frames that agents hold by name. */
export const FRAME_OBJECTS_MAX: u32 = 1 << 20;
export const IMAGES_MAX: u32 = 1 << 12;
export const OPERATIONS_MAX: u32 = 1 << 16;
/** Messages on their way. */
export const MESSAGES_MAX: u32 = 1 << 22;
/** Bytes of a message, and of all that wait in one mailbox. */
export const IPC_MESSAGE_BYTES_MAX: u32 = 64 * 1024;
export const MAILBOX_MESSAGES_MAX: u32 = 256;
export const MAILBOX_BYTES_MAX: u32 = 1024 * 1024;
/** Messages in a queue, and bytes in a pipe. */
export const QUEUE_MESSAGES_MAX: u32 = 1024;
export const PIPE_BYTES_MAX: u32 = 64 * 1024;
/** What one agent may have created: its end takes them apart. */
export const ENDPOINTS_PER_AGENT_MAX: u32 = 1024;
export const TIMERS_PER_AGENT_MAX: u32 = 256;
export const OPERATIONS_PER_AGENT_MAX: u32 = 16;
/** Links of the network: each frame that comes is compared with all. */
export const LINKS_MAX: u32 = 64;
/** Frames that one entry takes from the network controller, as many as half of its ring. */
export const NETWORK_STEP: u32 = 16;
/** Watches of one endpoint: each change of what is in it looks at all. */
export const WATCHES_MAX: u32 = 16;
/** Blocks of wait nodes: one an agent that has waited for several things at once. */
export const WAIT_BLOCKS_MAX: u32 = 1 << 20;
/** Agents that wait for one object: so many are woken at once when it is closed. */
export const WAITERS_MAX: u32 = 1024;
/** Things that one Wait waits for. */
export const WAIT_MAX: u32 = 16;
/** Memory of one agent, bytes. */
export const AGENT_BYTES_MAX: u64 = 1 << 30;
/** Ranges of addresses of all agents, and of one: a walk through its list has a bound. */
export const MAPPINGS_MAX: u32 = 1 << 22;
export const MAPPINGS_PER_AGENT_MAX: u32 = 512;
/** Access predictions that are kept, and that one call writes: each reclaimed page looks at all. */
export const PREDICTIONS_MAX: u32 = 256;
export const PREDICTION_WRITE_MAX: u64 = 64;
/** Pages that are predicted to be used within this time are spared if possible: an epoch, ns. */
export const PREDICTION_HORIZON_NS: u64 = 10_000_000;
/** Text of an image: 16 MiB. */
export const IMAGE_PAGES_MAX: u32 = 4096;
/** Bytes of an image that an agent makes, and of one piece of it: a call has a bound. */
export const IMAGE_BYTES_MAX: u64 = 64 * 1024 * 1024;
export const IMAGE_APPEND_MAX: u32 = 64 * 1024;
/** Levels of the tree of agents: a walk up has a bound. */
export const AGENT_DEPTH_MAX: u32 = 64;
/** Agents that one donation may pass through. */
export const DONATION_DEPTH_MAX: u32 = 8;
/** Most bytes of a slab's chunk: small enough for 16 MiB of RAM, large enough to be rare. */
export const SLAB_CHUNK_BYTES: u32 = 16 * 1024;
/** Bytes of frames that slabs take at once if there are so many: what is left over at its end is little. */
export const SLAB_BLOCK_BYTES: u32 = 64 * 1024;
/** Bytes that one RandomGet gives. */
export const RANDOM_BYTES_MAX: u32 = 256;
/** Bytes of one ConsoleWrite: 22 ms at 115,200 baud. */
export const CONSOLE_WRITE_MAX: u32 = 256;
/** Records that one AuditDrain takes: a call has a bound. */
export const AUDIT_DRAIN_MAX: u32 = 64;
/** Records that AuditAppend leaves for the kernel's own: an agent's words can't crowd them out. */
export const AUDIT_RESERVE: u32 = 1024;
/** Records in the audit ring; a power of two. */
export const AUDIT_RECORDS: u32 = 4096;
/** Work for agents' lives in one entry (agent/work.ts): agents stopped, agents started, and things given back. */
export const STOP_STEP: i32 = 512;
export const START_STEP: i32 = 64;
export const DISMANTLE_STEP: i32 = 256;
/** Children that one AgentMerge moves. */
export const MERGE_CHILDREN_MAX: u32 = 1024;
/** What a trap into the kernel and back may cost, ns: the interrupt, the entry, the timer's resolution. */
export const TRAP_NS: u32 = 1_000;
/** Least budget of a reservation, ns: half of it is left for the agent when it is trapped once a period. */
export const BUDGET_MIN: u32 = 2 * TRAP_NS;
/** Real-time agents of one CPU: an admission test visits all of them in each of its steps. */
export const RESERVATIONS_PER_CPU_MAX: u32 = 128;
/** Ended reservations whose last period isn't over; the admission test counts them as well. */
export const DEPARTED_PER_CPU_MAX: u32 = 16;
/** Steps of an admission test: QPA takes some dozens for nearly all sets (Zhang, Burns 2009, section 6). */
export const ADMISSION_STEPS_MAX: u32 = 1024;
/** Longest period of a reservation, ns: a minute and a bit; products with 2^24 stay within 64 bits. */
export const PERIOD_MAX: u64 = 1 << 36;
/** Agents that may run on the time of one other, directly or through others. */
export const DONORS_MAX: u32 = 64;
/** Levels of groups. */
export const GROUP_DEPTH_MAX: u32 = 4;
/** Agents that one balancing looks at, and that it moves. */
export const BALANCE_SCAN_MAX: u32 = 32;
/** Of each of two CPUs when agents are exchanged: the product is looked at. */
export const BALANCE_PAIRS_MAX: u32 = 16;
export const BALANCE_MOVES_MAX: u32 = 8;
/** Groups whose share of a CPU is computed anew in one epoch. */
export const SHARES_PER_EPOCH_MAX: u32 = 64;
