/** AgentSpawn: a new agent that runs an image. */
import { RIGHT_EXECUTE } from "../cap/rights";
import { capabilityLookup, capabilityNamed } from "../cap/authorize";
import { audit } from "../audit/audit";
import { AUDIT_SPAWN } from "../audit/kinds";
import { Capability } from "../cap/capability";
import { noticePost } from "../ipc/notice";
import { NOTICE_STARTED } from "../ipc/notice_kinds";
import { Pool } from "../mm/pool";
import { KIND_IMAGE } from "../object/kinds";
import { confine, ScheduleAttributes } from "../sched/attributes";
import { schedReady } from "../sched/scheduler";
import { Call, callerOf } from "../syscall/call";
import { SPAWN_BYTES, SPAWN_IMAGE, SPAWN_QUOTA, SPAWN_SCHEDULE } from "../syscall/layouts";
import { noteSchedule } from "../syscall/schedule";
import { STATUS_OK, STATUS_WRONG_STATE } from "../syscall/status";
import { Agent, noticeOf } from "./agent";
import { birthAdmit, birthFinish, birthMake, birthMemory, birthRead, birthRoom, birthUndo, scratchOf } from "./birth";
import { contextInit } from "./create";
import { Image } from "./image";
import { AGENT_READY, AGENT_SUSPENDED } from "./states";

/** AgentSpawn(pool, structure): the new agent's identifier; it starts in a later step. */
export function agentSpawn(call: Call): u32 {
  const at = scratchOf(call);
  let status = birthRead(call, SPAWN_BYTES);
  if (status != STATUS_OK) return status;
  const named = load<u64>(at, SPAWN_IMAGE);
  status = capabilityLookup(callerOf(call), named, 1 << KIND_IMAGE, RIGHT_EXECUTE);
  if (status != STATUS_OK) return status;
  const image = changetype<Image>(capabilityNamed(named).target);
  if (image.building != 0) return STATUS_WRONG_STATE;
  const wish = changetype<ScheduleAttributes>(at + SPAWN_SCHEDULE);
  status = confine(wish, callerOf(call));
  if (status != STATUS_OK) return status;
  const quota = load<u64>(at, SPAWN_QUOTA);
  const payer = changetype<Capability>(call.held);
  status = birthRoom(call, payer, quota, callerOf(call));
  if (status != STATUS_OK) return status;
  const agent = birthMake(call, payer, quota, image, callerOf(call));
  status = birthAdmit(call, agent, wish);
  if (status == STATUS_OK) status = birthMemory(call, agent);
  if (status != STATUS_OK) return birthUndo(agent, status);
  contextInit(agent, 0, 0, 0);
  audit(AUDIT_SPAWN, callerOf(call).id, agent.id, changetype<Pool>(agent.pool).id);
  noteSchedule(call, agent, wish);
  birthFinish(call, payer, agent);
  return STATUS_OK;
}

/** A step of the CPU's work: a new agent begins, and its parent is told. */
export function finishSpawn(agent: Agent): void {
  noticePost(changetype<Agent>(agent.parent), noticeOf(agent), NOTICE_STARTED, 0, 0);
  if (agent.state == AGENT_SUSPENDED) agent.resumeState = AGENT_READY;
  else schedReady(agent);
}
