/**
 * What the firmware hands the kernel: the structures of the Xen x86/HVM direct boot ABI
 * (xen/include/public/arch-x86/hvm/start_info.h), as byte offsets.
 *
 *   hvm_start_info, version 1            hvm_memmap_table_entry
 *    0 magic            u32               0 addr       u64
 *    4 version          u32               8 size       u64
 *    8 flags            u32              16 type       u32
 *   12 nr_modules       u32              20 reserved   u32
 *   16 modlist_paddr    u64
 *   24 cmdline_paddr    u64
 *   32 rsdp_paddr       u64
 *   40 memmap_paddr     u64
 *   48 memmap_entries   u32
 *   52 reserved         u32
 */
export const START_INFO_MAGIC = 0x336ec578;
export const START_INFO_VERSION = 1;
export const START_INFO_MAGIC_AT = 0;
export const START_INFO_VERSION_AT = 4;
export const START_INFO_RSDP_AT = 32;
export const START_INFO_MAP_AT = 40;
export const START_INFO_MAP_ENTRIES_AT = 48;
export const START_INFO_BYTES = 56;

export const MAP_ENTRY_BYTES = 24;
export const MAP_ENTRY_ADDRESS_AT = 0;
export const MAP_ENTRY_SIZE_AT = 8;
export const MAP_ENTRY_TYPE_AT = 16;

/** Address range types (ACPI 6.3, table 15-374). */
export const MEMORY_RAM = 1;
export const MEMORY_RESERVED = 2;
/** Tables; RAM once the operating system has read them. */
export const MEMORY_ACPI = 3;
/** Firmware's for good. */
export const MEMORY_ACPI_NVS = 4;
export const MEMORY_UNUSABLE = 5;

/** Entries that a reader accepts; the firmware writes about ten. */
export const MAP_ENTRIES_MAX = 128;
