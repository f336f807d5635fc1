/**
 * An agent whose code is a WebAssembly module.
 *
 * Code runs ahead: up to its next system call, or until it has used up `SLICE_CYCLES`; then the time that
 * it has taken is worked off by the agent in the machine, where it is preempted like any other. Since
 * nothing outside can be seen or changed between two calls, nobody can tell the difference.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import {
  CALL_GROW,
  CALL_YIELD,
  type Frozen,
  Instance,
  type PendingCall,
  type Value,
} from "./instance.ts";
import { WasmError } from "./module/errors.ts";
import { EXPORT_START, STACK_BYTES_MAX } from "./module/interface.ts";
import { WASM_PAGE_BYTES } from "./module/pages.ts";
import type { Prepared, PreparedImport } from "./module/prepare.ts";
import type { Personality } from "./personality.ts";

/** Cycles for which code may run ahead: a millisecond, of the machine's and about one of the host's. */
export const SLICE_CYCLES = 1_000_000;

/** Code that has been compiled: any number of agents share it. */
export interface Code {
  readonly prepared: Prepared;
  readonly module: WebAssembly.Module;
}

const GROW_FAILED = -1;

/**
 * Runs the code from birth to the end of `entry`.
 * @throws WasmError wasm-import, wasm-export; WebAssembly.RuntimeError when it traps
 */
export function* runWasm(
  sys: Sys,
  code: Code,
  personalities: readonly Personality[],
  entry = "_start",
): Step<void> {
  const { prepared } = code;
  checkImports(prepared, personalities);
  checkEntry(prepared, entry);
  if (prepared.initial > 0) yield* sys.allocate(prepared.initial * WASM_PAGE_BYTES);
  const it = new WasmAgent(sys, code, personalities, birthOf(prepared));
  if (prepared.hasStart) yield* it.run(EXPORT_START);
  yield* it.run(entry);
}

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

/** @throws WasmError wasm-import: there is one that nobody answers */
export function checkImports(prepared: Prepared, personalities: readonly Personality[]): void {
  for (const { module, name } of prepared.imports)
    if (
      !personalities.some(
        (it) => it.module === module && (it.quick.has(name) || it.steps.has(name)),
      )
    )
      throw new WasmError("wasm-import", null, `nothing here is called "${module}.${name}"`);
}

function checkEntry(prepared: Prepared, entry: string): void {
  const type = prepared.exports.get(entry);
  if (!type) throw new WasmError("wasm-export", null, `exports no function "${entry}"`);
  if (type.parameters.length + type.results.length > 0)
    throw new WasmError("wasm-export", null, `"${entry}" has parameters or results`);
}

class WasmAgent {
  private readonly sys: Sys;
  private readonly prepared: Prepared;
  private readonly personalities: readonly Personality[];
  private readonly instance: Instance;

  constructor(sys: Sys, code: Code, personalities: readonly Personality[], state: Frozen) {
    this.sys = sys;
    this.prepared = code.prepared;
    this.personalities = personalities;
    this.instance = new Instance(code.prepared, code.module, state, (call) => this.quick(call));
  }

  private quick({ module, name }: PreparedImport) {
    const answer = this.personalities.find((it) => it.module === module)?.quick.get(name);
    return answer ? (...args: Value[]) => answer(this.instance, args) : null;
  }

  /** Runs an exported function to its end. */
  *run(entry: string): Step<void> {
    const { instance, sys } = this;
    instance.cycles = SLICE_CYCLES;
    let done = instance.start(entry);
    while (true) {
      sys.work(SLICE_CYCLES - instance.cycles);
      if (done) return;
      const { pending } = instance;
      const answer = pending ? yield* this.answer(pending) : undefined;
      instance.cycles = SLICE_CYCLES;
      done = instance.resume(answer);
    }
  }

  private *answer({ import: index, args }: PendingCall): Step<Value | undefined> {
    if (index === CALL_YIELD) {
      // Any call will do: the time passes before it.
      yield* this.sys.now();
      return undefined;
    }
    if (index === CALL_GROW) return yield* this.grow(Number(args[0]));
    const { module, name } = this.prepared.imports[index] ?? { module: "", name: "" };
    const step = this.personalities.find((it) => it.module === module)?.steps.get(name);
    if (!step)
      throw new WasmError("wasm-import", null, `nothing here is called "${module}.${name}"`);
    return yield* step(this.instance, args);
  }

  /** The pool pays for what the memory grows by, or it doesn't grow. */
  private *grow(pages: number): Step<number> {
    const { instance, prepared, sys } = this;
    if (pages > prepared.maximum - instance.size) return GROW_FAILED;
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
