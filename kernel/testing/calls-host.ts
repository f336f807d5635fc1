/** A world in which one agent can make each system call, and knows arguments that are right for it. */
import { IMAGE_HEADER_BYTES, IMAGE_MAGIC_HIGH, IMAGE_MAGIC_LOW } from "../agent/image_format.ts";
import { RIGHTS_ALL } from "../cap/rights.ts";
import {
  ENDPOINT_EVENT,
  ENDPOINT_MUTEX,
  ENDPOINT_PIPE,
  ENDPOINT_QUEUE,
} from "../ipc/endpoint_kinds.ts";
import { KIND_AGENT, KIND_KERNEL, KIND_SCOPE } from "../object/kinds.ts";
import { DERIVE_BYTES } from "../syscall/cap_layouts.ts";
import * as layouts from "../syscall/layouts.ts";
import * as numbers from "../syscall/numbers.ts";
import { type Actor, Life } from "./life-host.ts";
import type { CallName, Result, StatusName } from "./world-host.ts";

const READ_WRITE = 3;
const PAGE = 4096;
/** The caller's second range, of which the second page is a region. */
export const RANGE = 0x6000_0000;
/** Where the structures are in the caller's memory. */
export const BIRTH = 1024;
const SCHEDULE = 1536;
const DERIVE = 1664;
const SPLIT_RANGE = 1792;
const LIST = 1856;
const PREDICTION = 1920;
/** Where a block of frames is mapped already. */
const BLOCK = 0x6200_0000;

/** A call that is accepted. */
export interface RightCall {
  readonly capability: number;
  readonly args: readonly (number | bigint)[];
  /** The structure that it points to: where it is in the caller's memory, and its bytes. */
  readonly structure?: readonly [number, number];
}

export interface CallsWorld {
  readonly life: Life;
  readonly caller: Actor;
  readonly right: Readonly<Record<CallName, RightCall>>;
  /** Capabilities of the caller, one of each kind, and an identifier that is none. */
  readonly named: readonly number[];
  /** The caller's capability to the agent that it sends to, and that agent. */
  readonly other: number;
  readonly otherId: number;
  /** One that is suspended. None of the two has memory. */
  readonly stillId: number;
}

/**
 * The world's bundle has no image; the first agent is not the only one any more; the network's controller
 * never comes to be ready.
 */
export const NEVER_RIGHT: Readonly<Partial<Record<CallName, StatusName>>> = {
  IMAGE_OPEN: "UNKNOWN_NAME",
  LINK_SEND: "FULL",
  SCHED_CONFIGURE: "WRONG_STATE",
};
export const CALLS = Object.keys(numbers)
  .filter((name) => name !== "SYSCALLS")
  .map((name) => name.slice(8) as CallName);

const ok = ({ status, value }: Result): number => {
  if (status !== "OK") throw new Error(`the world's own call is refused: ${status}`);
  return value;
};

export async function callsWorld(): Promise<CallsWorld> {
  const life = await Life.create({ ramBytes: 5 << 20 });
  life.world.time = 5000n;
  const { init, authority } = life;
  const caller = init.child({ quota: 1 << 20 });
  const give = (kind: number, object: number) =>
    authority.root(caller.id, object, RIGHTS_ALL, kind);
  const [running, still, sleeper] = [init.child(), init.child(), init.child()];
  const other = give(KIND_AGENT, running.id);
  const suspended = give(KIND_AGENT, still.id);
  ok(caller.call("AGENT_SUSPEND", suspended));
  ok(caller.call("AGENT_SUSPEND", give(KIND_AGENT, sleeper.id)));
  const kernel = give(KIND_KERNEL, Number(life.world.kernel.root.authorityAt(0).id));
  const held = { other, suspended, kernel, scope: give(KIND_SCOPE, 0), image: life.image(caller.id) };
  const made = { ...held, ...makeObjects(caller, kernel) };
  structures(caller, made.image, [made.event, made.timer]);
  const { queue, mutex, frames, region, scope } = made;
  return {
    life,
    caller,
    right: { ...callsOfAgents(caller, made), ...callsOfMemory(caller, made), ...otherCalls(caller, made) },
    named: [other, queue, mutex, frames, region, scope, kernel, running.id],
    other,
    otherId: running.id,
    stillId: still.id,
  };
}

/** Objects of the caller, each with something in it; its capabilities to them. */
function makeObjects(caller: Actor, kernel: number) {
  const { self, pool, memory } = caller;
  const make = (type: number, capacity: number) =>
    ok(caller.call("ENDPOINT_CREATE", pool, type, capacity));
  const queue = make(ENDPOINT_QUEUE, 4);
  const pipe = make(ENDPOINT_PIPE, 100);
  const event = make(ENDPOINT_EVENT, 5);
  const mutex = make(ENDPOINT_MUTEX, 1);
  const timer = ok(caller.call("TIMER_SET", self, 0, 1_000_000, 0));
  const frames = ok(caller.call("FRAME_ALLOC", pool, 0));
  ok(caller.call("AGENT_MEM_ALLOC", pool, 4 * PAGE, RANGE, READ_WRITE));
  const region = ok(caller.call("REGION_SHARE", pool, RANGE + PAGE, PAGE));
  ok(caller.call("PAGE_MAP", frames, BLOCK, READ_WRITE));
  // Every page is there: a call that reads one would bring it in, and that is a change.
  for (let at = 0; at < 4; at++) {
    caller.bytes(at * PAGE, 8);
    caller.life.authority.exports.worldReach(BigInt(caller.id), BigInt(RANGE + at * PAGE));
  }
  ok(caller.call("PIPE_WRITE", pipe, memory, 16));
  ok(caller.call("IPC_SEND", queue, memory, 40));
  ok(caller.call("IPC_SEND", self, memory, 40));
  const asked = ok(caller.call("PQC_OPERATION", self, 7, memory, 8, memory + 512, 16));
  ok(caller.call("PQC_TAKE", kernel, memory, memory + 512, 64));
  ok(caller.call("PQC_OPERATION", self, 8, memory, 8, memory + 512, 16));
  const linked = make(ENDPOINT_QUEUE, 4);
  ok(caller.call("LINK_OPEN", kernel, linked, 4));
  const image = (bytes: number) => ok(caller.call("IMAGE_CREATE", kernel, pool, bytes));
  const begun = image(100);
  const complete = image(IMAGE_HEADER_BYTES + 100);
  const header = caller.bytes(0, IMAGE_HEADER_BYTES);
  for (let at = 0; at < IMAGE_HEADER_BYTES; at += 8) header.setBigUint64(at, 0n, true);
  header.setUint32(0, IMAGE_MAGIC_LOW, true);
  header.setUint32(4, IMAGE_MAGIC_HIGH, true);
  ok(caller.call("IMAGE_APPEND", complete, memory, IMAGE_HEADER_BYTES + 100));
  return { queue, linked, pipe, event, mutex, timer, frames, region, asked, begun, complete };
}

type Made = ReturnType<typeof makeObjects> &
  Readonly<Record<"other" | "suspended" | "kernel" | "scope" | "image", number>>;

function callsOfAgents(caller: Actor, made: Made) {
  const { self, pool, memory } = caller;
  const { other, suspended, kernel, image } = made;
  const birth = memory + BIRTH;
  const schedule = [SCHEDULE, layouts.SCHEDULE_BYTES] as const;
  return {
    AGENT_SPAWN: { capability: pool, args: [birth], structure: [BIRTH, layouts.SPAWN_BYTES] },
    AGENT_CLONE: {
      capability: suspended,
      args: [birth + 128],
      structure: [BIRTH + 128, layouts.CLONE_BYTES],
    },
    AGENT_SPLIT: {
      capability: self,
      args: [birth + 128],
      structure: [BIRTH + 128, layouts.SPLIT_BYTES],
    },
    AGENT_MERGE: { capability: suspended, args: [self] },
    AGENT_UPGRADE: { capability: suspended, args: [image, 0, 0] },
    AGENT_SPECIALIZE: { capability: self, args: [1] },
    AGENT_SUSPEND: { capability: other, args: [] },
    AGENT_RESUME: { capability: suspended, args: [] },
    AGENT_KILL: { capability: other, args: [3] },
    AGENT_INFO: { capability: other, args: [memory, layouts.INFO_BYTES] },
    AGENT_SCHEDULE: { capability: other, args: [memory + SCHEDULE], structure: schedule },
    SCHED_CONFIGURE: { capability: kernel, args: [memory] },
  } as const;
}

function callsOfMemory(caller: Actor, made: Made) {
  const { self, pool, memory } = caller;
  const { kernel, frames, region } = made;
  return {
    REGION_SHARE: { capability: pool, args: [RANGE + 2 * PAGE, PAGE] },
    REGION_MAP: { capability: region, args: [0, READ_WRITE] },
    REGION_UNMAP: { capability: region, args: [RANGE + PAGE] },
    FRAME_ALLOC: { capability: pool, args: [1] },
    FRAME_FREE: { capability: frames, args: [] },
    PAGE_MAP: { capability: frames, args: [0, READ_WRITE] },
    PAGE_UNMAP: { capability: self, args: [BLOCK, PAGE] },
    PAGE_PROTECT: { capability: self, args: [RANGE, PAGE, 1] },
    AGENT_POOL_ALLOC: { capability: pool, args: [8192] },
    AGENT_MEM_ALLOC: { capability: pool, args: [PAGE, 0, READ_WRITE] },
    AGENT_MEM_FREE: { capability: pool, args: [RANGE, PAGE] },
    PREDICTION_WRITE: {
      capability: kernel,
      args: [memory + PREDICTION, 1],
      structure: [PREDICTION, 40],
    },
  } as const;
}

function otherCalls(caller: Actor, made: Made) {
  const { self, pool, memory } = caller;
  const { other, kernel, scope, queue, linked, pipe, event, timer, asked, begun, complete } = made;
  const derive = { args: [memory + DERIVE], structure: [DERIVE, DERIVE_BYTES] } as const;
  return {
    IPC_SEND: { capability: other, args: [memory, 64, 0, queue] },
    IPC_RECV: { capability: self, args: [memory, 64, memory + 128] },
    ENDPOINT_CREATE: { capability: pool, args: [ENDPOINT_QUEUE, 4] },
    ENDPOINT_CLOSE: { capability: queue, args: [] },
    PIPE_READ: { capability: pipe, args: [memory, 8] },
    PIPE_WRITE: { capability: pipe, args: [memory, 8] },
    EVENT_SIGNAL: { capability: event, args: [1] },
    CAP_DERIVE: { capability: scope, ...derive },
    CAP_REVOKE: { capability: queue, args: [0] },
    CAP_INSPECT: { capability: queue, args: [memory, 0, 0, 0, 0] },
    ENDPOINT_NOTIFY: { capability: pipe, args: [queue, 2, 5, 90] },
    KERNEL_INFO: { capability: kernel, args: [memory, layouts.KERNEL_INFO_BYTES] },
    LINK_OPEN: { capability: kernel, args: [queue, 2] },
    LINK_SEND: { capability: linked, args: [memory, 60] },
    TIMER_SET: { capability: self, args: [timer, 10_000, 500] },
    WAIT: {
      capability: self,
      args: [memory + LIST, 2, 10_000, 2, memory + 512],
      structure: [LIST, 16],
    },
    YIELD: { capability: self, args: [] },
    DONATE_TO: { capability: other, args: [10_000] },
    PQC_OPERATION: { capability: self, args: [1, memory, 64, memory + 512, 64] },
    PQC_TAKE: { capability: kernel, args: [memory, memory + 512, 64] },
    PQC_COMPLETE: { capability: kernel, args: [asked, 0, memory, 8] },
    RANDOM_GET: { capability: self, args: [memory, 64] },
    AUDIT_APPEND: { capability: kernel, args: [memory, 8] },
    AUDIT_DRAIN: { capability: kernel, args: [memory, 128] },
    IMAGE_OPEN: { capability: kernel, args: [memory, 8] },
    IMAGE_CREATE: { capability: kernel, args: [pool, 5000] },
    IMAGE_APPEND: { capability: begun, args: [memory, 64] },
    IMAGE_SEAL: { capability: complete, args: [] },
    CONSOLE_WRITE: { capability: kernel, args: [memory, 8] },
  } as const;
}

/** Fills the structures, so that each call is accepted. */
function structures(caller: Actor, image: number, list: readonly number[]): void {
  const page = caller.bytes(0, PAGE);
  for (let at = 0; at < PAGE; at += 8) page.setBigUint64(at, 0n, true);
  const set = (at: number, value: number) => page.setBigUint64(at, BigInt(value), true);
  set(BIRTH + layouts.SPAWN_IMAGE, image);
  page.setUint32(BIRTH + layouts.SPAWN_SCHEDULE + layouts.SCHEDULE_WEIGHT, 1024, true);
  page.setUint32(SCHEDULE + layouts.SCHEDULE_WEIGHT, 1024, true);
  const split = BIRTH + 128;
  set(split + layouts.CLONE_POOL, caller.pool);
  set(split + layouts.SPLIT_RANGES, caller.memory + SPLIT_RANGE);
  set(split + layouts.SPLIT_RANGE_COUNT, 1);
  set(SPLIT_RANGE + layouts.RANGE_ADDRESS, RANGE);
  set(SPLIT_RANGE + layouts.RANGE_LENGTH, PAGE);
  set(PREDICTION, caller.id);
  set(PREDICTION + 16, PAGE);
  set(PREDICTION + 32, 9000);
  for (const [index, capability] of list.entries()) set(LIST + 8 * index, capability);
}
