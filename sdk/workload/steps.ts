/** The events of rt-app's phases (doc/tutorial.txt there), and two of our own: send and receive. */
import type { Member, Value } from "./json.ts";
import type { Span, Step, TimerMode } from "./model.ts";

/** A day: spans of virtual time stay whole numbers of nanoseconds in a double. */
export const MICROSECONDS_MAX = 86_400_000_000;
/** What one "mem" or "iorun" step may write: an agent's memory at most. */
export const BYTES_MAX = 1 << 30;
/** Limit of a message (kernel/limits.ts). */
export const MESSAGE_BYTES_MAX = 64 * 1024;

const NANOSECONDS = 1000;
const MODES: Readonly<Record<TimerMode, TimerMode>> = {
  relative: "relative",
  absolute: "absolute",
};

/** Microseconds of the file as nanoseconds. */
export function microseconds(value: Value, least = 0): number {
  return value.integer(least, MICROSECONDS_MAX) * NANOSECONDS;
}

/** A number, or our { "random": [least, most] }. */
function span(value: Value): Span {
  if (value.type !== "object") {
    const time = microseconds(value);
    return { least: time, most: time };
  }
  const range = value.fields(["random"]).get("random");
  const [low, high, ...more] = range?.elements() ?? [];
  if (!range || !low || !high || more.length > 0)
    return value.refuse('a random span is { "random": [least, most] }');
  const [least, most] = [microseconds(low), microseconds(high)];
  if (least > most) range.refuse("the least is more than the most");
  return { least, most };
}

function name(value: Value): string {
  const text = value.string();
  return text === "" ? value.refuse("the name is empty") : text;
}

/** { "ref": condition, "mutex": mutex } of "wait" and "sync". */
function conditionAndMutex(value: Value): { condition: string; mutex: string } {
  const fields = value.fields(["ref", "mutex"]);
  const [ref, mutex] = [fields.get("ref"), fields.get("mutex")];
  if (!ref) return value.refuse('"ref" is missing: the condition');
  if (!mutex) return value.refuse('"mutex" is missing: what is held around the condition');
  return { condition: name(ref), mutex: name(mutex) };
}

/** Timers named "unique…" belong to one agent, others to all that name them (as in rt-app). */
function timer(value: Value): Step {
  const fields = value.fields(["ref", "period", "mode"]);
  const [ref, period] = [fields.get("ref"), fields.get("period")];
  if (!ref) return value.refuse('"ref" is missing: the timer');
  if (!period) return value.refuse('"period" is missing');
  return {
    kind: "timer",
    timer: name(ref),
    unique: name(ref).startsWith("unique"),
    period: microseconds(period),
    mode: fields.get("mode")?.choice(MODES) ?? "relative",
  };
}

function send(value: Value): Step {
  const fields = value.fields(["ref", "bytes"]);
  const [ref, bytes] = [fields.get("ref"), fields.get("bytes")];
  if (!ref) return value.refuse('"ref" is missing: the queue');
  return { kind: "send", queue: name(ref), bytes: bytes?.integer(0, MESSAGE_BYTES_MAX) ?? 0 };
}

type Reader = (value: Value, task: string) => Step;

const READERS: Readonly<Record<Step["kind"], Reader>> = {
  run: (value) => ({ kind: "run", span: span(value) }),
  runtime: (value) => ({ kind: "runtime", span: span(value) }),
  sleep: (value) => ({ kind: "sleep", span: span(value) }),
  timer,
  lock: (value) => ({ kind: "lock", mutex: name(value) }),
  unlock: (value) => ({ kind: "unlock", mutex: name(value) }),
  wait: (value) => ({ kind: "wait", ...conditionAndMutex(value) }),
  sync: (value) => ({ kind: "sync", ...conditionAndMutex(value), locks: true }),
  signal: (value) => ({ kind: "signal", condition: name(value) }),
  broad: (value) => ({ kind: "broad", condition: name(value) }),
  // workgen fills in an empty name with the task's own.
  suspend: (value, task) => ({ kind: "suspend", name: value.string() || task }),
  resume: (value) => ({ kind: "resume", name: name(value) }),
  barrier: (value) => ({ kind: "barrier", barrier: name(value) }),
  mem: (value) => ({ kind: "mem", bytes: value.integer(0, BYTES_MAX) }),
  iorun: (value) => ({ kind: "iorun", bytes: value.integer(0, BYTES_MAX) }),
  yield: (value) => {
    value.string();
    return { kind: "yield" };
  },
  fork: (value) => ({ kind: "fork", task: name(value) }),
  send,
  receive: (value) => ({ kind: "receive", queue: name(value) }),
};

export const EVENT_NAMES = Object.keys(READERS) as Step["kind"][];

/**
 * The event that a key names: events of a kind are told apart by what follows the name, as in
 * "run0", "lock_a" or "timerB". rt-app takes any ending; here it doesn't begin with a small letter,
 * so that "sleeep" is a mistake.
 */
export function eventOf(key: string): Step["kind"] | null {
  return (
    EVENT_NAMES.find((event) => key.startsWith(event) && !/^[a-z]/.test(key.slice(event.length))) ??
    null
  );
}

/** @throws WorkloadError */
export function readStep({ key, value }: Member, task: string): Step | null {
  const kind = eventOf(key);
  return kind && READERS[kind](value, task);
}
