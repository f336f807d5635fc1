/** A world in which a test gives capabilities out by hand and asks what they are worth. */
import * as Views from "../host/views.generated.ts";
import { KIND_AGENT, KINDS } from "../object/kinds.ts";
import { type StatusName, statusName, World, type WorldOptions } from "./world-host.ts";

export const ALL_KINDS = (1 << KINDS) - 1;
export const ALL_RIGHTS = 0x3fff_ffff;
export const NEVER = 0xffff_ffff_ffff_ffffn;
/** Enough for an agent and a full table of capabilities. */
const QUOTA = 1 << 20;

export class Authority {
  readonly world: World;
  readonly init: number;

  private constructor(world: World) {
    this.world = world;
    this.init = world.init;
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
  root(holder: number, object = holder, rights = ALL_RIGHTS, kind = KIND_AGENT): number {
    return Number(
      this.exports.worldCapability(BigInt(holder), kind, BigInt(object), rights),
    );
  }

  grant(from: number, to: number, rights = ALL_RIGHTS): number {
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

  set time(ns: bigint) {
    this.world.time = ns;
  }
}
