/** What AgentInfo says of an agent, by name. */
import * as layouts from "../../kernel/syscall/layouts.ts";
import type { Structure } from "./calls.ts";

const STATES = [
  "none",
  "spawning",
  "ready",
  "running",
  "waiting",
  "suspended",
  "dead",
  "dying",
] as const;
export type AgentState = (typeof STATES)[number];

export const ENDS = ["none", "exited", "killed", "fault", "merged", "spawn-failed"] as const;
export type EndReason = (typeof ENDS)[number];
const CLASSES = ["fair", "realtime", "idle"] as const;

export interface AgentInfo {
  readonly id: number;
  readonly parent: number;
  readonly state: AgentState;
  readonly class: (typeof CLASSES)[number];
  readonly weight: number;
  readonly flags: number;
  readonly endReason: EndReason;
  /** What it or its killer said; for a fault, error code << 8 | vector. */
  readonly endCode: bigint;
  readonly faultAddress: bigint;
  readonly children: number;
  /** Agents in its tree that are not over, itself included. */
  readonly tree: number;
  readonly depth: number;
  readonly capabilities: number;
  readonly rightsLeft: number;
  readonly messages: number;
  /** Capabilities that it may hold, messages that may wait for it. */
  readonly capabilityLimit: number;
  readonly messageLimit: number;
  readonly notices: number;
  readonly cpu: number;
  /** Bytes: mapped by it; of its pool, and of those in use. */
  readonly mapped: number;
  readonly quota: number;
  readonly used: number;
  readonly syscalls: number;
  readonly image: number;
  /** SHA-256 of its image's bytes, as the kernel has read them; hex. */
  readonly digest: string;
  /** Virtual time of the call, ns. */
  readonly time: bigint;
  /** Time that it has run on processors, ns. */
  readonly ran: bigint;
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function readInfo(info: Structure): AgentInfo {
  return {
    id: info.id(layouts.INFO_ID),
    parent: info.id(layouts.INFO_PARENT),
    state: STATES[info.u32(layouts.INFO_STATE)] ?? "none",
    class: CLASSES[info.u32(layouts.INFO_CLASS)] ?? "fair",
    weight: info.u32(layouts.INFO_WEIGHT),
    flags: info.u32(layouts.INFO_FLAGS),
    endReason: ENDS[info.u32(layouts.INFO_END_REASON)] ?? "none",
    endCode: info.u64(layouts.INFO_END_CODE),
    faultAddress: info.u64(layouts.INFO_FAULT_ADDRESS),
    children: info.u32(layouts.INFO_CHILDREN),
    tree: info.id(layouts.INFO_TREE),
    depth: info.u32(layouts.INFO_DEPTH),
    capabilities: info.u32(layouts.INFO_CAPABILITIES),
    rightsLeft: info.u32(layouts.INFO_RIGHTS_LEFT),
    messages: info.u32(layouts.INFO_MESSAGES),
    capabilityLimit: info.u32(layouts.INFO_CAPABILITY_LIMIT),
    messageLimit: info.u32(layouts.INFO_MESSAGE_LIMIT),
    notices: info.u32(layouts.INFO_NOTICES),
    cpu: info.u32(layouts.INFO_CPU),
    mapped: info.id(layouts.INFO_MAPPED),
    quota: info.id(layouts.INFO_QUOTA),
    used: info.id(layouts.INFO_USED),
    syscalls: info.id(layouts.INFO_SYSCALLS),
    image: info.id(layouts.INFO_IMAGE),
    digest: hex(info.bytes.subarray(layouts.INFO_DIGEST, layouts.INFO_DIGEST + 32)),
    time: info.u64(layouts.INFO_TIME),
    ran: info.u64(layouts.INFO_RAN),
  };
}

/** Figures of the whole machine. */
export interface KernelInfo {
  /** Virtual time, ns, and ns that agents have run on all processors together. */
  readonly time: bigint;
  readonly busy: bigint;
  readonly cpus: number;
  readonly agents: number;
  /** Bytes: of the pool of all memory; of it in use or reserved; in frames that are free. */
  readonly memory: number;
  readonly used: number;
  readonly free: number;
  /** Frames from the network that became messages, and that were dropped. */
  readonly delivered: number;
  readonly dropped: number;
}

export function readKernelInfo(info: Structure): KernelInfo {
  return {
    time: info.u64(layouts.KERNEL_INFO_TIME),
    busy: info.u64(layouts.KERNEL_INFO_BUSY),
    cpus: info.id(layouts.KERNEL_INFO_CPUS),
    agents: info.id(layouts.KERNEL_INFO_AGENTS),
    memory: info.id(layouts.KERNEL_INFO_MEMORY),
    used: info.id(layouts.KERNEL_INFO_USED),
    free: info.id(layouts.KERNEL_INFO_FREE),
    delivered: info.id(layouts.KERNEL_INFO_DELIVERED),
    dropped: info.id(layouts.KERNEL_INFO_DROPPED),
  };
}
