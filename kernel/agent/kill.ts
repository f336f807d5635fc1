/** AgentKill: the end of an agent and of all below it. */
import { Call, callerOf } from "../syscall/call";
import { STATUS_OK } from "../syscall/status";
import { Agent } from "./agent";
import { agentEnd } from "./end";
import { END_EXITED, END_KILLED } from "./states";

/**
 * AgentKill(agent, code): how many agents end. The agent executes nothing any more; those below it
 * are stopped at once after the call, and what they hold is given back in steps (end.ts). Its parent
 * gets a notice with the code when all of that is done. On itself it is the way to exit.
 */
export function agentKill(call: Call): u32 {
  const agent = changetype<Agent>(call.object);
  const caller = callerOf(call);
  call.value = agent.treeCount;
  agentEnd(agent, agent == caller ? END_EXITED : END_KILLED, call.a1, caller.id);
  return STATUS_OK;
}
