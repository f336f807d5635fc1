/**
 * Each limit of limits.ts is tested at the limit: so many are accepted, one more is refused by name,
 * and nothing has changed. The table says where; a limit without an entry fails.
 */
import { existsSync, readFileSync } from "node:fs";
import { isDeepStrictEqual } from "node:util";
import { beforeEach, describe, expect, test } from "vitest";
import { IMAGE_HEADER_BYTES, IMAGE_MAGIC_HIGH, IMAGE_MAGIC_LOW } from "./agent/image_format.ts";
import { CLASS_REALTIME } from "./agent/states.ts";
import * as kinds from "./object/kinds.ts";
import {
  SCHEDULE_BUDGET,
  SCHEDULE_BYTES,
  SCHEDULE_CLASS,
  SCHEDULE_DEADLINE,
  SCHEDULE_PERIOD,
  SPAWN_CHILD,
} from "./syscall/layouts.ts";
import { type CallsWorld, callsWorld, RANGE } from "./testing/calls-host.ts";
import { Ipc, type Party } from "./testing/ipc-host.ts";
import { Life } from "./testing/life-host.ts";
import { Scheduler } from "./testing/scheduler-host.ts";
import { belongingsOf, ramOf } from "./testing/unchanged-host.ts";
import type { CallName, StatusName, World } from "./testing/world-host.ts";

const HERE = "kernel/limits.test.ts";
const TABLE = "the table of %s takes as many as its limit, and refuses one more by name";
const BUNDLE = "kernel/boot/bundle.test.ts";
const INPUT = "kernel/boot/input.test.ts";
const IMAGES = "kernel/agent/image-make.test.ts";
const ENDPOINTS = "kernel/ipc/endpoints.test.ts";
const MESSAGES = "kernel/ipc/message.test.ts";
const WAITS = "kernel/ipc/wait.test.ts";
const NETWORK = "kernel/network/link.test.ts";
const CLASSES = "kernel/sched/classes.test.ts";
const REALTIME = "kernel/sched/realtime.test.ts";
const AUDIT = "kernel/audit/audit.test.ts";
const STEPS = [
  "kernel/agent/end.test.ts",
  "takes steps of bounded work, however large the tree is",
];

/** Files beside limits.ts that have limits: of structures of calls, and of the platform's tables. */
const OTHERS = [
  "kernel/cap/scope.ts",
  "kernel/mm/frame_block.ts",
  "kernel/sched/entity.ts",
  "kernel/syscall/layouts.ts",
  "kernel/syscall/cap_layouts.ts",
  "hal/x86_64/platform.ts",
];
const PLATFORM = [
  "hal/x86_64/acpi.test.ts",
  "a platform takes as many %s as its table, and one more is refused by name",
];

/** The test that is at the limit: its file, and its title or the end of it. */
const TESTS: Readonly<Record<string, readonly string[]>> = {
  CPUS_MAX: [INPUT, "%d processors are refused by name"],
  PLATFORM_CPUS_MAX: PLATFORM,
  PLATFORM_IOAPICS_MAX: PLATFORM,
  PLATFORM_OVERRIDES_MAX: PLATFORM,
  PLATFORM_SEGMENTS_MAX: PLATFORM,
  PLATFORM_DMA_UNITS_MAX: PLATFORM,
  SCOPE_BYTES_MAX: ["kernel/syscall/cap.test.ts", "takes a scope of 32 bytes and none of 33"],
  APPEND_BYTES_MAX: [AUDIT, "takes 1 to 24 bytes"],
  BLOCK_ORDER_MAX: [
    "kernel/mm/objects.test.ts",
    "of more than 2 MiB, or more than the pool has, are refused by name",
  ],
  GRANTS_MAX: [HERE, "a birth has 16 grants and 16 ranges at most"],
  RANGES_MAX: [HERE, "a birth has 16 grants and 16 ranges at most"],
  WEIGHT_MAX: [HERE, "a weight is 65,536 at most"],
  BUNDLE_BYTES_MAX: [BUNDLE, "an archive that ends just behind 64 MiB"],
  BUNDLE_ENTRIES_MAX: [BUNDLE, "1,025 entries"],
  BUNDLE_NAME_MAX: [BUNDLE, "a name of 256 bytes"],
  RAM_BYTES_MIN: [INPUT, "%i MiB of RAM is memory-too-small"],
  AGENTS_MAX: [HERE, TABLE],
  CAPABILITIES_MAX: [HERE, TABLE],
  CAPABILITIES_PER_AGENT_MAX: [
    "kernel/syscall/cap.test.ts",
    "refuses at the limits by name: depth, table, pool",
  ],
  CAPABILITY_DEPTH_MAX: [
    "kernel/syscall/cap.test.ts",
    "refuses at the limits by name: depth, table, pool",
  ],
  POOLS_MAX: [HERE, TABLE],
  POOL_DEPTH_MAX: [
    "kernel/mm/objects.test.ts",
    "are at most 63 levels deep below the pool of all memory",
  ],
  ENDPOINTS_MAX: [HERE, TABLE],
  REGIONS_MAX: [HERE, TABLE],
  TIMERS_MAX: [HERE, TABLE],
  FRAME_OBJECTS_MAX: [HERE, TABLE],
  IMAGES_MAX: [HERE, "the table of images takes as many as its limit, and no more"],
  IMAGE_BYTES_MAX: [IMAGES, "when it is to have no bytes, or more than the limit"],
  IMAGE_APPEND_MAX: [
    IMAGES,
    "by pieces of no bytes, of more than is to come, of more than a piece may have",
  ],
  OPERATIONS_MAX: [HERE, TABLE],
  MESSAGES_MAX: [HERE, TABLE],
  IPC_MESSAGE_BYTES_MAX: [MESSAGES, "a message has 64 KiB at most"],
  MAILBOX_MESSAGES_MAX: [
    MESSAGES,
    "a mailbox takes 256 messages; the next one is refused, and none is lost",
  ],
  MAILBOX_BYTES_MAX: [MESSAGES, "a mailbox takes a mebibyte, to the byte"],
  QUEUE_MESSAGES_MAX: [
    ENDPOINTS,
    "types and capacities of endpoints have limits, each refused by name",
  ],
  PIPE_BYTES_MAX: [
    ENDPOINTS,
    "types and capacities of endpoints have limits, each refused by name",
  ],
  ENDPOINTS_PER_AGENT_MAX: [ENDPOINTS, "an agent has 1,024 endpoints and 256 timers at most"],
  TIMERS_PER_AGENT_MAX: [ENDPOINTS, "an agent has 1,024 endpoints and 256 timers at most"],
  OPERATIONS_PER_AGENT_MAX: [
    "kernel/ipc/operation.test.ts",
    "an agent has 16 operations on their way at most, and pays for each of them",
  ],
  WAIT_BLOCKS_MAX: [HERE, "the table of wait nodes takes as many as its limit, and no more"],
  LINKS_MAX: [
    NETWORK,
    "64 links are open at once, and never 65; a closed queue gives its address back",
  ],
  NETWORK_STEP: [
    "kernel/network/machine.test.ts",
    "a full ring is taken in bounded entries, and what nobody can keep is counted",
  ],
  WATCHES_MAX: ["kernel/ipc/watch.test.ts", "16 watches of one endpoint are armed, and never 17"],
  WAITERS_MAX: [WAITS, "1,024 agents wait for one object at most; closing it wakes all of them"],
  WAIT_MAX: [HERE, "a wait is for 16 things, and never for 17"],
  AGENT_BYTES_MAX: [
    "kernel/mm/memory.test.ts",
    "a gigabyte costs no more to map than a page, and is the most that an agent has",
  ],
  MAPPINGS_MAX: [HERE, TABLE],
  MAPPINGS_PER_AGENT_MAX: ["kernel/mm/memory.test.ts", "no agent has more than 512 ranges"],
  PREDICTIONS_MAX: [
    "kernel/mm/reclaim.test.ts",
    "refuses what is malformed, by name, and keeps the newest for the same begin of a range",
  ],
  PREDICTION_WRITE_MAX: [HERE, "64 predictions are written by one call, and never 65"],
  IMAGE_PAGES_MAX: [HERE, "an image has 16 MiB of text, and not a byte more"],
  AGENT_DEPTH_MAX: [
    "kernel/agent/limits.test.ts",
    " levels deep, and the next one is refused by name",
  ],
  DONATION_DEPTH_MAX: [
    CLASSES,
    "chains pass time on, and rings, long chains and crowds are refused by name",
  ],
  CONSOLE_WRITE_MAX: [
    "kernel/syscall/console.test.ts",
    "takes 1 to 256 bytes, of memory that may be read",
  ],
  RANDOM_BYTES_MAX: [
    "kernel/syscall/random.test.ts",
    "takes 1 to 256 bytes, of memory that may be written",
  ],
  AUDIT_DRAIN_MAX: [AUDIT, "gives as many records as fit, at most 64, the oldest first"],
  AUDIT_RESERVE: [AUDIT, "is FULL while the kernel's own records can still be kept"],
  AUDIT_RECORDS: [
    AUDIT,
    "full, it keeps the oldest, counts the rest, and the loss becomes a record",
  ],
  STOP_STEP: STEPS,
  START_STEP: STEPS,
  DISMANTLE_STEP: STEPS,
  MERGE_CHILDREN_MAX: [HERE, "a merge moves 1,024 children, and refuses 1,025"],
  BUDGET_MIN: [
    REALTIME,
    "every budget that is admitted makes progress, and a smaller one is refused",
  ],
  RESERVATIONS_PER_CPU_MAX: [
    REALTIME,
    "a CPU takes 128 reservations, however small, and one more goes elsewhere or is refused by name",
  ],
  DEPARTED_PER_CPU_MAX: [
    HERE,
    "16 reservations that are given up are counted one by one, and one more makes those after it wait",
  ],
  ADMISSION_STEPS_MAX: [HERE, "a plan that can't be decided in 1,024 steps is refused by name"],
  PERIOD_MAX: [HERE, "a period is 2^36 ns at most"],
  DONORS_MAX: [
    CLASSES,
    "chains pass time on, and rings, long chains and crowds are refused by name",
  ],
  GROUP_DEPTH_MAX: [CLASSES, "groups inside of groups, four deep and no deeper"],
};

/** Sizes, and bounds on the work of one step: nothing that anybody asks for is beyond one of them. */
const NEVER_REFUSED: readonly string[] = [
  // More than this machine can have: a bus has 256 functions, a table 128 entries, a platform 32 drives.
  "FRAME_ORDER_MAX",
  "PCI_FUNCTIONS_MAX",
  "BLOCK_DEVICES_MAX",
  "PARTITIONS_MAX",
  "PARTITION_ARRAY_BYTES_MAX",
  "IOMMU_DOMAINS_MAX",
  "IOMMU_POOL_PAGES",
  // Sizes of what the kernel has for itself.
  "READ_CHUNK_BYTES",
  "TRACE_RECORDS",
  "STACK_PAGES",
  "SLAB_CHUNK_BYTES",
  "SLAB_BLOCK_BYTES",
  // Times.
  "PREDICTION_HORIZON_NS",
  "TRAP_NS",
  // What is left for the next step.
  "BALANCE_SCAN_MAX",
  "BALANCE_PAIRS_MAX",
  "BALANCE_MOVES_MAX",
  "SHARES_PER_EPOCH_MAX",
];

test("each limit names a test that is at it", () => {
  const named = (path: string, pattern: RegExp) =>
    [...readFileSync(path, "utf8").matchAll(pattern)].map((match) => match[1]);
  const all = named("kernel/limits.ts", /^export const (\w+)/gm);
  for (const path of OTHERS) all.push(...named(path, /^export const (\w+_MAX)\b/gm));
  expect([...Object.keys(TESTS), ...NEVER_REFUSED].sort()).toEqual(all.sort());
  const missing = Object.entries(TESTS).filter(([, [file = "", title = ""]]) => {
    if (!existsSync(file)) return true;
    // A title stands behind the bracket of a call.
    const escaped = title.replace(/[()[\]^$.|?*+]/g, "\\$&");
    return !new RegExp(`\\(\\s*["\`][^"\`\\n]*${escaped}["\`]`).test(readFileSync(file, "utf8"));
  });
  expect(missing).toEqual([]);
});

/** A table has room for `count` objects more. */
function leave(world: World, kind: number, count: number): void {
  const slab = world.kernel.root.slabsAt(kind);
  const shard = slab.shardsAt(0);
  shard.free = 0;
  slab.limit = shard.used + count;
  // What is free below the limit counts as taken.
  slab.retired = shard.used - slab.live;
}

/** Makes the call, which is refused with `expected`, and nothing changes. */
function refused(world: World, make: () => StatusName, expected: StatusName): void {
  const before = belongingsOf(world);
  expect(make()).toBe(expected);
  expect(isDeepStrictEqual(belongingsOf(world), before)).toBe(true);
}

const KINDS = new Map(Object.entries(kinds));

describe("tables of the whole system", () => {
  let it: CallsWorld;
  beforeEach(async () => {
    it = await callsWorld();
  });

  const right = (name: CallName, agent = it.caller.id, capability = it.right[name].capability) =>
    it.life.world.call(agent, name, capability, ...it.right[name].args).status;
  const newTimer = () => it.caller.call("TIMER_SET", it.caller.self, 0, 9000, 0).status;
  const share = (page: number) =>
    it.caller.call("REGION_SHARE", it.caller.pool, RANGE + page * 4096, 4096).status;
  /** Memory for an agent that has none. */
  const memory = (id: number) => right("AGENT_MEM_ALLOC", id, it.life.actor(id).pool);

  /** A call that takes the last object, and the same again. */
  const calls: Readonly<Record<string, readonly [() => StatusName, () => StatusName]>> = {
    AGENT: [() => right("AGENT_SPAWN"), () => right("AGENT_SPAWN")],
    CAPABILITY: [() => right("CAP_DERIVE"), () => right("CAP_DERIVE")],
    POOL: [() => right("AGENT_POOL_ALLOC"), () => right("AGENT_POOL_ALLOC")],
    ENDPOINT: [() => right("ENDPOINT_CREATE"), () => right("ENDPOINT_CREATE")],
    REGION: [() => share(2), () => share(3)],
    TIMER: [newTimer, newTimer],
    FRAME: [() => right("FRAME_ALLOC"), () => right("FRAME_ALLOC")],
    OPERATION: [() => right("PQC_OPERATION"), () => right("PQC_OPERATION")],
    SPACE: [() => memory(it.otherId), () => memory(it.stillId)],
    MESSAGE: [() => right("IPC_SEND"), () => right("IPC_SEND")],
    MAPPING: [() => right("AGENT_MEM_ALLOC"), () => right("AGENT_MEM_ALLOC")],
  };

  test.each(Object.keys(calls))(
    "the table of %s takes as many as its limit, and refuses one more by name",
    (name) => {
      const [last, beyond] = calls[name] ?? [];
      if (last === undefined || beyond === undefined) throw new Error(name);
      leave(it.life.world, KINDS.get(`KIND_${name}`) ?? 0, 1);
      expect(last()).toBe("OK");
      refused(it.life.world, beyond, "LIMIT");
    },
  );

  test("the table of images takes as many as its limit, and no more", () => {
    const { exports } = it.life.world;
    leave(it.life.world, kinds.KIND_IMAGE, 1);
    expect(exports.worldEmptyImage()).not.toBe(0n);
    expect(exports.worldEmptyImage()).toBe(0n);
  });
});

describe("waits", () => {
  const waitFor = (party: Party, count: number) =>
    party.wait({ list: Array.from({ length: count }, () => party.create("event")) }).status;

  test("the table of wait nodes takes as many as its limit, and no more", async () => {
    const ipc = await Ipc.create();
    const [last, beyond] = [ipc.party(), ipc.party()];
    const list = [beyond.create("event"), beyond.create("event")];
    leave(ipc.world, kinds.KIND_WAIT, 1);
    expect(waitFor(last, 2)).toBe("OK");
    beyond.numbers(list);
    refused(ipc.world, () => beyond.wait({ list }).status, "LIMIT");
    expect(waitFor(beyond, 1)).toBe("OK");
  });

  test("a wait is for 16 things, and never for 17", async () => {
    const ipc = await Ipc.create();
    expect(waitFor(ipc.party(), 17)).toBe("TOO_LARGE");
    expect(waitFor(ipc.party(), 16)).toBe("OK");
  });
});

test("64 predictions are written by one call, and never 65", async () => {
  const ipc = await Ipc.create();
  const party = ipc.party();
  const kernel = party.kernel();
  const records = Array.from({ length: 65 }, (_, n) => [party.id, n * 4096, (n + 1) * 4096, 5, 10]);
  const at = party.numbers(records.flat());
  refused(ipc.world, () => party.call("PREDICTION_WRITE", kernel, at, 65).status, "TOO_LARGE");
  expect(party.call("PREDICTION_WRITE", kernel, at, 64)).toEqual({ status: "OK", value: 64 });
});

test("an image has 16 MiB of text, and not a byte more", async () => {
  const { world } = await Life.create();
  const at = Number(world.data.byteLength) - 4096;
  world.data.setUint32(at, IMAGE_MAGIC_LOW, true);
  world.data.setUint32(at + 4, IMAGE_MAGIC_HIGH, true);
  const most = BigInt(IMAGE_HEADER_BYTES) + (16n << 20n);
  expect(world.exports.worldImageValid(at, most)).toBe(1);
  expect(world.exports.worldImageValid(at, most + 1n)).toBe(0);
});

test("a birth has 16 grants and 16 ranges at most", async () => {
  const { init, world } = await Life.create();
  const grants = (count: number) =>
    Array.from({ length: count }, () => ({ capability: init.self }));
  init.spawn();
  refused(world, () => init.spawn({ grants: grants(17) }).status, "OUT_OF_RANGE");
  expect(init.spawn({ grants: grants(16) }).status).toBe("OK");
  const at = 0x7000_0000;
  expect(init.call("AGENT_MEM_ALLOC", init.pool, 34 * 4096, at, 3).status).toBe("OK");
  const split = (count: number) => {
    const ranges = Array.from({ length: count }, (_, n) => [at + n * 8192, 4096] as const);
    return init.split(init.self, ranges).status;
  };
  refused(world, () => split(17), "OUT_OF_RANGE");
  expect(split(16)).toBe("OK");
});

test("a merge moves 1,024 children, and refuses 1,025", async () => {
  const life = await Life.create();
  const { init, world } = life;
  const [parent, survivor] = [init.child(), init.child()];
  // The structure of its call is right from here on, and each child's capability is given up.
  const structure = parent.bytes(0, 4096);
  parent.spawn({ poolRights: 0 });
  const spawn = () => {
    expect(world.call(parent.id, "AGENT_SPAWN", parent.pool, parent.memory).status).toBe("OK");
    const child = Number(structure.getBigUint64(SPAWN_CHILD, true));
    expect(world.call(parent.id, "CAP_REVOKE", child, 1).status).toBe("OK");
  };
  while (parent.view.childCount < 1024) spawn();
  while (life.authority.exports.worldLife(0) !== 0);
  const [agent, other] = [init.handle(parent.id), init.handle(survivor.id)];
  for (const each of [agent, other]) world.call(init.id, "AGENT_SUSPEND", each);
  const merge = () => world.call(init.id, "AGENT_MERGE", agent, other).status;
  const ram = ramOf(world);
  const full = Buffer.from(ram);
  spawn();
  refused(world, merge, "LIMIT");
  ram.set(full);
  expect(merge()).toBe("OK");
  expect(survivor.view.childCount).toBe(1024);
  life.check("AGENT_MERGE");
});

describe("reservations", () => {
  const MS = 1_000_000;

  test("16 reservations that are given up are counted one by one, and one more makes those after it wait", async () => {
    const it = await Scheduler.create();
    const wish = { class: "realtime", budget: 2_000, period: 100 * MS } as const;
    const agents = Array.from({ length: 17 }, () => it.make(wish));
    const last = it.make(wish);
    for (const agent of [...agents, last]) it.wake(agent, 1_000, () => it.stop(agent));
    it.run(MS);
    for (const agent of agents.slice(0, 16)) expect(it.set(agent, {})).toBe("OK");
    expect([it.cpu(0).departedCount, it.cpu(0).quietUntil]).toEqual([16, 0n]);
    expect(Number(it.make(wish).view.nextRelease)).toBeLessThanOrEqual(it.now);
    const due = last.view.nextRelease;
    expect(Number(due)).toBeGreaterThan(it.now);
    expect(it.set(last, {})).toBe("OK");
    expect([it.cpu(0).departedCount, it.cpu(0).quietUntil]).toEqual([16, due]);
    expect(it.make(wish).view.nextRelease).toBe(due);
    expect(it.invariant).toBe(0);
    it.run(200 * MS);
    expect(it.make(wish).view.nextRelease).toBe(0n);
    expect(it.cpu(0).departedCount).toBe(0);
  });

  test("a weight is 65,536 at most", async () => {
    const it = await Scheduler.create();
    const agent = it.make();
    const before = it.stateHash();
    for (const weight of [0, 65_537]) expect(it.set(agent, { weight })).toBe("OUT_OF_RANGE");
    expect(it.stateHash()).toBe(before);
    for (const weight of [1, 65_536]) expect(it.set(agent, { weight })).toBe("OK");
  });

  test("a period is 2^36 ns at most", async () => {
    const it = await Scheduler.create();
    const agent = it.make();
    const wish = { class: "realtime", budget: MS } as const;
    const before = it.stateHash();
    expect(it.set(agent, { ...wish, period: 2 ** 36 + 1 })).toBe("OUT_OF_RANGE");
    expect(it.stateHash()).toBe(before);
    expect(it.set(agent, { ...wish, period: 2 ** 36 })).toBe("OK");
  });

  test("a plan that can't be decided in 1,024 steps is refused by name", async () => {
    const life = await Life.create();
    const { init, world } = life;
    expect(init.configure(10 * MS, MS, MS / 4, 0, 10)).toBe("OK");
    const agents = [init.child(), init.child()].map(({ id }) => init.handle(id));
    const schedule = (agent: number | undefined, ...times: readonly number[]) => {
      const wish = init.bytes(0, SCHEDULE_BYTES);
      for (let at = 0; at < SCHEDULE_BYTES; at += 8) wish.setBigUint64(at, 0n, true);
      wish.setUint32(SCHEDULE_CLASS, CLASS_REALTIME, true);
      for (const [index, offset] of [SCHEDULE_BUDGET, SCHEDULE_PERIOD, SCHEDULE_DEADLINE].entries())
        wish.setBigUint64(offset, BigInt(times[index] ?? 0), true);
      return init.call("AGENT_SCHEDULE", agent ?? 0, init.memory).status;
    };
    // All but a thousandth of a processor, and a deadline 2 ns before the end of a much longer period.
    expect(schedule(agents[0], 6386, 6392, 6392)).toBe("OK");
    const undecided = () => schedule(agents[1], 44_269, 54_938_420, 54_938_418);
    undecided();
    refused(world, undecided, "ADMISSION_UNDECIDED");
    expect(schedule(agents[1], 44_269, 54_938_420, 54_938_420)).toBe("OK");
  });
});
