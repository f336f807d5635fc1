/** What must hold of capabilities after every system call; each function is one named invariant. */
import { Agent } from "../agent/agent";
import { AGENT_DEAD } from "../agent/states";
import { CAPABILITIES_PER_AGENT_MAX, CAPABILITY_DEPTH_MAX } from "../limits";
import { idKind } from "../object/id";
import { KIND_AGENT, KIND_CAPABILITY, KIND_SCOPE } from "../object/kinds";
import { objectNext } from "../object/slab";
import { authorityStatus, targetLives } from "./authorize";
import { Capability, capabilityRevoked, scopeOf } from "./capability";
import { SCOPE_BYTES_MAX, scopeCovers } from "./scope";

/**
 * capability-in-one-table: each capability is in the table of the agent that it names as its holder,
 * once, and in no other; each table is as long as it says, and within its limit.
 */
export function capabilityTablesHold(): bool {
  let listed: u32 = 0;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.capabilityLimit > CAPABILITIES_PER_AGENT_MAX) return false;
    if (agent.capabilityCount > agent.capabilityLimit || !tableHolds(agent)) return false;
    listed += agent.capabilityCount;
  }
  let live: u32 = 0;
  for (let at = objectNext(KIND_CAPABILITY, 0); at != 0; at = objectNext(KIND_CAPABILITY, at)) live += 1;
  return listed == live;
}

/** Whether `agent`'s list has as many capabilities as it says, all alive and its own. */
function tableHolds(agent: Agent): bool {
  let previous: usize = 0;
  let count: u32 = 0;
  for (let at = agent.capabilities; at != 0; at = changetype<Capability>(at).next) {
    const held = changetype<Capability>(at);
    if (held.previous != previous || held.agent != agent.id || idKind(held.id) != KIND_CAPABILITY) return false;
    previous = at;
    count += 1;
    // A list that runs in a circle is longer than it says.
    if (count > agent.capabilityCount) return false;
  }
  return count == agent.capabilityCount;
}

/**
 * capability-narrows: one that has its authority has no more rights, time or scope than the one that
 * it was derived from, and is for the same object.
 */
export function capabilitiesNarrow(): bool {
  for (let at = objectNext(KIND_CAPABILITY, 0); at != 0; at = objectNext(KIND_CAPABILITY, at)) {
    const held = changetype<Capability>(at);
    if (held.parent == 0 || capabilityRevoked(held)) continue;
    const parent = changetype<Capability>(held.parent);
    if (held.kind != parent.kind || held.object != parent.object || held.target != parent.target) return false;
    if ((held.rights & ~parent.rights) != 0 || held.expiry > parent.expiry) return false;
    if (held.scopeBytes > SCOPE_BYTES_MAX) return false;
    if (held.kind != KIND_SCOPE) continue;
    const from = scopeOf(parent);
    const to = scopeOf(held);
    if (!scopeCovers(from, parent.scopeBytes, parent.scopeMask, to, held.scopeBytes, held.scopeMask)) return false;
  }
  return true;
}

/** capability-tree-acyclic: each one is one level below its parent, and no level is beyond the limit. */
export function capabilityTreeAcyclic(): bool {
  for (let at = objectNext(KIND_CAPABILITY, 0); at != 0; at = objectNext(KIND_CAPABILITY, at)) {
    const held = changetype<Capability>(at);
    if (held.depth >= CAPABILITY_DEPTH_MAX) return false;
    if (held.parent == 0) {
      if (held.depth != 0) return false;
    } else if (changetype<Capability>(held.parent).id == held.parentId) {
      if (changetype<Capability>(held.parent).depth + 1 != held.depth) return false;
    }
  }
  return true;
}

/**
 * capability-descendants-counted: each one counts its children that are not revoked and what they
 * count, at least; and in sum no more is counted than there are ancestors to count it.
 */
export function capabilityDescendantsCounted(): bool {
  let counted: u64 = 0;
  let ancestors: u64 = 0;
  for (let at = objectNext(KIND_CAPABILITY, 0); at != 0; at = objectNext(KIND_CAPABILITY, at)) {
    const held = changetype<Capability>(at);
    if (capabilityRevoked(held)) continue;
    counted += held.descendants;
    ancestors += held.depth;
    if (held.parent != 0 && changetype<Capability>(held.parent).descendants <= held.descendants) return false;
  }
  return counted == ancestors;
}

/** capability-holder-lives: an agent that is dead holds none. */
export function capabilityHoldersLive(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.state == AGENT_DEAD && agent.capabilities != 0) return false;
  }
  return true;
}

/** capability-object-found: what has authority over a live object leads to that object and no other. */
export function capabilityObjectsFound(): bool {
  for (let at = objectNext(KIND_CAPABILITY, 0); at != 0; at = objectNext(KIND_CAPABILITY, at)) {
    const held = changetype<Capability>(at);
    if (authorityStatus(held) != 0 || !targetLives(held)) continue;
    if (held.kind == KIND_SCOPE ? held.object != 0 : idKind(held.object) != held.kind) return false;
  }
  return true;
}
