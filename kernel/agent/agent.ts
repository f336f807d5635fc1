/** The agent control block: what the kernel keeps for each agent. */
import { Capability } from "../cap/capability";
import { Endpoint } from "../ipc/endpoint";
import { Message } from "../ipc/message";
import { Notice } from "../ipc/notice";
import { Operation } from "../ipc/operation";
import { IntervalTimer } from "../ipc/timer";
import { WaitNode } from "../ipc/wait_node";
import { Pool } from "../mm/pool";
import { AddressSpace, Mapping } from "../mm/address_space";
import { KIND_AGENT } from "../object/kinds";
import { objectFind } from "../object/slab";
import { Group } from "../sched/group";
import { Schedulable } from "../sched/schedulable";
import { Ptr } from "../state";
import { Image } from "./image";

/** The saved register file of ring 3. */
@unmanaged
export class Context {
  // In encoding order, as saveRegisters writes them.
  rax: u64;
  rcx: u64;
  rdx: u64;
  rbx: u64;
  rsp: u64;
  rbp: u64;
  rsi: u64;
  rdi: u64;
  r8: u64;
  r9: u64;
  r10: u64;
  r11: u64;
  r12: u64;
  r13: u64;
  r14: u64;
  r15: u64;
  rip: u64;
  rflags: u64;
}

@unmanaged
export class Agent extends Schedulable {
  // --- identity and life cycle (agent/) ---
  /** AGENT_… of states.ts. */
  state: u32;
  /** AGENT_GROUP, AGENT_FOREGROUND, … */
  flags: u32;
  /** State to go back to when a suspended agent is resumed: READY or WAITING. */
  resumeState: u32;
  /** END_… and a number that says more, once it is dead. */
  endReason: u32;
  endCode: u64;
  parent: Ptr<Agent>;
  firstChild: Ptr<Agent>;
  nextSibling: Ptr<Agent>;
  previousSibling: Ptr<Agent>;
  childCount: u32;
  /** At least as many as there are agents above it; more after a merge. */
  depth: u32;
  /** Agents in its tree that are not over, itself included. */
  treeCount: u32;
  /** While it ends: the agent whose end it shares, and how many of its own tree are left. */
  doom: Ptr<Agent>;
  treeLeft: u32;
  /** Neighbour in a CPU's list of work, and the list's number + 1; 0 in none (agent/work.ts). */
  workNext: Ptr<Agent>;
  workQueued: u32;
  /** Its first capabilities: to itself, and to its pool (0: none). A new image finds them again. */
  self: u64;
  purse: u64;
  image: Ptr<Image>;
  /** What an upgrade that hasn't been confirmed goes back to (agent/upgrade.ts). */
  kept: Ptr<Agent>;
  /** Address whose use was the fault that ended it. */
  faultAddress: u64;

  // --- authority (cap/) ---
  /** Its capabilities, newest first. */
  capabilities: Ptr<Capability>;
  capabilityCount: u32;
  /** How many it may hold: 1 to CAPABILITIES_PER_AGENT_MAX, set at its birth. */
  capabilityLimit: u32;
  /** Rights that AgentSpecialize left it: masks every capability. */
  rightsLeft: u32;
  /** Blocks taken from its own stream of random bytes. */
  randomBlocks: u64;

  // --- memory (mm/) ---
  pool: Ptr<Pool>;
  /** 0 until it maps something of its own. */
  space: Ptr<AddressSpace>;
  /** Ranges of its addresses in their order, and the one that was found last. */
  mappings: Ptr<Mapping>;
  mappingFinger: Ptr<Mapping>;
  mappingCount: u32;
  /** Frames for page tables, beyond a space's first two, that its pool has paid. */
  tablesReserved: u32;
  /** Bytes that it has mapped: at most AGENT_BYTES_MAX. */
  mappedBytes: u64;

  // --- communication (ipc/) ---
  /** Its mailbox: the fields of `MessageQueue`. */
  mailboxFirst: Ptr<Message>;
  mailboxLast: Ptr<Message>;
  mailboxCount: u32;
  mailboxBytes: u32;
  /** Messages that may wait in it: 1 to MAILBOX_MESSAGES_MAX, set at its birth. */
  mailboxLimit: u32;
  /** Messages that it has sent. */
  sent: u64;
  /** What it has created and not closed. */
  endpoints: Ptr<Endpoint>;
  endpointCount: u32;
  timers: Ptr<IntervalTimer>;
  timerCount: u32;
  /** Mutexes that it holds. */
  mutexes: Ptr<Endpoint>;
  /** Operations that it has asked for, and those that it has taken as a service. */
  operations: Ptr<Operation>;
  operationCount: u32;
  takenOperations: Ptr<Operation>;

  /** WAIT_…, and the kernel's own flags of ipc/wait.ts; 0 when it isn't in a wait. */
  waitFlags: u32;
  /** Nodes in use; the first stands behind the control block. */
  waitCount: u32;
  /** Block of the further nodes, kept until its end; 0 until it has waited for two things at once. */
  waitNodes: Ptr<WaitNode>;
  /** When the wait ends at the latest; ns, NEVER without an end. */
  waitDeadline: u64;
  /** The earlier one of that and of the timers that it waits for; its key in the heap. */
  waitUntil: u64;
  /** CPU in whose heap of deadlines it is, and its position there + 1; 0 when it is in none. */
  waitCpu: u32;
  waitPosition: u32;
  /** Where in its memory a notice goes; 0 for nowhere. */
  waitNotice: u64;
  /** Endpoint for which it was woken, while it has not looked there: ipc/wake.ts. */
  baton: u64;
  /** Who runs on its time while it waits; 0 for nobody. */
  donee: Ptr<Agent>;
  /** The mutex that it waits for meanwhile; 0 in DonateTo. */
  donatesFor: Ptr<Endpoint>;
  /** The fields of `WaitQueue`: agents that wait in DonateTo for its answer. */
  replyFirst: Ptr<WaitNode>;
  replyLast: Ptr<WaitNode>;
  replyCount: u32;
  /** First and last notice that it has not yet taken. */
  noticeFirst: Ptr<Notice>;
  noticeLast: Ptr<Notice>;
  noticeCount: u32;

  // --- execution and scheduling (cpu/, sched/) ---
  /** Index of the CPU in whose run queues it is. */
  cpu: u32;
  /** CLASS_… of states.ts. */
  class: u32;
  affinity: u64;
  /** Index + 1 of the CPU that holds its registers; 0 when they are in its context. */
  running: u32;
  /** 1 once a CPU was chosen for it. */
  placed: u32;
  /** The group in whose queues it is, and the one that it leads; 0 for none. */
  group: Ptr<Group>;
  ownGroup: Ptr<Group>;
  /** Those whose time is for it, and how many they are with those whose time is for them. */
  donorFirst: Ptr<Agent>;
  donorNext: Ptr<Agent>;
  donorPrevious: Ptr<Agent>;
  donorCount: u32;
  /** Contexts that stand aside while a CPU has its registers; the list where its own one does. */
  parkedFirst: Ptr<Agent>;
  parkedLast: Ptr<Agent>;
  parkedAt: usize;
  /** Neighbours among the reservations of its CPU. */
  nextReserved: Ptr<Agent>;
  previousReserved: Ptr<Agent>;
  /** Cycles that it ran; of its own time, what others ran; of its running, what others paid. */
  ran: u64;
  gave: u64;
  got: u64;
  /** System calls made. */
  syscalls: u64;
}

/** Where the saved registers begin: aligned as quadwords are. */
const CONTEXT_OFFSET: usize = (offsetof<Agent>() + 7) & ~7;
/** Bytes of an agent's slot: control block, saved registers, its parent's notice of it, a wait node. */
export const AGENT_BYTES: u32 =
  <u32>CONTEXT_OFFSET + offsetof<Context>() + offsetof<Notice>() + offsetof<WaitNode>();

@inline
export function contextOf(agent: Agent): Context {
  return changetype<Context>(changetype<usize>(agent) + CONTEXT_OFFSET);
}

/** What its parent is told about it. */
@inline
export function noticeOf(agent: Agent): Notice {
  return changetype<Notice>(changetype<usize>(contextOf(agent)) + offsetof<Context>());
}

/** The first of its wait nodes: most waits need no other. */
@inline
export function waitNodeOf(agent: Agent): WaitNode {
  return changetype<WaitNode>(changetype<usize>(noticeOf(agent)) + offsetof<Notice>());
}

@inline
export function agentFind(id: u64): Agent | null {
  const found = objectFind(KIND_AGENT, id);
  return found == 0 ? null : changetype<Agent>(found);
}
