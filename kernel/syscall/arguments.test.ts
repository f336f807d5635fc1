/**
 * Every system call with every wrong argument: from a call that is right, each argument and each
 * field of the structure that it points to is replaced by each of many values. Whatever is refused
 * has a name and leaves memory as it was; whatever is accepted leaves every invariant as it was.
 */

import { beforeAll, expect, test } from "vitest";
import { RAM_BASE } from "../../sim/host/core.ts";
import { CLASS_REALTIME } from "../agent/states.ts";
import * as Views from "../host/views.generated.ts";
import { ANSWERS } from "../testing/answers-host.ts";
import {
  BIRTH,
  CALLS,
  callsWorld,
  NEVER_RIGHT,
  RANGE,
  type RightCall,
} from "../testing/calls-host.ts";
import type { Actor, Life } from "../testing/life-host.ts";
import { memoryOf } from "../testing/unchanged-host.ts";
import type { CallName, Result, StatusName } from "../testing/world-host.ts";
import { SCHEDULE_CLASS, SPAWN_SCHEDULE } from "./layouts.ts";

const PAGE = 4096;
/** Things that one Wait waits for (kernel/limits.ts). */
const WAIT_MAX = 16;
/** Bytes of a message's slot: header and 64 bytes. */
const MESSAGE_SLOT = Views.Message.size + 64;
const AGENT_SLOT =
  Math.ceil(Views.Agent.size / 8) * 8 +
  Views.Context.size +
  Views.Notice.size +
  Views.WaitNode.size;

let life: Life;
let caller: Actor;
let right: Readonly<Record<CallName, RightCall>>;
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
  const world = await callsWorld();
  ({ life, caller, right } = world);
  values = wrongValues(world.named);
  takeAndReturn(world.other);
  ignored = nobodysState(world.other, world.otherId);
  before = Buffer.from(ram());
});

/**
 * Calls that are refused after they have taken a slot: it is on its table's list of free ones from then on,
 * and each refusal finds and leaves it there.
 */
function takeAndReturn(other: number): void {
  expect(caller.call("IPC_SEND", other, 0, 64).status).toBe("BAD_ADDRESS");
  const at = BIRTH + SPAWN_SCHEDULE + SCHEDULE_CLASS;
  const page = caller.bytes(0, PAGE);
  const good = page.getUint32(at, true);
  page.setUint32(at, CLASS_REALTIME, true);
  const { status } = caller.call("AGENT_SPAWN", caller.pool, caller.memory + BIRTH);
  expect(status).toBe("BUDGET_TOO_SMALL");
  page.setUint32(at, good, true);
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
 * The audit ring; the call as it arrives, and scratch for its arguments and for a wait's list; a hint where to
 * look for an address first; and the free slots that the next agent and the next message would get.
 */
function nobodysState(other: number, otherId: number): [number, number][] {
  const { data, kernel } = life.world;
  const audit = new Views.Audit(data, kernel.root.audit);
  const cpu = new Views.KernelCpu(data, kernel.root.cpus);
  const ipc = new Views.IpcState(data, kernel.root.ipc);
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
    [ipc.list, WAIT_MAX * 8],
    [ipc.targets, WAIT_MAX * 4],
    [life.authority.exports.worldObject(BigInt(caller.id)) + Number(hint?.[1]), 4],
    [agentSlot, AGENT_SLOT],
    [messageSlot, MESSAGE_SLOT],
  ];
}

/** Makes the call; its status. Memory is as before afterwards, and was if it is refused. */
function attempt(name: CallName, capability: number, args: readonly bigint[]): StatusName {
  const { status } = caller.call(name, capability, ...args);
  expect(ANSWERS.get(name), `docs/syscalls.md on ${name}`).toContain(status);
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
function spoilFields(name: CallName, { capability, args, structure }: RightCall): StatusName[] {
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
  "IMAGE_SEAL",
  "YIELD",
];

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

test.each(CALLS)("%s doesn't look at arguments for which it has no use", (name) => {
  const { capability, args } = right[name];
  const outcome = (rest: readonly bigint[]) => {
    const result = caller.call(name, capability, ...args, ...rest);
    const after = memoryOf(life.world);
    const cpu = new Views.KernelCpu(life.world.data, life.world.kernel.root.cpus);
    after.fill(0, cpu.call - RAM_BASE, cpu.call - RAM_BASE + Views.Call.size);
    ram().set(before);
    return { result, after };
  };
  const plain = outcome([]);
  const rest = Array.from({ length: 5 - args.length }, (_, index) => 2n ** 64n - BigInt(1 + index));
  const odd = outcome(rest);
  expect(odd.result).toEqual(plain.result);
  expect(odd.after.equals(plain.after)).toBe(true);
});
