/**
 * AgentUpgrade: another image for the same agent. It keeps its identity, its place in the tree, its
 * mailbox, its capabilities and its memory; registers and text are new.
 *
 * Until the upgrade is confirmed there is a way back. A second control block, in the state KEPT,
 * holds the old image, the old registers, and a copy-on-write copy of the memory as it was. A fault
 * of the new image, or a call, rolls back: both exchange memory and image, and what the new one has
 * made of them ends with the second block.
 */
import { audit } from "../audit/audit";
import { AUDIT_UPGRADE } from "../audit/kinds";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { RIGHT_EXECUTE } from "../cap/rights";
import { reloadContext, saveContext } from "../cpu/switch";
import { waitCancel } from "../ipc/drop";
import { AddressSpace, Mapping, spaceSetImage } from "../mm/address_space";
import { spaceCloneCow } from "../mm/clone";
import { extendedCopy } from "../mm/extended";
import { imageEnter, imageLeave } from "../mm/image_memory";
import { exchangeMemory } from "../mm/exchange";
import { moveRanges } from "../mm/move";
import { Pool, poolCharge, poolHold, poolRelease } from "../mm/pool";
import { MAPPING_FRAME, MAPPING_REGION } from "../mm/protection";
import { shootdown } from "../mm/shootdown";
import { KIND_AGENT, KIND_IMAGE } from "../object/kinds";
import { FIRST_SLOT, objectAllocate, objectReturn, objectShortage, objectsReserve } from "../object/slab";
import { RUNTIME_HOST } from "../../sim/spec/user";
import { Call, callerOf } from "../syscall/call";
import { UPGRADE_BEGIN, UPGRADE_ROLL_BACK } from "../syscall/modes";
import {
  STATUS_BAD_ARGUMENT,
  STATUS_OK,
  STATUS_QUOTA,
  STATUS_ROLLED_BACK,
  STATUS_WRONG_STATE,
} from "../syscall/status";
import { Agent, AGENT_BYTES, Context, contextOf } from "./agent";
import { contextInit } from "./create";
import { keptEnd } from "./end";
import { Image, imageRelease, isNative } from "./image";
import { AGENT_KEEPER, AGENT_KEPT, AGENT_READY, AGENT_WAITING } from "./states";
import { standsStill } from "./suspend";

/**
 * AgentUpgrade(agent, image, mode, argument). BEGIN starts the image, which finds the argument in
 * RDX; CONFIRM gives up the way back; ROLL_BACK goes it, with the argument as the reason. To begin
 * and to roll back the agent must be the caller, or stand still.
 */
export function agentUpgrade(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  if (call.a2 > <u64>UPGRADE_ROLL_BACK) return STATUS_BAD_ARGUMENT;
  if (call.a2 == UPGRADE_BEGIN) return begin(call, agent);
  if (agent.kept == 0) return STATUS_WRONG_STATE;
  if (call.a2 == UPGRADE_ROLL_BACK) {
    if (!standsStill(call, agent)) return STATUS_WRONG_STATE;
    rollBack(agent, call.a3);
  } else endKept(agent);
  note(call, agent);
  return STATUS_OK;
}

function note(call: Call, agent: Agent): void {
  audit(AUDIT_UPGRADE, callerOf(call).id, agent.id, changetype<Image>(agent.image).id, call.a2);
}

function begin(call: Call, agent: Agent): u32 {
  if (agent.kept != 0 || !standsStill(call, agent)) return STATUS_WRONG_STATE;
  if (call.a1 == 0) return STATUS_BAD_ARGUMENT;
  const status = capabilityLookup(callerOf(call), call.a1, 1 << KIND_IMAGE, RIGHT_EXECUTE);
  if (status != STATUS_OK) return status;
  const image = changetype<Image>(capabilityNamed(call.a1).target);
  if (image.building != 0) return STATUS_WRONG_STATE;
  const kept = keep(agent);
  if (kept < FIRST_SLOT) return <u32>kept;
  const caller = agent == callerOf(call);
  if (caller) saveContext(agent);
  const old = changetype<Agent>(kept);
  // Whether it is in a system call, whose result tells of a way back.
  old.resumeState = caller || agent.resumeState == AGENT_WAITING ? <u32>AGENT_WAITING : <u32>AGENT_READY;
  memory.copy(changetype<usize>(contextOf(old)), changetype<usize>(contextOf(agent)), offsetof<Context>());
  if (isNative(agent)) extendedCopy(changetype<AddressSpace>(agent.space), changetype<AddressSpace>(old.space));
  agent.kept = kept;
  setImage(agent, image);
  const entered = imageEnter(agent);
  if (entered != STATUS_OK) return abandon(agent, entered);
  restart(agent, call.a3);
  note(call, agent);
  return STATUS_OK;
}

/** So many pages that a TLB forgets everything. */
const ALL_PAGES: u32 = 0xffff_ffff;

/** A control block with a copy of the agent's memory, paid by its pool; or a status. */
function keep(agent: Agent): usize {
  if (!objectsReserve(KIND_AGENT, 1, agent.cpu)) return objectShortage(KIND_AGENT);
  const pool = changetype<Pool>(agent.pool);
  if (!poolCharge(pool, AGENT_BYTES)) return STATUS_QUOTA;
  const slot = objectAllocate(KIND_AGENT, agent.cpu);
  const kept = changetype<Agent>(slot);
  kept.state = AGENT_KEPT;
  kept.flags = AGENT_KEEPER;
  kept.pool = agent.pool;
  kept.image = agent.image;
  kept.cpu = agent.cpu;
  const status = spaceCloneCow(agent, kept);
  if (status != STATUS_OK) {
    objectReturn(slot);
    poolRelease(pool, AGENT_BYTES);
    return status;
  }
  poolHold(pool);
  changetype<Image>(kept.image).references += 1;
  return slot;
}

function setImage(agent: Agent, image: Image): void {
  image.references += 1;
  imageRelease(changetype<Image>(agent.image));
  agent.image = changetype<usize>(image);
  if (agent.space == 0) return;
  const space = changetype<AddressSpace>(agent.space);
  imageLeave(agent);
  spaceSetImage(space, image);
  shootdown(space, 0, ALL_PAGES);
}

/** The new image's memory can't be had: the agent is what it was, and the call in which it is answers `status`. */
function abandon(agent: Agent, status: u32): u32 {
  const kept = changetype<Agent>(agent.kept);
  exchange(agent, kept);
  if (agent.running != 0) {
    contextOf(agent).rax = status;
    contextOf(agent).rdx = 0;
    reloadContext();
  }
  endKept(agent);
  return status;
}

/** Memory and image of the two, and what is not copied goes to the agent. */
function exchange(agent: Agent, kept: Agent): void {
  exchangeMemory(agent, kept);
  const image = agent.image;
  agent.image = kept.image;
  kept.image = image;
  takeObjects(kept, agent);
}

/** The agent begins anew with its image, and with the capabilities that it began with. */
function restart(agent: Agent, argument: u64): void {
  contextInit(agent, agent.self, agent.purse, argument);
  proceed(agent);
}

/**
 * Its context has been changed: that is what it goes on with, and a wait is over. Who is in a CPU is in this one, whether
 * it runs or another CPU has suspended it just now.
 */
function proceed(agent: Agent): void {
  waitCancel(agent);
  if (agent.resumeState == AGENT_WAITING) agent.resumeState = AGENT_READY;
  if (agent.running != 0) reloadContext();
}

function endKept(agent: Agent): void {
  const kept = changetype<Agent>(agent.kept);
  agent.kept = 0;
  keptEnd(kept);
}

/**
 * The way back, for one that no other CPU runs. A system call that the old image was in answers
 * ROLLED_BACK with the code; a program of the host's begins anew, with the code as its argument.
 */
export function rollBack(agent: Agent, code: u64): void {
  const kept = changetype<Agent>(agent.kept);
  exchange(agent, kept);
  if (changetype<Image>(agent.image).runtime == RUNTIME_HOST) contextInit(agent, agent.self, agent.purse, code);
  else {
    const context = contextOf(agent);
    memory.copy(changetype<usize>(context), changetype<usize>(contextOf(kept)), offsetof<Context>());
    if (kept.resumeState == AGENT_WAITING) {
      context.rax = STATUS_ROLLED_BACK;
      context.rdx = code;
    }
  }
  proceed(agent);
  endKept(agent);
}

/** Regions and blocks of frames are not copied: those of the new image go on to the old one. */
function takeObjects(from: Agent, to: Agent): void {
  for (let at = from.mappings; at != 0; ) {
    const mapping = changetype<Mapping>(at);
    at = mapping.next;
    const shared = mapping.type == MAPPING_REGION || mapping.type == MAPPING_FRAME;
    // Where there is no room, or no frame for a table, the old image can map it again.
    if (shared) moveRanges(from, to, mapping.start, mapping.end);
  }
}
