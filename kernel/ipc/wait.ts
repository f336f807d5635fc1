/**
 * Waiting, the only thing in which the kernel keeps an agent. A wait is for any of up to 16 objects,
 * a message, a notice and a deadline; it is level-triggered: what is there already is not waited for.
 *
 * Everything that a wait needs is made before the agent blocks, so nothing can fail afterwards.
 */
import { Agent } from "../agent/agent";
import { agentOver } from "../agent/tree";
import { setResult } from "../cpu/switch";
import { WAITERS_MAX } from "../limits";
import { KIND_AGENT, KIND_ENDPOINT, KIND_KERNEL, KIND_TIMER } from "../object/kinds";
import { idKind } from "../object/id";
import { KernelObject, objectFind } from "../object/slab";
import { heapFirst } from "../sched/heap";
import { STATUS_ABANDONED, STATUS_LIMIT, STATUS_NO_MEMORY, STATUS_OK, STATUS_TIMED_OUT } from "../syscall/status";
import { NEVER, now } from "../time";
import { deadlineInsert, deadlineRemove, deadlineReserve, deadlinesOf, nextDeadline } from "./deadline";
import { donationBegin, donationStatus } from "./donation";
import { Endpoint, waitersOf } from "./endpoint";
import { ENDPOINT_EVENT, ENDPOINT_MUTEX } from "./endpoint_kinds";
import { READY_MAILBOX, READY_NOTICE, WAIT_MAILBOX, WAIT_NOTICES } from "./flags";
import { Message } from "./message";
import { mutexTake } from "./mutex";
import { noticeRead } from "./notice";
import { ipc, operationWaiters } from "./state";
import { IntervalTimer, timerTake, timerWaiters } from "./timer";
import { kernel } from "../state";
import { WaitNode } from "./wait_node";
import { nodeAt, nodesReserve, WAIT_DONATE, WAIT_ENTERED, WAIT_PARKED } from "./wait_set";
import { replyWaiters, WaitQueue, waitLink } from "./wait_queue";
import { batonPass, waitEnd, waitLeave } from "./wake";

/** Nothing that was asked for is there. */
export const NOT_READY: u64 = 0xffff_ffff_ffff_ffff;
/** Waits that one entry ends at most: the next timer interrupt goes on at once. */
const EXPIRE_MAX: u32 = 64;

/** Object `index` of the list that is being looked at (`IpcState.targets`). */
@inline
export function targetAt(index: u32): usize {
  return <usize>load<u32>(ipc().targets + (<usize>index << 2));
}

@inline
function kindOf(target: usize): u32 {
  return idKind(changetype<KernelObject>(target).id);
}

function queueFor(target: usize): WaitQueue {
  if (kindOf(target) == KIND_ENDPOINT) return waitersOf(changetype<Endpoint>(target));
  if (kindOf(target) == KIND_TIMER) return timerWaiters(changetype<IntervalTimer>(target));
  if (kindOf(target) == KIND_AGENT) return replyWaiters(changetype<Agent>(target));
  return operationWaiters();
}

/**
 * Takes the first thing that is there of the `count` targets, the mailbox and the notices: events
 * and expiries are used up, a mutex is held. The value of Wait, or NOT_READY.
 */
export function waitTake(agent: Agent, count: u32, flags: u32): u64 {
  if ((flags & WAIT_DONATE) != 0)
    return mailboxHolds(agent, changetype<Agent>(targetAt(0)).id) ? READY_MAILBOX : NOT_READY;
  for (let index: u32 = 0; index < count; index++) {
    const extra = takeFrom(targetAt(index), agent);
    if (extra != NOT_READY) return (extra << 32) | index;
  }
  if ((flags & WAIT_MAILBOX) != 0 && agent.mailboxCount != 0) return READY_MAILBOX;
  return (flags & WAIT_NOTICES) != 0 && agent.noticeCount != 0 ? READY_NOTICE : NOT_READY;
}

function takeFrom(target: usize, agent: Agent): u64 {
  const kind = kindOf(target);
  if (kind == KIND_TIMER) {
    const timer = changetype<IntervalTimer>(target);
    return timer.expiry <= now() ? timerTake(timer, now()) : NOT_READY;
  }
  if (kind == KIND_KERNEL) return ipc().pendingCount != 0 ? 0 : NOT_READY;
  const endpoint = changetype<Endpoint>(target);
  if (endpoint.type == ENDPOINT_MUTEX) return endpoint.holder == 0 ? mutexTake(endpoint, agent) : NOT_READY;
  if (endpoint.count == 0) return NOT_READY;
  if (endpoint.type == ENDPOINT_EVENT) endpoint.count -= 1;
  return 0;
}

/** Whether a message from the agent named `sender` is in `agent`'s mailbox. */
function mailboxHolds(agent: Agent, sender: u64): bool {
  for (let at = agent.mailboxFirst; at != 0; at = changetype<Message>(at).next)
    if (changetype<Message>(at).sender == sender) return true;
  return false;
}

/** The first mutex among the targets, which somebody holds; null for none. */
function mutexAmong(count: u32): Endpoint | null {
  for (let index: u32 = 0; index < count; index++) {
    const target = targetAt(index);
    if (kindOf(target) != KIND_ENDPOINT) continue;
    if (changetype<Endpoint>(target).type == ENDPOINT_MUTEX) return changetype<Endpoint>(target);
  }
  return null;
}

/** Who is to run on the time of the one that waits for the targets; null for nobody. */
function doneeOf(count: u32): Agent | null {
  if (count == 0) return null;
  if (kindOf(targetAt(0)) == KIND_AGENT) return changetype<Agent>(targetAt(0));
  const mutex = mutexAmong(count);
  return mutex == null ? null : changetype<Agent>(mutex.holder);
}

/** Whether `agent` can wait for the targets, and all that it takes has been made. */
export function waitReserve(agent: Agent, count: u32): u32 {
  for (let index: u32 = 0; index < count; index++)
    if (queueFor(targetAt(index)).count >= WAITERS_MAX) return STATUS_LIMIT;
  const donee = doneeOf(count);
  if (donee != null) {
    const status = donationStatus(agent, donee);
    if (status != STATUS_OK) return status;
  }
  if (!deadlineReserve(1)) return STATUS_NO_MEMORY;
  return nodesReserve(agent, count);
}

/** Puts `agent` into the queues of the targets, for which waitReserve has made room. */
export function waitEnter(agent: Agent, count: u32, flags: u32, deadline: u64, notice: u64): void {
  agent.waitFlags = flags | WAIT_ENTERED;
  agent.waitCount = count;
  agent.waitDeadline = deadline;
  agent.waitNotice = notice;
  for (let index: u32 = 0; index < count; index++) {
    const node = nodeAt(agent, index);
    node.object = changetype<KernelObject>(targetAt(index)).id;
    node.agent = changetype<usize>(agent);
    node.index = (flags & WAIT_DONATE) != 0 ? READY_MAILBOX : index;
    waitLink(queueFor(targetAt(index)), node);
  }
  const donee = doneeOf(count);
  if (donee != null) donationBegin(agent, donee, mutexAmong(count));
  arm(agent);
}

/** Files `agent` under the earliest time at which its wait has to be looked at. */
function arm(agent: Agent): void {
  let until = agent.waitDeadline;
  for (let index: u32 = 0; index < agent.waitCount; index++) {
    const object = nodeAt(agent, index).object;
    if (idKind(object) != KIND_TIMER) continue;
    until = min(until, changetype<IntervalTimer>(objectFind(KIND_TIMER, object)).expiry);
  }
  agent.waitUntil = until;
  if (until != NEVER) deadlineInsert(agent);
}

/** A timer that `agent` waits for has been set anew. */
export function waitRearm(agent: Agent): void {
  deadlineRemove(agent);
  arm(agent);
}

/**
 * Ends the waits on CPU `cpu` whose time has come, the earliest first, ties by identifier; when there
 * are very many, the rest at the next interrupt, which comes at once.
 */
export function ipcTimers(cpu: u32, time: u64): void {
  for (let ended: u32 = 0; ended < EXPIRE_MAX && nextDeadline(cpu) <= time; ended++)
    expire(changetype<Agent>(heapFirst(deadlinesOf(cpu))), time);
}

function expire(agent: Agent, time: u64): void {
  for (let index: u32 = 0; index < agent.waitCount; index++) {
    const object = nodeAt(agent, index).object;
    if (idKind(object) != KIND_TIMER) continue;
    const timer = changetype<IntervalTimer>(objectFind(KIND_TIMER, object));
    if (timer.expiry <= time) return waitEnd(agent, STATUS_OK, ((<u64>timerTake(timer, time)) << 32) | index);
  }
  if (agent.waitDeadline <= time) return waitEnd(agent, STATUS_TIMED_OUT, 0);
  // Somebody else, who waited for the same timer, has taken the expiry.
  waitRearm(agent);
}

/** `agent` is suspended: if it waits, it leaves the queues, and somebody else gets what would come. */
export function waitPark(agent: Agent): void {
  batonPass(agent);
  if ((agent.waitFlags & WAIT_ENTERED) == 0) return;
  waitLeave(agent);
  agent.waitFlags |= WAIT_PARKED;
}

/**
 * `agent` is resumed: whether it goes on waiting. If not, its wait has a result: something was
 * there, the deadline is past, an object is gone, or there was no room to wait on.
 */
export function waitUnpark(agent: Agent): bool {
  if ((agent.waitFlags & WAIT_PARKED) == 0) return false;
  const flags = agent.waitFlags & ~WAIT_PARKED;
  const count = agent.waitCount;
  agent.waitFlags = 0;
  agent.waitCount = 0;
  for (let index: u32 = 0; index < count; index++) {
    const node = nodeAt(agent, index);
    const found = objectOf(node);
    if (found == 0 || isOver(found)) return settle(agent, STATUS_ABANDONED, node.index);
    store<u32>(ipc().targets + (<usize>index << 2), found);
  }
  const ready = waitTake(agent, count, flags);
  if (ready != NOT_READY) return settle(agent, noticeRead(agent, ready, agent.waitNotice), ready);
  if (agent.waitDeadline <= now()) return settle(agent, STATUS_TIMED_OUT, 0);
  const status = waitReserve(agent, count);
  if (status != STATUS_OK) return settle(agent, status, 0);
  waitEnter(agent, count, flags, agent.waitDeadline, agent.waitNotice);
  return true;
}

/** The object that a parked node is for; 0 when it is gone. The kernel itself is in no table. */
function objectOf(node: WaitNode): usize {
  const kind = idKind(node.object);
  return kind == KIND_KERNEL ? kernel().authority : objectFind(kind, node.object);
}

/** Whether the object is an agent that will answer nobody any more. */
function isOver(object: usize): bool {
  return kindOf(object) == KIND_AGENT && agentOver(changetype<Agent>(object));
}

function settle(agent: Agent, status: u32, value: u64): bool {
  setResult(agent, status, value);
  return false;
}
