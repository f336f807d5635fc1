/** What must hold of agents' lives after every system call; each function is one named invariant. */
import { kernelCpu } from "../cpu/cpu";
import { AGENT_DEPTH_MAX } from "../limits";
import { namesOf } from "../mm/invariants";
import { KIND_AGENT, KIND_IMAGE } from "../object/kinds";
import { objectNext } from "../object/slab";
import { kernel } from "../state";
import { Agent } from "./agent";
import { Image } from "./image";
import { AGENT_DEAD, AGENT_DYING, AGENT_KEEPER, AGENT_KEPT, AGENT_SPAWNING, AGENT_SUSPENDED } from "./states";
import { agentOver } from "./tree";
import { WORK_LISTS, WORK_START, WorkList } from "./work";

@inline
function nextAgent(at: usize): usize {
  return objectNext(KIND_AGENT, at);
}

/**
 * agent-tree-linked: every child is in its parent's list, once, and the list is as long as it says;
 * depths grow downwards and stay within the limit, so no agent is above itself.
 */
export function agentTreeLinked(): bool {
  let children: u32 = 0;
  let listed: u32 = 0;
  for (let at = nextAgent(0); at != 0; at = nextAgent(at)) {
    const agent = changetype<Agent>(at);
    if (agent.depth >= AGENT_DEPTH_MAX || !childrenLinked(agent)) return false;
    listed += agent.childCount;
    if (agent.parent != 0) children += 1;
  }
  return children == listed;
}

function childrenLinked(agent: Agent): bool {
  let previous: usize = 0;
  let count: u32 = 0;
  for (let at = agent.firstChild; at != 0; at = changetype<Agent>(at).nextSibling) {
    const child = changetype<Agent>(at);
    if (child.parent != changetype<usize>(agent) || child.previousSibling != previous) return false;
    if (child.depth <= agent.depth) return false;
    previous = at;
    count += 1;
    if (count > agent.childCount) return false;
  }
  return count == agent.childCount;
}

/** agent-tree-counted: one that lives counts itself and the trees of those of its children that live. */
export function agentTreeCounted(): bool {
  for (let at = nextAgent(0); at != 0; at = nextAgent(at)) {
    const agent = changetype<Agent>(at);
    if (agentOver(agent)) continue;
    let count: u32 = 1;
    for (let below = agent.firstChild; below != 0; below = changetype<Agent>(below).nextSibling)
      if (!agentOver(changetype<Agent>(below))) count += changetype<Agent>(below).treeCount;
    if (count != agent.treeCount) return false;
  }
  return true;
}

/**
 * agent-work-listed: an agent is in the list of work that it says, or in none; what is to be started
 * has not begun, and what is to be stopped or taken apart is dying.
 */
export function agentWorkListed(): bool {
  let listed: u32 = 0;
  for (let index: u32 = 0; index < kernel().cpuCount; index++) {
    for (let work: u32 = 0; work < WORK_LISTS; work++) {
      const list = changetype<WorkList>(kernelCpu(index).work + <usize>work * offsetof<WorkList>());
      let last: usize = 0;
      for (let at = list.first; at != 0; at = changetype<Agent>(at).workNext) {
        if (!belongs(changetype<Agent>(at), work)) return false;
        last = at;
        listed += 1;
      }
      if (list.last != last) return false;
    }
  }
  for (let at = nextAgent(0); at != 0; at = nextAgent(at)) if (changetype<Agent>(at).workQueued != 0) listed -= 1;
  return listed == 0;
}

function belongs(agent: Agent, work: u32): bool {
  if (agent.workQueued != work + 1) return false;
  if (agent.state == AGENT_DYING) return true;
  return work == WORK_START && (agent.state == AGENT_SPAWNING || agent.state == AGENT_SUSPENDED);
}

/** agent-dead-holds-nothing: of an agent that is over, its control block is left and nothing else. */
export function agentDeadHoldsNothing(): bool {
  for (let at = nextAgent(0); at != 0; at = nextAgent(at)) {
    const agent = changetype<Agent>(at);
    if (agent.state != AGENT_DEAD) continue;
    if ((agent.space | agent.mappings | agent.capabilities | agent.endpoints | agent.timers) != 0) return false;
    if ((agent.mailboxFirst | agent.operations | agent.mutexes | agent.firstChild | agent.kept) != 0) return false;
    if (agent.running != 0 || agent.waitFlags != 0 || agent.workQueued != 0) return false;
  }
  return true;
}

/** agent-ends-counted: one that is dying waits for itself, while it holds something, and for all that end with it. */
export function agentEndsCounted(): bool {
  for (let at = nextAgent(0); at != 0; at = nextAgent(at)) {
    const agent = changetype<Agent>(at);
    if (agent.state != AGENT_DYING) continue;
    let left: u32 = agent.workQueued != 0 ? 1 : 0;
    for (let other = nextAgent(0); other != 0; other = nextAgent(other)) {
      const ending = changetype<Agent>(other);
      if (other != at && ending.state == AGENT_DYING && ending.doom == at) left += 1;
    }
    if (left != agent.treeLeft || agent.doom == 0) return false;
  }
  return true;
}

/** agent-kept-by-one: what an upgrade keeps belongs to one agent, is paid by the same pool, and never runs. */
export function agentKeptByOne(): bool {
  let kept: u32 = 0;
  for (let at = nextAgent(0); at != 0; at = nextAgent(at)) {
    const agent = changetype<Agent>(at);
    if (agent.state == AGENT_KEPT) {
      if ((agent.flags & AGENT_KEEPER) == 0 || agent.running != 0 || agent.parent != 0) return false;
      kept += 1;
    }
    if (agent.kept == 0) continue;
    if (changetype<Agent>(agent.kept).state != AGENT_KEPT) return false;
    if (changetype<Agent>(agent.kept).pool != agent.pool) return false;
    kept -= 1;
  }
  return kept == 0;
}

/**
 * image-referenced: an image counts the boot bundle if it is from there, each control block that names it,
 * and the capabilities; one that an agent makes is run by nobody, and has no more bytes than it is to have.
 */
export function imageReferenced(): bool {
  for (let at = objectNext(KIND_IMAGE, 0); at != 0; at = objectNext(KIND_IMAGE, at)) {
    const image = changetype<Image>(at);
    let users: u32 = image.pool == 0 ? 1 : 0;
    for (let other = nextAgent(0); other != 0; other = nextAgent(other))
      if (changetype<Agent>(other).image == at) users += 1;
    if (image.references != users || image.names != namesOf(KIND_IMAGE, image.id)) return false;
    if (image.building != 0 && (users != 0 || image.filled > image.fileBytes)) return false;
  }
  return true;
}
