/**
 * Code that runs for a while, and its whole state as data.
 *
 * An instance is entered with an amount of fuel and left for one of three reasons: it has come to its end,
 * it calls something that takes time, or its fuel is used up. Whenever it has been left, `freeze` gives
 * its state, and `thaw` makes an instance of it again, in this process or another. So an agent at rest
 * needs no instance, and a clone is a second one from the same state.
 *
 * Leaving is unwinding: asyncify's code saves the frames of the stack to memory behind what the
 * agent has (`stackPages`), and takes them from there when the instance is entered again.
 */
import { WasmError } from "./module/errors.ts";
import * as aios from "./module/interface.ts";
import { VALUE_I64 } from "./module/model.ts";
import { PAGE_BYTES, type Pages, putPages, takePages, WASM_PAGE_BYTES } from "./module/pages.ts";
import type { Prepared, PreparedImport } from "./module/prepare.ts";

/**
 * Pages of 64 KiB behind the agent's own: room for the frames that unwinding saves. They take less than
 * those of the host's stack.
 */
const stackPages = ({ stackBytes }: Prepared): number =>
  Math.ceil(stackBytes / WASM_PAGE_BYTES) + 1;
/** Where the next frame goes and where the room ends, in front of the frames (Binaryen's Asyncify.cpp). */
const STACK_HEADER_BYTES = 16;
const ASYNCIFY_UNWINDING = 1;

export type Value = number | bigint;

/** A call of an import that is under way. */
export interface PendingCall {
  /** Index into `Prepared.imports`, or one of the runtime's own. */
  readonly import: number;
  readonly args: readonly Value[];
}
export const CALL_YIELD = -1;
export const CALL_GROW = -2;

export interface Frozen {
  readonly pages: Pages;
  readonly globals: readonly Value[];
  /** Bytes of stack left. */
  readonly room: number;
  /** Frames, while it is inside `entry`; else none. */
  readonly stack: Uint8Array;
  readonly entry: string | null;
  readonly pending: PendingCall | null;
}

/** What is answered at once. The others are to be answered by `resume`. */
export type Quick = (...args: Value[]) => Value | undefined;

interface Exports {
  readonly asyncify_start_unwind: (at: number) => void;
  readonly asyncify_stop_unwind: () => void;
  readonly asyncify_start_rewind: (at: number) => void;
  readonly asyncify_stop_rewind: () => void;
  readonly asyncify_get_state: () => number;
  readonly [name: string]: unknown;
}

export class Instance {
  readonly memory: WebAssembly.Memory;
  private readonly prepared: Prepared;
  private readonly exports: Exports;
  private readonly fuel: WebAssembly.Global;
  private readonly pages: WebAssembly.Global;
  private readonly room: WebAssembly.Global;
  private readonly globals: WebAssembly.Global[];
  /** What its memory was when it was made, or frozen last. */
  private origin: Pages;
  private entry: string | null;
  private waiting: PendingCall | null;
  /** It is being entered again, and this is what the call answers. */
  private rewinding = false;
  private answer: Value | undefined;
  /** Where the frames end that it goes back to. */
  private framesEnd = 0;

  constructor(
    prepared: Prepared,
    module: WebAssembly.Module,
    state: Frozen,
    quick: (call: PreparedImport) => Quick | null,
  ) {
    const size = (state.pages.length * PAGE_BYTES) / WASM_PAGE_BYTES;
    this.prepared = prepared;
    this.memory = new WebAssembly.Memory({ initial: size + stackPages(prepared) });
    this.origin = state.pages;
    putPages(new Uint8Array(this.memory.buffer), state.pages);
    const instance = new WebAssembly.Instance(module, this.imports(quick));
    this.exports = instance.exports as unknown as Exports;
    this.fuel = this.global(aios.EXPORT_FUEL);
    this.pages = this.global(aios.EXPORT_PAGES);
    this.room = this.global(aios.EXPORT_ROOM);
    this.globals = prepared.globals.map((index) => this.global(aios.exportOfGlobal(index)));
    this.pages.value = size;
    this.room.value = state.room;
    for (const [n, value] of state.globals.entries())
      if (this.globals[n]) this.globals[n].value = value;
    this.entry = state.entry;
    this.waiting = state.pending;
    if (state.entry !== null) this.putStack(state.stack);
  }

  /** Pages of 64 KiB. */
  get size(): number {
    return this.pages.value;
  }

  /** The call that it has been left for. */
  get pending(): PendingCall | null {
    return this.waiting;
  }

  /** The agent's own memory: no longer than until it grows. */
  get bytes(): Uint8Array {
    return new Uint8Array(this.memory.buffer, 0, this.size * WASM_PAGE_BYTES);
  }

  /** So many bytes at an address of 32 bits; undefined if they aren't all in its memory. */
  view(at: number, length: number): Uint8Array | undefined {
    const start = at >>> 0;
    return start + length <= this.size * WASM_PAGE_BYTES
      ? new Uint8Array(this.memory.buffer, start, length)
      : undefined;
  }

  /**
   * Begins the exported function `entry`, which has no parameters. False when it has been left before
   * its end: `pending` says for what. Then comes `resume`.
   * @throws WebAssembly.RuntimeError for a trap, and what quick functions throw
   */
  start(entry: string): boolean {
    this.entry = entry;
    return this.run();
  }

  /** Enters it again; what it was left for has the answer `result`. */
  resume(result?: Value): boolean {
    if (this.waiting === null || this.entry === null)
      throw new WasmError("wasm-state", null, "nothing waits for an answer");
    this.waiting = null;
    this.answer = result;
    this.rewinding = true;
    this.framesEnd = this.stackHeader()[0] ?? 0;
    this.exports.asyncify_start_rewind(this.stackAt);
    return this.run();
  }

  private run(): boolean {
    const { exports, entry } = this;
    if (entry === null) return true;
    (exports[entry] as () => void)();
    if (exports.asyncify_get_state() === ASYNCIFY_UNWINDING) {
      exports.asyncify_stop_unwind();
      return false;
    }
    this.entry = null;
    return true;
  }

  /** Cycles that are left; below 0 when the last ones have gone beyond. */
  get cycles(): number {
    return Number(this.fuel.value);
  }

  set cycles(value: number) {
    this.fuel.value = BigInt(value);
  }

  /** Makes the memory larger by so many pages of 64 KiB; the size before. Only when it has been left. */
  grow(count: number): number {
    const before = this.size;
    const stack = this.takeStack();
    this.clearStack(this.stackHeader()[0] ?? 0);
    this.memory.grow(count);
    this.pages.value = before + count;
    this.putStack(stack);
    return before;
  }

  /** All that the agent is. Pages that have not changed are shared with its state before. */
  freeze(): Frozen {
    this.origin = takePages(this.bytes, this.origin);
    return {
      pages: this.origin,
      globals: this.globals.map(({ value }) => value as Value),
      room: this.room.value,
      stack: this.entry === null ? new Uint8Array() : this.takeStack(),
      entry: this.entry,
      pending: this.waiting,
    };
  }

  private get stackAt(): number {
    return this.size * WASM_PAGE_BYTES;
  }

  private stackHeader(): Uint32Array {
    return new Uint32Array(this.memory.buffer, this.stackAt, 2);
  }

  private takeStack(): Uint8Array {
    const from = this.stackAt + STACK_HEADER_BYTES;
    const [end = from] = this.stackHeader();
    return new Uint8Array(this.memory.buffer).slice(from, end);
  }

  /** Code that reads behind its memory finds zeroes there, whatever happened before. */
  private clearStack(end: number): void {
    new Uint8Array(this.memory.buffer).fill(0, this.stackAt, end);
  }

  private putStack(stack: Uint8Array): void {
    const from = this.stackAt + STACK_HEADER_BYTES;
    new Uint8Array(this.memory.buffer).set(stack, from);
    const end = this.stackAt + stackPages(this.prepared) * WASM_PAGE_BYTES;
    this.stackHeader().set([from + stack.length, end]);
  }

  private global(name: string): WebAssembly.Global {
    return this.exports[name] as WebAssembly.Global;
  }

  private imports(quick: (call: PreparedImport) => Quick | null): WebAssembly.Imports {
    const own: WebAssembly.ModuleImports = {
      [aios.IMPORT_MEMORY]: this.memory,
      [aios.IMPORT_YIELD]: () => this.leave(CALL_YIELD, [], undefined),
      [aios.IMPORT_GROW]: (pages: number) => this.leave(CALL_GROW, [pages >>> 0], 0),
      [aios.IMPORT_ROOM]: () => this.room.value,
      [aios.IMPORT_DEEP]: () => {
        throw new WasmError("wasm-state", null, "the stack is too deep");
      },
    };
    const all: Record<string, WebAssembly.ModuleImports> = { [aios.MODULE]: own };
    for (const [index, wanted] of this.prepared.imports.entries()) {
      const [result] = wanted.type.results;
      const nothing = result === undefined ? undefined : result === VALUE_I64 ? 0n : 0;
      all[wanted.module] ??= {};
      const of = all[wanted.module] as WebAssembly.ModuleImports;
      of[wanted.name] = quick(wanted) ?? ((...args: Value[]) => this.leave(index, args, nothing));
    }
    return all;
  }

  /** Out of the code, or back into it: the same import is called both times. */
  private leave(index: number, args: Value[], nothing: Value | undefined): Value | undefined {
    if (this.rewinding) {
      this.rewinding = false;
      this.exports.asyncify_stop_rewind();
      this.clearStack(this.framesEnd);
      return this.answer;
    }
    this.waiting = { import: index, args };
    this.putStack(NO_FRAMES);
    this.exports.asyncify_start_unwind(this.stackAt);
    return nothing;
  }
}

const NO_FRAMES = new Uint8Array();
