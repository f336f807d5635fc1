/**
 * The end of an agent, and of all below it.
 *
 * `agentEnd` stops it and takes it out of every queue that could wake it: it executes nothing any
 * more (a CPU that runs it is interrupted). Then, in bounded steps (work.ts), its children are
 * stopped in the same way, and everything that each of the tree holds is given back. A root of a
 * tree is dead once nothing of its tree is left, so a parent that reads the notice finds all of its
 * memory back.
 *
 *   DYING, in WORK_STOP       its children are being stopped; each leaves the tree and counts in
 *                             `treeLeft` of the agent whose end it shares (`doom`)
 *   DYING, in WORK_DISMANTLE  gives back what it holds
 *   DYING, in no list         waits for the rest of its tree
 *   DEAD                      control block only, until its parent has taken the notice
 */
import { audit } from "../audit/audit";
import { AUDIT_END, AUDIT_KILL } from "../audit/kinds";
import { capabilitiesDrop } from "../cap/table";
import { kick } from "../cpu/switch";
import { ipcDrop, ipcEnd } from "../ipc/drop";
import { noticePost, noticeRemove } from "../ipc/notice";
import { NOTICE_ENDED } from "../ipc/notice_kinds";
import { spaceDestroy } from "../mm/destroy";
import { Pool, poolDrop, poolRelease } from "../mm/pool";
import { objectFree } from "../object/slab";
import { schedBury, schedForget, schedStop } from "../sched/scheduler";
import { kernel } from "../state";
import { Agent, AGENT_BYTES, noticeOf } from "./agent";
import { Image, imageRelease } from "./image";
import {
  AGENT_DEAD,
  AGENT_DYING,
  AGENT_KEEPER,
  AGENT_KEPT,
  AGENT_READY,
  AGENT_RUNNING,
  END_KILLED,
} from "./states";
import { agentOver, countTree, orphan } from "./tree";
import { WORK_STOP, workAdd } from "./work";

/** Ends `agent`, which must not be over, and its whole tree; `by` is the identifier of who wants it. */
export function agentEnd(agent: Agent, reason: u32, code: u64, by: u64 = 0): void {
  assert(!agentOver(agent), "agentEnd: it is over");
  audit(AUDIT_KILL, by, agent.id, agent.treeCount);
  agent.endReason = reason;
  agent.endCode = code;
  if (agent.parent != 0) countTree(changetype<Agent>(agent.parent), -agent.treeCount);
  doom(agent, agent);
}

/** Gives back what an upgrade has kept. */
export function keptEnd(kept: Agent): void {
  doom(kept, kept);
}

/** Stops `agent`; its end is part of that of `root`. */
function doom(agent: Agent, root: Agent): void {
  agent.doom = changetype<usize>(root);
  agent.treeLeft = 1;
  if (root != agent) root.treeLeft += 1;
  if (agent.state == AGENT_KEPT) agent.state = AGENT_DYING;
  else stop(agent, root);
  // The CPU that holds its registers lets go of it first.
  const index = agent.running != 0 ? agent.running - 1 : kernel().entered;
  // One that is to be started is in a list already; it comes to WORK_STOP from there.
  if (agent.workQueued == 0) workAdd(index, WORK_STOP, agent);
  kick(index);
}

/** The agent executes nothing and waits for nothing any more, and who depended on it is told. */
function stop(agent: Agent, root: Agent): void {
  audit(AUDIT_END, root.id, agent.id, agent.endReason, agent.endCode);
  noticeRemove(noticeOf(agent));
  const state = agent.state;
  if (state == AGENT_READY || state == AGENT_RUNNING) schedStop(agent, AGENT_DYING);
  agent.state = AGENT_DYING;
  ipcEnd(agent);
}

/** Stops children of a dying agent, one a unit; what is left of the units, 0 when some may remain. */
export function stopChildren(agent: Agent, units: i32): i32 {
  const root = changetype<Agent>(agent.doom);
  while (agent.firstChild != 0 && units > 0) {
    const child = changetype<Agent>(agent.firstChild);
    orphan(child);
    units -= 1;
    if (child.state == AGENT_DEAD) agentFree(child);
    else if (child.state == AGENT_DYING) {
      // Its own tree was ending already; now that is a part of this end.
      child.doom = changetype<usize>(root);
      root.treeLeft += 1;
    } else {
      child.endReason = END_KILLED;
      doom(child, root);
    }
  }
  if (units > 0 && agent.kept != 0) {
    const kept = changetype<Agent>(agent.kept);
    assert(kept.state == AGENT_KEPT, "stopChildren: what an upgrade kept");
    agent.kept = 0;
    doom(kept, root);
    units -= 1;
  }
  return units;
}

/** What a piece of memory counts (mm/destroy.ts): as much as so many capabilities. */
const SPACE_UNITS: i32 = 16;

/** Gives back what a dying agent without children holds; what is left of the units, 0: not all yet. */
export function dismantle(agent: Agent, units: i32): i32 {
  assert(agent.running == 0, "dismantle: a CPU holds it");
  units = ipcDrop(agent, units);
  if (agent.space != 0) units -= SPACE_UNITS;
  while (units > 0 && !spaceDestroy(agent)) units -= SPACE_UNITS;
  if (units <= 0) return 0;
  const held = <i32>agent.capabilityCount;
  if (<i32>capabilitiesDrop(agent, units) > 0) return 0;
  return units - held;
}

/** A dying agent holds nothing any more: it is gone when its tree is. */
export function agentDismantled(agent: Agent): void {
  if ((agent.flags & AGENT_KEEPER) == 0) schedForget(agent);
  let ending = agent;
  while (true) {
    ending.treeLeft -= 1;
    if (ending.treeLeft != 0) return;
    const root = changetype<Agent>(ending.doom);
    if (root == ending) return bury(ending);
    agentFree(ending);
    ending = root;
  }
}

/** The whole tree of `agent` is gone. */
function bury(agent: Agent): void {
  agent.state = AGENT_DEAD;
  agent.doom = 0;
  if ((agent.flags & AGENT_KEEPER) != 0) return agentFree(agent);
  // Nobody is told of the first agent's end; whoever looks from outside finds it.
  if (agent.parent == 0) return;
  const parent = changetype<Agent>(agent.parent);
  if (agentOver(parent)) return;
  noticePost(parent, noticeOf(agent), NOTICE_ENDED, agent.endReason, agent.endCode);
}

/** The parent has taken the notice of a child's end: nothing is left of the child. */
export function agentReap(agent: Agent): void {
  assert(agent.state == AGENT_DEAD, "agentReap: it is not over");
  orphan(agent);
  agentFree(agent);
}

function agentFree(agent: Agent): void {
  schedBury(agent);
  noticeRemove(noticeOf(agent));
  imageRelease(changetype<Image>(agent.image));
  const pool = changetype<Pool>(agent.pool);
  poolRelease(pool, AGENT_BYTES);
  poolDrop(pool);
  objectFree(changetype<usize>(agent));
}
