/** An agent has done what its processor doesn't allow. */
import { audit } from "../audit/audit";
import { AUDIT_FAULT } from "../audit/kinds";
import { Agent } from "./agent";
import { agentEnd } from "./end";
import { END_FAULT } from "./states";
import { agentOver } from "./tree";
import { rollBack } from "./upgrade";

/**
 * The exception `vector` of `agent`, which the running CPU holds: it ends, and its code is what the
 * processor has said, error code << 8 | vector. An upgrade that has not been confirmed has failed
 * instead, and the old image goes on. One that another CPU has ended meanwhile can't end once more.
 */
export function agentFault(agent: Agent, vector: u32, errorCode: u32, address: u64): void {
  if (agentOver(agent)) return;
  const code = ((<u64>errorCode) << 8) | vector;
  audit(AUDIT_FAULT, agent.id, agent.id, vector, address, errorCode);
  agent.faultAddress = address;
  if (agent.kept != 0) rollBack(agent, code);
  else agentEnd(agent, END_FAULT, code);
}
