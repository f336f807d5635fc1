/** A world in which a test lets agents live and die. */
import { RIGHTS_ALL } from "../cap/rights.ts";
import * as states from "../agent/states.ts";
import { stateName } from "../host/agents.ts";
import * as Views from "../host/views.generated.ts";
import { PROTECTION_READ, PROTECTION_WRITE } from "../mm/protection.ts";
import * as invariants from "../invariant_names.ts";
import { KIND_AGENT, KIND_IMAGE, KIND_POOL, KINDS } from "../object/kinds.ts";
import * as layouts from "../syscall/layouts.ts";
import { Authority } from "./cap-host.ts";
import type { CallName, Result, StatusName, World, WorldOptions } from "./world-host.ts";

/** Where each agent of the world has its arguments: a few pages of its own. */
const MEMORY = 0x5000_0000;
const PAGES = 4;
const PAGE_BYTES = 4096;
const READ_WRITE = PROTECTION_READ | PROTECTION_WRITE;
const STRUCTURE = 0;
const GRANTS = 512;
const RANGES = 1024;
const INFO = 2048;

export interface Grant {
  readonly capability: number;
  readonly rights?: number;
}

/** What a new agent is given, whichever way it comes to be. */
export interface BirthOptions {
  /** The caller's capability to the pool that pays. */
  readonly pool?: number;
  readonly argument?: number | bigint;
  readonly selfRights?: number;
  readonly poolRights?: number;
  /** Capabilities that it may hold, messages that may wait for it; 0: as many as with the caller. */
  readonly capabilities?: number;
  readonly messages?: number;
  readonly grants?: readonly Grant[];
}

export interface SpawnOptions extends BirthOptions {
  /** The caller's capability to the image. */
  readonly image?: number;
  readonly quota?: number | bigint;
  readonly weight?: number;
  /** A bit for each CPU; 0: those of the caller. */
  readonly affinity?: bigint;
  /** kernel/agent/states.ts. */
  readonly flags?: number;
}

export interface Born {
  readonly status: StatusName;
  readonly id: number;
  /** The caller's capability to it, and those that it was granted. */
  readonly child: number;
  readonly grants: readonly number[];
}

/** An agent whose calls a test makes. */
export class Actor {
  readonly life: Life;
  readonly id: number;
  readonly self: number;
  readonly pool: number;
  private hasMemory = false;

  constructor(life: Life, id: number, self: number, pool: number) {
    this.life = life;
    this.id = id;
    this.self = self;
    this.pool = pool;
  }

  get view(): Views.Agent {
    return this.life.view(this.id);
  }

  /** Makes a system call, after which every named invariant must hold. */
  call(name: CallName, capability: number, ...args: (number | bigint)[]): Result {
    const result = this.life.world.call(this.id, name, capability, ...args);
    this.life.check(name);
    return result;
  }

  /** Address of its memory, which it has from the first time that it is asked for. */
  get memory(): number {
    if (!this.hasMemory) {
      const bytes = PAGES * PAGE_BYTES;
      const { status } = this.call("AGENT_MEM_ALLOC", this.pool, bytes, MEMORY, READ_WRITE);
      if (status !== "OK") throw new Error(`no memory for agent ${this.id}: ${status}`);
      this.hasMemory = true;
    }
    return MEMORY;
  }

  /** A view of `bytes` bytes of its memory at `offset`, inside one page. */
  bytes(offset: number, bytes: number): DataView {
    const address = BigInt(this.memory + offset);
    const at = this.life.authority.exports.worldReach(BigInt(this.id), address);
    return new DataView(this.life.world.data.buffer, at, bytes);
  }

  /** Writes the part of the arguments that all ways to be born share. */
  private birth(options: BirthOptions): DataView {
    const page = this.bytes(0, PAGE_BYTES);
    const grants = options.grants ?? [];
    page.setBigUint64(layouts.SPAWN_GRANTS, BigInt(this.memory + GRANTS), true);
    page.setUint32(layouts.SPAWN_GRANT_COUNT, grants.length, true);
    page.setUint32(layouts.SPAWN_SELF_RIGHTS, options.selfRights ?? RIGHTS_ALL, true);
    page.setUint32(layouts.SPAWN_POOL_RIGHTS, options.poolRights ?? RIGHTS_ALL, true);
    page.setUint16(layouts.SPAWN_CAPABILITIES, options.capabilities ?? 0, true);
    page.setUint16(layouts.SPAWN_MESSAGES, options.messages ?? 0, true);
    page.setBigUint64(layouts.SPAWN_ARGUMENT, BigInt(options.argument ?? 0), true);
    page.setBigUint64(layouts.SPAWN_CHILD, 0n, true);
    grants.forEach(({ capability, rights = RIGHTS_ALL }, index) => {
      const grant = GRANTS + index * layouts.GRANT_BYTES;
      page.setBigUint64(grant + layouts.GRANT_CAPABILITY, BigInt(capability), true);
      page.setUint32(grant + layouts.GRANT_RIGHTS, rights, true);
      page.setUint32(grant + layouts.GRANT_RESERVED, 0, true);
    });
    return page;
  }

  private born(result: Result, options: BirthOptions): Born {
    const page = this.bytes(0, PAGE_BYTES);
    const handle = (offset: number) => Number(page.getBigUint64(offset, true));
    return {
      status: result.status,
      id: result.value,
      child: handle(layouts.SPAWN_CHILD),
      grants: (options.grants ?? []).map((_, index) =>
        handle(GRANTS + index * layouts.GRANT_BYTES + layouts.GRANT_HANDLE),
      ),
    };
  }

  spawn(options: SpawnOptions = {}): Born {
    const page = this.birth(options);
    page.setBigUint64(layouts.SPAWN_IMAGE, BigInt(options.image ?? this.life.image(this.id)), true);
    page.setBigUint64(layouts.SPAWN_QUOTA, BigInt(options.quota ?? 0), true);
    for (let at = 0; at < layouts.SCHEDULE_BYTES; at += 4)
      page.setUint32(layouts.SPAWN_SCHEDULE + at, 0, true);
    const weight = layouts.SPAWN_SCHEDULE + layouts.SCHEDULE_WEIGHT;
    page.setUint32(weight, options.weight ?? 1024, true);
    const affinity = layouts.SPAWN_SCHEDULE + layouts.SCHEDULE_AFFINITY;
    page.setBigUint64(affinity, options.affinity ?? 0n, true);
    const flags = layouts.SPAWN_SCHEDULE + layouts.SCHEDULE_FLAGS;
    page.setUint32(flags, options.flags ?? 0, true);
    return this.born(this.call("AGENT_SPAWN", options.pool ?? this.pool, this.memory), options);
  }

  clone(original: number, options: BirthOptions = {}): Born {
    const page = this.birth(options);
    page.setBigUint64(layouts.CLONE_POOL, BigInt(options.pool ?? this.pool), true);
    return this.born(this.call("AGENT_CLONE", original, this.memory), options);
  }

  split(
    original: number,
    ranges: readonly (readonly [number, number])[],
    options: BirthOptions = {},
  ): Born {
    const page = this.birth(options);
    page.setBigUint64(layouts.CLONE_POOL, BigInt(options.pool ?? this.pool), true);
    page.setBigUint64(layouts.SPLIT_RANGES, BigInt(this.memory + RANGES), true);
    page.setBigUint64(layouts.SPLIT_RANGE_COUNT, BigInt(ranges.length), true);
    ranges.forEach(([address, bytes], index) => {
      const range = RANGES + index * layouts.RANGE_BYTES;
      page.setBigUint64(range + layouts.RANGE_ADDRESS, BigInt(address), true);
      page.setBigUint64(range + layouts.RANGE_LENGTH, BigInt(bytes), true);
    });
    return this.born(this.call("AGENT_SPLIT", original, this.memory), options);
  }

  /** Configures the scheduler: epoch, then quantum, foreground, fair reserve and ageing. */
  configure(epoch: number, ...rest: readonly number[]): StatusName {
    const page = this.bytes(0, layouts.CONFIGURE_BYTES);
    page.setBigUint64(layouts.CONFIGURE_EPOCH, BigInt(epoch), true);
    for (const [n, value] of rest.entries())
      page.setUint32(layouts.CONFIGURE_QUANTUM + 4 * n, value, true);
    const kernel = Number(this.life.context(this.id).rdx);
    return this.call("SCHED_CONFIGURE", kernel, this.memory).status;
  }

  /** Spawns an agent, lets it start, and takes its part. */
  child(options: SpawnOptions = {}): Actor {
    const { status, id } = this.spawn(options);
    if (status !== "OK") throw new Error(`no child: ${status}`);
    this.life.settle();
    return this.life.actor(id);
  }

  /** This agent's newest capability to the agent `id`. */
  handle(id: number): number {
    for (let at = this.view.capabilities; at !== 0; ) {
      const held = new Views.Capability(this.life.world.data, at);
      if (held.kind === KIND_AGENT && Number(held.object) === id) return Number(held.id);
      at = held.next;
    }
    throw new Error(`agent ${this.id} has no capability to ${id}`);
  }

  info(agent: number): DataView {
    const { status } = this.call("AGENT_INFO", agent, this.memory + INFO, layouts.INFO_BYTES);
    if (status !== "OK") throw new Error(`AgentInfo: ${status}`);
    return this.bytes(INFO, layouts.INFO_BYTES);
  }
}

export class Life {
  readonly authority: Authority;
  readonly init: Actor;
  private readonly images = new Map<number, number>();

  private constructor(authority: Authority) {
    this.authority = authority;
    const pool = this.view(authority.init).capabilitiesAt(0);
    this.init = new Actor(this, authority.init, Number(pool.nextAt(0).id), Number(pool.id));
  }

  static async create(options: WorldOptions = {}): Promise<Life> {
    return new Life(await Authority.create(options));
  }

  get world(): World {
    return this.authority.world;
  }

  view(agent: number): Views.Agent {
    return this.authority.agentView(agent);
  }

  /** The registers with which a new agent goes on. */
  context(agent: number): Views.Context {
    const size = Math.ceil(Views.Agent.size / 8) * 8;
    return new Views.Context(this.world.data, this.authority.exports.worldObject(BigInt(agent)) + size);
  }

  state(agent: number): string {
    const at = this.authority.exports.worldObject(BigInt(agent));
    return at === 0 ? "NONE" : stateName(this.view(agent).state).toUpperCase();
  }

  /** The agent `id`, which has just been born. */
  actor(id: number): Actor {
    const { rdi, rsi } = this.context(id);
    return new Actor(this, id, Number(rdi), Number(rsi));
  }

  /** A capability of `holder` to an image that nobody runs yet. */
  secondImage(holder: number): number {
    const image = Number(this.authority.exports.worldEmptyImage());
    return this.authority.root(holder, image, RIGHTS_ALL, KIND_IMAGE);
  }

  /** A capability of `holder` to the image that the first agent runs. */
  image(holder: number): number {
    const known = this.images.get(holder);
    if (known !== undefined) return known;
    const image = Number(this.view(this.init.id).imageAt(0).id);
    const made = this.authority.root(holder, image, RIGHTS_ALL, KIND_IMAGE);
    this.images.set(holder, made);
    return made;
  }

  /** Lets CPU `cpu` do all that is left for agents' lives; in how many steps. */
  settle(cpu = 0): number {
    let steps = 1;
    while (this.authority.exports.worldLife(cpu) !== 0) steps += 1;
    this.check("settle");
    return steps;
  }

  /** @throws Error naming the invariant that does not hold */
  check(after: string): void {
    const broken = this.authority.exports.checkInvariants();
    if (broken === invariants.INVARIANTS_HOLD) return;
    const name = Object.entries(invariants).find(([, number]) => number === broken)?.[0];
    throw new Error(`after ${after}: ${name} does not hold`);
  }

  /** What must be the same before and after: objects of each kind, frames, bytes in use. */
  accounts(): Record<string, number> {
    const { root, frames } = this.world.kernel;
    const accounts: Record<string, number> = {};
    let slabs = 0;
    for (let kind = 0; kind < KINDS; kind++) {
      const slab = new Views.Slab(this.world.data, root.slabs + kind * Views.Slab.size);
      accounts[`objects of kind ${kind}`] = slab.live;
      slabs += Number(slab.memory) / PAGE_BYTES;
    }
    const pool = root.poolAt(0);
    accounts["bytes of the pool"] = Number(pool.used);
    accounts["references to the pool"] = pool.references;
    accounts["free frames and those of tables"] = frames ? frames.free - frames.promised + slabs : 0;
    accounts["references to the image"] = this.view(this.init.id).imageAt(0).references;
    return accounts;
  }
}

export { KIND_AGENT, KIND_IMAGE, KIND_POOL, states };
