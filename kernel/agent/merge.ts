/** AgentMerge: one agent goes into another. */
import { audit } from "../audit/audit";
import { AUDIT_MERGE } from "../audit/kinds";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { RIGHT_MERGE } from "../cap/rights";
import { messageCost, Message } from "../ipc/message";
import { mailboxOf, queueMerge, queueTake } from "../ipc/message_queue";
import { Notice, noticePost, noticeRemove } from "../ipc/notice";
import { NOTICE_COMPLETED } from "../ipc/notice_kinds";
import { wakeForMessage } from "../ipc/wake";
import { MAILBOX_BYTES_MAX, MERGE_CHILDREN_MAX } from "../limits";
import { Mapping } from "../mm/address_space";
import { framesPromise, framesRelease } from "../mm/frames";
import { endBefore, rangeFree, recordsReserve, startAfter, withinLimits } from "../mm/mappings";
import { spaceCharge } from "../mm/memory";
import { mappingCharge, moveRanges } from "../mm/move";
import { Pool, poolCharge, poolRelease, poolRoom } from "../mm/pool";
import { MAPPING_GUARD_BELOW } from "../mm/protection";
import { tablesNeeded } from "../mm/tables";
import { SPACE_TABLES } from "../mm/address_space";
import { KIND_AGENT } from "../object/kinds";
import { Call, callerOf } from "../syscall/call";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_CYCLE,
  STATUS_FULL,
  STATUS_LIMIT,
  STATUS_NO_MEMORY,
  STATUS_OK,
  STATUS_QUOTA,
  STATUS_TOO_DEEP,
  STATUS_WRONG_STATE,
} from "../syscall/status";
import { PAGE_BYTES } from "../../hal/memory";
import { Agent } from "./agent";
import { agentEnd } from "./end";
import { END_MERGED } from "./states";
import { standsStill } from "./suspend";
import { adopt, isAbove, orphan } from "./tree";

/**
 * AgentMerge(agent, survivor): how many messages and mappings have moved. Each of the two is the
 * caller or stands still. The survivor takes over
 *
 *   memory      what it has nothing at the same addresses of; the rest ends with the agent
 *   messages    behind those that it has, of each sender in their order; capabilities in them are not for it
 *   children    with all that is below them, and the notices of them
 *
 * and none of the capabilities, endpoints and timers: rights never grow. It pays for what it takes.
 * The agent ends, with END_MERGED and the survivor's identifier.
 */
export function agentMerge(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  if (call.a1 == 0) return STATUS_BAD_ARGUMENT;
  let status = capabilityLookup(callerOf(call), call.a1, 1 << KIND_AGENT, RIGHT_MERGE);
  if (status != STATUS_OK) return status;
  const survivor = changetype<Agent>(capabilityNamed(call.a1).target);
  if (survivor == agent) return STATUS_BAD_ARGUMENT;
  if (!standsStill(call, agent) || !standsStill(call, survivor)) return STATUS_WRONG_STATE;
  if (agent.kept != 0 || survivor.kept != 0) return STATUS_WRONG_STATE;
  status = treeStatus(agent, survivor) || mailboxStatus(agent, survivor) || memoryStatus(agent, survivor);
  if (status != STATUS_OK) return status;
  call.value = moveMemory(agent, survivor) + moveMessages(agent, survivor);
  while (agent.firstChild != 0) {
    const child = changetype<Agent>(agent.firstChild);
    orphan(child);
    adopt(survivor, child);
  }
  moveNotices(agent, survivor);
  audit(AUDIT_MERGE, callerOf(call).id, agent.id, survivor.id);
  agentEnd(agent, END_MERGED, survivor.id, callerOf(call).id);
  return STATUS_OK;
}

/** Whether the survivor can take the children over. */
function treeStatus(agent: Agent, survivor: Agent): u32 {
  if (isAbove(agent, survivor)) return STATUS_CYCLE;
  if (agent.childCount > MERGE_CHILDREN_MAX) return STATUS_LIMIT;
  // What is below the children stays within the limit if they come to stand no deeper.
  return agent.childCount != 0 && survivor.depth > agent.depth ? STATUS_TOO_DEEP : STATUS_OK;
}

function mailboxStatus(agent: Agent, survivor: Agent): u32 {
  const count = agent.mailboxCount + survivor.mailboxCount;
  const bytes = agent.mailboxBytes + survivor.mailboxBytes;
  return count > survivor.mailboxLimit || bytes > MAILBOX_BYTES_MAX ? STATUS_FULL : STATUS_OK;
}

/** Whether the mapping finds its addresses free in the survivor's memory. */
@inline
function moves(mapping: Mapping, survivor: Agent): bool {
  return rangeFree(survivor, mapping.start, mapping.end) == STATUS_OK;
}

/**
 * Whether the survivor's pool can pay for all that moves, and the tables for it can be had. Each
 * mapping is counted as if it came alone, which is never less than what they take together.
 */
function memoryStatus(agent: Agent, survivor: Agent): u32 {
  const pool = survivor.pool;
  let records: u32 = 0;
  let bytes: u64 = 0;
  let tables: u32 = 0;
  let charge: u64 = 0;
  for (let at = agent.mappings; at != 0; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (!moves(mapping, survivor)) continue;
    records += 1;
    if (mapping.type < <u32>MAPPING_GUARD_BELOW) bytes += mapping.end - mapping.start;
    if (mapping.pool != pool) charge += mappingCharge(mapping);
    const before = endBefore(survivor, mapping.start);
    tables += tablesNeeded(mapping.start, mapping.end, before, startAfter(survivor, mapping.end));
  }
  if (records != 0 && survivor.space == 0) {
    charge += spaceCharge(survivor);
    tables += SPACE_TABLES;
  }
  const status = withinLimits(survivor, records, bytes);
  if (status != STATUS_OK) return status;
  charge += <u64>tables * PAGE_BYTES + messageCharge(agent, pool);
  if (charge > poolRoom(changetype<Pool>(pool))) return STATUS_QUOTA;
  const room = records == 0 ? STATUS_OK : recordsReserve(survivor, 0);
  if (room != STATUS_OK) return room;
  if (!framesPromise(tables)) return STATUS_NO_MEMORY;
  framesRelease(tables);
  return STATUS_OK;
}

/** What the messages of `agent` cost a pool that doesn't pay for them yet. */
function messageCharge(agent: Agent, pool: usize): u64 {
  let charge: u64 = 0;
  for (let at = agent.mailboxFirst; at != 0; at = changetype<Message>(at).next) {
    const message = changetype<Message>(at);
    if (message.pool != pool) charge += messageCost(message.bytes);
  }
  return charge;
}

function moveMemory(agent: Agent, survivor: Agent): u32 {
  let moved: u32 = 0;
  for (let at = agent.mappings; at != 0; ) {
    const mapping = changetype<Mapping>(at);
    at = mapping.next;
    if (!moves(mapping, survivor)) continue;
    const status = moveRanges(agent, survivor, mapping.start, mapping.end);
    assert(status == STATUS_OK, "moveMemory: memoryStatus found room");
    moved += 1;
  }
  return moved;
}

function moveMessages(agent: Agent, survivor: Agent): u32 {
  const moved = agent.mailboxCount;
  while (agent.mailboxCount != 0) {
    const message = queueTake(mailboxOf(agent));
    message.capability = 0;
    if (message.pool != survivor.pool) {
      const cost = messageCost(message.bytes);
      const paid = poolCharge(changetype<Pool>(survivor.pool), cost);
      assert(paid, "moveMessages: memoryStatus found room");
      poolRelease(changetype<Pool>(message.pool), cost);
      message.pool = survivor.pool;
    }
    queueMerge(mailboxOf(survivor), message);
    wakeForMessage(survivor, message.sender);
  }
  return moved;
}

/** The survivor is told of the children what their parent was to be told; operations end with their asker. */
function moveNotices(agent: Agent, survivor: Agent): void {
  for (let at = agent.noticeFirst; at != 0; ) {
    const notice = changetype<Notice>(at);
    at = notice.next;
    if (notice.kind == NOTICE_COMPLETED) continue;
    noticeRemove(notice);
    noticePost(survivor, notice, notice.kind, notice.status, notice.value);
  }
}
