/** Handing authority on: a new capability has at most what the one before it has. */
import { Agent } from "../agent/agent";
import { audit } from "../audit/audit";
import { AUDIT_GRANT } from "../audit/kinds";
import { Capability } from "./capability";
import { capabilityCreate } from "./table";

/**
 * Derives a capability from `from` for `to`, with those of its rights that are in `rights`; 0, and
 * nothing changed, when capabilityRoom refuses or RAM is short. `from` must have its authority.
 */
export function capabilityGrant(from: Capability, to: Agent, rights: u32): usize {
  const slot = capabilityCreate(to, from, from.kind, from.object, from.rights & rights);
  if (slot == 0) return 0;
  const made = changetype<Capability>(slot);
  audit(AUDIT_GRANT, from.agent, made.id, to.id, from.id, made.rights);
  return slot;
}
