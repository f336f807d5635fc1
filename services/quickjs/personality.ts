/**
 * What the engine's driver asks its host: what the agent was told, and the few system calls that a script
 * can make. Numbers of capabilities are f64s: below 0 the place of one that was given by name, else what
 * the kernel has called it.
 */
import { RIGHT_DERIVE, RIGHT_SEND } from "../../kernel/cap/rights.ts";
import * as statuses from "../../kernel/syscall/status.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Instance, Value } from "../wasm/instance.ts";
import { Names } from "../wasm/names.ts";
import type { Personality, QuickAnswer, StepAnswer } from "../wasm/personality.ts";
import { TEXT_SCRIPT, TEXT_TOLD, WOKEN_DEADLINE, WOKEN_MAILBOX } from "./guest/operations.ts";

/** What an agent is told that runs a script: plain data. */
export interface QuickjsOptions {
  /** Its identifier: of a clone, its own. */
  readonly id: number;
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Capabilities to pipes by descriptor; a script writes to 1 and 2. */
  readonly streams?: readonly (number | null)[];
  /** What it may send to, by name. */
  readonly capabilities?: Readonly<Record<string, number>>;
  /** Capability to the queue in which these are renewed. */
  readonly names?: number | undefined;
}

const MODULE = "quickjs";
const WORD_BYTES = 8;
const statusOf = new Map<string, number>(
  Object.entries(statuses).map(([name, code]) => [name.slice("STATUS_".length), code]),
);

/** Parameters of `text`: which, where it goes, how much room there is. Its length. */
export function putText(
  instance: Instance,
  texts: ReadonlyMap<number, Uint8Array>,
  [which, at, room]: readonly Value[],
): number {
  const text = texts.get(Number(which)) ?? new Uint8Array();
  const part = text.subarray(0, Number(room) >>> 0);
  instance.view(Number(at), part.length)?.set(part);
  return text.length;
}

export function quickjsPersonality(script: Uint8Array, options: QuickjsOptions): Personality {
  const { args = [], env = {}, capabilities = {} } = options;
  const names = Object.keys(capabilities);
  const told = JSON.stringify({ args, env, capabilities: names });
  const texts = new Map([
    [TEXT_SCRIPT, script],
    [TEXT_TOLD, new TextEncoder().encode(told)],
  ]);
  const named = Object.entries(capabilities).map(([text, handle]) => ({ text, handle }));
  const now = new Names({ capabilities: named, names: options.names });
  const find: QuickAnswer = (instance, [at, length]) => {
    const name = new TextDecoder().decode(instance.view(Number(at), Number(length) >>> 0));
    return names.includes(name) ? -1 - names.indexOf(name) : 0;
  };
  const quick = new Map<string, QuickAnswer>([
    ["text", (instance, args) => putText(instance, texts, args)],
    ["find", find],
    ["who", () => BigInt(options.id)],
  ]);
  const steps = new Map<string, StepAnswer>([
    [
      "send",
      (sys, instance, args) => now.trying(sys, (handles) => send(sys, instance, args, handles)),
    ],
    ["receive", (sys, instance, args) => receive(sys, instance, args)],
    ["wait", (sys, instance, args) => wait(sys, instance, args)],
    ["queue", (sys) => refusable(sys.endpoint("queue"))],
    ["sender", (sys, _, [queue]) => refusable(sender(sys, Number(queue)))],
    ["drop", (sys, _, [capability]) => drop(sys, Number(capability))],
  ]);
  return { module: MODULE, quick, steps, state: now.state };
}

/** A refusal as a status below 0. */
function* refusable(steps: Step<number>): Step<number> {
  try {
    return yield* steps;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return -(statusOf.get(error.status) ?? statuses.STATUS_BAD_ARGUMENT);
  }
}

function* send(
  sys: Sys,
  instance: Instance,
  [to, at, length, capability]: readonly Value[],
  handles: readonly number[],
): Step<number> {
  /** 0, which is nothing, for a place that isn't there. */
  const handleOf = (value: Value | undefined): number => {
    const number = Number(value);
    return number < 0 ? (handles[-1 - number] ?? 0) : number;
  };
  const bytes = instance.view(Number(at), Number(length) >>> 0)?.slice() ?? new Uint8Array();
  const sent = yield* refusable(sys.send(handleOf(to), bytes, handleOf(capability)));
  return sent < 0 ? -sent : 0;
}

/** From a queue, or, 0, from the mailbox. Its length, or a status below 0. */
function* receive(sys: Sys, instance: Instance, [from, at, told]: readonly Value[]): Step<number> {
  try {
    const { bytes, sender, capability } = yield* sys.receive(Number(from) || sys.self);
    instance.view(Number(at), bytes.length)?.set(bytes);
    const view = instance.view(Number(told), 2 * WORD_BYTES);
    if (view) {
      const words = new DataView(view.buffer, view.byteOffset);
      words.setFloat64(0, sender, true);
      words.setFloat64(WORD_BYTES, capability, true);
    }
    return bytes.length;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return -(statusOf.get(error.status) ?? statuses.STATUS_BAD_ARGUMENT);
  }
}

function* wait(
  sys: Sys,
  instance: Instance,
  [deadline, mailbox, list, count]: readonly Value[],
): Step<number> {
  const view = instance.view(Number(list), Number(count) * WORD_BYTES);
  const words = view && new DataView(view.buffer, view.byteOffset);
  const on = Array.from({ length: Number(count) }, (_, n) =>
    words ? words.getFloat64(n * WORD_BYTES, true) : 0,
  );
  const woken = yield* sys.wait({
    on,
    mailbox: Number(mailbox) !== 0,
    deadline: BigInt.asUintN(64, BigInt(deadline ?? 0)),
  });
  if (woken.what === "object") return woken.index;
  return woken.what === "message" ? WOKEN_MAILBOX : WOKEN_DEADLINE;
}

/** What one can answer with: to send, and to be passed along. */
function sender(sys: Sys, queue: number): Step<number> {
  return sys.derive(queue, { rights: RIGHT_SEND | RIGHT_DERIVE });
}

function* drop(sys: Sys, capability: number): Step<undefined> {
  yield* refusable(sys.drop(capability));
}
