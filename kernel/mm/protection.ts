/** What an agent may do with a range of its addresses, and how the range is to be. Portable. */
/** Every mapping can be read: x86_64 has no page that can be written and not read. */
export const PROTECTION_READ = 1;
export const PROTECTION_WRITE = 2;
/** Never together with PROTECTION_WRITE. */
export const PROTECTION_EXECUTE = 4;
/** A page that faults before and behind the new range (AgentMemAlloc). */
export const MEMORY_GUARD = 8;
/** The kernel may take the pages away, contents and all, when their pool is short (AgentMemAlloc). */
export const MEMORY_DISCARDABLE = 16;

/** Types of mappings. */
/** Memory of its own: zeroed at the first touch, copied when it is written and shared. */
export const MAPPING_ANONYMOUS = 1;
export const MAPPING_REGION = 2;
export const MAPPING_FRAME = 3;
/** Nothing is there: guards what follows it, or what it follows. */
export const MAPPING_GUARD_BELOW = 4;
export const MAPPING_GUARD_ABOVE = 5;
/** Part of a native image, which its agents share and nobody can write. */
export const MAPPING_IMAGE = 6;
