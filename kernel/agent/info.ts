/** AgentInfo: what can be known of an agent. */
import { Pool } from "../mm/pool";
import { copyToUser, userCheck } from "../mm/user";
import { KernelObject } from "../object/slab";
import { schedUncharged } from "../sched/busy";
import { Call, callerOf } from "../syscall/call";
import {
  INFO_BYTES,
  INFO_CAPABILITIES,
  INFO_CAPABILITY_LIMIT,
  INFO_CHILDREN,
  INFO_CLASS,
  INFO_CPU,
  INFO_DEPTH,
  INFO_DIGEST,
  INFO_END_CODE,
  INFO_END_REASON,
  INFO_FAULT_ADDRESS,
  INFO_FLAGS,
  INFO_ID,
  INFO_IMAGE,
  INFO_MAPPED,
  INFO_MESSAGE_LIMIT,
  INFO_MESSAGES,
  INFO_NOTICES,
  INFO_PARENT,
  INFO_QUOTA,
  INFO_RAN,
  INFO_RIGHTS_LEFT,
  INFO_STATE,
  INFO_SYSCALLS,
  INFO_TIME,
  INFO_TREE,
  INFO_USED,
  INFO_WEIGHT,
} from "../syscall/layouts";
import { STATUS_MISALIGNED, STATUS_OK } from "../syscall/status";
import { now } from "../time";
import { SHA256_BYTES } from "../../sim/lib/sha256";
import { Agent } from "./agent";
import { scratchOf } from "./birth";
import { digestOf, Image } from "./image";
import { agentOver } from "./tree";

/**
 * AgentInfo(agent, buffer, bytes): the agent's identifier; writes the first `bytes` bytes of what
 * layouts.ts lists, or all of it if that is less. Works on an agent that is over, until its parent
 * has taken the notice.
 */
export function agentInfo(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  const bytes = <u32>min(call.a2, INFO_BYTES);
  if (bytes != 0) {
    if ((call.a1 & 7) != 0) return STATUS_MISALIGNED;
    const status = userCheck(callerOf(call), call.a1, bytes, true);
    if (status != STATUS_OK) return status;
    describe(agent, scratchOf(call));
    copyToUser(callerOf(call), call.a1, scratchOf(call), bytes);
  }
  call.value = agent.id;
  return STATUS_OK;
}

function describe(agent: Agent, at: usize): void {
  const pool = changetype<Pool>(agent.pool);
  store<u64>(at, agent.id, INFO_ID);
  store<u64>(at, agent.parent == 0 ? 0 : changetype<KernelObject>(agent.parent).id, INFO_PARENT);
  store<u32>(at, agent.state, INFO_STATE);
  store<u32>(at, agent.class, INFO_CLASS);
  store<u32>(at, agent.weight, INFO_WEIGHT);
  store<u32>(at, agent.flags, INFO_FLAGS);
  store<u32>(at, agent.endReason, INFO_END_REASON);
  store<u32>(at, agent.childCount, INFO_CHILDREN);
  store<u64>(at, agent.endCode, INFO_END_CODE);
  store<u32>(at, agent.depth, INFO_DEPTH);
  store<u32>(at, agent.capabilityCount, INFO_CAPABILITIES);
  store<u32>(at, agent.rightsLeft, INFO_RIGHTS_LEFT);
  store<u32>(at, agent.mailboxCount, INFO_MESSAGES);
  store<u32>(at, agent.noticeCount, INFO_NOTICES);
  store<u32>(at, agent.cpu, INFO_CPU);
  store<u64>(at, agent.mappedBytes, INFO_MAPPED);
  store<u64>(at, pool.quota, INFO_QUOTA);
  store<u64>(at, pool.used, INFO_USED);
  store<u64>(at, agent.syscalls, INFO_SYSCALLS);
  store<u64>(at, changetype<KernelObject>(agent.image).id, INFO_IMAGE);
  store<u64>(at, agent.faultAddress, INFO_FAULT_ADDRESS);
  store<u64>(at, agentOver(agent) ? 0 : agent.treeCount, INFO_TREE);
  store<u64>(at, now(), INFO_TIME);
  store<u64>(at, agent.ran + schedUncharged(agent), INFO_RAN);
  store<u32>(at, agent.capabilityLimit, INFO_CAPABILITY_LIMIT);
  store<u32>(at, agent.mailboxLimit, INFO_MESSAGE_LIMIT);
  memory.copy(at + INFO_DIGEST, digestOf(changetype<Image>(agent.image)), SHA256_BYTES);
}
