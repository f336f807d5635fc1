/** The tree of agents: who has made whom. */
import { Agent } from "./agent";
import { AGENT_DEAD } from "./states";

/** Whether the agent is over or ending: nothing but AgentInfo may be done to it. */
@inline
export function agentOver(agent: Agent): bool {
  return agent.state >= <u32>AGENT_DEAD;
}

/** Makes `child`, which has no parent, the newest child of `parent`. */
export function adopt(parent: Agent, child: Agent): void {
  child.parent = changetype<usize>(parent);
  child.depth = max(child.depth, parent.depth + 1);
  child.nextSibling = parent.firstChild;
  if (parent.firstChild != 0) changetype<Agent>(parent.firstChild).previousSibling = changetype<usize>(child);
  parent.firstChild = changetype<usize>(child);
  parent.childCount += 1;
  if (!agentOver(child)) countTree(parent, child.treeCount);
}

/** Takes `child` away from its parent. */
export function orphan(child: Agent): void {
  const parent = changetype<Agent>(child.parent);
  if (child.previousSibling == 0) parent.firstChild = child.nextSibling;
  else changetype<Agent>(child.previousSibling).nextSibling = child.nextSibling;
  if (child.nextSibling != 0) changetype<Agent>(child.nextSibling).previousSibling = child.previousSibling;
  child.parent = 0;
  child.nextSibling = 0;
  child.previousSibling = 0;
  parent.childCount -= 1;
  if (!agentOver(child)) countTree(parent, -child.treeCount);
}

/**
 * `delta` agents come to the trees of `agent` and of all above it, AGENT_DEPTH_MAX at most. The tree
 * of an agent that is over has left the counts above it (agentEnd).
 */
export function countTree(agent: Agent, delta: u32): void {
  let at = changetype<usize>(agent);
  while (at != 0 && !agentOver(changetype<Agent>(at))) {
    changetype<Agent>(at).treeCount += delta;
    at = changetype<Agent>(at).parent;
  }
}

/** Whether `ancestor` is `agent` or above it. */
export function isAbove(ancestor: Agent, agent: Agent): bool {
  let at = changetype<usize>(agent);
  while (at != 0) {
    if (at == changetype<usize>(ancestor)) return true;
    at = changetype<Agent>(at).parent;
  }
  return false;
}
