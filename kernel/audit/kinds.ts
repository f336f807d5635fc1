/**
 * Kinds of audit records, and what `object`, `detail`, `a` and `b` of each hold. `agent` is who did
 * it; 0 is the kernel itself. Portable.
 */
/** object: the new agent, detail: the pool that pays. */
export const AUDIT_SPAWN = 1;
/** object: the new agent, detail: the one that was cloned. */
export const AUDIT_CLONE = 2;
/** object: the agent that ended, detail: the survivor. */
export const AUDIT_MERGE = 3;
/** object: the new agent. */
export const AUDIT_SPLIT = 4;
/** object: the agent, detail: the image, a: the mode. */
export const AUDIT_UPGRADE = 5;
/** object: the agent, detail: the rights that are left. */
export const AUDIT_SPECIALIZE = 6;
/** object: the agent. */
export const AUDIT_SUSPEND = 7;
export const AUDIT_RESUME = 8;
/** object: the root of the tree, detail: agents that ended. */
export const AUDIT_KILL = 9;
/** object: the agent, detail: END_… and a: the code. */
export const AUDIT_END = 10;
/** object: the agent, detail: the exception's vector, a: its address, b: its error code. */
export const AUDIT_FAULT = 11;
/** object: the new capability, detail: its holder, a: what it was derived from, b: its rights. */
export const AUDIT_GRANT = 12;
/** object: the capability, detail: how many were revoked, a: 1 when it was deleted as well. */
export const AUDIT_REVOKE = 13;
/** A call without the authority for it. object: the capability, detail: the call's number. */
export const AUDIT_DENIAL = 14;
/** A call beyond a limit or a quota, or a plan that was not admitted. As for a denial. */
export const AUDIT_LIMIT = 15;
/** A call with arguments that are wrong. As for a denial. */
export const AUDIT_REFUSAL = 16;
/** Written by an agent (AuditAppend): detail, a and b are what it wrote. */
export const AUDIT_APPENDED = 17;
/** Records were lost here. detail: how many, a: sequence number of the first one. */
export const AUDIT_LOST = 18;
/**
 * object: the agent, detail: class, a: budget in the real-time class, else weight, b: period. Of a new
 * agent behind the record of its birth; clones and parts are scheduled as their original.
 */
export const AUDIT_SCHEDULE = 19;
/** detail: epoch, a: quantum, and that of foreground agents above it, b: fair reserve, and ageing above it. */
export const AUDIT_CONFIGURE = 20;
