/** Values of the system calls' arguments that programs of workloads pass. */

/** AgentMemAlloc, RegionMap: reading and writing. */
export const READ_WRITE = 3;
