/** AgentSpecialize: rights are given up for good. */
import { audit } from "../audit/audit";
import { AUDIT_SPECIALIZE } from "../audit/kinds";
import { RIGHTS_ALL } from "../cap/rights";
import { Call, callerOf } from "../syscall/call";
import { STATUS_BAD_ARGUMENT, STATUS_OK } from "../syscall/status";
import { Agent } from "./agent";
import { AGENT_SPECIALIZED } from "./states";

/**
 * AgentSpecialize(agent, rights): of the rights of whatever it holds, or will hold, only these count
 * from now on, for it and for those that it makes later. There is no way back.
 */
export function agentSpecialize(call: Call): u32 {
  if (call.a1 > <u64>RIGHTS_ALL) return STATUS_BAD_ARGUMENT;
  const agent = changetype<Agent>(call.object);
  agent.rightsLeft &= <u32>call.a1;
  agent.flags |= AGENT_SPECIALIZED;
  audit(AUDIT_SPECIALIZE, callerOf(call).id, agent.id, agent.rightsLeft);
  return STATUS_OK;
}
