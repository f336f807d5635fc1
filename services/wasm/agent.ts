/**
 * An agent whose code is a WebAssembly module.
 *
 * Code runs ahead: up to its next system call, or until it has used up `SLICE_CYCLES`; then the time that
 * it has taken is worked off by the agent in the machine, where it is preempted like any other. Since
 * nothing outside can be seen or changed between two calls, nobody can tell the difference.
 *
 *             ┌──────────────── resume ─────────────────┐
 *   birth ──▶ code runs ──▶ left for a call ──▶ the call's steps, an operation at a time
 *                 └──▶ its end ──▶ exit
 *
 * Its state can be taken out between any two operations. The steps of a call are a generator, which
 * can't be copied; but they do the same whenever they get the same replies. So the replies since the
 * call began are kept, and an agent that is restored goes through them again, without the machine, up to
 * the operation at which it was.
 */
import type { Standing, Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import { Sys } from "../../sdk/agent/sys.ts";
import type { AgentStart, Operation, Program, Reply } from "../../sim/host/programs.ts";
import { CALL_GROW, CALL_YIELD, type Frozen, Instance, type Value } from "./instance.ts";
import { WasmError } from "./module/errors.ts";
import { EXPORT_START, STACK_BYTES_MAX } from "./module/interface.ts";
import { WASM_PAGE_BYTES } from "./module/pages.ts";
import type { Prepared, PreparedImport } from "./module/prepare.ts";
import type { Personality } from "./personality.ts";
import { type KeptReply, keepReply, replay } from "./replies.ts";

/** Cycles for which code may run ahead: a millisecond, of the machine's and about one of the host's. */
export const SLICE_CYCLES = 1_000_000;

/** Code that has been compiled: any number of agents share it. */
export interface Code {
  readonly prepared: Prepared;
  readonly module: WebAssembly.Module;
}

/** What makes a module an agent. `O`, plain data, is what its parent has told it. */
export interface WasmHost<O> {
  readonly code: Code;
  /** Name of the exported function that it runs; "_start" if there is none. */
  readonly entry?: string;
  /** Its first steps, before there is memory. */
  birth(sys: Sys): Step<O>;
  /** Who answers its imports. */
  personalities(options: O): readonly Personality[];
}

/** An agent's whole state but for what the kernel has of it. */
export interface WasmState<O> {
  readonly options: O | null;
  readonly standing: Standing;
  /** Which exported function it is in, counted from 0. */
  readonly entry: number;
  readonly instance: Frozen | null;
  readonly replies: readonly KeptReply[];
}

const GROW_FAILED = -1;
const FRESH: Standing = { scratchAt: 0, buffer: { at: 0, bytes: 0 }, cycles: 0 };

export function birthOf(prepared: Prepared): Frozen {
  return {
    pages: prepared.birth,
    globals: [],
    room: STACK_BYTES_MAX,
    stack: new Uint8Array(),
    entry: null,
    pending: null,
  };
}

export class WasmProgram<O> implements Program {
  private readonly host: WasmHost<O>;
  private readonly start: AgentStart;
  /** Exported functions that it runs, one after the other. */
  private readonly entries: readonly string[];
  private options: O | null = null;
  private personalities: readonly Personality[] = [];
  private instance: Instance | null = null;
  private entry = -1;
  /** When the steps began that it is in; they have an object of their own for system calls. */
  private standing = FRESH;
  private sys: Sys;
  private steps: Step<Value | undefined> | null = null;
  private replies: KeptReply[] = [];
  /** What it has asked for last: after a restoration, what its next reply is for. */
  operation: Operation | null = null;

  /** From birth, or from a state. @throws WasmError wasm-export */
  constructor(host: WasmHost<O>, start: AgentStart, state: WasmState<O> | null = null) {
    this.host = host;
    this.start = start;
    this.entries = entriesOf(host);
    this.sys = new Sys(start);
    if (state !== null) this.restore(state);
  }

  next(reply: Reply): IteratorResult<Operation, void> {
    if (this.steps === null) return this.begin(this.birth());
    this.replies.push(keepReply(reply));
    return this.after(this.steps.next(reply));
  }

  throw(error: unknown): IteratorResult<Operation, void> {
    if (this.steps === null) throw error;
    return this.after(this.steps.throw(error));
  }

  return(): IteratorResult<Operation, void> {
    this.steps?.return(undefined);
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** Between two operations. */
  freeze(): WasmState<O> {
    const { options, standing, entry, instance, replies } = this;
    return {
      options,
      standing,
      entry,
      instance: instance?.freeze() ?? null,
      replies: [...replies],
    };
  }

  private restore(state: WasmState<O>): void {
    const { options, standing, entry, instance, replies } = state;
    this.entry = entry;
    this.standing = standing;
    this.sys.standing = standing;
    if (options !== null) this.equip(options);
    if (instance !== null) this.instance = this.thaw(instance);
    this.steps = this.pendingSteps();
    this.replies = [...replies];
    this.operation = replay(this.steps, replies);
  }

  private begin(steps: Step<Value | undefined>): IteratorResult<Operation, void> {
    this.steps = steps;
    this.replies = [];
    return this.after(steps.next());
  }

  /** Once steps are done, the code runs to its next call, whose steps begin. */
  private after(
    step: IteratorResult<Operation, Value | undefined>,
  ): IteratorResult<Operation, void> {
    let now = step;
    while (now.done) {
      this.run(now.value);
      this.standing = this.sys.standing;
      this.sys = new Sys(this.start);
      this.sys.standing = this.standing;
      this.steps = this.pendingSteps();
      this.replies = [];
      now = this.steps.next();
    }
    this.operation = now.value;
    return now;
  }

  /** Lets the code run. `entry` is behind the last one when it has come to its end. */
  private run(answer: Value | undefined): void {
    const { entries } = this;
    this.instance ??= this.thaw(birthOf(this.host.code.prepared));
    const { instance } = this;
    instance.cycles = SLICE_CYCLES;
    let done = this.entry < 0 || instance.resume(answer);
    while (done && ++this.entry < entries.length) done = instance.start(entries[this.entry] ?? "");
    this.sys.work(SLICE_CYCLES - instance.cycles);
  }

  /** The steps that it is in when they begin: they follow from its state. */
  private pendingSteps(): Step<Value | undefined> {
    const { instance, sys } = this;
    if (instance === null) return this.birth();
    const { pending } = instance;
    if (pending === null) return sys.exit(0);
    if (pending.import === CALL_YIELD) return passTime(sys);
    if (pending.import === CALL_GROW) return this.grow(Number(pending.args[0]));
    const called = this.host.code.prepared.imports[pending.import];
    const answer = called && this.personalityOf(called)?.steps.get(called.name);
    if (!answer) throw new WasmError("wasm-state", null, `import ${pending.import} has no answer`);
    return answer(sys, instance, pending.args);
  }

  private *birth(): Step<undefined> {
    const { host, sys } = this;
    this.equip(yield* host.birth(sys));
    const { initial } = host.code.prepared;
    if (initial > 0) yield* sys.allocate(initial * WASM_PAGE_BYTES);
  }

  /** @throws WasmError wasm-import: there is one that nobody answers */
  private equip(options: O): void {
    this.options = options;
    this.personalities = this.host.personalities(options);
    for (const wanted of this.host.code.prepared.imports) {
      const { name, module } = wanted;
      const it = this.personalityOf(wanted);
      if (!it?.quick.has(name) && !it?.steps.has(name))
        throw new WasmError("wasm-import", null, `nothing here is called "${module}.${name}"`);
    }
  }

  private personalityOf({ module }: PreparedImport): Personality | undefined {
    return this.personalities.find((it) => it.module === module);
  }

  private thaw(state: Frozen): Instance {
    const { prepared, module } = this.host.code;
    const it: Instance = new Instance(prepared, module, state, (call) => {
      const answer = this.personalityOf(call)?.quick.get(call.name);
      return answer ? (...args) => answer(it, args) : null;
    });
    return it;
  }

  /** The pool pays for what the memory grows by, or it doesn't grow. */
  private *grow(pages: number): Step<number> {
    const { instance, sys } = this;
    if (instance === null || pages > this.host.code.prepared.maximum - instance.size)
      return GROW_FAILED;
    if (pages === 0) return instance.size;
    try {
      yield* sys.allocate(pages * WASM_PAGE_BYTES);
    } catch (error) {
      if (error instanceof SyscallError) return GROW_FAILED;
      throw error;
    }
    return instance.grow(pages);
  }
}

/** Any call will do: the time that was worked passes before it. */
function* passTime(sys: Sys): Step<undefined> {
  yield* sys.now();
}

function entriesOf<O>({ code: { prepared }, entry = "_start" }: WasmHost<O>): string[] {
  const type = prepared.exports.get(entry);
  if (!type) throw new WasmError("wasm-export", null, `exports no function "${entry}"`);
  if (type.parameters.length + type.results.length > 0)
    throw new WasmError("wasm-export", null, `"${entry}" has parameters or results`);
  return prepared.hasStart ? [EXPORT_START, entry] : [entry];
}
