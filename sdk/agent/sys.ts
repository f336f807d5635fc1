/**
 * System calls for agents whose code is TypeScript. Each is a step: `yield*` gives its result, and a
 * refusal is a `SyscallError` with the status's name.
 *
 *   machine.agents.program("echo", agent(function* (sys) {
 *     while (true) {
 *       const { bytes, capability } = yield* sys.receive();
 *       if (capability !== 0) yield* sys.send(capability, bytes);
 *     }
 *   }));
 *
 * docs/syscalls.md says what each call requires and refuses. The calls stand by subject, each in a
 * class that adds to the one before: calls, births, lives, waits, messages, endpoints, authority.
 */
import type {
  AgentStart,
  Operation,
  Program,
  ProgramFunction,
  Reply,
} from "../../sim/host/programs.ts";
import { Authority } from "./authority.ts";
import type { Step } from "./calls.ts";

export class Sys extends Authority {}

/** Runs a function's steps, and then asks for the agent's end. Not a generator: one less to resume. */
class AgentProgram implements Program {
  private readonly sys: Sys;
  private steps: Step<unknown>;
  private ends = false;

  constructor(sys: Sys, steps: Step<unknown>) {
    this.sys = sys;
    this.steps = steps;
  }

  next(reply: Reply): IteratorResult<Operation, void> {
    return this.after(this.steps.next(reply));
  }

  throw(error: unknown): IteratorResult<Operation, void> {
    return this.after(this.steps.throw(error));
  }

  return(): IteratorResult<Operation, void> {
    this.steps.return(undefined);
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  private after(step: IteratorResult<Operation, unknown>): IteratorResult<Operation, void> {
    if (!step.done) return step;
    if (this.ends) return { done: true, value: undefined };
    this.ends = true;
    this.steps = this.sys.exit(0);
    return this.next(undefined);
  }
}

/**
 * A program for `machine.agents.program`: it ends in order, with code 0, when the function returns.
 * What it throws and doesn't catch is a fault of the agent, which ends it.
 */
export function agent(run: (sys: Sys) => Step<unknown>): ProgramFunction {
  return (start: AgentStart) => {
    const sys = new Sys(start);
    return new AgentProgram(sys, run(sys));
  };
}
