/** System calls: how an agent is scheduled. */
import { Agent } from "../agent/agent";
import { CLASS_REALTIME } from "../agent/states";
import { audit } from "../audit/audit";
import { AUDIT_CONFIGURE, AUDIT_SCHEDULE } from "../audit/kinds";
import { KIND_AGENT } from "../object/kinds";
import { slabOf } from "../object/slab";
import { ScheduleAttributes } from "../sched/attributes";
import { schedConfigure } from "../sched/create";
import { schedAdmit } from "../sched/scheduler";
import { sched } from "../sched/sched";
import { Call, callerOf } from "./call";
import { CONFIGURE_BYTES } from "./layouts";
import { STATUS_OK, STATUS_OUT_OF_RANGE, STATUS_WRONG_STATE } from "./status";
import { readStructure } from "./structure";

/** AgentSchedule: a1 address of the attributes (SCHEDULE_… of layouts.ts). */
export function agentSchedule(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  const wish = sched().wish;
  const status = readStructure(call, call.a1, wish, offsetof<ScheduleAttributes>());
  if (status != STATUS_OK) return status;
  const attributes = changetype<ScheduleAttributes>(wish);
  const admitted = schedAdmit(agent, attributes);
  if (admitted == STATUS_OK) noteSchedule(call, agent, attributes);
  memory.fill(wish, 0, offsetof<ScheduleAttributes>());
  return admitted;
}

/** Notes how the caller has had an agent scheduled. */
export function noteSchedule(call: Call, agent: Agent, wish: ScheduleAttributes): void {
  const realtime = wish.class == CLASS_REALTIME;
  const share = realtime ? wish.budget : <u64>wish.weight;
  audit(AUDIT_SCHEDULE, callerOf(call).id, agent.id, wish.class, share, realtime ? wish.period : 0);
}

/** What SchedConfigure reads (CONFIGURE_… of layouts.ts). */
@unmanaged
class Configuration {
  epoch: u64;
  quantum: u32;
  foreground: u32;
  fairReserve: u32;
  ageing: u32;
}

function noteConfiguration(call: Call, it: Configuration): void {
  const quanta = it.quantum | (<u64>it.foreground << 32);
  audit(AUDIT_CONFIGURE, callerOf(call).id, 0, it.epoch, quanta, it.fairReserve | (<u64>it.ageing << 32));
}

/**
 * SchedConfigure: a1 address of the configuration. For the first agent, while it is the only one:
 * whoever comes later is promised something that rests on it.
 */
export function schedConfigureCall(call: Call): u32 {
  if (slabOf(KIND_AGENT).live != 1) return STATUS_WRONG_STATE;
  const wish = sched().wish;
  assert(offsetof<ScheduleAttributes>() >= <usize>CONFIGURE_BYTES, "schedConfigureCall: room for the structure");
  const status = readStructure(call, call.a1, wish, CONFIGURE_BYTES);
  if (status != STATUS_OK) return status;
  const wanted = changetype<Configuration>(wish);
  const done = schedConfigure(
    wanted.epoch,
    wanted.quantum,
    wanted.foreground,
    wanted.fairReserve,
    wanted.ageing,
  );
  if (done) noteConfiguration(call, wanted);
  memory.fill(wish, 0, CONFIGURE_BYTES);
  return done ? STATUS_OK : STATUS_OUT_OF_RANGE;
}
