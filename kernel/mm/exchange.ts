/** Two agents exchange all of their memory: what an upgrade that fails does. */
import { Agent } from "../agent/agent";
import { Mapping } from "./address_space";

/** The pool of both is the same, and no other CPU executes either of them. */
export function exchangeMemory(first: Agent, second: Agent): void {
  assert(first.pool == second.pool, "exchangeMemory: one pool pays for both");
  const space = first.space;
  const mappings = first.mappings;
  const count = first.mappingCount;
  const tables = first.tablesReserved;
  const bytes = first.mappedBytes;
  first.space = second.space;
  first.mappings = second.mappings;
  first.mappingCount = second.mappingCount;
  first.tablesReserved = second.tablesReserved;
  first.mappedBytes = second.mappedBytes;
  second.space = space;
  second.mappings = mappings;
  second.mappingCount = count;
  second.tablesReserved = tables;
  second.mappedBytes = bytes;
  claim(first);
  claim(second);
}

/** The mappings in the agent's list, MAPPINGS_PER_AGENT_MAX at most, are its own. */
function claim(agent: Agent): void {
  agent.mappingFinger = 0;
  for (let at = agent.mappings; at != 0; at = changetype<Mapping>(at).next)
    changetype<Mapping>(at).agent = changetype<usize>(agent);
}
