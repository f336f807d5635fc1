/** AgentSuspend and AgentResume: an agent stands still, whatever it does, until somebody resumes it. */
import { audit } from "../audit/audit";
import { AUDIT_RESUME, AUDIT_SUSPEND } from "../audit/kinds";
import { waitPark, waitUnpark } from "../ipc/wait";
import { schedReady, schedStop } from "../sched/scheduler";
import { Call, callerOf } from "../syscall/call";
import { STATUS_OK, STATUS_WRONG_STATE } from "../syscall/status";
import { Agent } from "./agent";
import { AGENT_READY, AGENT_RUNNING, AGENT_SPAWNING, AGENT_SUSPENDED, AGENT_WAITING } from "./states";

/**
 * Whether nothing can change the agent's memory and registers while the call works on them: it is
 * the caller, or suspended, and no CPU has its registers.
 */
export function standsStill(call: Call, agent: Agent): bool {
  if (agent == callerOf(call)) return true;
  return agent.state == AGENT_SUSPENDED && agent.running == 0 && agent.resumeState != AGENT_SPAWNING;
}

/**
 * AgentSuspend(agent). One that waits leaves the queues, so that others get what comes; its deadline
 * counts on, and when it is resumed it looks again for what it waited for (ipc/wait.ts).
 */
export function agentSuspend(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  const state = agent.state;
  if (state == AGENT_SUSPENDED) return STATUS_WRONG_STATE;
  const runs = state == AGENT_READY || state == AGENT_RUNNING;
  agent.resumeState = runs ? <u32>AGENT_READY : state;
  if (runs) schedStop(agent, AGENT_SUSPENDED);
  else agent.state = AGENT_SUSPENDED;
  waitPark(agent);
  audit(AUDIT_SUSPEND, callerOf(call).id, agent.id, 0);
  return STATUS_OK;
}

/** The agent, which is suspended, has begun a wait: it is to go on with that. */
export function suspendInWait(agent: Agent): void {
  assert(agent.state == AGENT_SUSPENDED, "suspendInWait: not suspended");
  agent.resumeState = AGENT_WAITING;
  schedStop(agent, AGENT_SUSPENDED);
  waitPark(agent);
}

/** AgentResume(agent). */
export function agentResume(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  if (agent.state != AGENT_SUSPENDED) return STATUS_WRONG_STATE;
  audit(AUDIT_RESUME, callerOf(call).id, agent.id, 0);
  agent.state = agent.resumeState;
  const waits = agent.resumeState == AGENT_WAITING && waitUnpark(agent);
  if (!waits && agent.resumeState != AGENT_SPAWNING) schedReady(agent);
  return STATUS_OK;
}
