/** A new agent: its control block, its place in the tree, its first capabilities. */
import { RUNTIME_BYTES, RUNTIME_NATIVE, USER_TEXT } from "../../sim/spec/user";
import { RFLAGS_FIXED, RFLAGS_IF } from "../../sim/spec/x86";
import { Capability } from "../cap/capability";
import { grantEverything } from "../cap/authority";
import { RIGHTS_ALL } from "../cap/rights";
import { AGENT_DEPTH_MAX, CAPABILITIES_PER_AGENT_MAX, MAILBOX_MESSAGES_MAX } from "../limits";
import { Pool, poolCharge, poolHold, poolRelease } from "../mm/pool";
import { KIND_AGENT } from "../object/kinds";
import { objectAllocate, objectReturn } from "../object/slab";
import { schedBegin } from "../sched/scheduler";
import { kernel } from "../state";
import { Agent, AGENT_BYTES, Context, contextOf, noticeOf } from "./agent";
import { imageEnter } from "../mm/image_memory";
import { STATUS_OK } from "../syscall/status";
import { Image } from "./image";
import { stackPointer } from "./stack";
import { AGENT_SPAWNING } from "./states";
import { adopt } from "./tree";

/** An agent in the state SPAWNING that `pool` pays; 0, and nothing changed, when that cannot be. */
export function agentCreate(parent: Agent | null, pool: Pool, image: Image, cpu: u32): usize {
  if (parent != null && parent.depth + 1 >= AGENT_DEPTH_MAX) return 0;
  if (!poolCharge(pool, AGENT_BYTES)) return 0;
  const slot = objectAllocate(KIND_AGENT, cpu);
  if (slot == 0 || !schedBegin(changetype<Agent>(slot), parent)) {
    if (slot != 0) objectReturn(slot);
    poolRelease(pool, AGENT_BYTES);
    return 0;
  }
  const agent = changetype<Agent>(slot);
  agent.state = AGENT_SPAWNING;
  agent.pool = changetype<usize>(pool);
  poolHold(pool);
  agent.image = changetype<usize>(image);
  image.references += 1;
  agent.treeCount = 1;
  agent.rightsLeft = RIGHTS_ALL;
  agent.capabilityLimit = CAPABILITIES_PER_AGENT_MAX;
  agent.mailboxLimit = MAILBOX_MESSAGES_MAX;
  agent.cpu = cpu;
  noticeOf(agent).subject = agent.id;
  if (parent != null) adopt(parent, agent);
  return slot;
}

/** Registers with which an agent begins (docs/book: what an agent finds). */
export function contextInit(agent: Agent, self: u64, pool: u64, argument: u64): void {
  const image = changetype<Image>(agent.image);
  const context = contextOf(agent);
  memory.fill(changetype<usize>(context), 0, offsetof<Context>());
  const native = image.runtime == RUNTIME_NATIVE;
  context.rip = native ? image.entry : USER_TEXT + <u64>image.runtime * RUNTIME_BYTES;
  context.rflags = RFLAGS_FIXED | RFLAGS_IF;
  context.rdi = self;
  context.rsi = pool;
  context.rdx = argument;
  context.rbx = native ? 0 : image.entry;
  context.rsp = native ? stackPointer(image) : 0;
  context.r14 = agent.id;
  context.r15 = image.program;
}

/**
 * The first agent; false when RAM is short. Beside what every agent finds, RDX has its capability to
 * the kernel and R10 the one to all scopes.
 */
export function createInit(image: Image, pool: Pool): bool {
  const slot = agentCreate(null, pool, image, 0);
  if (slot == 0) return false;
  const agent = changetype<Agent>(slot);
  if (imageEnter(agent) != STATUS_OK) return false;
  if (!grantEverything(agent, pool.id)) return false;
  const memory = changetype<Capability>(agent.capabilities);
  const self = changetype<Capability>(memory.next);
  const scope = changetype<Capability>(self.next);
  contextInit(agent, self.id, memory.id, changetype<Capability>(scope.next).id);
  contextOf(agent).r10 = scope.id;
  kernel().init = slot;
  return true;
}
