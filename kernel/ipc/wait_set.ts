/** The nodes of one agent: what it waits for, in the order in which it named it. */
import { Agent, waitNodeOf } from "../agent/agent";
import { WAIT_MAX } from "../limits";
import { Pool, poolCharge, poolRelease } from "../mm/pool";
import { KIND_WAIT } from "../object/kinds";
import { KernelObject, objectAllocate, objectReturn, objectShortage } from "../object/slab";
import { STATUS_OK, STATUS_QUOTA } from "../syscall/status";
import { WaitNode } from "./wait_node";

/** Flags of `Agent.waitFlags` beside those of flags.ts. In DonateTo: for a message of one sender. */
export const WAIT_DONATE: u32 = 1 << 8;
/** Suspended in a wait: the nodes remember what for, and are in no queue. */
export const WAIT_PARKED: u32 = 1 << 9;
/** In a wait at all. */
export const WAIT_ENTERED: u32 = 1 << 10;

/** Bytes of the block with all nodes but the first. */
export const WAIT_BLOCK_BYTES: u32 = offsetof<KernelObject>() + (WAIT_MAX - 1) * offsetof<WaitNode>();

/** Node `index` of `agent`; all but the first are in the block. */
@inline
export function nodeAt(agent: Agent, index: u32): WaitNode {
  if (index == 0) return waitNodeOf(agent);
  const nodes = agent.waitNodes + offsetof<KernelObject>();
  return changetype<WaitNode>(nodes + <usize>(index - 1) * offsetof<WaitNode>());
}

/** Makes sure that `agent` has `count` nodes. */
export function nodesReserve(agent: Agent, count: u32): u32 {
  if (count <= 1 || agent.waitNodes != 0) return STATUS_OK;
  const pool = changetype<Pool>(agent.pool);
  if (!poolCharge(pool, WAIT_BLOCK_BYTES)) return STATUS_QUOTA;
  agent.waitNodes = objectAllocate(KIND_WAIT, agent.cpu);
  if (agent.waitNodes != 0) return STATUS_OK;
  poolRelease(pool, WAIT_BLOCK_BYTES);
  return objectShortage(KIND_WAIT);
}

/** Gives the block back; the agent must not wait. */
export function nodesFree(agent: Agent): void {
  if (agent.waitNodes == 0) return;
  objectReturn(agent.waitNodes);
  agent.waitNodes = 0;
  poolRelease(changetype<Pool>(agent.pool), WAIT_BLOCK_BYTES);
}
