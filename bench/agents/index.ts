/** Spawn, clone and kill of small agents in kernel-testing.wasm and what an idle one takes; then WebAssembly agents. */

import * as Views from "../../kernel/host/views.generated.ts";
import { KernelViews } from "../../kernel/host/views.ts";
import { PROTECTION_READ, PROTECTION_WRITE } from "../../kernel/mm/protection.ts";
import { KIND_AGENT, KIND_IMAGE } from "../../kernel/object/kinds.ts";
import * as layouts from "../../kernel/syscall/layouts.ts";
import * as numbers from "../../kernel/syscall/numbers.ts";
import type { KernelTesting } from "../../kernel/testing/module.ts";
import { stubMachine } from "../../kernel/testing/stub.ts";
import { memoryBytes } from "../../sim/host/core.ts";
import { loadModule } from "../../sim/host/modules.ts";
import { median, nsEach, type Progress, plainRow, type Results, warmUp } from "../measure.ts";
import { measureLives } from "./lives.ts";
import { measureSystem } from "./system.ts";

const MIB = 1 << 20;
const ALL_RIGHTS = 0x3fff_ffff;
/** Address of the first agent's memory, and of the structure and the list of capabilities in it. */
const MEMORY = 0x5000_0000;
const LIST = 4096;
/** Agents of one sample: their capabilities fit into one table. */
const BATCH = 1000;
const RUNS = 15;
const SIZES = [10, 1_000, 100_000, 1_000_000] as const;
/** RAM for a million agents. */
const LARGE = 2560 * MIB;

class World {
  readonly kernel: KernelTesting;
  private readonly views: KernelViews;
  private readonly data: DataView;
  private readonly init: bigint;
  private readonly pool: bigint;
  private readonly list: number;

  private constructor(kernel: KernelTesting, data: DataView, ramBytes: number) {
    this.kernel = kernel;
    this.data = data;
    this.init = kernel.worldCreate(1, ramBytes);
    this.views = new KernelViews(data);
    this.pool = this.views.root.initAt(0).capabilitiesAt(0).id;
    const allocate = numbers.SYSCALL_AGENT_MEM_ALLOC;
    const size = BigInt(LIST + 2 * 4096);
    const protection = BigInt(PROTECTION_READ | PROTECTION_WRITE);
    kernel.worldCall(0, this.init, allocate, this.pool, size, BigInt(MEMORY), protection, 0n, 0n);
    // The list is in RAM that the kernel gave to nobody else: one block of two pages.
    this.list = kernel.linear(kernel.frameAlloc(1, 2)) >>> 0;
  }

  static async create(ramBytes: number): Promise<World> {
    const memory = new WebAssembly.Memory({ initial: memoryBytes(ramBytes) / 65536 });
    const module = await loadModule("kernel-testing");
    const env = { memory, abort: () => undefined };
    const instance = new WebAssembly.Instance(module, { env, machine: stubMachine() });
    const kernel = instance.exports as unknown as KernelTesting;
    return new World(kernel, new DataView(memory.buffer), ramBytes);
  }

  private structure(): DataView {
    const at = this.kernel.worldReach(this.init, BigInt(MEMORY)) >>> 0;
    return new DataView(this.data.buffer, at, layouts.SPAWN_BYTES);
  }

  /** A structure for agents with capabilities to themselves and to their pool. */
  private prepare(): DataView {
    const page = this.structure();
    for (let at = 0; at < layouts.SPAWN_BYTES; at++) page.setUint8(at, 0);
    page.setUint32(layouts.SPAWN_SELF_RIGHTS, ALL_RIGHTS, true);
    page.setUint32(layouts.SPAWN_POOL_RIGHTS, ALL_RIGHTS, true);
    return page;
  }

  prepareSpawn(): void {
    const image = this.views.root.initAt(0).imageAt(0).id;
    const page = this.prepare();
    const held = this.kernel.worldCapability(this.init, KIND_IMAGE, image, ALL_RIGHTS);
    page.setBigUint64(layouts.SPAWN_IMAGE, held, true);
    page.setUint32(layouts.SPAWN_SCHEDULE + layouts.SCHEDULE_WEIGHT, 1024, true);
  }

  /** A suspended agent to be cloned; its capability. */
  prepareClone(): bigint {
    this.prepareSpawn();
    this.births(numbers.SYSCALL_AGENT_SPAWN, this.pool, 1, true);
    const original = this.data.getBigUint64(this.list, true);
    const suspend = numbers.SYSCALL_AGENT_SUSPEND;
    this.kernel.worldCall(0, this.init, suspend, original, 0n, 0n, 0n, 0n, 0n);
    this.prepare().setBigUint64(layouts.CLONE_POOL, this.pool, true);
    return original;
  }

  private births(number: number, named: bigint, count: number, keep: boolean): void {
    const list = keep ? this.list : 0;
    const made = this.kernel.birthMany(this.init, number, named, BigInt(MEMORY), list, count);
    if (made !== count) throw new Error(`only ${made} of ${count} agents came to be`);
  }

  /** Spawns `count` agents and gives up the capabilities to them; ns each. */
  spawn(count: number): number {
    return nsEach(count, () => this.births(numbers.SYSCALL_AGENT_SPAWN, this.pool, count, false));
  }

  /** Makes a batch and ends it again; ns each for both. */
  cycle(number: number, named: bigint): { readonly birth: number; readonly kill: number } {
    const birth = nsEach(BATCH, () => this.births(number, named, BATCH, true));
    const kill = nsEach(BATCH, () => {
      const gone = this.kernel.killMany(this.init, this.list, BATCH);
      if (gone !== BATCH) throw new Error(`only ${gone} of ${BATCH} agents ended`);
    });
    return { birth, kill };
  }

  get payer(): bigint {
    return this.pool;
  }

  /** Bytes of RAM that somebody holds. */
  get used(): number {
    const frames = this.views.frames;
    return frames === null ? 0 : (frames.count - frames.free) * 4096;
  }

  get agents(): number {
    const slabs = this.views.root.slabs + KIND_AGENT * Views.Slab.size;
    return new Views.Slab(this.data, slabs).live;
  }
}

async function lives(results: Results, progress: Progress): Promise<void> {
  const world = await World.create(256 * MIB);
  const group = "agents";
  const unit = "ns";
  world.prepareSpawn();
  progress("spawn and kill");
  const spawn = () => world.cycle(numbers.SYSCALL_AGENT_SPAWN, world.payer);
  await warmUp(spawn);
  const spawned = Array.from({ length: RUNS }, spawn);
  const original = world.prepareClone();
  progress("clone");
  const clone = () => world.cycle(numbers.SYSCALL_AGENT_CLONE, original);
  await warmUp(clone);
  const cloned = Array.from({ length: RUNS }, clone);
  const aim = "2,000; better 1,000";
  const row = (name: string, samples: number[]) =>
    results.rows.push(plainRow({ group, name, unit, aim }, samples));
  row(
    "spawn, start and notice",
    spawned.map(({ birth }) => birth),
  );
  row(
    "kill, teardown and reaping",
    spawned.map(({ kill }) => kill),
  );
  row(
    "clone of an agent without memory",
    cloned.map(({ birth }) => birth),
  );
}

async function growth(results: Results, progress: Progress): Promise<void> {
  const world = await World.create(LARGE);
  world.prepareSpawn();
  const warm = await World.create(256 * MIB);
  warm.prepareSpawn();
  await warmUp(() => warm.cycle(numbers.SYSCALL_AGENT_SPAWN, warm.payer));
  const before = world.used;
  const times: [number, number][] = [];
  const bytes: [number, number][] = [];
  let first = Number.NaN;
  for (const size of SIZES) {
    progress(`${size} agents`);
    // The agents up to this size in samples of a batch; what the last ones took counts.
    const samples: number[] = [];
    while (world.agents - 1 < size) {
      const count = Math.min(BATCH, size - (world.agents - 1));
      samples.push(world.spawn(count));
    }
    const latest = samples.slice(-RUNS);
    if (size === 1_000) first = median(latest);
    times.push([size, median(latest)]);
    bytes.push([size, (world.used - before) / size]);
    const about = { group: "agents", name: `spawn, up to agent ${size}`, unit: "ns" as const };
    const peer =
      Number.isNaN(first) || size <= 1_000 ? {} : { peer: first, peerName: "up to agent 1000" };
    results.rows.push(
      plainRow({ ...about, ...peer, aim: size <= 1_000 ? "" : "<= 1.5, better 1.1" }, latest),
    );
  }
  results.series.push(
    {
      file: "agents-spawn",
      title: "Spawning one more agent",
      x: "agents",
      unit: "ns",
      lines: [{ name: "AgentSpawn", points: times }],
    },
    {
      file: "agents-memory",
      title: "RAM for each agent that idles, with its two capabilities",
      x: "agents",
      unit: "bytes",
      lines: [{ name: "this kernel", points: bytes }],
    },
  );
  const each = bytes.at(-1)?.[1] ?? Number.NaN;
  const name = "RAM of a million idle agents";
  const unit = "MiB" as const;
  results.rows.push(plainRow({ group: "agents", name, unit, aim: "1,000" }, [(each * 1e6) / MIB]));
}

export async function measureAgents(results: Results, progress: Progress): Promise<void> {
  await lives(results, progress);
  await growth(results, progress);
  await measureLives(results, progress);
  await measureSystem(results, progress);
}
