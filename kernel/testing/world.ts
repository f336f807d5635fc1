/**
 * The kernel's agent layer without a machine: a world in which a test makes any system call as any
 * agent, at any time that it likes, and looks at what became of it.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { NIC_NEVER, NIC_STARTING, NicController } from "../../hal/nic";
import { Agent, agentFind } from "../agent/agent";
import { createInit } from "../agent/create";
import { imageCreate, imageValid } from "../agent/image";
import { IMAGE_HEADER_BYTES, IMAGE_MAGIC_HIGH, IMAGE_MAGIC_LOW } from "../agent/image_format";
import { entropyDerive } from "../cap/entropy";
import { agentFault } from "../agent/fault";
import { createObjects } from "../agent/start";
import { lifeStep } from "../agent/work";
import { AGENT_RUNNING } from "../agent/states";
import { elfRead, ElfSummary } from "../agent/elf";
import { Image } from "../agent/image";
import { createCallState, createKernelCpus, kernelCpu } from "../cpu/cpu";
import { frameAllocZeroed, framesAdd, OWNER_KERNEL } from "../mm/frames";
import { userPage } from "../mm/user";
import { createKernelSpace } from "../mm/space";
import { Pool } from "../mm/pool";
import { linkDeliver } from "../network/link";
import { createNetwork, network } from "../network/network";
import { createPanic } from "../panic";
import { schedPick } from "../sched/scheduler";
import { kernel, rootAllocate } from "../state";
import { Call } from "../syscall/call";
import { dispatch } from "../syscall/dispatch";
import { STATUS_OBJECT_GONE } from "../syscall/status";
import { setUpFrames } from "./index";

/** Builds a world of `cpus` CPUs and `ramBytes` of RAM; the first agent's identifier, 0 without RAM. */
export function worldCreate(cpus: u32, ramBytes: u32): u64 {
  framesAdd(setUpFrames(<u32>(ramBytes / PAGE_BYTES)), ramBytes);
  createPanic();
  createKernelCpus();
  kernel().cpuCount = cpus;
  for (let index: u32 = 0; index < cpus; index++) {
    const cpu = kernelCpu(index);
    cpu.index = index;
    cpu.online = 1;
    createCallState(cpu);
  }
  createNetwork();
  pretendNetwork();
  if (!createKernelSpace() || !createObjects(cpus)) return 0;
  entropyDerive();
  const image = emptyImage();
  if (image == 0 || !createInit(changetype<Image>(image), changetype<Pool>(kernel().pool))) return 0;
  kernel().scheduling = 1;
  return changetype<Agent>(kernel().init).id;
}

/** A controller that never has started: links can be opened, frames come from `worldFrame`, none goes out. */
function pretendNetwork(): void {
  const nic = changetype<NicController>(rootAllocate(offsetof<NicController>()));
  nic.state = NIC_STARTING;
  nic.deadline = NIC_NEVER;
  network().nic = changetype<usize>(nic);
}

/** The network controller has taken the frame of `bytes` bytes at linear address `at`. */
export function worldFrame(at: usize, bytes: u32): void {
  kernel().entered = 0;
  linkDeliver(at, bytes);
}

function emptyImage(): usize {
  const page = frameAllocZeroed(0, OWNER_KERNEL);
  if (page == 0) return 0;
  store<u32>(pointer(page), IMAGE_MAGIC_LOW);
  store<u32>(pointer(page), IMAGE_MAGIC_HIGH, 4);
  return imageCreate(pointer(page), IMAGE_HEADER_BYTES);
}

/** Sets the time of what follows, ns. */
export function worldTime(now: u64): void {
  kernel().now = now;
}

/**
 * Makes a system call as `agent`, as if CPU `cpu` ran it; its status. What the call decided about
 * who runs next is carried out by `worldSchedule`.
 */
export function worldCall(
  cpu: u32,
  agent: u64,
  number: u32,
  capability: u64,
  a1: u64,
  a2: u64,
  a3: u64,
  a4: u64,
  a5: u64,
): u32 {
  const caller = agentFind(agent);
  if (caller == null) return STATUS_OBJECT_GONE;
  const call = changetype<Call>(kernelCpu(cpu).call);
  kernel().entered = cpu;
  call.number = number;
  call.cpu = cpu;
  call.agent = changetype<usize>(caller);
  call.capability = capability;
  call.a1 = a1;
  call.a2 = a2;
  call.a3 = a3;
  call.a4 = a4;
  call.a5 = a5;
  call.value = 0;
  return dispatch(call);
}

/** The second result of the last call on CPU `cpu`. */
export function worldValue(cpu: u32): u64 {
  return changetype<Call>(kernelCpu(cpu).call).value;
}

/** One step of what CPU `cpu` has to do for agents' lives; whether more is left. */
export function worldLife(cpu: u32): bool {
  kernel().entered = cpu;
  return lifeStep(cpu);
}

/** Makes another image without text; its identifier, 0 when that can't be. */
export function worldEmptyImage(): u64 {
  const image = emptyImage();
  return image == 0 ? 0 : changetype<Image>(image).id;
}

/** Whether `bytes` bytes at linear address `at` would be an image. */
export function worldImageValid(at: usize, bytes: u64): bool {
  return imageValid(at, bytes);
}

/** Why the `bytes` bytes at linear address `at` are refused as an ELF file, or ELF_OK. */
export function worldElf(at: usize, bytes: u64): u32 {
  return elfRead(at, bytes, changetype<ElfSummary>(kernelCpu(0).scratch));
}

/** `agent` does what its processor doesn't allow. */
export function worldException(agent: u64, vector: u32, errorCode: u32, address: u64): void {
  agentFault(changetype<Agent>(agentFind(agent)), vector, errorCode, address);
}

/** Linear address of what `agent` has at `address`, which is brought in; 0 when it may not write there. */
export function worldReach(agent: u64, address: u64): usize {
  const found = agentFind(agent);
  return found == null ? 0 : userPage(found, address, true);
}

/** Where CPU `cpu` keeps the call that it carries out. */
export function worldCallAddress(cpu: u32): usize {
  return kernelCpu(cpu).call;
}

/** Lets CPU `cpu` do a step for agents' lives and choose; the identifier of the agent that it runs now, 0 when it idles. */
export function worldSchedule(cpu: u32): u64 {
  kernel().entered = cpu;
  const self = kernelCpu(cpu);
  self.reschedule = 0;
  lifeStep(cpu);
  const next = schedPick(cpu);
  if (self.current != 0) changetype<Agent>(self.current).running = 0;
  self.current = next;
  if (next == 0) return 0;
  assert(changetype<Agent>(next).state == AGENT_RUNNING, "worldSchedule: picked agent is not running");
  changetype<Agent>(next).running = cpu + 1;
  return changetype<Agent>(next).id;
}
