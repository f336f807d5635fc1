/** A limit on everything that a client can make more of. */

/** Agents of a project, those that are over included. */
export const AGENTS_PER_PROJECT_MAX = 2048;
export const PROJECTS_MAX = 64;
export const IMAGES_MAX = 512;
/** Images of the kernel that are kept for the next start: each is one of the 1,024 capabilities of an agent. */
export const KERNEL_IMAGES_MAX = 256;
export const SNAPSHOTS_PER_PROJECT_MAX = 64;
export const JOBS_PER_PROJECT_MAX = 64;
/** Events that are kept: older ones go. */
export const EVENTS_MAX = 10_000;
/** Events about refused requests in a second; what is beyond is counted. */
export const DENIALS_PER_SECOND_MAX = 10;
/**
 * Capabilities that the agents of a shard may cost it, of the 1,024 of the kernel: the others are for
 * what it needs itself, for agents that are over whose pipes are still read, and for later grants.
 */
export const SHARD_ENTRIES_MAX = 900;
/** For each agent: itself, two pipes and its news; and one for each capability that it was given, and for its input. */
export const ENTRIES_PER_AGENT = 4;
/** Requests to init and to shards that take longer are given up, ns. */
export const ASK_NS = 30_000_000_000n;
