/**
 * WASI preview 1 as a personality: arguments, environment, clocks, randomness and the three standard
 * streams. What an agent hasn't been given isn't there: such a descriptor is EBADF.
 */
import type { Step } from "../../sdk/agent/calls.ts";
import { SyscallError } from "../../sdk/agent/error.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Instance, Value } from "./instance.ts";
import type { Personality, QuickAnswer, StepAnswer } from "./personality.ts";
import * as wasi from "./wasi_constants.ts";

export interface WasiOptions {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Capabilities to pipes by descriptor: 0 is read from, the others are written to. */
  readonly streams?: readonly (number | null)[];
}

/** Largest part of a stream's bytes that is moved at once. */
const STREAM_BYTES_MAX = 64 * 1024;
const RANDOM_BYTES_MAX = 256;
const NANOSECOND = 1n;

export function wasiPersonality(options: WasiOptions = {}): Personality {
  const it = new Wasi(options);
  return { module: wasi.WASI_MODULE, quick: it.quick, steps: it.steps };
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(`${text}\0`);

class Wasi {
  private readonly streams: readonly (number | null)[];
  readonly quick: Map<string, QuickAnswer>;
  readonly steps: Map<string, StepAnswer>;

  constructor({ args = [], env = {}, streams = [] }: WasiOptions) {
    this.streams = streams;
    const argv = args.map(encode);
    const environ = Object.entries(env).map(([name, value]) => encode(`${name}=${value}`));
    this.quick = new Map<string, QuickAnswer>([
      ["args_sizes_get", sizesOf(argv)],
      ["args_get", textsOf(argv)],
      ["environ_sizes_get", sizesOf(environ)],
      ["environ_get", textsOf(environ)],
      ["clock_res_get", clockResolution],
      ["fd_fdstat_get", (instance, [fd, at]) => this.fdstat(instance, Number(fd), Number(at))],
      ["fd_seek", (_, [fd]) => this.onStream(Number(fd), wasi.ERRNO_SPIPE)],
      ["fd_prestat_get", (_, [fd]) => this.onStream(Number(fd), wasi.ERRNO_NOTSUP)],
      ["fd_prestat_dir_name", (_, [fd]) => this.onStream(Number(fd), wasi.ERRNO_NOTSUP)],
    ]);
    this.steps = new Map<string, StepAnswer>([
      ["fd_write", (sys, instance, args) => this.write(sys, instance, unsigned(args))],
      ["fd_read", (sys, instance, args) => this.read(sys, instance, unsigned(args))],
      ["clock_time_get", (sys, instance, args) => clock(sys, instance, unsigned(args))],
      ["random_get", (sys, instance, args) => random(sys, instance, unsigned(args))],
      ["sched_yield", (sys) => schedYield(sys)],
      ["proc_exit", (sys, _, [code]) => sys.exit(Number(code) >>> 0)],
    ]);
  }

  private onStream(fd: number, errno: number): number {
    return typeof this.streams[fd] === "number" ? errno : wasi.ERRNO_BADF;
  }

  private fdstat(instance: Instance, fd: number, at: number): number {
    if (typeof this.streams[fd] !== "number") return wasi.ERRNO_BADF;
    const view = viewOf(instance, at, wasi.FDSTAT_BYTES);
    if (!view) return wasi.ERRNO_FAULT;
    for (let n = 0; n < wasi.FDSTAT_BYTES; n++) view.setUint8(n, 0);
    view.setUint8(0, wasi.FILETYPE_CHARACTER_DEVICE);
    const right = fd === 0 ? wasi.RIGHT_FD_READ : wasi.RIGHT_FD_WRITE;
    view.setBigUint64(wasi.FDSTAT_RIGHTS, right | wasi.RIGHT_POLL, true);
    return wasi.ERRNO_SUCCESS;
  }

  /** Waits while the pipe is full; then as many bytes as it takes. */
  private *write(
    sys: Sys,
    instance: Instance,
    [fd = 0, list = 0, count = 0, result = 0]: readonly number[],
  ): Step<number> {
    const pipe = this.streams[fd];
    if (typeof pipe !== "number" || fd === 0) return wasi.ERRNO_BADF;
    const buffers = vectors(instance, list, count);
    const written = viewOf(instance, result, 4);
    if (!buffers || !written) return wasi.ERRNO_FAULT;
    const bytes = joined(buffers);
    try {
      written.setUint32(0, bytes.length === 0 ? 0 : yield* writeSome(sys, pipe, bytes), true);
    } catch (error) {
      return errnoOf(error);
    }
    return wasi.ERRNO_SUCCESS;
  }

  private *read(
    sys: Sys,
    instance: Instance,
    [fd = 0, list = 0, count = 0, result = 0]: readonly number[],
  ): Step<number> {
    const pipe = this.streams[fd];
    if (typeof pipe !== "number" || fd !== 0) return wasi.ERRNO_BADF;
    const buffers = vectors(instance, list, count);
    const read = viewOf(instance, result, 4);
    if (!buffers || !read) return wasi.ERRNO_FAULT;
    const room = buffers.reduce((sum, { length }) => sum + length, 0);
    try {
      const bytes =
        room === 0
          ? new Uint8Array()
          : yield* readSome(sys, pipe, Math.min(room, STREAM_BYTES_MAX));
      spread(bytes, buffers);
      read.setUint32(0, bytes.length, true);
    } catch (error) {
      return errnoOf(error);
    }
    return wasi.ERRNO_SUCCESS;
  }
}

function* writeSome(sys: Sys, pipe: number, bytes: Uint8Array): Step<number> {
  while (true) {
    try {
      return yield* sys.write(pipe, bytes);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.status !== "FULL") throw error;
    }
    yield* roomIn(sys, pipe);
  }
}

/** Waits until the pipe has room, or is gone, which the next write says. */
function* roomIn(sys: Sys, pipe: number): Step<void> {
  const queue = yield* sys.endpoint("queue");
  yield* sys.notify(pipe, queue, "room");
  yield* sys.receive(queue);
  yield* sys.close(queue);
}

function* readSome(sys: Sys, pipe: number, room: number): Step<Uint8Array> {
  while (true) {
    try {
      return yield* sys.read(pipe, room);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.status !== "EMPTY") throw error;
    }
    yield* sys.wait({ on: [pipe] });
  }
}

function* clock(
  sys: Sys,
  instance: Instance,
  [clock = 0, , at = 0]: readonly number[],
): Step<number> {
  if (clock !== wasi.CLOCK_REALTIME && clock !== wasi.CLOCK_MONOTONIC) return wasi.ERRNO_INVAL;
  const now = yield* sys.now();
  const view = viewOf(instance, at, 8);
  if (!view) return wasi.ERRNO_FAULT;
  view.setBigUint64(0, now, true);
  return wasi.ERRNO_SUCCESS;
}

function* random(
  sys: Sys,
  instance: Instance,
  [at = 0, length = 0]: readonly number[],
): Step<number> {
  const room = instance.view(at, length);
  if (!room) return wasi.ERRNO_FAULT;
  for (let done = 0; done < length; done += RANDOM_BYTES_MAX)
    room.set(yield* sys.random(Math.min(RANDOM_BYTES_MAX, length - done)), done);
  return wasi.ERRNO_SUCCESS;
}

function* schedYield(sys: Sys): Step<number> {
  yield* sys.yield();
  return wasi.ERRNO_SUCCESS;
}

/** Parameters of 32 bits. */
const unsigned = (args: readonly Value[]): number[] => args.map((value) => Number(value) >>> 0);

/** The kernel's refusal of a stream's operation. */
function errnoOf(error: unknown): number {
  if (!(error instanceof SyscallError)) throw error;
  return error.status === "OBJECT_GONE" || error.status === "ABANDONED"
    ? wasi.ERRNO_PIPE
    : wasi.ERRNO_NOTCAPABLE;
}

function viewOf(instance: Instance, at: number, bytes: number): DataView | undefined {
  const view = instance.view(at, bytes);
  return view && new DataView(view.buffer, view.byteOffset, bytes);
}

/** The buffers that a list of `iovec` names; undefined when one isn't in memory. */
function vectors(instance: Instance, list: number, count: number): Uint8Array[] | undefined {
  const view = viewOf(instance, list, count * wasi.IOVEC_BYTES);
  if (!view) return undefined;
  const found: Uint8Array[] = [];
  for (let at = 0; at < count * wasi.IOVEC_BYTES; at += wasi.IOVEC_BYTES) {
    const buffer = instance.view(view.getUint32(at, true), view.getUint32(at + 4, true));
    if (!buffer) return undefined;
    found.push(buffer);
  }
  return found;
}

function joined(buffers: readonly Uint8Array[]): Uint8Array {
  const length = buffers.reduce((sum, buffer) => sum + buffer.length, 0);
  const bytes = new Uint8Array(Math.min(length, STREAM_BYTES_MAX));
  let at = 0;
  for (const buffer of buffers) {
    const part = buffer.subarray(0, bytes.length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

function spread(bytes: Uint8Array, buffers: readonly Uint8Array[]): void {
  let done = 0;
  for (const buffer of buffers) {
    buffer.set(bytes.subarray(done, done + buffer.length));
    done += Math.min(buffer.length, bytes.length - done);
  }
}

/** args_sizes_get and environ_sizes_get: how many there are, and their bytes. */
const sizesOf =
  (texts: readonly Uint8Array[]): QuickAnswer =>
  (instance, [count, bytes]) => {
    const first = viewOf(instance, Number(count), 4);
    const second = viewOf(instance, Number(bytes), 4);
    if (!first || !second) return wasi.ERRNO_FAULT;
    first.setUint32(0, texts.length, true);
    second.setUint32(
      0,
      texts.reduce((sum, text) => sum + text.length, 0),
      true,
    );
    return wasi.ERRNO_SUCCESS;
  };

/** args_get and environ_get: their addresses, and the texts themselves. */
const textsOf =
  (texts: readonly Uint8Array[]): QuickAnswer =>
  (instance, [list, bytes]) => {
    let at = Number(bytes) >>> 0;
    for (const [n, text] of texts.entries()) {
      const pointer = viewOf(instance, Number(list) + 4 * n, 4);
      const room = instance.view(at, text.length);
      if (!pointer || !room) return wasi.ERRNO_FAULT;
      pointer.setUint32(0, at, true);
      room.set(text);
      at += text.length;
    }
    return wasi.ERRNO_SUCCESS;
  };

const clockResolution: QuickAnswer = (instance, [clock, at]) => {
  if (clock !== wasi.CLOCK_REALTIME && clock !== wasi.CLOCK_MONOTONIC) return wasi.ERRNO_INVAL;
  const view = viewOf(instance, Number(at), 8);
  if (!view) return wasi.ERRNO_FAULT;
  view.setBigUint64(0, NANOSECOND, true);
  return wasi.ERRNO_SUCCESS;
};
