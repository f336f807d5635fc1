/** System calls: agents. */
import { Agent } from "../agent/agent";
import { AGENT_DEAD } from "../agent/states";
import { schedStop } from "../sched/scheduler";
import { Call } from "./call";
import { STATUS_OK } from "./status";

export function agentKill(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  agent.endCode = call.a1;
  schedStop(agent, AGENT_DEAD);
  return STATUS_OK;
}

export function agentInfo(call: Call): u32 {
  call.value = changetype<Agent>(call.object).id;
  return STATUS_OK;
}
