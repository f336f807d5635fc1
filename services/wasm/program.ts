/**
 * The program of all WebAssembly agents and of scripts, whose engine is a module. The kernel says which image
 * an agent runs, and by that the code is found; their parent tells them the rest, and whether they go on from
 * a state that was kept.
 */
import type { Step } from "../../sdk/agent/calls.ts";
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
import { Birth } from "../messages/birth.ts";
import { decode } from "../messages/json.ts";
import { type WasmHost, WasmProgram, type WasmState } from "./agent.ts";
import { Awake } from "./awake.ts";
import { WasmError } from "./module/errors.ts";
import { PAGE_BYTES } from "./module/pages.ts";
import { type KeptReply, keepReply, replay } from "./replies.ts";
import type { States } from "./states.ts";

/** An agent's state: before it knows its code, what it has heard so far; then its code's. */
export interface KeptState {
  readonly digest: string;
  readonly birth: Birth | null;
  readonly replies: readonly KeptReply[];
  readonly code: WasmState<Birth> | null;
  /** Of a clone that isn't born yet: its original's. */
  readonly inherited: WasmState<Birth> | null;
}

/** What runs an agent, and who answers it. */
export type Runnable = Pick<WasmHost<Birth>, "code" | "entry" | "personalities">;

export interface WasmParts {
  /**
   * What runs the image with this digest (SHA-256, "sha256:…"), for an agent with this identifier; undefined
   * when its code isn't prepared.
   */
  runnable(digest: string, id: number): Runnable | undefined;
  /** What a clone leaves that was made for it, and what agents go on from. */
  readonly states: States<WasmState<Birth>>;
}

const FRESH = { scratchAt: 0, buffer: { at: 0, bytes: 0 }, cycles: 0 };

export function wasmProgram(parts: WasmParts): [start: ProgramFunction, forms: ProgramForms] {
  const awake = new Awake();
  return [
    (start) => new WasmAgent(parts, awake, start),
    {
      thaw: (start, state) => new WasmAgent(parts, awake, start, state as KeptState),
      clone: (start, state) => {
        const { code } = state as KeptState;
        if (code === null) return new WasmAgent(parts, awake, start);
        // In one that the agent has made of itself, the call that made it comes back.
        const returns = start.byItself && code.cloned === null;
        const inherited = returns ? { ...code, cloned: "returns" as const } : code;
        const kept = { digest: "", birth: null, replies: [], code: null, inherited };
        return new WasmAgent(parts, awake, start, kept, false);
      },
    },
  ];
}

class WasmAgent implements FreezableProgram {
  private readonly parts: WasmParts;
  private readonly awake: Awake;
  private readonly start: AgentStart;
  /** Of its image; empty before it is known. */
  private digest = "";
  private birth: Birth | null = null;
  private inherited: WasmState<Birth> | null = null;
  private code: WasmProgram<Birth> | null = null;
  /** Its own steps, while it has no code or no more. */
  private steps: Step<Born>;
  private replies: KeptReply[] = [];
  private own: Operation | null = null;

  /** `stands`: in the operation that it has given last; else its first is to come. */
  constructor(
    parts: WasmParts,
    awake: Awake,
    start: AgentStart,
    state: KeptState | null = null,
    stands = true,
  ) {
    this.parts = parts;
    this.awake = awake;
    this.start = start;
    this.steps = born(new Sys(start));
    this.inherited = state?.inherited ?? null;
    this.digest = state?.digest ?? "";
    if (state?.birth && state.code) {
      this.birth = state.birth;
      this.code = new WasmProgram(this.hostOf(state.birth), start, state.code);
    } else if (state && stands) {
      this.replies = [...state.replies];
      this.own = replay(this.steps, state.replies);
    }
  }

  get operation(): Operation | null {
    return this.code ? this.code.operation : this.own;
  }

  next(reply: Reply): IteratorResult<Operation, void> {
    if (this.code) return this.code.next(reply);
    if (this.own) this.replies.push(keepReply(reply));
    return this.after(this.own ? this.steps.next(reply) : this.steps.next());
  }

  throw(error: unknown): IteratorResult<Operation, void> {
    if (this.code) return this.code.throw(error);
    this.replies.push({ refused: error instanceof Error ? error.message : String(error) });
    return this.after(this.steps.throw(error));
  }

  return(): IteratorResult<Operation, void> {
    this.code?.return();
    return { done: true, value: undefined };
  }

  [Symbol.iterator](): this {
    return this;
  }

  freeze(): KeptState {
    const { digest, birth, replies, inherited } = this;
    const code = this.code?.freeze() ?? null;
    return {
      digest,
      birth,
      code,
      replies: code ? [] : [...replies],
      inherited: code ? null : inherited,
    };
  }

  private after(step: IteratorResult<Operation, Born>): IteratorResult<Operation, void> {
    if (!step.done) {
      this.own = step.value;
      return { done: false, value: step.value };
    }
    const { digest, birth } = step.value;
    this.digest = digest;
    this.birth = birth;
    this.code = this.begin(birth);
    return this.code.next(undefined);
  }

  private begin(birth: Birth): WasmProgram<Birth> {
    const { start, inherited, parts } = this;
    const host = this.hostOf(birth);
    const clone: CloneStart = { ...start, original: 0, byItself: false };
    if (inherited) return WasmProgram.clone(host, clone, inherited);
    if (birth.state === undefined) return new WasmProgram(host, start);
    const state = parts.states.take(birth.state);
    if (!state) throw new WasmError("wasm-state", null, `there is no state ${birth.state}`);
    // Its memory isn't there yet, nor what its original had for calls.
    const bytes = (state.instance?.pages.length ?? 0) * PAGE_BYTES;
    return WasmProgram.clone(this.hostOf(birth, bytes), clone, { ...state, standing: FRESH });
  }

  /** `bytes` of memory are allocated at birth. */
  private hostOf(birth: Birth, bytes = 0): WasmHost<Birth> {
    const { parts, awake, inherited, start, digest } = this;
    const found = parts.runnable(digest, start.id);
    if (!found) throw new WasmError("wasm-state", null, `no code of ${digest} has been prepared`);
    return {
      ...found,
      awake,
      *birth(sys) {
        if (birth.keepAs !== undefined) {
          if (inherited) parts.states.leave(birth.keepAs, inherited);
          yield* sys.exit(inherited ? 0 : 1);
        }
        if (bytes > 0) yield* sys.allocate(bytes);
        return birth;
      },
    };
  }
}

interface Born {
  readonly digest: string;
  readonly birth: Birth;
}

/** Only its parent tells it what it is: what others have sent before is passed over. */
function* born(sys: Sys): Step<Born> {
  const { digest, parent } = yield* sys.info(sys.self);
  while (true) {
    const { sender, bytes } = yield* sys.receive();
    if (sender === parent) return { digest: `sha256:${digest}`, birth: Birth.parse(decode(bytes)) };
  }
}
