/** WASI's poll_oneoff: waits for times, for bytes in a pipe, and for room in one. */
import type { Step } from "../../sdk/agent/calls.ts";
import { notificationOf } from "../../sdk/agent/endpoints.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { NEVER } from "../../sdk/agent/waits.ts";
import type { Instance } from "./instance.ts";
import * as wasi from "./wasi_constants.ts";
import type { Call, Context } from "./wasi_context.ts";
import { statOf } from "./wasi_fds.ts";
import { bytesAt, listAt, put32, Refusal, unsigned, viewAt } from "./wasi_memory.ts";
import { pipeOf } from "./wasi_streams.ts";
import { allowed } from "./wasi_table.ts";

interface Happened {
  readonly errno: number;
  readonly bytes: number;
}

/** A subscription, and what is known of it. */
interface Wanted {
  readonly userdata: bigint;
  readonly type: number;
  /** For a clock: when, in virtual time. */
  readonly due: bigint;
  /** For a pipe: what is waited for. */
  readonly pipe: number;
  happened: Happened | null;
}

/** Of a wait in the kernel. */
const PIPES_MAX = 15;

export const pollOneoff: Call = function* (context, sys, instance, args) {
  const [list = 0, events = 0, count = 0, result = 0] = unsigned(args);
  if (count === 0) throw new Refusal(wasi.ERRNO_INVAL);
  listAt(instance, list, count, wasi.SUBSCRIPTION_BYTES);
  const room = bytesAt(instance, events, count * wasi.EVENT_BYTES);
  bytesAt(instance, result, 4);
  const now = yield* sys.now();
  const all: Wanted[] = [];
  for (let n = 0; n < count; n++)
    all.push(yield* subscription(context, sys, instance, list + n * wasi.SUBSCRIPTION_BYTES, now));
  yield* waitFor(sys, all, now);
  room.fill(0);
  const done = all.filter(({ happened }) => happened !== null);
  for (const [n, { userdata, type, happened }] of done.entries()) {
    const view = viewAt(instance, events + n * wasi.EVENT_BYTES, wasi.EVENT_BYTES);
    view.setBigUint64(0, userdata, true);
    view.setUint16(wasi.EVENT_ERRNO, happened?.errno ?? 0, true);
    view.setUint8(wasi.EVENT_TYPE, type);
    view.setBigUint64(wasi.EVENT_COUNT, BigInt(happened?.bytes ?? 0), true);
  }
  put32(instance, result, done.length);
};

/** @throws Refusal INVAL: of no known type */
function* subscription(
  context: Context,
  sys: Sys,
  instance: Instance,
  at: number,
  now: bigint,
): Step<Wanted> {
  const view = viewAt(instance, at, wasi.SUBSCRIPTION_BYTES);
  const userdata = view.getBigUint64(0, true);
  const type = view.getUint8(wasi.SUBSCRIPTION_TAG);
  const known = { userdata, type, due: NEVER, pipe: 0, happened: null };
  if (type === wasi.EVENTTYPE_CLOCK) return { ...known, ...clockOf(context, view, now) };
  if (type !== wasi.EVENTTYPE_FD_READ && type !== wasi.EVENTTYPE_FD_WRITE)
    throw new Refusal(wasi.ERRNO_INVAL);
  const fd = view.getUint32(wasi.SUBSCRIPTION_SUBJECT, true);
  const reads = type === wasi.EVENTTYPE_FD_READ;
  try {
    const it = allowed(context.table.get(fd), wasi.rights("POLL_FD_READWRITE"));
    if (it.kind === "stream") {
      allowed(it, wasi.rights(reads ? "FD_READ" : "FD_WRITE"));
      return { ...known, pipe: pipeOf(context, it) };
    }
    // A file never has one wait.
    const left = reads ? (yield* statOf(context, sys, it)).size - it.offset : 0;
    return { ...known, happened: { errno: 0, bytes: Math.max(0, left) } };
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    return { ...known, happened: { errno: error.errno, bytes: 0 } };
  }
}

function clockOf({ epoch }: Context, view: DataView, now: bigint): Partial<Wanted> {
  const clock = view.getUint32(wasi.SUBSCRIPTION_SUBJECT, true);
  if (clock !== wasi.CLOCK_REALTIME && clock !== wasi.CLOCK_MONOTONIC)
    return { happened: { errno: wasi.ERRNO_INVAL, bytes: 0 } };
  const timeout = view.getBigUint64(wasi.SUBSCRIPTION_TIMEOUT, true);
  const isAbsolute = view.getUint16(wasi.SUBSCRIPTION_FLAGS, true) & wasi.SUBCLOCK_ABSOLUTE;
  if (!isAbsolute) return { due: earlier(now + timeout, NEVER) };
  const due = clock === wasi.CLOCK_REALTIME ? timeout - epoch : timeout;
  return { due: due < 0n ? 0n : due };
}

/** Until one has happened at least. */
function* waitFor(sys: Sys, all: Wanted[], now: bigint): Step<void> {
  const isDone = all.some(({ happened }) => happened !== null);
  const first = all.map(({ due }) => due).reduce(earlier, NEVER);
  const queue = yield* roomQueue(sys, all);
  const reads = all.filter(({ type, pipe }) => pipe !== 0 && type === wasi.EVENTTYPE_FD_READ);
  const pipes = [...new Set(reads.map(({ pipe }) => pipe))].slice(0, PIPES_MAX);
  const on = queue === 0 ? pipes : [...pipes, queue];
  const ready = yield* readyOf(sys, on, isDone ? now : first);
  const roomy = ready !== 0 && ready === queue ? yield* roomyPipe(sys, queue) : 0;
  for (const it of all) {
    const isRoom = roomy === it.pipe && it.type === wasi.EVENTTYPE_FD_WRITE;
    const isData = ready === it.pipe && it.type === wasi.EVENTTYPE_FD_READ;
    if (it.pipe !== 0 && (isRoom || isData)) it.happened = { errno: 0, bytes: 1 };
  }
  const then = yield* sys.now();
  for (const it of all)
    if (it.type === wasi.EVENTTYPE_CLOCK && it.due <= then) it.happened ??= { errno: 0, bytes: 0 };
  if (queue === 0) return;
  yield* sys.close(queue);
  yield* sys.drop(queue);
}

/** Which of them is ready; 0 for none in time. One that is gone is: reading it says so. */
function* readyOf(sys: Sys, on: readonly number[], deadline: bigint): Step<number> {
  try {
    const woken = yield* sys.wait({ on, deadline });
    return woken.what === "object" ? (on[woken.index] ?? 0) : 0;
  } catch (error) {
    if (error instanceof SyscallError) return on[0] ?? 0;
    throw error;
  }
}

/** A queue that hears of room in the pipes that are to be written to; 0 if there are none. */
function* roomQueue(sys: Sys, all: readonly Wanted[]): Step<number> {
  const writes = all.filter(({ type, pipe }) => pipe !== 0 && type === wasi.EVENTTYPE_FD_WRITE);
  const pipes = [...new Set(writes.map(({ pipe }) => pipe))];
  if (pipes.length === 0) return 0;
  const queue = yield* sys.endpoint("queue", pipes.length);
  for (const pipe of pipes) yield* sys.notify(pipe, queue, "room", { tag: pipe });
  return queue;
}

function* roomyPipe(sys: Sys, queue: number): Step<number> {
  return Number(notificationOf((yield* sys.receive(queue)).bytes).tag);
}

const earlier = (a: bigint, b: bigint): bigint => (a < b ? a : b);
