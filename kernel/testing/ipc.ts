/** Communication without a machine, for tests and benchmarks. */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { Agent, agentFind, contextOf } from "../agent/agent";
import { ipcDrop, ipcEnd } from "../ipc/drop";
import { noticePost } from "../ipc/notice";
import { ipcTimers, waitPark, waitUnpark } from "../ipc/wait";
import { noticeOf } from "../agent/agent";
import { AddressSpace, spaceCreate } from "../mm/address_space";
import { frameAllocZeroed, OWNER_AGENT } from "../mm/frames";
import { mapPage, PAGE_4K, PTE_USER, PTE_WRITABLE, translate, NOT_MAPPED } from "../mm/paging";
import { schedReady } from "../sched/scheduler";
import { kernel } from "../state";

function agentNamed(id: u64): Agent {
  return changetype<Agent>(agentFind(id));
}

/** Makes `count` pages of memory for `agent` at `address`. */
export function worldPages(agent: u64, address: u64, count: u32): bool {
  const owner = agentNamed(agent);
  if (owner.space == 0) owner.space = spaceCreate();
  const root = changetype<AddressSpace>(owner.space).root;
  for (let page: u32 = 0; page < count; page++) {
    const frame = frameAllocZeroed(0, OWNER_AGENT);
    const flags = PTE_USER | PTE_WRITABLE;
    if (frame == 0 || mapPage(root, address + page * PAGE_BYTES, frame, PAGE_4K, flags) != 0) return false;
  }
  return true;
}

/** Linear address of what `agent` has at `address`; 0 for nothing. */
export function worldLinear(agent: u64, address: u64): usize {
  const at = translate(changetype<AddressSpace>(agentNamed(agent).space).root, address);
  return at == NOT_MAPPED ? 0 : pointer(at);
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
