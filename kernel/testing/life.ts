/** Lives by the thousand, for benchmarks. */
import { Agent, agentFind } from "../agent/agent";
import { agentReap } from "../agent/end";
import { AGENT_DEAD } from "../agent/states";
import { lifeStep } from "../agent/work";
import { Capability } from "../cap/capability";
import { capabilityDelete } from "../cap/table";
import { kernelCpu } from "../cpu/cpu";
import { KIND_CAPABILITY } from "../object/kinds";
import { objectFind } from "../object/slab";
import { Call } from "../syscall/call";
import { dispatch } from "../syscall/dispatch";
import { SPAWN_CHILD } from "../syscall/layouts";
import { SYSCALL_AGENT_KILL } from "../syscall/numbers";
import { userPage } from "../mm/user";

/** Makes the system call `number` as `agent`; its status. */
function make(agent: Agent, number: u32, capability: u64, a1: u64): u32 {
  const call = changetype<Call>(kernelCpu(0).call);
  call.number = number;
  call.cpu = 0;
  call.agent = changetype<usize>(agent);
  call.capability = capability;
  call.a1 = a1;
  call.a2 = 0;
  call.a3 = 0;
  call.a4 = 0;
  call.a5 = 0;
  call.value = 0;
  return dispatch(call);
}

/**
 * Makes `count` agents by the call `number` (AgentSpawn, AgentClone) with the structure at `address`
 * of `parent`, and lets each start; how many. The parent gives its capability to each up, or notes it
 * in the list at `list`.
 */
export function birthMany(parent: u64, number: u32, capability: u64, address: u64, list: usize, count: u32): u32 {
  const agent = changetype<Agent>(agentFind(parent));
  const structure = userPage(agent, address, true);
  for (let made: u32 = 0; made < count; made++) {
    if (make(agent, number, capability, address) != 0) return made;
    const child = load<u64>(structure, SPAWN_CHILD);
    if (list != 0) store<u64>(list + (<usize>made << 3), child);
    else capabilityDelete(changetype<Capability>(objectFind(KIND_CAPABILITY, child)));
    lifeStep(0);
  }
  return count;
}

/** Kills the agents that the `count` capabilities at `list` name, to the end; how many. */
export function killMany(parent: u64, list: usize, count: u32): u32 {
  const agent = changetype<Agent>(agentFind(parent));
  let gone: u32 = 0;
  for (let index: u32 = 0; index < count; index++) {
    const id = load<u64>(list + (<usize>index << 3));
    const held = changetype<Capability>(objectFind(KIND_CAPABILITY, id));
    const child = changetype<Agent>(held.target);
    if (make(agent, SYSCALL_AGENT_KILL, id, 0) != 0) return gone;
    while (lifeStep(0)) {}
    if (child.state != AGENT_DEAD) return gone;
    agentReap(child);
    capabilityDelete(held);
    gone += 1;
  }
  return gone;
}
