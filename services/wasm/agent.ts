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
 *
 * A clone is made of the same state, but the machine knows nothing of its operations. So it has birth
 * steps of its own, without the memory, which it has as a copy already; then it goes on at the call in
 * which its original stood, from that call's first step. If that call has made the clone, it is answered
 * with 0 there.
 */
import type { Standing, Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import { Sys } from "../../sdk/agent/sys.ts";
import type {
  AgentStart,
  CloneStart,
  FreezableProgram,
  Operation,
  ProgramForms,
  ProgramFunction,
  Reply,
} from "../../sim/host/programs.ts";
import { Awake } from "./awake.ts";
import { CALL_GROW, CALL_YIELD, type Frozen, Instance, type Value } from "./instance.ts";
import { WasmError } from "./module/errors.ts";
import { EXPORT_START } from "./module/interface.ts";
import { VALUE_I64 } from "./module/model.ts";
import { WASM_PAGE_BYTES } from "./module/pages.ts";
import type { Prepared, PreparedImport } from "./module/prepare.ts";
import { ordered } from "./ordered.ts";
import type { Personality } from "./personality.ts";
import { type KeptReply, keepReply, replay, replyOf } from "./replies.ts";

/** Cycles for which code may run ahead: a millisecond, of the machine's and about one of the host's. */
export const SLICE_CYCLES = 1_000_000;

/** What an answer without the machine costs, which takes the host some microseconds; and what may be owed of it. */
const ANSWER_CYCLES = 1_000;
const UNPAID_CYCLES_MAX = 10_000;

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
  /** Its first steps, before there is memory; a clone's, too. */
  birth(sys: Sys): Step<O>;
  /** Who answers its imports. */
  personalities(options: O): readonly Personality[];
  /** With whom its agents share the host's room for instances. Default: those of this host alone. */
  readonly awake?: Awake;
}

type Entered = Pick<WasmHost<unknown>, "code" | "entry">;

/** An agent's whole state but for what the kernel has of it. */
export interface WasmState<O> {
  readonly options: O | null;
  readonly standing: Standing;
  /** Which exported function it is in, counted from 0. */
  readonly entry: number;
  readonly instance: Frozen | null;
  readonly replies: readonly KeptReply[];
  /** What its personalities know; null before its birth. */
  readonly known: readonly unknown[] | null;
  /** In a clone that has its birth before it: "stays" in its original's call, or "returns" from it. */
  readonly cloned: "stays" | "returns" | null;
}

const GROW_FAILED = -1;
const FRESH: Standing = { scratchAt: 0, buffer: { at: 0, bytes: 0 }, cycles: 0 };

export function birthOf(prepared: Prepared): Frozen {
  return {
    pages: prepared.birth,
    globals: prepared.values,
    room: prepared.stackBytes,
    stack: new Uint8Array(),
    entry: null,
    pending: null,
  };
}

/** What `programs.add` takes for a module: how its agents begin, go on from a state, and are cloned. */
export function wasmProgram<O>(from: WasmHost<O>): [start: ProgramFunction, forms: ProgramForms] {
  const host = { awake: new Awake(), ...from };
  return [
    (start) => new WasmProgram(host, start),
    {
      thaw: (start, state) => new WasmProgram(host, start, state as WasmState<O>),
      clone: (start, state) => WasmProgram.clone(host, start, state as WasmState<O>),
    },
  ];
}

export class WasmProgram<O> implements FreezableProgram {
  private readonly host: WasmHost<O>;
  private readonly start: AgentStart;
  /** Exported functions that it runs, one after the other. */
  private readonly entries: readonly string[];
  private options: O | null = null;
  private personalities: readonly Personality[] = [];
  /** What they are to know when there are any. */
  private known: WasmState<O>["known"] = null;
  private instance: Instance | null = null;
  private entry = -1;
  /** When the steps began that it is in; they have an object of their own for system calls. */
  private standing = FRESH;
  private sys: Sys;
  private steps: Step<Value | undefined> | null = null;
  private replies: KeptReply[] = [];
  private cloned: WasmState<O>["cloned"] = null;
  /** What a clone's instance is to be made of. */
  private inherited: Frozen | null = null;
  /** All that it is while it rests. */
  private resting: WasmState<O> | null = null;
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

  /** A clone of an agent in a state; one of an agent that is not yet born is born as any other. */
  static clone<O>(host: WasmHost<O>, start: CloneStart, state: WasmState<O>): WasmProgram<O> {
    const it = new WasmProgram(host, start);
    const { instance, entry, standing } = state;
    if (entry < 0) return it;
    const returns = state.cloned === "returns" || (state.cloned === null && start.byItself);
    it.cloned = returns ? "returns" : "stays";
    it.entry = entry;
    it.standing = standing;
    it.sys.standing = standing;
    it.inherited = instance;
    it.known = state.known;
    return it;
  }

  next(reply: Reply): IteratorResult<Operation, void> {
    if (this.resting !== null) return this.wake(reply);
    if (this.steps === null) return this.begin(this.birth());
    this.replies.push(keepReply(reply));
    return this.after(this.steps.next(reply));
  }

  throw(error: unknown): IteratorResult<Operation, void> {
    if (this.resting !== null) this.restore(this.resting);
    if (this.steps === null) throw error;
    this.replies.push({ refused: error instanceof Error ? error.message : String(error) });
    return this.after(this.steps.throw(error));
  }

  return(): IteratorResult<Operation, void> {
    this.steps?.return(undefined);
    this.host.awake?.ends(this);
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  /** Between two operations. */
  freeze(): WasmState<O> {
    if (this.resting !== null) return this.resting;
    const { options, standing, entry, instance, inherited, replies, cloned } = this;
    return {
      options,
      standing,
      entry,
      instance: inherited ?? instance?.freeze() ?? null,
      replies: [...replies],
      known: this.knownNow(),
      cloned,
    };
  }

  /** Gives up everything but its state until it gets its next reply. */
  rest(): void {
    this.resting = this.freeze();
    this.instance = null;
    this.steps = null;
    this.replies = [];
  }

  private restore(state: WasmState<O>): void {
    const { options, standing, entry, instance, replies, cloned } = state;
    this.resting = null;
    this.entry = entry;
    this.standing = standing;
    this.sys = new Sys(this.start);
    this.sys.standing = standing;
    this.cloned = cloned;
    this.known = state.known;
    if (options !== null) this.equip(options);
    if (cloned !== null) this.inherited = instance;
    else if (instance !== null) this.instance = this.thaw(instance);
    this.steps = this.pendingSteps();
    this.replies = [...replies];
    this.operation = replay(this.steps, replies);
  }

  /** The reply is for an operation that it has given before it rested: it goes to the same one, given anew. */
  private wake(reply: Reply): IteratorResult<Operation, void> {
    if (this.resting !== null) this.restore(this.resting);
    return this.next(this.operation ? replyOf(keepReply(reply), this.operation) : reply);
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
      if (this.cloned !== null) this.inherit(this.cloned);
      else this.run(now.value);
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

  /** A clone is born: it goes on where its original stood. */
  private inherit(cloned: "stays" | "returns"): void {
    const { inherited } = this;
    this.cloned = null;
    this.inherited = null;
    if (inherited !== null) this.instance = this.thaw(inherited);
    if (cloned === "returns") this.run(this.zero());
  }

  /** What the call that it is in answers in a clone. */
  private zero(): Value | undefined {
    const called = this.host.code.prepared.imports[this.instance?.pending?.import ?? -1];
    const [result] = called?.type.results ?? [];
    return result === undefined ? undefined : result === VALUE_I64 ? 0n : 0;
  }

  /** Lets the code run. `entry` is behind the last one when it has come to its end. */
  private run(answer: Value | undefined): void {
    const { entries, host } = this;
    this.instance ??= this.thaw(birthOf(host.code.prepared));
    const { instance } = this;
    host.awake?.runs(this);
    instance.cycles = SLICE_CYCLES;
    let done = this.entry < 0 || instance.resume(answer);
    while (done && ++this.entry < entries.length) done = instance.start(entries[this.entry] ?? "");
    this.sys.work(SLICE_CYCLES - instance.cycles);
    if (!done) return;
    this.instance = null;
    host.awake?.ends(this);
  }

  /** The steps that it is in when they begin: they follow from its state. */
  private pendingSteps(): Step<Value | undefined> {
    const { instance, sys } = this;
    if (this.entry < 0 || this.cloned !== null) return this.birth();
    const pending = instance?.pending ?? null;
    if (instance === null || pending === null) return sys.exit(0);
    if (pending.import === CALL_YIELD) return passTime(sys);
    if (pending.import === CALL_GROW) return this.grow(Number(pending.args[0]));
    const called = this.host.code.prepared.imports[pending.import];
    const answer = called && this.personalityOf(called)?.steps.get(called.name);
    if (!answer) throw new WasmError("wasm-state", null, `import ${pending.import} has no answer`);
    return paid(sys, answer(sys, instance, pending.args));
  }

  private *birth(): Step<undefined> {
    const { host, sys } = this;
    this.equip(ordered(yield* host.birth(sys)));
    const { initial } = host.code.prepared;
    // A clone has its original's memory, and with it what was reserved.
    if (initial > 0 && this.cloned === null) yield* sys.allocate(initial * WASM_PAGE_BYTES);
  }

  /** @throws WasmError wasm-import: there is one that nobody answers */
  private equip(options: O): void {
    this.options = options;
    this.personalities = this.host.personalities(options);
    for (const [n, { state }] of this.personalities.entries())
      if (this.known !== null) state?.thaw(this.known[n]);
    for (const wanted of this.host.code.prepared.imports) {
      const { name, module } = wanted;
      const it = this.personalityOf(wanted);
      if (!it?.quick.has(name) && !it?.steps.has(name))
        throw new WasmError("wasm-import", null, `nothing here is called "${module}.${name}"`);
    }
  }

  private knownNow(): WasmState<O>["known"] {
    if (this.options === null) return this.known;
    return this.personalities.map(({ state }) => state?.freeze() ?? null);
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

/**
 * An answer for which the machine isn't needed has its price, and lets the time pass once it is much: or else
 * code that does nothing but ask would never give the machine back.
 */
function* paid(sys: Sys, steps: Step<Value | undefined>): Step<Value | undefined> {
  let now = steps.next();
  if (now.done) sys.work(ANSWER_CYCLES);
  if (now.done && sys.standing.cycles > UNPAID_CYCLES_MAX) yield* passTime(sys);
  while (!now.done) {
    try {
      now = steps.next(yield now.value);
    } catch (error) {
      now = steps.throw(error);
    }
  }
  return now.value;
}

/** Any call will do: the time that was worked passes before it. */
function* passTime(sys: Sys): Step<undefined> {
  yield* sys.now();
}

/** Exported functions that its agents run. @throws WasmError wasm-export */
export function entriesOf({ code: { prepared }, entry = "_start" }: Entered): string[] {
  const type = prepared.exports.get(entry);
  if (!type) throw new WasmError("wasm-export", null, `exports no function "${entry}"`);
  if (type.parameters.length + type.results.length > 0)
    throw new WasmError("wasm-export", null, `"${entry}" has parameters or results`);
  return prepared.hasStart ? [EXPORT_START, entry] : [entry];
}
