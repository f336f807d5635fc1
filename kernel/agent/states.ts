/** States of an agent's life, and its scheduling classes. Portable. */
/** Spawned; its resources are being made. */
export const AGENT_SPAWNING = 1;
/** Can run: in a run queue. */
export const AGENT_READY = 2;
/** A CPU executes it. */
export const AGENT_RUNNING = 3;
/** In the system call Wait. */
export const AGENT_WAITING = 4;
/** Stopped by AgentSuspend, whatever it did before. */
export const AGENT_SUSPENDED = 5;
/** Over; its parent has not yet taken note of it. */
export const AGENT_DEAD = 6;
/** Ending: what it and its tree hold is being given back. */
export const AGENT_DYING = 7;
/** No agent, but what an upgrade goes back to when it fails: nobody runs or names it. */
export const AGENT_KEPT = 8;

export const CLASS_FAIR = 0;
export const CLASS_REALTIME = 1;
export const CLASS_IDLE = 2;

/** Flags of an agent. */
/** Its children share its weight as a group. */
export const AGENT_GROUP = 1 << 0;
/** Short requests: the same share at a lower latency. */
export const AGENT_FOREGROUND = 1 << 1;
/** Rights were given up for good (AgentSpecialize). */
export const AGENT_SPECIALIZED = 1 << 2;

/** Not an agent, but what an upgrade keeps of one. */
export const AGENT_KEEPER = 1 << 3;

/** Why an agent ended. */
export const END_EXITED = 1;
export const END_KILLED = 2;
/** An exception that it caused. */
export const END_FAULT = 3;
/** It went into another agent (AgentMerge). */
export const END_MERGED = 4;
