/** Every limit of the kernel, with its reason. */

/** Logical processors: one bit each in a 64-bit mask. */
export const CPUS_MAX: u32 = 64;
/** Regions of the firmware's memory map that are looked at. */
export const MEMORY_REGIONS_MAX: u32 = 128;
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
