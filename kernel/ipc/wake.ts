/**
 * Waking: exactly one agent for each message, byte range or count, the one that has waited longest.
 *
 * An event or a mutex is taken by the wake itself. Messages, bytes and operations stay where they are,
 * and the woken agent comes for them. It carries the *baton* of the object meanwhile: should it end, be
 * suspended or wait again without having looked there, the baton, and the wake with it, goes to the
 * next one in the queue. So nobody sleeps beside something that is there, unless somebody awake is
 * on the way to it.
 */
import { Agent } from "../agent/agent";
import { agentWake } from "../agent/wake";
import { setResult } from "../cpu/switch";
import { idKind } from "../object/id";
import { KIND_ENDPOINT, KIND_KERNEL } from "../object/kinds";
import { KernelObject, objectFind } from "../object/slab";
import { kernel } from "../state";
import { STATUS_ABANDONED, STATUS_OK } from "../syscall/status";
import { deadlineRemove } from "./deadline";
import { donationEnd } from "./donation";
import { Endpoint, waitersOf } from "./endpoint";
import { ENDPOINT_PIPE, ENDPOINT_QUEUE } from "./endpoint_kinds";
import { READY_MAILBOX, WAIT_MAILBOX } from "./flags";
import { ipc, operationWaiters } from "./state";
import { nodeAt, WAIT_DONATE, WAIT_PARKED } from "./wait_set";
import { WaitNode } from "./wait_node";
import { WaitQueue, waitUnlink } from "./wait_queue";

/** Takes `agent` out of all queues that it waits in, and the heap of deadlines. */
export function waitLeave(agent: Agent): void {
  for (let index: u32 = 0; index < agent.waitCount; index++) waitUnlink(nodeAt(agent, index));
  deadlineRemove(agent);
  donationEnd(agent);
}

/** Ends the wait of `agent` with this result. */
export function waitEnd(agent: Agent, status: u32, value: u64): void {
  waitLeave(agent);
  agent.waitCount = 0;
  agent.waitFlags = 0;
  setResult(agent, status, value);
  agentWake(agent);
}

/** Ends the wait whose node is first in the queue: it gets its index, and `extra` beside it. */
@inline
export function wakeFirst(queue: WaitQueue, extra: u32): Agent {
  const node = changetype<WaitNode>(queue.first);
  const agent = changetype<Agent>(node.agent);
  waitEnd(agent, STATUS_OK, ((<u64>extra) << 32) | node.index);
  return agent;
}

/** Something has come to a queue or a pipe. */
@inline
export function wakeForContent(endpoint: Endpoint): void {
  if (endpoint.waitCount != 0) wakeFirst(waitersOf(endpoint), 0).baton = endpoint.id;
}

/** An operation has come for any of the services. */
export function wakeForOperation(): void {
  const waiters = operationWaiters();
  if (waiters.count != 0) wakeFirst(waiters, 0).baton = changetype<KernelObject>(kernel().authority).id;
}

/**
 * `agent` has been at `object`, and if it was woken for that it has taken what it came for or found
 * nothing. A call that is refused there, for want of room say, leaves it on its way.
 */
@inline
export function batonDrop(agent: Agent, object: u64): void {
  if (agent.baton == object) agent.baton = 0;
}

/** `agent` will not look at what it was woken for: the next one shall. */
export function batonPass(agent: Agent): void {
  if (agent.baton == 0) return;
  const object = agent.baton;
  agent.baton = 0;
  if (idKind(object) == KIND_KERNEL && ipc().pendingCount != 0) wakeForOperation();
  const found = objectFind(KIND_ENDPOINT, object);
  if (found == 0) return;
  const endpoint = changetype<Endpoint>(found);
  assert(endpoint.type == ENDPOINT_QUEUE || endpoint.type == ENDPOINT_PIPE, "batonPass: type");
  if (endpoint.count != 0) wakeForContent(endpoint);
}

/** A message from the agent named `sender` has come to `agent`'s mailbox. */
@inline
export function wakeForMessage(agent: Agent, sender: u64): void {
  const flags = agent.waitFlags;
  if ((flags & (WAIT_MAILBOX | WAIT_PARKED)) != WAIT_MAILBOX) return;
  if ((flags & WAIT_DONATE) != 0 && nodeAt(agent, 0).object != sender) return;
  waitEnd(agent, STATUS_OK, READY_MAILBOX);
}

/** What all those in the queue wait for is gone. */
export function abandon(queue: WaitQueue): void {
  while (queue.count != 0) {
    const node = changetype<WaitNode>(queue.first);
    waitEnd(changetype<Agent>(node.agent), STATUS_ABANDONED, node.index);
  }
}
