/** The end of a wait. */
import { schedReady } from "../sched/scheduler";
import { Agent } from "./agent";
import { AGENT_READY, AGENT_SUSPENDED, AGENT_WAITING } from "./states";

/**
 * What `agent` waited for has come, and its result is in its registers: it can run, or can as soon
 * as it is resumed.
 */
export function agentWake(agent: Agent): void {
  if (agent.state == AGENT_SUSPENDED) {
    assert(agent.resumeState == AGENT_WAITING, "agentWake: suspended, and not in a wait");
    agent.resumeState = AGENT_READY;
    return;
  }
  assert(agent.state == AGENT_WAITING, "agentWake: not in a wait");
  schedReady(agent);
}
