/** Communication without a machine, for tests and benchmarks. */
import { PAGE_BYTES } from "../../hal/memory";
import { Agent, agentFind, contextOf, noticeOf } from "../agent/agent";
import { kernelCpu } from "../cpu/cpu";
import { ipcDrop, ipcEnd } from "../ipc/drop";
import { noticePost } from "../ipc/notice";
import { SEND_MOVE } from "../ipc/flags";
import { ipcTimers, waitPark, waitUnpark } from "../ipc/wait";
import { memoryAllocate } from "../mm/memory";
import { Pool } from "../mm/pool";
import { PROTECTION_READ, PROTECTION_WRITE } from "../mm/protection";
import { userPage } from "../mm/user";
import { schedReady } from "../sched/scheduler";
import { kernel } from "../state";
import { Call } from "../syscall/call";
import { dispatch } from "../syscall/dispatch";
import { SYSCALL_IPC_RECV, SYSCALL_IPC_SEND } from "../syscall/numbers";

/** More than any test maps, bytes. */
const SPARE: u64 = 1 << 30;

function agentNamed(id: u64): Agent {
  return changetype<Agent>(agentFind(id));
}

/** Gives `agent` `count` pages of memory at `address`, all of them there, that nobody's quota pays. */
export function worldPages(agent: u64, address: u64, count: u32): bool {
  const owner = agentNamed(agent);
  const pool = changetype<Pool>(owner.pool);
  const before = pool.used;
  pool.quota += SPARE;
  const flags: u64 = PROTECTION_READ | PROTECTION_WRITE;
  const made = memoryAllocate(owner, pool, address, <u64>count * PAGE_BYTES, flags) == address;
  pool.quota += pool.used - before - SPARE;
  for (let page: u32 = 0; made && page < count; page++) userPage(owner, address + page * PAGE_BYTES, true);
  return made;
}

/** Linear address of what `agent` has at `address`, which is brought in; 0 for nothing. */
export function worldLinear(agent: u64, address: u64): usize {
  return userPage(agentNamed(agent), address, true);
}

export function worldReady(agent: u64): void {
  schedReady(agentNamed(agent));
}

/** RAX and RDX that `agent` will go on with: the result of the wait that has ended. */
export function worldResult(agent: u64): u64 {
  return contextOf(agentNamed(agent)).rax;
}

export function worldResultValue(agent: u64): u64 {
  return contextOf(agentNamed(agent)).rdx;
}

/** The timer of CPU `cpu` interrupts. */
export function worldTimer(cpu: u32): void {
  kernel().entered = cpu;
  ipcTimers(cpu, kernel().now);
}

export function worldNotice(agent: u64, about: u64, kind: u32, status: u64, value: u64): void {
  noticePost(agentNamed(agent), noticeOf(agentNamed(about)), kind, status, value);
}

export function worldPark(agent: u64): void {
  waitPark(agentNamed(agent));
}

export function worldUnpark(agent: u64): bool {
  return waitUnpark(agentNamed(agent));
}

/** What communication does when `agent` ends; what is left of the units. */
export function worldIpcDrop(agent: u64, units: i32): i32 {
  ipcEnd(agentNamed(agent));
  return ipcDrop(agentNamed(agent), units);
}

/**
 * `count` times: `sender` sends `bytes` bytes to what `target` names, and `receiver` receives them
 * from what `source` names. Everything behind the entry of a system call; the sum of the statuses.
 */
export function ipcPairs(
  sender: u64,
  target: u64,
  receiver: u64,
  source: u64,
  address: u64,
  bytes: u32,
  header: u64,
  count: u32,
): u32 {
  const call = changetype<Call>(kernelCpu(0).call);
  const from = changetype<usize>(agentNamed(sender));
  const to = changetype<usize>(agentNamed(receiver));
  kernel().entered = 0;
  let sum: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    call.number = SYSCALL_IPC_SEND;
    call.agent = from;
    call.capability = target;
    call.a1 = address;
    call.a2 = bytes;
    call.a3 = 0;
    call.a4 = 0;
    sum += dispatch(call);
    call.number = SYSCALL_IPC_RECV;
    call.agent = to;
    call.capability = source;
    call.a2 = bytes;
    call.a3 = header;
    sum += dispatch(call);
  }
  return sum;
}

/**
 * `count` times: pages go from `one` to `other` and back, from and to `address` of each. `oneTo` is
 * what `one` sends with, `otherTo` the other's; `oneSelf` and `otherSelf` what they receive from.
 */
export function ipcMoves(
  one: u64,
  oneSelf: u64,
  oneTo: u64,
  other: u64,
  otherSelf: u64,
  otherTo: u64,
  address: u64,
  bytes: u32,
  count: u32,
): u32 {
  const first = changetype<usize>(agentNamed(one));
  const second = changetype<usize>(agentNamed(other));
  let sum: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    sum += ipcMove(first, oneTo, second, otherSelf, address, bytes);
    sum += ipcMove(second, otherTo, first, oneSelf, address, bytes);
  }
  return sum;
}

function ipcMove(sender: usize, target: u64, receiver: usize, source: u64, address: u64, bytes: u32): u32 {
  const call = changetype<Call>(kernelCpu(0).call);
  call.number = SYSCALL_IPC_SEND;
  call.agent = sender;
  call.capability = target;
  call.a1 = address;
  call.a2 = bytes;
  call.a3 = SEND_MOVE;
  call.a4 = 0;
  const sent = dispatch(call);
  call.number = SYSCALL_IPC_RECV;
  call.agent = receiver;
  call.capability = source;
  call.a3 = 0;
  return sent + dispatch(call);
}

/** Copies `bytes` bytes `count` times within the page-aligned RAM at `from`: what one copy alone costs. */
export function copyMany(to: usize, from: usize, bytes: usize, count: u32): void {
  for (let index: u32 = 0; index < count; index++) memory.copy(to, from, bytes);
}
