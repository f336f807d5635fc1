/**
 * TLBs. A CPU that changes page tables invalidates its own TLB; others that run on the same tables
 * are interrupted (VECTOR_SHOOTDOWN), and nobody waits for them. Until they have answered, frames
 * that they may still reach are in quarantine: unmapped, and not yet free.
 *
 * A batch of frames leaves quarantine when every CPU that knew them has loaded CR3 since, which
 * drops all that its TLB knows of a space (Intel SDM 3A, 4.10.4.1; PCIDs are not used).
 *
 * A CPU loads CR3 when it turns to another space, so at most the one that executes the agent holds
 * translations of it. `generation` counts what that one has not seen.
 */
import { interruptsSend } from "../../hal/interrupts";
import { invalidatePage, writeControl } from "../../hal/x86_64/machine";
import { Agent } from "../agent/agent";
import { interruptController } from "../boot/interrupts";
import { KernelCpu, kernelCpu } from "../cpu/cpu";
import { VECTOR_SHOOTDOWN } from "../cpu/vector_numbers";
import { kernel, Ptr, rootAllocate } from "../state";
import { AddressSpace, rootOf } from "./address_space";
import { frameAssign, frameAt, frameFree, OWNER_QUARANTINE } from "./frames";
import { paging } from "./paging";

/** Batches on their way; a further one joins the youngest. */
const BATCHES: u32 = 16;
/** Pages that are invalidated one by one; above, loading CR3 is cheaper. */
export const INVALIDATE_MAX: u32 = 32;

@unmanaged
export class Batch {
  /** Physical addresses of the first and the last frame; each frame's entry names the next one. */
  first: u64;
  last: u64;
  /** CPUs that have not answered yet. */
  waiting: u64;
}

@unmanaged
export class Quarantine {
  /** A ring of batches, oldest first. */
  batches: Ptr<Batch>;
  head: u32;
  count: u32;
  /** Frames in all batches. */
  frames: u32;
  /** 1 while the running entry may add to the youngest batch. */
  open: u32;
  /** Interrupts sent to other CPUs. */
  sent: u64;
}

@inline
export function quarantine(): Quarantine {
  return changetype<Quarantine>(kernel().quarantine);
}

@inline
function batchAt(index: u32): Batch {
  return changetype<Batch>(quarantine().batches + <usize>(index % BATCHES) * offsetof<Batch>());
}

export function createQuarantine(): void {
  kernel().quarantine = rootAllocate(offsetof<Quarantine>());
  quarantine().batches = rootAllocate(<usize>BATCHES * offsetof<Batch>());
}

/** CPUs other than the running one whose TLBs may know the space. */
@inline
export function othersOf(space: AddressSpace): u64 {
  return space.cpus & ~(<u64>1 << kernel().entered);
}

/** Frees a frame of the space, as soon as no TLB knows it. `shootdown` follows in the same entry. */
export function retire(space: AddressSpace, frame: u64): void {
  const others = othersOf(space);
  if (others == 0) return frameFree(frame);
  frameAssign(frame, OWNER_QUARANTINE);
  const state = quarantine();
  if (state.count == 0 || (state.open == 0 && state.count < BATCHES)) {
    const fresh = batchAt(state.head + state.count);
    fresh.first = 0;
    fresh.waiting = 0;
    state.count += 1;
  }
  state.open = 1;
  state.frames += 1;
  const batch = batchAt(state.head + state.count - 1);
  frameAt(frame).next = 0;
  batch.waiting |= others;
  if (batch.first == 0) batch.first = frame;
  else link(batch.last, frame);
  batch.last = frame;
}

/** Frame entries have room for 32 bits: a page's number. */
@inline
function link(from: u64, to: u64): void {
  frameAt(from).next = <u32>(to >> 12);
}

/** Tells the TLBs that know the space that `pages` pages from `address` on have changed. */
export function shootdown(space: AddressSpace, address: u64, pages: u32): void {
  quarantine().open = 0;
  const self = kernelCpu(kernel().entered);
  if (self.space == changetype<usize>(space)) {
    if (pages > INVALIDATE_MAX) writeControl(3, self.root);
    else for (let page: u32 = 0; page < pages; page++) invalidatePage(address + (<u64>page << 12));
  }
  const others = othersOf(space);
  if (others == 0) return;
  space.generation += 1;
  for (let left = others; left != 0; left &= left - 1) {
    quarantine().sent += 1;
    interruptsSend(interruptController(), kernelCpu(<u32>ctz(left)).apicId, VECTOR_SHOOTDOWN);
  }
}

/** VECTOR_SHOOTDOWN on CPU `index`: it forgets all that it knows of its space. */
export function shootdownInterrupt(index: u32): void {
  const cpu = kernelCpu(index);
  if (cpu.current != 0) {
    cpu.root = 0;
    spaceUse(cpu, changetype<Agent>(cpu.current));
  } else useKernelSpace(cpu);
}

/** Makes the CPU translate for `agent`, with nothing of its TLB out of date. */
export function spaceUse(cpu: KernelCpu, agent: Agent): void {
  const root = rootOf(agent);
  if (
    cpu.root == root &&
    (agent.space == 0 || cpu.generation == changetype<AddressSpace>(agent.space).generation)
  )
    return;
  switchRoot(cpu, agent.space, root);
}

/** Makes the CPU translate for the kernel alone. */
export function useKernelSpace(cpu: KernelCpu): void {
  if (cpu.root != paging().root) switchRoot(cpu, 0, paging().root);
}

function switchRoot(cpu: KernelCpu, space: usize, root: u64): void {
  const self = <u64>1 << cpu.index;
  if (cpu.space != 0) changetype<AddressSpace>(cpu.space).cpus &= ~self;
  cpu.space = space;
  if (space != 0) {
    changetype<AddressSpace>(space).cpus |= self;
    cpu.generation = changetype<AddressSpace>(space).generation;
  }
  cpu.root = root;
  writeControl(3, root);
  if (quarantine().count != 0) acknowledge(cpu.index);
}

/** No TLB of a CPU names the space, which ends, any more: they are told by `shootdown`. */
export function spaceForget(space: AddressSpace): void {
  const self = kernelCpu(kernel().entered);
  if (self.space == changetype<usize>(space)) useKernelSpace(self);
  for (let left = space.cpus; left != 0; left &= left - 1) {
    const cpu = kernelCpu(<u32>ctz(left));
    cpu.space = 0;
    cpu.root = 0;
  }
}

/** CPU `index` has dropped all translations of agents: frees what nobody else may reach. */
function acknowledge(index: u32): void {
  const state = quarantine();
  state.open = 0;
  for (let number: u32 = 0; number < state.count; number++)
    batchAt(state.head + number).waiting &= ~(<u64>1 << index);
  while (state.count != 0 && batchAt(state.head).waiting == 0) {
    freeBatch(batchAt(state.head));
    state.head = (state.head + 1) % BATCHES;
    state.count -= 1;
  }
}

function freeBatch(batch: Batch): void {
  let left = batch.first != 0;
  for (let frame = batch.first; left; ) {
    const next = <u64>frameAt(frame).next << 12;
    left = frame != batch.last;
    frameFree(frame);
    quarantine().frames -= 1;
    frame = next;
  }
}
