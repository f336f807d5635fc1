/** Standard input, output and error: pipes that the agent was given. */
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { NOTHING } from "./aios_arguments.ts";
import * as wasi from "./wasi_constants.ts";
import type { Context } from "./wasi_context.ts";
import { Refusal } from "./wasi_memory.ts";
import type { Stream } from "./wasi_table.ts";

/** Largest part of a stream's bytes that is moved at once. */
export const STREAM_BYTES_MAX = 64 * 1024;

/** NOTHING: its other end was over when the agent was born. @throws Refusal BADF */
export function pipeOf({ streams }: Context, { stream }: Stream): number {
  const pipe = streams[stream];
  if (typeof pipe !== "number") throw new Refusal(wasi.ERRNO_BADF);
  return pipe;
}

const isNonblocking = ({ flags }: Stream): boolean => (flags & wasi.FDFLAG_NONBLOCK) !== 0;

/** Waits while the pipe is full; then as many bytes as it takes. */
export function* writeStream(context: Context, sys: Sys, it: Stream, bytes: Uint8Array) {
  const pipe = pipeOf(context, it);
  if (bytes.length === 0) return 0;
  if (pipe === NOTHING) throw new Refusal(wasi.ERRNO_PIPE);
  return yield* moving(
    it,
    "FULL",
    () => sys.write(pipe, bytes),
    () => roomIn(sys, pipe),
  );
}

/** Waits while the pipe is empty. None at its end. */
export function* readStream(context: Context, sys: Sys, it: Stream, room: number) {
  const pipe = pipeOf(context, it);
  if (room === 0 || pipe === NOTHING) return new Uint8Array();
  const most = Math.min(room, STREAM_BYTES_MAX);
  try {
    return yield* moving(
      it,
      "EMPTY",
      () => sys.read(pipe, most),
      () => dataIn(sys, pipe),
    );
  } catch (error) {
    if (error instanceof Refusal && error.errno === wasi.ERRNO_PIPE) return new Uint8Array();
    throw error;
  }
}

function* moving<T>(
  it: Stream,
  later: string,
  move: () => Step<T>,
  wait: () => Step<unknown>,
): Step<T> {
  while (true) {
    try {
      return yield* move();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.status !== later) throw refused(error);
      if (isNonblocking(it)) throw new Refusal(wasi.errnoNamed("EAGAIN"));
    }
    try {
      yield* wait();
    } catch (error) {
      // The other end has closed it meanwhile.
      throw error instanceof SyscallError ? refused(error) : error;
    }
  }
}

/** The kernel's refusal of a stream's operation. */
function refused({ status }: SyscallError): Refusal {
  const isOver = status === "OBJECT_GONE" || status === "ABANDONED";
  return new Refusal(isOver ? wasi.ERRNO_PIPE : wasi.ERRNO_NOTCAPABLE);
}

/** Waits until the pipe has room, or is gone, which the next write says. */
function* roomIn(sys: Sys, pipe: number): Step<void> {
  const queue = yield* sys.endpoint("queue");
  yield* sys.notify(pipe, queue, "room");
  yield* sys.receive(queue);
  yield* sys.close(queue);
  yield* sys.drop(queue);
}

function* dataIn(sys: Sys, pipe: number): Step<void> {
  yield* sys.wait({ on: [pipe] });
}
