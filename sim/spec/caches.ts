/**
 * What lies behind RAM in linear memory: caches of the CPUs (sim/core/engine/memory.ts). They are no
 * machine state: not hashed, not in a snapshot, empty in a machine that was restored. The host makes
 * memory large enough for them; pages that are never touched cost it nothing.
 */

/** A set of fast lines of the TLB. Of a CPU's five the last is never filled. */
export const CACHE_LINES_BYTES = 0x8000;
/** Five sets of fast lines of the TLB, the jump cache and its filter: a CPU, and all 64 of them. */
export const CACHE_CPU_BYTES = 0x6_8400;
export const CACHE_CPUS = 64;
/** Heads of the block table's chains. */
export const CACHE_TABLE_BYTES = 0x4_0000;
/** A record for each frame of RAM: which of its bytes are code in blocks, what is known of its contents. */
export const CACHE_RECORD_BYTES = 16;
/** SHA-256 of its contents, when that is known. */
export const CACHE_DIGEST_BYTES = 32;
/** Both. */
export const CACHE_FRAME_BYTES = CACHE_RECORD_BYTES + CACHE_DIGEST_BYTES;
/** Blocks: dropped all at once when this is full. */
export const CACHE_BLOCK_BYTES = 0x200_0000;

/** Bytes of all caches of a machine with so much RAM, up to less than `CACHE_SLACK` more. */
export const CACHE_FIXED_BYTES =
  CACHE_CPU_BYTES * CACHE_CPUS + CACHE_TABLE_BYTES + CACHE_BLOCK_BYTES;
export const CACHE_SLACK = 0x1_0000;
