/** System calls: waiting, timers, and giving the processor up. */
import { Agent } from "../agent/agent";
import { AGENT_SUSPENDED, AGENT_WAITING } from "../agent/states";
import { suspendInWait } from "../agent/suspend";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { RIGHT_CRYPTO, RIGHT_RECEIVE, RIGHT_WAIT } from "../cap/rights";
import { deadlineReserve } from "../ipc/deadline";
import { timerMake } from "../ipc/endpoints";
import { WAIT_MAILBOX, WAIT_NOTICES } from "../ipc/flags";
import { noticeRead } from "../ipc/notice";
import { ipc } from "../ipc/state";
import { IntervalTimer } from "../ipc/timer";
import { NOT_READY, targetAt, waitEnter, waitRearm, waitReserve, waitTake } from "../ipc/wait";
import { WaitNode } from "../ipc/wait_node";
import { WAIT_DONATE } from "../ipc/wait_set";
import { batonPass } from "../ipc/wake";
import { TIMERS_PER_AGENT_MAX, WAIT_MAX } from "../limits";
import { Pool, poolCharge, poolRelease } from "../mm/pool";
import { KIND_ENDPOINT, KIND_KERNEL, KIND_TIMER } from "../object/kinds";
import { objectShortage } from "../object/slab";
import { schedStop, schedYield } from "../sched/scheduler";
import { NEVER, now } from "../time";
import { Call, callerOf } from "./call";
import { NOTICE_BYTES } from "./ipc_layouts";
import { nameObject, roomForObject } from "./name";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_LIMIT,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_QUOTA,
  STATUS_RIGHTS_MISSING,
  STATUS_TIMED_OUT,
  STATUS_TOO_LARGE,
} from "./status";
import { readStructure, structureStatus } from "./structure";

/** What can be waited for. */
const WAITABLE: u32 = (1 << KIND_ENDPOINT) | (1 << KIND_TIMER) | (1 << KIND_KERNEL);
const FLAGS: u64 = WAIT_MAILBOX | WAIT_NOTICES;

/** Wait: a1 list of capabilities, a2 how many, a3 deadline, a4 flags, a5 where a notice goes, or 0. */
export function wait(call: Call): u32 {
  const agent = callerOf(call);
  if (call.a2 > <u64>WAIT_MAX) return STATUS_TOO_LARGE;
  if ((call.a4 & ~FLAGS) != 0) return STATUS_BAD_ARGUMENT;
  // Nothing could end it but its agent's end.
  if (call.a2 == 0 && call.a4 == 0 && call.a3 == NEVER) return STATUS_BAD_ARGUMENT;
  let status = call.a5 == 0 ? STATUS_OK : noticeStatus(call);
  if (status == STATUS_OK && call.a2 != 0) status = readList(call, agent, <u32>call.a2);
  if (status != STATUS_OK) return status;
  return waitFor(call, agent, <u32>call.a2, <u32>call.a4);
}

function noticeStatus(call: Call): u32 {
  if ((call.a4 & WAIT_NOTICES) == 0) return STATUS_BAD_ARGUMENT;
  return structureStatus(call, call.a5, NOTICE_BYTES, true);
}

/** Looks the capabilities of the list up; what they name is then in `IpcState.targets`. */
function readList(call: Call, agent: Agent, count: u32): u32 {
  const list = ipc().list;
  const status = readStructure(call, call.a1, list, count << 3);
  if (status != STATUS_OK) return status;
  for (let index: u32 = 0; index < count; index++) {
    const id = load<u64>(list + (<usize>index << 3));
    const found = capabilityLookup(agent, id, WAITABLE, 0);
    if (found != STATUS_OK) return found;
    const held = capabilityNamed(id);
    const needed = rightFor(held.kind);
    if ((held.rights & agent.rightsLeft & needed) != needed) return STATUS_RIGHTS_MISSING;
    if (isListed(held.target, index)) return STATUS_BAD_ARGUMENT;
    store<u32>(ipc().targets + (<usize>index << 2), held.target);
  }
  return STATUS_OK;
}

/** Whether the object is among the first `count` targets: nobody is twice in one queue. */
function isListed(target: usize, count: u32): bool {
  for (let index: u32 = 0; index < count; index++) if (targetAt(index) == target) return true;
  return false;
}

function rightFor(kind: u32): u32 {
  if (kind == KIND_ENDPOINT) return RIGHT_RECEIVE;
  return kind == KIND_TIMER ? RIGHT_WAIT : RIGHT_CRYPTO;
}

/** Takes what is there of the targets, or blocks; flags say what else is waited for. */
function waitFor(call: Call, agent: Agent, count: u32, flags: u32): u32 {
  const ready = waitTake(agent, count, flags);
  if (ready != NOT_READY) {
    batonPass(agent);
    call.value = ready;
    return noticeRead(agent, ready, call.a5);
  }
  if (call.a3 <= now()) {
    batonPass(agent);
    return STATUS_TIMED_OUT;
  }
  const status = waitReserve(agent, count);
  if (status != STATUS_OK) return status;
  batonPass(agent);
  waitEnter(agent, count, flags, call.a3, call.a5);
  // Another CPU may have suspended it since its last instruction: this entry has overtaken that CPU's interrupt.
  if (agent.state == AGENT_SUSPENDED) suspendInWait(agent);
  else schedStop(agent, AGENT_WAITING);
  return STATUS_OK;
}

/** DonateTo: a1 deadline. */
export function donateTo(call: Call): u32 {
  store<u32>(ipc().targets, <u32>call.object);
  call.a3 = call.a1;
  call.a5 = 0;
  return waitFor(call, callerOf(call), 1, WAIT_MAILBOX | WAIT_DONATE);
}

/** TimerSet: a1 timer or 0 for a new one, a2 first expiry, a3 period or 0. */
export function timerSet(call: Call): u32 {
  if (call.a3 == NEVER) return STATUS_BAD_ARGUMENT;
  const agent = callerOf(call);
  if (call.a1 == 0) return timerCreate(call, agent);
  const status = capabilityLookup(agent, call.a1, 1 << KIND_TIMER, RIGHT_WAIT);
  if (status != STATUS_OK) return status;
  const timer = changetype<IntervalTimer>(capabilityNamed(call.a1).target);
  // Those that wait for it may come into this CPU's heap.
  if (!deadlineReserve(timer.waitCount)) return STATUS_NO_MEMORY;
  setTimer(call, timer, call.a1);
  return STATUS_OK;
}

function timerCreate(call: Call, agent: Agent): u32 {
  if (agent.timerCount >= TIMERS_PER_AGENT_MAX) return STATUS_LIMIT;
  const pool = changetype<Pool>(agent.pool);
  const room = roomForObject(call, pool, offsetof<IntervalTimer>());
  if (room != STATUS_OK) return room;
  if (!poolCharge(pool, offsetof<IntervalTimer>())) return STATUS_QUOTA;
  const made = timerMake(agent);
  if (made == 0) {
    poolRelease(pool, offsetof<IntervalTimer>());
    return objectShortage(KIND_TIMER);
  }
  nameObject(call, KIND_TIMER, made);
  setTimer(call, changetype<IntervalTimer>(made), call.value);
  return STATUS_OK;
}

function setTimer(call: Call, timer: IntervalTimer, named: u64): void {
  timer.expiry = call.a2;
  timer.period = call.a3;
  call.value = named;
  let at = timer.waitFirst;
  while (at != 0) {
    const node = changetype<WaitNode>(at);
    at = node.next;
    waitRearm(changetype<Agent>(node.agent));
  }
}

export function yieldCpu(call: Call): u32 {
  schedYield(callerOf(call));
  return STATUS_OK;
}
