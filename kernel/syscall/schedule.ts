/** System calls: how an agent is scheduled. */
import { Agent } from "../agent/agent";
import { CLASS_REALTIME } from "../agent/states";
import { audit } from "../audit/audit";
import { AUDIT_SCHEDULE } from "../audit/kinds";
import { copyFromUser } from "../mm/user";
import { ScheduleAttributes } from "../sched/attributes";
import { schedAdmit } from "../sched/scheduler";
import { sched } from "../sched/sched";
import { Call, callerOf } from "./call";
import { STATUS_MISALIGNED, STATUS_OK } from "./status";

/** AgentSchedule: a1 address of the attributes (SCHEDULE_… of layouts.ts). */
export function agentSchedule(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  if ((call.a1 & 7) != 0) return STATUS_MISALIGNED;
  const wish = sched().wish;
  const status = copyFromUser(callerOf(call), call.a1, wish, offsetof<ScheduleAttributes>());
  if (status != STATUS_OK) return status;
  const attributes = changetype<ScheduleAttributes>(wish);
  const admitted = schedAdmit(agent, attributes);
  if (admitted == STATUS_OK) note(call, agent, attributes);
  memory.fill(wish, 0, offsetof<ScheduleAttributes>());
  return admitted;
}

function note(call: Call, agent: Agent, wish: ScheduleAttributes): void {
  const realtime = wish.class == CLASS_REALTIME;
  const share = realtime ? wish.budget : <u64>wish.weight;
  audit(AUDIT_SCHEDULE, callerOf(call).id, agent.id, wish.class, share, realtime ? wish.period : 0);
}
