/**
 * Every system call with every wrong argument: from a call that is right, each argument and each
 * field of the structure that it points to is replaced by each of many values. Whatever is refused
 * has a name and leaves memory as it was; whatever is accepted leaves every invariant as it was.
 */

import { beforeAll, expect, test } from "vitest";
import { RAM_BASE } from "../../sim/host/core.ts";
import { RIGHTS_ALL } from "../cap/rights.ts";
import * as Views from "../host/views.generated.ts";
import {
  ENDPOINT_EVENT,
  ENDPOINT_MUTEX,
  ENDPOINT_PIPE,
  ENDPOINT_QUEUE,
} from "../ipc/endpoint_kinds.ts";
import { KIND_AGENT, KIND_KERNEL, KIND_SCOPE } from "../object/kinds.ts";
import { type Actor, Life } from "../testing/life-host.ts";
import type { CallName, Result, StatusName } from "../testing/world-host.ts";
import { DERIVE_BYTES } from "./cap_layouts.ts";
import * as layouts from "./layouts.ts";
import * as numbers from "./numbers.ts";

const READ_WRITE = 3;
const PAGE = 4096;
/** The caller's second range, of which the second page is a region. */
const RANGE = 0x6000_0000;
/** Where the structures are in the caller's memory. */
const BIRTH = 1024;
const SCHEDULE = 1536;
const DERIVE = 1664;
const SPLIT_RANGE = 1792;
const LIST = 1856;
const PREDICTION = 1920;
/** Where a block of frames is mapped already. */
const BLOCK = 0x6200_0000;
/** Bytes of a message's slot: header and 64 bytes. */
const MESSAGE_SLOT = Views.Message.size + 64;
const AGENT_SLOT =
  Math.ceil(Views.Agent.size / 8) * 8 +
  Views.Context.size +
  Views.Notice.size +
  Views.WaitNode.size;

interface Right {
  readonly capability: number;
  readonly args: readonly (number | bigint)[];
  /** The structure that it points to: where it is in the caller's memory, and its bytes. */
  readonly structure?: readonly [number, number];
}

let life: Life;
let caller: Actor;
let right: Readonly<Record<CallName, Right>>;
let values: readonly bigint[];
/** RAM as it is before each call, and what of it is nobody's state: addresses and bytes. */
let before: Buffer;
let ignored: readonly (readonly [number, number])[];

const ok = ({ status, value }: Result): number => {
  if (status !== "OK") throw new Error(`the fixture is refused: ${status}`);
  return value;
};
const ram = () => new Uint8Array(life.world.data.buffer, RAM_BASE);

beforeAll(async () => {
  life = await Life.create({ ramBytes: 8 << 20 });
  life.world.time = 5000n;
  const { init, authority } = life;
  caller = init.child({ quota: 2 << 20 });
  const give = (kind: number, object: number) =>
    authority.root(caller.id, object, RIGHTS_ALL, kind);
  const [running, still, sleeper] = [init.child(), init.child(), init.child()].map(({ id }) => id);
  const other = give(KIND_AGENT, running ?? 0);
  const suspended = give(KIND_AGENT, still ?? 0);
  ok(caller.call("AGENT_SUSPEND", suspended));
  ok(caller.call("AGENT_SUSPEND", give(KIND_AGENT, sleeper ?? 0)));
  const kernel = give(KIND_KERNEL, Number(life.world.kernel.root.authorityAt(0).id));
  const scope = give(KIND_SCOPE, 0);
  const image = life.image(caller.id);
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
    authority.exports.worldReach(BigInt(caller.id), BigInt(RANGE + at * PAGE));
  }
  ok(caller.call("PIPE_WRITE", pipe, memory, 16));
  ok(caller.call("IPC_SEND", queue, memory, 40));
  ok(caller.call("IPC_SEND", self, memory, 40));
  const asked = ok(caller.call("PQC_OPERATION", self, 7, memory, 8, memory + 512, 16));
  ok(caller.call("PQC_TAKE", kernel, memory, memory + 512, 64));
  ok(caller.call("PQC_OPERATION", self, 8, memory, 8, memory + 512, 16));
  structures(image, [event, timer]);
  const birth = memory + BIRTH;
  const schedule = [SCHEDULE, layouts.SCHEDULE_BYTES] as const;
  const derive = { args: [memory + DERIVE], structure: [DERIVE, DERIVE_BYTES] } as const;
  right = {
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
    IPC_SEND: { capability: other, args: [memory, 64, 0, queue] },
    IPC_RECV: { capability: self, args: [memory, 64, memory + 128] },
    ENDPOINT_CREATE: { capability: pool, args: [ENDPOINT_QUEUE, 4] },
    ENDPOINT_CLOSE: { capability: queue, args: [] },
    PIPE_READ: { capability: pipe, args: [memory, 8] },
    PIPE_WRITE: { capability: pipe, args: [memory, 8] },
    EVENT_SIGNAL: { capability: event, args: [1] },
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
    CAP_DERIVE: { capability: scope, ...derive },
    CAP_REVOKE: { capability: queue, args: [0] },
    CAP_INSPECT: { capability: queue, args: [memory, 0, 0, 0, 0] },
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
  };
  values = wrongValues([other, queue, mutex, frames, region, scope, kernel, running ?? 0]);
  ignored = nobodysState(other, running ?? 0);
  before = Buffer.from(ram());
});

/** Fills the structures, so that each call is accepted. */
function structures(image: number, list: readonly number[]): void {
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

/** Null, small numbers, addresses in, at the end of and out of what the caller has, limits, identifiers. */
function wrongValues(identifiers: readonly number[]): bigint[] {
  const { memory } = caller;
  const end = memory + 4 * PAGE;
  return [
    ...[0, 1, 2, 3, 4, 7, 8, 15, 16, 17, 25, 31, 65, 257, PAGE - 1, PAGE, PAGE + 1, 65_536, 65_537],
    ...[memory - 8, memory, memory + 1, memory + 8, end - 8, end],
    ...[RANGE, RANGE + PAGE, RANGE + 4 * PAGE, 0x7000_0000, 2 ** 30, 2 ** 30 + 1],
    ...[2 ** 32 - 1, 2 ** 32, 2 ** 32 + 8, 0x7f80_0000_0000, 0x7fff_ffff_0000, 2 ** 47],
    ...identifiers,
  ]
    .map(BigInt)
    .concat([0xffff_8000_0000_0000n, 2n ** 63n, 2n ** 64n - 4096n, 2n ** 64n - 8n, 2n ** 64n - 1n]);
}

/**
 * The audit ring; the call as it arrives, and scratch for its arguments; a hint where to look for an
 * address first; and the free slots that the next agent and the next message would get.
 */
function nobodysState(other: number, otherId: number): [number, number][] {
  const { data, kernel } = life.world;
  const audit = new Views.Audit(data, kernel.root.audit);
  const cpu = new Views.KernelCpu(data, kernel.root.cpus);
  const saved = Buffer.from(ram());
  const { memory, pool } = caller;
  const born = ok(caller.call("AGENT_SPAWN", pool, memory + BIRTH));
  const agentSlot = life.authority.exports.worldObject(BigInt(born));
  ok(caller.call("IPC_SEND", other, memory, 64));
  const messageSlot = life.view(otherId).mailboxLast;
  ram().set(saved);
  const hint = /mappingFinger\(\)[^;]*address \+ (\d+)/.exec(
    Object.getOwnPropertyDescriptor(Views.Agent.prototype, "mappingFinger")?.get?.toString() ?? "",
  );
  expect(hint).not.toBeNull();
  return [
    [audit.records, audit.capacity * Views.AuditRecord.size],
    [kernel.root.audit, Views.Audit.size],
    [cpu.call, Views.Call.size],
    [cpu.scratch, PAGE],
    [kernel.root.authority + 16, 256],
    [life.authority.exports.worldObject(BigInt(caller.id)) + Number(hint?.[1]), 4],
    [agentSlot, AGENT_SLOT],
    [messageSlot, MESSAGE_SLOT],
  ];
}

/** Makes the call; its status. Memory is as before afterwards, and was if it is refused. */
function attempt(name: CallName, capability: number, args: readonly bigint[]): StatusName {
  const { status } = caller.call(name, capability, ...args);
  if (status === "OK") {
    expect(life.authority.broken, `an invariant after ${name}(${args})`).toBe(0);
    ram().set(before);
    return status;
  }
  for (const [at, bytes] of ignored)
    ram().set(before.subarray(at - RAM_BASE, at - RAM_BASE + bytes), at - RAM_BASE);
  expect(before.equals(ram()), `${status} of ${name}(${args}) changes nothing`).toBe(true);
  return status;
}

/** Puts each wrong value into each field of the structure, 32 and 64 bits wide. */
function spoilFields(name: CallName, { capability, args, structure }: Right): StatusName[] {
  if (structure === undefined) return [];
  const page = caller.bytes(0, PAGE);
  const found: StatusName[] = [];
  for (let at = structure[0]; at < structure[0] + structure[1]; at += 4) {
    const kept = before.subarray(page.byteOffset + at - RAM_BASE).subarray(0, 8);
    const good = Buffer.from(kept);
    for (const value of values) {
      if (value < 2n ** 32n) page.setUint32(at, Number(value), true);
      else if (at % 8 === 0) page.setBigUint64(at, value, true);
      else continue;
      kept.set(new Uint8Array(page.buffer, page.byteOffset + at, 8));
      found.push(attempt(name, capability, args.map(BigInt)));
      kept.set(good);
      new Uint8Array(page.buffer, page.byteOffset + at, 8).set(good);
    }
  }
  return found;
}

/** Calls that look at no argument, or refuse none: any number will do. */
const ACCEPT_ALL: readonly CallName[] = [
  "AGENT_SUSPEND",
  "AGENT_RESUME",
  "AGENT_KILL",
  "ENDPOINT_CLOSE",
  "FRAME_FREE",
  "YIELD",
];
/** The bundle of this world has no image; and the first agent is not the only one any more. */
const NEVER_RIGHT: Readonly<Partial<Record<CallName, StatusName>>> = {
  IMAGE_OPEN: "UNKNOWN_NAME",
  SCHED_CONFIGURE: "WRONG_STATE",
};
const CALLS = Object.keys(numbers)
  .filter((name) => name !== "SYSCALLS")
  .map((name) => name.slice(8) as CallName);

test.each(CALLS)("%s refuses each wrong argument by name, and then nothing has changed", (name) => {
  const call = right[name];
  const good = call.args.map(BigInt);
  expect(attempt(name, call.capability, good)).toBe(NEVER_RIGHT[name] ?? "OK");
  const found = good.flatMap((_, index) =>
    values.map((value) => attempt(name, call.capability, good.with(index, value))),
  );
  found.push(...spoilFields(name, call));
  const refused = found.filter((status) => status !== "OK");
  expect(refused.length > 0).toBe(!ACCEPT_ALL.includes(name));
});
