/** A world in which a test gives capabilities out by hand and asks what they are worth. */
import { RIGHTS_ALL } from "../cap/rights.ts";
import * as Views from "../host/views.generated.ts";
import { KIND_AGENT, KIND_POOL, KINDS } from "../object/kinds.ts";
import { NEVER, type StatusName, statusName, World, type WorldOptions } from "./world-host.ts";

export const ALL_KINDS = (1 << KINDS) - 1;
export { NEVER };
/** Order and owner of the block that passes bytes between a test and an agent: 8 KiB, the kernel's. */
const BUFFER_ORDER = 1;
const OWNER_KERNEL = 2;
/** Where an agent's memory begins, and how much it has. */
const BASE = 0x4000_0000;
const PAGES = 2;
/** Enough for an agent and a full table of capabilities. */
const QUOTA = 1 << 20;

export class Authority {
  readonly world: World;
  readonly init: number;
  private readonly buffer: number;
  private readonly withMemory = new Set<number>();

  private constructor(world: World) {
    this.world = world;
    this.init = world.init;
    const { exports } = world;
    this.buffer = exports.linear(exports.frameAlloc(BUFFER_ORDER, OWNER_KERNEL));
  }

  static async create(options: WorldOptions = {}): Promise<Authority> {
    return new Authority(await World.create(options));
  }

  get exports() {
    return this.world.exports;
  }

  agent(quota = QUOTA): number {
    return Number(this.exports.worldAgent(BigInt(quota)));
  }

  /** A capability of `holder` to the agent `object`, derived from nothing. */
  root(holder: number, object = holder, rights = RIGHTS_ALL, kind = KIND_AGENT): number {
    return Number(
      this.exports.worldCapability(BigInt(holder), kind, BigInt(object), rights),
    );
  }

  /** A capability of `holder` to the pool that pays for it. */
  poolCapability(holder: number): number {
    const pool = Number(this.agentView(holder).poolAt(0).id);
    return this.root(holder, pool, RIGHTS_ALL, KIND_POOL);
  }

  /** Address of memory that the agent may read and write. */
  memory(agent: number): number {
    if (!this.withMemory.has(agent) && !this.exports.worldPages(BigInt(agent), BigInt(BASE), PAGES))
      throw new Error("no memory");
    this.withMemory.add(agent);
    return BASE;
  }

  grant(from: number, to: number, rights = RIGHTS_ALL): number {
    return Number(this.exports.worldGrant(BigInt(from), BigInt(to), rights));
  }

  revoke(capability: number): number {
    return this.exports.worldRevoke(BigInt(capability));
  }

  /** What authorize says when `agent` names `capability`. */
  ask(agent: number, capability: number, rights = 0, kinds = ALL_KINDS): StatusName {
    return statusName(
      this.exports.worldAuthorize(BigInt(agent), BigInt(capability), kinds, rights),
    );
  }

  room(holder: number, from: number, count: number): StatusName {
    return statusName(this.exports.worldRoom(BigInt(holder), BigInt(from), count));
  }

  view(capability: number): Views.Capability {
    return new Views.Capability(this.world.data, this.exports.worldObject(BigInt(capability)));
  }

  agentView(agent: number): Views.Agent {
    return new Views.Agent(this.world.data, this.exports.worldObject(BigInt(agent)));
  }

  /** Writes into an agent's memory. */
  store(agent: number, address: number, bytes: Uint8Array): void {
    new Uint8Array(this.world.data.buffer, this.buffer, bytes.length).set(bytes);
    this.exports.worldStore(BigInt(agent), BigInt(address), this.buffer, bytes.length);
  }

  load(agent: number, address: number, bytes: number): Buffer {
    this.exports.worldLoad(BigInt(agent), BigInt(address), this.buffer, bytes);
    return Buffer.from(this.world.data.buffer.slice(this.buffer, this.buffer + bytes));
  }

  /** Number of the first invariant that does not hold, or 0. */
  get broken(): number {
    return this.exports.checkInvariants();
  }

  set time(ns: bigint) {
    this.world.time = ns;
  }
}
