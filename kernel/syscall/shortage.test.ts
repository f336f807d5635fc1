/**
 * Every system call when something runs short: with 0, 1, 2 … free frames, and with 0, 1, 2 … bytes
 * of quota, until it succeeds. Each refusal before that has the shortage's name and changes nothing.
 *
 * Tables of objects grow by whole chunks and keep what they have: a refused call may leave a table
 * with a chunk more. That is seen to be all: objects, their bytes, frames and promises are as before,
 * and the same call again changes not a byte of RAM.
 */
import { isDeepStrictEqual } from "node:util";
import { beforeAll, beforeEach, expect, test } from "vitest";
import { AGENT_GROUP } from "../agent/states.ts";
import type * as Views from "../host/views.generated.ts";
import { ENDPOINT_PIPE } from "../ipc/endpoint_kinds.ts";
import { SEND_MOVE } from "../ipc/flags.ts";
import { KINDS } from "../object/kinds.ts";
import { ANSWERS } from "../testing/answers-host.ts";
import { CALLS, type CallsWorld, callsWorld, NEVER_RIGHT, RANGE } from "../testing/calls-host.ts";
import { belongingsOf, memoryOf, ramOf } from "../testing/unchanged-host.ts";
import type { CallName, StatusName } from "../testing/world-host.ts";
import * as layouts from "./layouts.ts";

/** kernel/mm/frames.ts */
const OWNER_KERNEL = 2;
const PAGE = 4096;
/** The most that a call of this world takes. */
const FRAMES_MOST = 64;
const BYTES_MOST = FRAMES_MOST * PAGE;

let world: CallsWorld;
let ram: Uint8Array;

let fresh: Buffer;

beforeAll(async () => {
  world = await callsWorld();
  ram = ramOf(world.life.world);
  fresh = Buffer.from(ram);
});

beforeEach(() => ram.set(fresh));

const views = () => world.life.world.kernel;

interface Attempt {
  readonly agent: number;
  readonly name: CallName;
  readonly capability: number;
  readonly args: readonly (number | bigint)[];
  /** What it answers when nothing is short. */
  readonly expected: StatusName;
}

const make = ({ agent, name, capability, args }: Attempt): StatusName =>
  world.life.world.call(agent, name, capability, ...args).status;

/** The caller's right call, with some of its arguments replaced. */
function right(name: CallName, args: Readonly<Record<number, number>> = {}): Attempt {
  const call = world.right[name];
  const expected = NEVER_RIGHT[name] ?? "OK";
  const replaced = call.args.map((arg, index) => args[index] ?? arg);
  return { agent: world.caller.id, name, capability: call.capability, args: replaced, expected };
}

/** Puts a number into the caller's structure for `name`. */
function write(name: CallName, offset: number, value: number): void {
  const at = world.right[name].structure?.[0] ?? 0;
  world.caller.bytes(at + offset, 4).setUint32(0, value, true);
}

/** Calls that take more than the plain ones, or something else. */
const VARIANTS: Readonly<Record<string, () => Attempt>> = {
  "AGENT_SPAWN with a pool of its own": () => {
    write("AGENT_SPAWN", layouts.SPAWN_QUOTA, 16 * PAGE);
    return right("AGENT_SPAWN");
  },
  "AGENT_MERGE into an agent without memory": () => {
    const { init } = world.life;
    const [agent, survivor] = [init.handle(world.caller.id), init.handle(world.stillId)];
    expect(init.call("AGENT_SUSPEND", agent).status).toBe("OK");
    const args = [survivor];
    return { agent: init.id, name: "AGENT_MERGE", capability: agent, args, expected: "OK" };
  },
  "AGENT_CLONE of an agent with memory": () => ({
    ...right("AGENT_CLONE"),
    capability: world.caller.self,
  }),
  "AGENT_UPGRADE of an agent with memory": () => ({
    ...right("AGENT_UPGRADE"),
    capability: world.caller.self,
  }),
  "AGENT_SCHEDULE as the leader of a group": () => {
    write("AGENT_SCHEDULE", layouts.SCHEDULE_FLAGS, AGENT_GROUP);
    return right("AGENT_SCHEDULE");
  },
  "AGENT_MEM_ALLOC for an agent without memory": () => {
    const { id, pool } = world.life.actor(world.otherId);
    return { ...right("AGENT_MEM_ALLOC"), agent: id, capability: pool };
  },
  "AGENT_MEM_ALLOC with guards": () => right("AGENT_MEM_ALLOC", { 2: 3 + 8 }),
  "AGENT_MEM_FREE of the middle": () =>
    right("AGENT_MEM_FREE", { 0: world.caller.memory + PAGE, 1: PAGE }),
  "PAGE_PROTECT of the middle": () =>
    right("PAGE_PROTECT", { 0: world.caller.memory + PAGE, 1: PAGE }),
  "TIMER_SET of a new one": () => right("TIMER_SET", { 0: 0 }),
  "ENDPOINT_CREATE of a pipe": () => right("ENDPOINT_CREATE", { 0: ENDPOINT_PIPE, 1: 5 * PAGE }),
  "IPC_SEND of two pages": () => right("IPC_SEND", { 1: 2 * PAGE }),
  "IPC_SEND of two pages that move": () =>
    right("IPC_SEND", { 0: RANGE + 2 * PAGE, 1: 2 * PAGE, 2: SEND_MOVE }),
  "PQC_OPERATION on a page": () => right("PQC_OPERATION", { 2: PAGE }),
};
type Title = CallName | keyof typeof VARIANTS;
const attemptOf = (title: string): Attempt => VARIANTS[title]?.() ?? right(title as CallName);
/** Makes the call, which is refused with `expected`, and nothing changes. */
function refused(it: Attempt, expected: StatusName, when: string): void {
  const { name } = it;
  const before = belongingsOf(world.life.world);
  expect(make(it), when).toBe(expected);
  expect(
    isDeepStrictEqual(belongingsOf(world.life.world), before),
    `${name} leaves what there is, ${when}`,
  ).toBe(true);
  let last = memoryOf(world.life.world);
  for (let again = 0; again < 3; again++) {
    expect(make(it), when).toBe(expected);
    const now = memoryOf(world.life.world);
    if (now.equals(last)) return;
    last = now;
  }
  throw new Error(`${name} changes memory each time that it is refused, ${when}`);
}

/** Every table is full up to the end of a chunk: the next object needs frames. */
function fillChunks(): void {
  const arena = views().root.slabArenaAt(0);
  arena.start = arena.end;
  for (let kind = 0; kind < KINDS; kind++) {
    const slab = views().root.slabsAt(kind);
    if (slab.limit === 0) continue;
    const shard = slab.shardsAt(0);
    shard.free = 0;
    shard.used = Math.ceil(shard.used / (1 << slab.chunkShift)) << slab.chunkShift;
  }
}

/** Takes all frames; those in a row of which a test may give some back. */
function takeFrames(): bigint[] {
  const { exports } = world.life.world;
  const taken: bigint[] = [];
  for (let at = exports.frameAlloc(0, OWNER_KERNEL); at !== 0n; ) {
    taken.push(at);
    at = exports.frameAlloc(0, OWNER_KERNEL);
  }
  taken.sort((a, b) => Number(a - b));
  const alignment = BigInt(FRAMES_MOST * PAGE);
  const first = taken.findIndex(
    (at, index) =>
      at % alignment === 0n && taken[index + FRAMES_MOST - 1] === at + alignment - BigInt(PAGE),
  );
  expect(first).toBeGreaterThanOrEqual(0);
  return taken.slice(first, first + FRAMES_MOST);
}

/** How many frames the call needs; refused properly with every smaller number. */
function framesNeeded(it: Attempt): number {
  const spare = takeFrames();
  const empty = Buffer.from(ram);
  for (let count = 0; count <= FRAMES_MOST; count++) {
    ram.set(empty);
    for (const at of spare.slice(0, count)) world.life.world.exports.frameFree(at);
    const full = Buffer.from(ram);
    if (make(it) === it.expected) {
      expect(world.life.authority.broken).toBe(0);
      return count;
    }
    ram.set(full);
    refused(it, "NO_MEMORY", `with ${count} frames`);
  }
  throw new Error(`${it.name} needs more than ${FRAMES_MOST} frames`);
}

/** Makes the call with 0, 1, 2 … bytes left in the pool, as long as it is refused; then how many there were. */
function bytesNeeded(it: Attempt, pool: Views.Pool, most: number): number {
  const { used, quota } = pool;
  for (let bytes = 0; bytes < most; bytes++) {
    pool.quota = used + BigInt(bytes);
    const status = make(it);
    if (status === it.expected) return bytes;
    if (status !== "QUOTA") throw new Error(`${status} of ${it.name} with ${bytes} bytes of quota`);
  }
  pool.quota = quota;
  return most;
}

/** How many bytes of the pool's quota the call needs; refused properly with every smaller number. */
function quotaNeeded(it: Attempt, pool: Views.Pool): number {
  const start = Buffer.from(ram);
  const before = belongingsOf(world.life.world);
  const needed = bytesNeeded(it, pool, BYTES_MOST);
  expect(needed).toBeLessThan(BYTES_MOST);
  expect(world.life.authority.broken).toBe(0);
  ram.set(start);
  bytesNeeded(it, pool, needed);
  expect(isDeepStrictEqual(belongingsOf(world.life.world), before)).toBe(true);
  const once = memoryOf(world.life.world);
  bytesNeeded(it, pool, needed);
  expect(memoryOf(world.life.world).equals(once)).toBe(true);
  return needed;
}

/** Calls that take a frame or a slot of a table; the others never answer NO_MEMORY or QUOTA. */
const TAKE: readonly string[] = [
  "AGENT_SPAWN",
  "AGENT_CLONE",
  "AGENT_SPLIT",
  "AGENT_UPGRADE",
  "IPC_SEND",
  "ENDPOINT_CREATE",
  "ENDPOINT_NOTIFY",
  "REGION_SHARE",
  "REGION_MAP",
  "FRAME_ALLOC",
  "PAGE_MAP",
  "AGENT_POOL_ALLOC",
  "AGENT_MEM_ALLOC",
  "CAP_DERIVE",
  "WAIT",
  "DONATE_TO",
  "PQC_OPERATION",
  "IMAGE_CREATE",
  "IMAGE_SEAL",
];
const attempts = [...CALLS, ...Object.keys(VARIANTS)] as Title[];
const takes = (title: Title) => TAKE.includes(title) || title in VARIANTS;

test("the documentation says which calls may find frames or quota short", () => {
  const short = CALLS.filter((name) => {
    const answers = ANSWERS.get(name);
    return answers?.has("NO_MEMORY") || answers?.has("QUOTA");
  });
  const seen = new Set(attempts.filter(takes).map((title) => title.split(" ")[0]));
  // A bundle without images leaves ImageOpen nothing to open.
  expect([...short].sort()).toEqual([...seen, "IMAGE_OPEN"].sort());
});

test.each(attempts)("with too few frames and full tables: %s", (title) => {
  const it = attemptOf(title);
  fillChunks();
  expect(framesNeeded(it) > 0).toBe(takes(title));
});

test.each(attempts.filter(takes))("with too few frames and room in tables: %s", (title) => {
  framesNeeded(attemptOf(title));
});

/** Calls that must have more than they take in the end: what they may need is counted, or they give back. */
const CAUTIOUS: readonly string[] = [
  "AGENT_MERGE into an agent without memory",
  "AGENT_MEM_FREE of the middle",
  "REGION_SHARE",
];

test.each(attempts)("with too little quota: %s", (title) => {
  const it = attemptOf(title);
  const start = Buffer.from(ram);
  for (const pool of [world.caller.view.poolAt(0), world.life.init.view.poolAt(0)]) {
    const { used } = pool;
    expect(make(it)).toBe(it.expected);
    const taken = Math.max(Number(pool.used - used), 0);
    ram.set(start);
    const needed = quotaNeeded(it, pool);
    if (CAUTIOUS.includes(title)) expect(needed).toBeGreaterThanOrEqual(taken);
    else expect(needed).toBe(taken);
    ram.set(start);
  }
});
