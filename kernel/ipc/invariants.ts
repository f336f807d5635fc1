/** What must hold of communication after every system call; each function is one named invariant. */
import { Agent } from "../agent/agent";
import { AGENT_DEAD, AGENT_SUSPENDED, AGENT_WAITING } from "../agent/states";
import {
  ENDPOINTS_PER_AGENT_MAX,
  IPC_MESSAGE_BYTES_MAX,
  MAILBOX_BYTES_MAX,
  MAILBOX_MESSAGES_MAX,
  OPERATIONS_PER_AGENT_MAX,
  TIMERS_PER_AGENT_MAX,
  WAITERS_MAX,
} from "../limits";
import { idKind } from "../object/id";
import { KIND_AGENT, KIND_ENDPOINT, KIND_KERNEL, KIND_MESSAGE, KIND_OPERATION, KIND_TIMER } from "../object/kinds";
import { KernelObject, objectFind, objectNext, slabOf } from "../object/slab";
import { heapHas, heapValid } from "../sched/heap";
import { kernel } from "../state";
import { NEVER } from "../time";
import { deadlinesOf } from "./deadline";
import { Endpoint, waitersOf } from "./endpoint";
import { ENDPOINT_EVENT, ENDPOINT_MUTEX, ENDPOINT_PIPE, ENDPOINT_QUEUE } from "./endpoint_kinds";
import { WAIT_MAILBOX, WAIT_NOTICES } from "./flags";
import { Message } from "./message";
import { mailboxOf, MessageQueue, queueOf } from "./message_queue";
import { Notice } from "./notice";
import { Operation, OPERATION_DONE, OPERATION_PENDING, OPERATION_TAKEN } from "./operation";
import { payloadPages } from "./payload";
import { ipc, operationWaiters } from "./state";
import { IntervalTimer, timerWaiters } from "./timer";
import { nodeAt, WAIT_DONATE, WAIT_PARKED } from "./wait_set";
import { WaitNode } from "./wait_node";
import { replyWaiters, WaitQueue } from "./wait_queue";

/** message-in-one-queue: each message is in one queue, whose counts are right and within its limits. */
export function messagesInOneQueue(): bool {
  let queued: u32 = 0;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    const mailbox = mailboxOf(agent);
    if (agent.mailboxLimit > MAILBOX_MESSAGES_MAX) return false;
    if (mailbox.count > agent.mailboxLimit || mailbox.bytes > MAILBOX_BYTES_MAX) return false;
    if (!queueHolds(mailbox)) return false;
    queued += mailbox.count;
  }
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at)) {
    const endpoint = changetype<Endpoint>(at);
    if (endpoint.type != ENDPOINT_QUEUE) continue;
    if (endpoint.count + endpoint.reserved > endpoint.capacity || !queueHolds(queueOf(endpoint))) return false;
    queued += endpoint.count + endpoint.reserved;
  }
  return queued == slabOf(KIND_MESSAGE).live;
}

/** Whether the queue is as long as it says, of live messages, and ends with its last one. */
function queueHolds(queue: MessageQueue): bool {
  let count: u32 = 0;
  let bytes: u32 = 0;
  let last: usize = 0;
  for (let at = queue.first; at != 0; at = changetype<Message>(at).next) {
    count += 1;
    if (count > queue.count || idKind(changetype<Message>(at).id) != KIND_MESSAGE) return false;
    bytes += changetype<Message>(at).bytes;
    last = at;
  }
  return count == queue.count && bytes == queue.bytes && last == queue.last;
}

/** message-paid: each message is paid by the pool of the agent or queue that it goes to, by its size. */
export function messagesPaid(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at))
    if (!paidBy(mailboxOf(changetype<Agent>(at)), changetype<Agent>(at).pool)) return false;
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at)) {
    const endpoint = changetype<Endpoint>(at);
    if (endpoint.type == ENDPOINT_QUEUE && !paidBy(queueOf(endpoint), endpoint.pool)) return false;
  }
  return true;
}

function paidBy(queue: MessageQueue, pool: usize): bool {
  for (let at = queue.first; at != 0; at = changetype<Message>(at).next) {
    const message = changetype<Message>(at);
    if (message.pool != pool || message.bytes > IPC_MESSAGE_BYTES_MAX) return false;
    if (message.pageCount != payloadPages(message.bytes)) return false;
  }
  return true;
}

/** message-has-sender: each message is from an agent or the kernel, in the order of its numbers, none beyond its last. */
export function messagesHaveSenders(): bool {
  for (let at = objectNext(KIND_MESSAGE, 0); at != 0; at = objectNext(KIND_MESSAGE, at)) {
    const message = changetype<Message>(at);
    const kind = idKind(message.sender);
    if ((kind != KIND_AGENT && kind != KIND_KERNEL) || message.sequence == 0) return false;
    const sender = objectFind(KIND_AGENT, message.sender);
    if (sender != 0 && message.sequence > changetype<Agent>(sender).sent) return false;
    const behind = message.next == 0 ? message : changetype<Message>(message.next);
    if (behind != message && behind.sender == message.sender && behind.sequence <= message.sequence) return false;
  }
  return true;
}

/** endpoint-owned: each endpoint and timer is in the list of its live owner, once, and within its limits. */
export function endpointsOwned(): bool {
  let owned: u32 = 0;
  let timers: u32 = 0;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.endpointCount > ENDPOINTS_PER_AGENT_MAX || agent.timerCount > TIMERS_PER_AGENT_MAX) return false;
    if (!ownsEndpoints(agent) || !ownsTimers(agent)) return false;
    owned += agent.endpointCount;
    timers += agent.timerCount;
  }
  return owned == slabOf(KIND_ENDPOINT).live && timers == slabOf(KIND_TIMER).live;
}

function ownsEndpoints(agent: Agent): bool {
  let count: u32 = 0;
  let previous: usize = 0;
  for (let at = agent.endpoints; at != 0; at = changetype<Endpoint>(at).next) {
    const endpoint = changetype<Endpoint>(at);
    count += 1;
    if (count > agent.endpointCount || endpoint.previous != previous) return false;
    if (endpoint.owner != changetype<usize>(agent) || idKind(endpoint.id) != KIND_ENDPOINT) return false;
    if (endpoint.count > endpoint.capacity) return false;
    if (endpoint.type == ENDPOINT_PIPE && (endpoint.ring == 0 || endpoint.head >= endpoint.capacity)) return false;
    previous = at;
  }
  return count == agent.endpointCount;
}

function ownsTimers(agent: Agent): bool {
  let count: u32 = 0;
  let previous: usize = 0;
  for (let at = agent.timers; at != 0; at = changetype<IntervalTimer>(at).next) {
    const timer = changetype<IntervalTimer>(at);
    count += 1;
    if (count > agent.timerCount || timer.previous != previous || timer.owner != changetype<usize>(agent)) return false;
    previous = at;
  }
  return count == agent.timerCount;
}

/** wait-node-linked: each queue of waiters is a chain of nodes of agents that name its object, within its limit. */
export function waitNodesLinked(): bool {
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at))
    if (!chainHolds(waitersOf(changetype<Endpoint>(at)), changetype<KernelObject>(at).id)) return false;
  for (let at = objectNext(KIND_TIMER, 0); at != 0; at = objectNext(KIND_TIMER, at))
    if (!chainHolds(timerWaiters(changetype<IntervalTimer>(at)), changetype<KernelObject>(at).id)) return false;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at))
    if (!chainHolds(replyWaiters(changetype<Agent>(at)), changetype<KernelObject>(at).id)) return false;
  return chainHolds(operationWaiters(), changetype<KernelObject>(kernel().authority).id);
}

function chainHolds(queue: WaitQueue, object: u64): bool {
  let count: u32 = 0;
  let previous: usize = 0;
  for (let at = queue.first; at != 0; at = changetype<WaitNode>(at).next) {
    const node = changetype<WaitNode>(at);
    count += 1;
    if (count > queue.count || node.previous != previous) return false;
    if (node.queue != changetype<usize>(queue) || node.object != object) return false;
    if (!belongs(node)) return false;
    previous = at;
  }
  return count == queue.count && previous == queue.last && count <= WAITERS_MAX;
}

/** Whether the node is one of those that its agent waits with. */
function belongs(node: WaitNode): bool {
  const agent = changetype<Agent>(node.agent);
  for (let index: u32 = 0; index < agent.waitCount; index++) if (nodeAt(agent, index) == node) return true;
  return false;
}

/**
 * wait-only-waiting: exactly the agents in the state WAITING, or suspended in it, are in a wait; the
 * nodes of a suspended one are in no queue, all others are in one.
 */
export function waitsMatchStates(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    const suspended = agent.state == AGENT_SUSPENDED && agent.resumeState == AGENT_WAITING;
    if ((agent.waitFlags != 0) != (agent.state == AGENT_WAITING || suspended)) return false;
    if (agent.waitFlags == 0 && (agent.waitCount != 0 || agent.waitPosition != 0)) return false;
    const parked = (agent.waitFlags & WAIT_PARKED) != 0;
    for (let index: u32 = 0; index < agent.waitCount; index++)
      if ((nodeAt(agent, index).queue == 0) != parked) return false;
  }
  return true;
}

/** wait-deadline-in-one-heap: whoever waits with an end is in one heap, by that end, and nobody else is. */
export function deadlinesHold(): bool {
  let filed: u32 = 0;
  for (let cpu: u32 = 0; cpu < kernel().cpuCount; cpu++) {
    if (!heapValid(deadlinesOf(cpu))) return false;
    filed += deadlinesOf(cpu).count;
  }
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    const waits = agent.waitFlags != 0 && (agent.waitFlags & WAIT_PARKED) == 0;
    const filedHere = waits && heapHas(deadlinesOf(agent.waitCpu), at);
    if (filedHere != (waits && agent.waitUntil != NEVER)) return false;
    if (waits && agent.waitUntil > agent.waitDeadline) return false;
    if (filedHere) filed -= 1;
  }
  return filed == 0;
}

/**
 * wait-for-what-is-not-there: nobody waits for what is there. Messages, bytes and operations may have
 * waiters only while somebody who was woken for them is on the way.
 */
export function nobodyWaitsInVain(): bool {
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at)) {
    const endpoint = changetype<Endpoint>(at);
    if (endpoint.waitCount == 0) continue;
    if (endpoint.type == ENDPOINT_MUTEX) {
      if (endpoint.holder == 0) return false;
    } else if (endpoint.count != 0 && (endpoint.type == ENDPOINT_EVENT || !batonIsCarried(endpoint.id))) return false;
  }
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    const flags = agent.waitFlags;
    if ((flags & WAIT_PARKED) != 0) continue;
    if ((flags & (WAIT_MAILBOX | WAIT_DONATE)) == WAIT_MAILBOX && agent.mailboxCount != 0) return false;
    if ((flags & WAIT_NOTICES) != 0 && agent.noticeCount != 0) return false;
  }
  const operations = changetype<KernelObject>(kernel().authority).id;
  return ipc().waitCount == 0 || ipc().pendingCount == 0 || batonIsCarried(operations);
}

function batonIsCarried(object: u64): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at))
    if (changetype<Agent>(at).baton == object) return true;
  return false;
}

/** mutex-holder-lives: a held mutex is in the list of one holder, who is not over; a free one in none. */
export function mutexHoldersLive(): bool {
  let held: u32 = 0;
  for (let at = objectNext(KIND_ENDPOINT, 0); at != 0; at = objectNext(KIND_ENDPOINT, at)) {
    const endpoint = changetype<Endpoint>(at);
    if (endpoint.type != ENDPOINT_MUTEX) continue;
    if ((endpoint.holder != 0) != (endpoint.count == 1)) return false;
    held += endpoint.count;
  }
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.mutexes != 0 && agent.state >= <u32>AGENT_DEAD) return false;
    let previous: usize = 0;
    for (let mutex = agent.mutexes; mutex != 0; mutex = changetype<Endpoint>(mutex).nextHeld) {
      const one = changetype<Endpoint>(mutex);
      if (held == 0 || one.holder != at || one.previousHeld != previous) return false;
      held -= 1;
      previous = mutex;
    }
  }
  return held == 0;
}

/** operation-in-its-list: each operation is in its asker's list, and in that of its state. */
export function operationsListed(): bool {
  let asked: u32 = 0;
  let pending: u32 = 0;
  let taken: u32 = 0;
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    if (agent.operationCount > OPERATIONS_PER_AGENT_MAX) return false;
    let count: u32 = 0;
    for (let one = agent.operations; one != 0; one = changetype<Operation>(one).nextAsked) {
      count += 1;
      if (count > agent.operationCount || changetype<Operation>(one).requester != at) return false;
    }
    if (count != agent.operationCount) return false;
    asked += count;
    const all = slabOf(KIND_OPERATION).live;
    for (let one = agent.takenOperations; one != 0; one = changetype<Operation>(one).next) {
      taken += 1;
      if (taken > all || changetype<Operation>(one).service != at) return false;
    }
  }
  for (let one = ipc().pendingFirst; one != 0; one = changetype<Operation>(one).next) {
    pending += 1;
    if (pending > ipc().pendingCount || changetype<Operation>(one).state != OPERATION_PENDING) return false;
  }
  return pending == ipc().pendingCount && operationStates(asked, pending, taken);
}

function operationStates(asked: u32, pending: u32, taken: u32): bool {
  for (let at = objectNext(KIND_OPERATION, 0); at != 0; at = objectNext(KIND_OPERATION, at)) {
    const operation = changetype<Operation>(at);
    if (operation.state == OPERATION_PENDING) pending -= 1;
    else if (operation.state == OPERATION_TAKEN) taken -= 1;
    else if (operation.state != OPERATION_DONE) return false;
    asked -= 1;
  }
  return asked == 0 && pending == 0 && taken == 0;
}

/** notice-listed: each list of notices is as long as it says, and its notices are its agent's. */
export function noticesListed(): bool {
  for (let at = objectNext(KIND_AGENT, 0); at != 0; at = objectNext(KIND_AGENT, at)) {
    const agent = changetype<Agent>(at);
    let count: u32 = 0;
    let previous: usize = 0;
    for (let one = agent.noticeFirst; one != 0; one = changetype<Notice>(one).next) {
      const notice = changetype<Notice>(one);
      count += 1;
      if (count > agent.noticeCount || notice.agent != at || notice.previous != previous) return false;
      previous = one;
    }
    if (count != agent.noticeCount || previous != agent.noticeLast) return false;
  }
  return true;
}
