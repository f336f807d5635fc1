/** Agents below the agent: clones of it, and agents of images that it was given. */
import {
  GRANT_BYTES,
  GRANT_CAPABILITY,
  GRANT_NAME,
  GRANT_NAME_BYTES,
} from "../../wasm/aios_layouts.ts";
import { encode, host, inClones, isAnother, SystemError, type Waiter, waiting } from "./host.ts";
import { type Capability, handleOf, wrap } from "./messages.ts";
import * as op from "./operations.ts";

const KEY = Symbol("key");
/** As AIOS_END_… has them. */
const REASONS = ["none", "exited", "killed", "fault", "merged", "spawn-failed"] as const;

export interface End {
  readonly child: number;
  readonly reason: (typeof REASONS)[number];
  readonly code: bigint;
}

/** Those that are not over, as far as it is known. */
const living = new Map<number, Child>();
/** Ends that nobody has been told, and who waits for any of them. */
const ends: End[] = [];
const anyEnd: Waiter<End>[] = [];

/** An end that is told to who waits for this child takes no place among the others. */
export class Child {
  readonly id: number;
  readonly capability: Capability;
  #end: End | undefined;
  readonly #waiters: Waiter<End>[] = [];

  constructor(key: typeof KEY, id: number, capability: Capability) {
    if (key !== KEY) throw new TypeError("children come from clone and spawn");
    this.id = id;
    this.capability = capability;
  }

  kill(code = 0): void {
    if (!Number.isSafeInteger(code) || code < 0) throw new RangeError(`no code: ${code}`);
    const status = host(op.OP_KILL, handleOf(this.capability), code) as number;
    if (status !== 0) throw new SystemError("kill", status);
  }

  ended(): Promise<End> {
    isAnother();
    const end = this.#end;
    if (end === undefined) return waiting(this.#waiters);
    const place = ends.indexOf(end);
    if (place >= 0) ends.splice(place, 1);
    return Promise.resolve(end);
  }

  static {
    isAwaited = (it) => it.#waiters.length > 0;
    over = (it, end) => {
      it.#end = end;
      const waiters = it.#waiters.splice(0);
      for (const { resolve } of waiters) resolve(end);
      return waiters.length > 0;
    };
  }
}
var isAwaited: (it: Child) => boolean;
var over: (it: Child, end: End) => boolean;

// Its original's children are none of a clone's.
inClones(() => {
  for (const [id, child] of living) over(child, { child: id, reason: "none", code: 0n });
  living.clear();
  ends.length = 0;
});

/** Whether somebody wants to know of ends. */
export function endsAreAwaited(): boolean {
  if (anyEnd.length > 0) return true;
  for (const child of living.values()) if (isAwaited(child)) return true;
  return false;
}

export function tellEnd(child: number, reason: number, code: bigint): void {
  const end: End = { child, reason: REASONS[reason] ?? "none", code };
  const it = living.get(child);
  living.delete(child);
  if (it !== undefined) {
    host(op.OP_DROP, handleOf(it.capability));
    if (over(it, end)) return;
  }
  const waiter = anyEnd.shift();
  if (waiter === undefined) ends.push(end);
  else waiter.resolve(end);
}

export function childEnded(): Promise<End> {
  isAnother();
  const end = ends.shift();
  return end === undefined ? waiting(anyEnd) : Promise.resolve(end);
}

/** Undefined for a clone, which is told so by an identifier of 0. */
function born(what: string, answer: unknown): Child | undefined {
  if (typeof answer === "number") throw new SystemError(what, answer);
  const [id, handle] = answer as [number, number];
  if (id === 0) return undefined;
  const child = new Child(KEY, id, wrap(handle));
  living.set(id, child);
  return child;
}

export function clone(): Child | undefined {
  isAnother();
  const child = born("clone", host(op.OP_CLONE));
  isAnother();
  return child;
}

export interface Spawn {
  readonly args?: readonly string[];
  readonly capabilities?: readonly string[] | Readonly<Record<string, string | Capability>>;
  readonly memory?: number;
}

export function spawn(image: string | Capability, options: Spawn = {}): Child {
  isAnother();
  const { args = [], capabilities = [], memory = 0 } = options;
  const texts = [typeof image === "string" ? image : "agent", ...args].map(String);
  if (texts.some((text) => text.includes("\0"))) throw new RangeError("an argument with a NUL");
  if (!Number.isSafeInteger(memory) || memory < 0) throw new RangeError(`no memory: ${memory}`);
  const grants = Array.isArray(capabilities)
    ? capabilities.map((name: string) => [name, name] as const)
    : Object.entries(capabilities as Readonly<Record<string, string | Capability>>);
  const text = texts.map((it) => `${it}\0`).join("");
  const answer = host(op.OP_SPAWN, handleOf(image), text, memory, grants.length, listed(grants));
  return born("spawn", answer) as Child;
}

/** Records, and behind them the names. */
function listed(grants: readonly (readonly [string, string | Capability])[]): Uint8Array {
  const names = grants.map(([name]) => encode(String(name)));
  const before = GRANT_BYTES * grants.length;
  const bytes = new Uint8Array(names.reduce((sum, { length }) => sum + length, before));
  const view = new DataView(bytes.buffer);
  let at = before;
  for (const [n, [, capability]] of grants.entries()) {
    const name = names[n] as Uint8Array;
    const record = GRANT_BYTES * n;
    view.setBigInt64(record + GRANT_CAPABILITY, BigInt(handleOf(capability)), true);
    view.setUint32(record + GRANT_NAME, at, true);
    view.setUint32(record + GRANT_NAME_BYTES, name.length, true);
    bytes.set(name, at);
    at += name.length;
  }
  return bytes;
}
