/**
 * Prices of instructions in cycles of 1 ns, rounded from the latencies that Agner Fog's tables and
 * uops.info give for Intel cores since Skylake. Machine code pays them beyond the cycle that every
 * instruction takes, kernel.wasm in its place.
 */
export const RDMSR_CYCLES: u64 = 100;
export const WRMSR_CYCLES: u64 = 130;
export const READ_CONTROL_CYCLES: u64 = 10;
export const WRITE_CONTROL_CYCLES: u64 = 200;
export const TABLE_CYCLES: u64 = 20;
export const TASK_CYCLES: u64 = 110;
export const SEGMENT_CYCLES: u64 = 20;
export const FLAGS_CYCLES: u64 = 5;
export const INVLPG_CYCLES: u64 = 140;
export const INVPCID_CYCLES: u64 = 300;
/** There is nothing to write back; what stays is that it is slow. */
export const WBINVD_CYCLES: u64 = 2000;
export const CPUID_CYCLES: u64 = 110;
export const PAUSE_CYCLES: u64 = 140;
export const RDTSC_CYCLES: u64 = 20;
export const RDSEED_CYCLES: u64 = 460;
export const MEMORY_CYCLES: u64 = 4;
/** Uncached bus accesses dominate, as on hardware. */
export const MMIO_READ_CYCLES: u64 = 400;
export const MMIO_WRITE_CYCLES: u64 = 100;
export const PORT_CYCLES: u64 = 800;
