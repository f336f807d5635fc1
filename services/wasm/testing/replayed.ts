/**
 * A TypeScript agent that can be frozen: its state is all replies that it has had. For short lives, such
 * as tests': a machine's copies need an init that goes on.
 */
import type { Step } from "../../../sdk/agent/calls.ts";
import { agent, type Sys } from "../../../sdk/agent/sys.ts";
import type {
  AgentStart,
  FreezableProgram,
  Operation,
  Program,
  ProgramForms,
  ProgramFunction,
  Reply,
} from "../../../sim/host/programs.ts";
import { type KeptReply, keepReply, replay } from "../replies.ts";

class Replayed implements FreezableProgram {
  private readonly program: Program;
  private readonly replies: KeptReply[] = [];
  operation: Operation | null = null;

  constructor(program: Program, replies: readonly KeptReply[] | null) {
    this.program = program;
    if (replies === null) return;
    this.replies.push(...replies);
    this.operation = replay(program, replies);
  }

  next(reply: Reply): IteratorResult<Operation, void> {
    if (this.operation !== null) this.replies.push(keepReply(reply));
    const step = this.program.next(reply);
    if (!step.done) this.operation = step.value;
    return step;
  }

  throw(error: unknown): IteratorResult<Operation, void> {
    return this.program.throw(error);
  }

  return(): IteratorResult<Operation, void> {
    return this.program.return(undefined);
  }

  [Symbol.iterator](): this {
    return this;
  }

  freeze(): readonly KeptReply[] {
    return [...this.replies];
  }
}

/** What `programs.add` takes for steps that do the same whenever they get the same replies. */
export function replayed(run: (sys: Sys) => Step<unknown>): [ProgramFunction, ProgramForms] {
  const begin = agent(run);
  const make = (start: AgentStart, state: unknown) =>
    new Replayed(begin(start), state as readonly KeptReply[] | null);
  return [(start) => make(start, null), { thaw: make }];
}
