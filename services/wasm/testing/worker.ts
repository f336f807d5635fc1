/** A module for tests of agents' lives: what it does is told by its parent. */
import type { Child } from "../../../sdk/agent/births.ts";
import type { Step } from "../../../sdk/agent/calls.ts";
import type { Sys } from "../../../sdk/agent/sys.ts";
import type { WasmHost } from "../agent.ts";
import type { Personality } from "../personality.ts";
import { wasiPersonality } from "../wasi.ts";

export const WORKER = `
@external("wasi_snapshot_preview1", "fd_write")
declare function fd_write(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "fd_read")
declare function fd_read(fd: i32, list: usize, count: i32, result: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit")
declare function proc_exit(code: i32): void;
@external("test", "kind") declare function kind(): i32;
@external("test", "clone") declare function clone(): i32;
const vector = memory.data(64), room = memory.data(32768);
let sum: i32 = 0;
function move(fd: i32, bytes: i32): i32 {
  store<usize>(vector, room);
  store<i32>(vector + 4, bytes);
  if ((fd == 0 ? fd_read(fd, vector, 1, vector + 8) : fd_write(fd, vector, 1, vector + 8)) != 0) proc_exit(99);
  return load<i32>(vector + 8);
}
/** Writes blocks of several pages, each made of the one before. */
function stir(): void {
  for (let block = 0; block < 6; block++) {
    for (let n = 0; n < 20000; n++) {
      sum = sum * 31 + n + kind();
      store<u8>(room + n, sum >> 8);
    }
    move(1, 20000);
  }
}
/** Answers each byte by the sum of all so far. */
function add(): void {
  while (true) {
    const got = move(0, 1);
    sum += load<u8>(room);
    if (load<u8>(room) == 0) proc_exit(sum);
    store<u8>(room, sum);
    move(1, got);
  }
}
function fork(): void {
  sum = 40;
  const child = clone();
  sum += child == 0 ? 1 : 2;
  proc_exit(sum);
}
export function _start(): void {
  if (kind() == 1) add();
  if (kind() == 2) fork();
  stir();
  proc_exit(sum & 0xff);
}`;

export const KIND_ADD = 1;
export const KIND_FORK = 2;
export const KIND_STIR = 3;

/** What a worker is told: what to do, and capabilities to its pipes. */
interface Told {
  readonly kind: number;
  readonly streams: readonly number[];
}

const encode = (told: Told) => new TextEncoder().encode(JSON.stringify(told));

/** Its imports "test": "clone" makes a clone of the agent and tells it its own part. */
function ofTest(told: Told): Personality {
  return {
    module: "test",
    quick: new Map([["kind", () => told.kind]]),
    steps: new Map([
      [
        "clone",
        function* (sys: Sys): Step<number> {
          const child = yield* sys.clone(sys.self);
          yield* sys.send(child.capability, encode({ ...told, streams: [] }));
          return 1;
        },
      ],
    ]),
  };
}

export const workerHost = (code: WasmHost<Told>["code"]): WasmHost<Told> => ({
  code,
  *birth(sys) {
    return JSON.parse(new TextDecoder().decode((yield* sys.receive()).bytes)) as Told;
  },
  personalities: (told) => [wasiPersonality(told), ofTest(told)],
});

const grantsOf = (pipes: readonly number[]) => pipes.map((capability) => ({ capability }));

/** Starts the image "worker" and tells it what to do. */
export function* startWorker(sys: Sys, kind: number, pipes: readonly number[]): Step<Child> {
  const image = yield* sys.image("worker");
  const child = yield* sys.spawn({ image, quota: 8 << 20, grants: grantsOf(pipes) });
  yield* sys.send(child.capability, encode({ kind, streams: child.grants }));
  return child;
}

/** Clones a worker and tells the clone which pipes are its own. */
export function* cloneWorker(
  sys: Sys,
  original: number,
  kind: number,
  pipes: readonly number[],
): Step<Child> {
  const child = yield* sys.clone(original, { grants: grantsOf(pipes) });
  yield* sys.send(child.capability, encode({ kind, streams: child.grants }));
  return child;
}
