/** One call, carried out as the specification has it. */
import * as Authority from "./authority.ts";
import * as Births from "./births.ts";
import * as Communication from "./communication.ts";
import * as Ends from "./ends.ts";
import * as Life from "./life.ts";
import * as Memory from "./memory.ts";
import * as Merges from "./merges.ts";
import * as Operations from "./operations.ts";
import * as Upgrades from "./upgrades.ts";
import * as Waiting from "./waiting.ts";
import { type Agent, type Answer, copyOf, get, type Name, Refused, type World } from "./world.ts";

/** Time passes; nobody's call. */
export interface Tick {
  readonly call: "TICK";
  readonly to: number;
}

/** The kernel does what calls about agents' lives have left to be done; nobody's call. */
export interface Settle {
  readonly call: "SETTLE";
}

export type Call =
  | Authority.Derive
  | Authority.Revoke
  | Authority.Show
  | Authority.Judge
  | Communication.Send
  | Communication.Receive
  | Communication.Create
  | Communication.Close
  | Communication.PipeWrite
  | Communication.PipeRead
  | Communication.Signal
  | Communication.TimerSet
  | Waiting.WaitCall
  | Waiting.Donate
  | Births.Spawn
  | Births.Clone
  | Births.Split
  | Merges.Merge
  | Upgrades.Upgrade
  | Life.Suspend
  | Life.Specialize
  | Life.Ask
  | Ends.Kill
  | Ends.Fault
  | Memory.Allocate
  | Memory.Free
  | Memory.Share
  | Memory.MapRegion
  | Memory.Unmap
  | Memory.Store
  | Operations.Ask
  | Operations.Take
  | Operations.Complete;

/** Calls that may find out half-way that they can't be paid, and take all back. */
const TAKEN_BACK: ReadonlySet<Call["call"]> = new Set([
  "AGENT_CLONE",
  "AGENT_SPLIT",
  "AGENT_UPGRADE",
  "AGENT_MEM_FREE",
  "REGION_SHARE",
]);

function carryOut(world: World, caller: Agent, call: Call): Answer {
  switch (call.call) {
    case "CAP_DERIVE":
      return Authority.derive(world, caller, call);
    case "CAP_REVOKE":
      return Authority.revoke(world, caller, call);
    case "SHOW_TOKEN":
      return Authority.show(world, caller, call);
    case "JUDGE_TOKEN":
      return Authority.judge(world, caller, call);
    case "IPC_SEND":
      return Communication.send(world, caller, call);
    case "IPC_RECV":
      return Communication.receive(world, caller, call);
    case "ENDPOINT_CREATE":
      return Communication.create(world, caller, call);
    case "ENDPOINT_CLOSE":
      return Communication.close(world, caller, call);
    case "PIPE_WRITE":
      return Communication.pipeWrite(world, caller, call);
    case "PIPE_READ":
      return Communication.pipeRead(world, caller, call);
    case "EVENT_SIGNAL":
      return Communication.signal(world, caller, call);
    case "TIMER_SET":
      return Communication.timerSet(world, caller, call);
    case "WAIT":
      return Waiting.wait(world, caller, call);
    case "DONATE_TO":
      return Waiting.donate(world, caller, call);
    default:
      return carryOutLife(world, caller, call);
  }
}

/** The part of the calls that is about agents' lives, their memory and their services. */
function carryOutLife(world: World, caller: Agent, call: Call): Answer {
  switch (call.call) {
    case "AGENT_SPAWN":
      return Births.spawn(world, caller, call);
    case "AGENT_CLONE":
      return Births.clone(world, caller, call);
    case "AGENT_SPLIT":
      return Births.split(world, caller, call);
    case "AGENT_MERGE":
      return Merges.merge(world, caller, call);
    case "AGENT_UPGRADE":
      return Upgrades.upgrade(world, caller, call);
    case "AGENT_SUSPEND":
      return Life.suspend(world, caller, call);
    case "AGENT_RESUME":
      return Life.resume(world, caller, call);
    case "AGENT_SPECIALIZE":
      return Life.specialize(world, caller, call);
    case "AGENT_INFO":
      return Life.info(world, caller, call);
    case "AGENT_KILL":
      return Ends.kill(world, caller, call);
    case "FAULT":
      return Ends.fault(world, caller, call);
    case "AGENT_MEM_ALLOC":
      return Memory.allocate(world, caller, call);
    case "AGENT_MEM_FREE":
      return Memory.free(world, caller, call);
    case "REGION_SHARE":
      return Memory.share(world, caller, call);
    case "REGION_MAP":
      return Memory.map(world, caller, call);
    case "REGION_UNMAP":
      return Memory.unmap(world, caller, call);
    case "STORE":
      return Memory.store(world, caller, call);
    case "PQC_OPERATION":
      return Operations.ask(world, caller, call);
    case "PQC_TAKE":
      return Operations.take(world, caller, call);
    case "PQC_COMPLETE":
      return Operations.completeCall(world, caller, call);
    default:
      throw new Error(`the specification has no ${call.call}`);
  }
}

/** Carries a call of `agent` out in `world` itself. One that is refused changes nothing. */
export function act(world: World, agent: Name, call: Call): Answer {
  const before = TAKEN_BACK.has(call.call) ? copyOf(world) : world;
  try {
    const caller = get(world.agents, agent);
    // It goes on: what its last wait has told it, it knows.
    caller.result = null;
    return carryOut(world, caller, call);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    Object.assign(world, before);
    const { status, value } = refused;
    return value === undefined ? { status } : { status, value };
  }
}

/** The same as a function: the world after a call of `agent`, and its answer. */
export function step(world: World, agent: Name, call: Call): { world: World; answer: Answer } {
  const after = copyOf(world);
  return { answer: act(after, agent, call), world: after };
}
