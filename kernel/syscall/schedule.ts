/** System calls: how an agent is scheduled. */
import { Agent } from "../agent/agent";
import { AGENT_DEAD } from "../agent/states";
import { copyFromUser } from "../mm/user";
import { ScheduleAttributes } from "../sched/attributes";
import { schedAdmit } from "../sched/scheduler";
import { sched } from "../sched/sched";
import { Call, callerOf } from "./call";
import { STATUS_MISALIGNED, STATUS_OK, STATUS_WRONG_STATE } from "./status";

/** AgentSchedule: a1 address of the attributes (SCHEDULE_… of layouts.ts). */
export function agentSchedule(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  if (agent.state >= <u32>AGENT_DEAD) return STATUS_WRONG_STATE;
  if ((call.a1 & 7) != 0) return STATUS_MISALIGNED;
  const wish = sched().wish;
  const status = copyFromUser(callerOf(call), call.a1, wish, offsetof<ScheduleAttributes>());
  if (status != STATUS_OK) return status;
  const admitted = schedAdmit(agent, changetype<ScheduleAttributes>(wish));
  memory.fill(wish, 0, offsetof<ScheduleAttributes>());
  return admitted;
}
