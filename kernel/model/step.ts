/** One call, carried out as the specification has it. */
import * as Authority from "./authority.ts";
import * as Communication from "./communication.ts";
import * as Waiting from "./waiting.ts";
import { type Agent, type Answer, copyOf, get, type Name, Refused, type World } from "./world.ts";

/** Time passes; nobody's call. */
export interface Tick {
  readonly call: "TICK";
  readonly to: number;
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
  | Waiting.Donate;

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
  }
}

/** Carries a call of `agent` out in `world` itself. One that is refused changes nothing. */
export function act(world: World, agent: Name, call: Call): Answer {
  try {
    return carryOut(world, get(world.agents, agent), call);
  } catch (refused) {
    if (!(refused instanceof Refused)) throw refused;
    const { status, value } = refused;
    return value === undefined ? { status } : { status, value };
  }
}

/** The same as a function: the world after a call of `agent`, and its answer. */
export function step(world: World, agent: Name, call: Call): { world: World; answer: Answer } {
  const after = copyOf(world);
  return { answer: act(after, agent, call), world: after };
}
