/** Agents' tables of capabilities. */
import { Agent } from "../agent/agent";
import { CAPABILITIES_PER_AGENT_MAX } from "../limits";
import { KIND_CAPABILITY } from "../object/kinds";
import { objectAllocate } from "../object/slab";
import { Capability } from "./capability";

const NEVER: u64 = 0xffff_ffff_ffff_ffff;

/** A capability in `holder`'s table; 0 when the table is full or RAM is short. */
export function capabilityCreate(
  holder: Agent,
  parent: Capability | null,
  kind: u32,
  object: u64,
  rights: u32,
): usize {
  if (holder.capabilityCount == CAPABILITIES_PER_AGENT_MAX) return 0;
  const slot = objectAllocate(KIND_CAPABILITY, holder.cpu);
  if (slot == 0) return 0;
  const made = changetype<Capability>(slot);
  made.agent = holder.id;
  made.object = object;
  made.kind = <u16>kind;
  made.rights = rights;
  made.expiry = NEVER;
  made.next = holder.capabilities;
  if (made.next != 0) changetype<Capability>(made.next).previous = slot;
  holder.capabilities = slot;
  holder.capabilityCount += 1;
  return slot;
}
