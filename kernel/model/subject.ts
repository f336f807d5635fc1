/**
 * The kernel in the place of the specification: it is given the same calls, in its own terms, and its
 * answers are told in the specification's.
 */
import * as Views from "../host/views.generated.ts";
import { EXTENDED_BYTES } from "../mm/extended_format.ts";
import { KIND_IMAGE, KIND_KERNEL } from "../object/kinds.ts";
import { TOKEN_BYTES } from "../syscall/cap_layouts.ts";
import { OPERATION_ID } from "../syscall/ipc_layouts.ts";
import { BASE, Ipc, Party } from "../testing/ipc-host.ts";
import { type Result, statusName } from "../testing/world-host.ts";
import { type Asked, type Asking, type Deed, NEVER_GIVEN, RECORD_AT, RESULT_AT, TOKEN_AT } from "./asking.ts";
import { giveNew } from "./authority.ts";
import { payload } from "./communication.ts";
import { DESK, DESK_PAGES } from "./desk.ts";
import { insert } from "./memory.ts";
import { charge } from "./pools.ts";
import type { Call } from "./step.ts";
import * as Telling from "./telling.ts";
import { addAgent } from "./tree.ts";
import { type Answer, type Costs, emptyWorld, get, KERNEL, type Name, NOBODY, PAGE, type World } from "./world.ts";

const aligned = (bytes: number): number => Math.ceil(bytes / 8) * 8;
/**
 * A message, and an operation, with 64 bytes in its slot; nodes for 16 things but the first; an agent
 * with its registers, its notice and that node; for whoever has memory, two tables and what machine code
 * keeps beside its registers.
 */
const COSTS: Costs = {
  capability: Views.Capability.size,
  endpoint: Views.Endpoint.size,
  timer: Views.IntervalTimer.size,
  message: Views.Message.size + 64,
  waits: Views.KernelObject.size + 15 * Views.WaitNode.size,
  agent: aligned(Views.Agent.size) + Views.Context.size + Views.Notice.size + Views.WaitNode.size,
  pool: aligned(Views.Pool.size),
  range: aligned(Views.Mapping.size),
  space: aligned(Views.AddressSpace.size) + EXTENDED_BYTES + 2 * PAGE,
  region: aligned(Views.Region.size),
  operation: Views.Operation.size + 64 + Views.Notice.size,
};

export class Subject {
  readonly ipc: Ipc;
  private readonly parties = new Map<Name, Party>();
  /** Identifiers of the capabilities that have names, and of agents, pools, images, operations. */
  private readonly ids = new Map<Name, number>();
  private readonly things = new Map<Name, number>();
  private readonly tokens = new Map<Name, Uint8Array>();

  private constructor(ipc: Ipc) {
    this.ipc = ipc;
  }

  /** The same world twice: agents with `quotas` bytes each, who have themselves and their pools. */
  static async create(
    quotas: readonly number[],
    ramBytes = 8 << 20,
  ): Promise<{ subject: Subject; world: World }> {
    const subject = new Subject(await Ipc.create({ ramBytes }));
    const world = emptyWorld(COSTS);
    const image = ++world.thingsNamed;
    for (const quota of quotas) {
      const party = subject.ipc.party(quota);
      subject.things.set(image, Number(party.view.imageAt(0).id));
      const agent = addAgent(world, Number(party.view.poolAt(0).quota), image);
      const pages = Array.from({ length: DESK_PAGES }, () => 0);
      const desk = { start: DESK, pages, region: NOBODY, writable: true, pool: agent.pool };
      charge(world, agent.pool, COSTS.range + COSTS.space + DESK_PAGES * PAGE);
      agent.memory.space = true;
      insert(world, agent.memory, [desk], agent.pool);
      subject.parties.set(agent.name, party);
      subject.things.set(agent.name, party.id).set(agent.pool, Number(party.view.poolAt(0).id));
      subject.named(giveNew(world, agent, { kind: "agent", name: agent.name }), party.self);
      subject.named(giveNew(world, agent, { kind: "pool", name: agent.pool }), party.pool);
    }
    return { subject, world };
  }

  party(name: Name): Party {
    return get(this.parties, name);
  }

  /** The kernel's identifier of the capability `name`. */
  id(name: Name): number {
    return name === NOBODY ? 0 : (this.ids.get(name) ?? NEVER_GIVEN);
  }

  /** The kernel's identifier of an agent, a pool, an image or an operation. */
  thing(name: Name): number {
    return name === NOBODY ? 0 : (this.things.get(name) ?? NEVER_GIVEN);
  }

  /** What such an identifier is the identifier of; NOBODY for what is outside of this world. */
  nameOf(id: number): Name {
    for (const [name, known] of this.things) if (known === id) return name;
    return id === 0 || id === this.ipc.world.init ? NOBODY : -1;
  }

  token(name: Name): Uint8Array | undefined {
    return this.tokens.get(name);
  }

  named(name: Name, id: number): void {
    this.ids.set(name, id);
  }

  /** Whatever the kernel calls a new capability is its name, unless it has one: its name, or -1. */
  known(name: Name, id: number): Name {
    if (name === NOBODY) return id === 0 ? NOBODY : -1;
    if (!this.ids.has(name)) this.named(name, id);
    return this.ids.get(name) === id ? name : -1;
  }

  /** An agent has been born. */
  arrived(name: Name, id: number, self: number, pool: number): void {
    this.things.set(name, id);
    this.parties.set(name, new Party(this.ipc, id, self, pool));
  }

  /** Back in `world`: forgets what has not happened there. */
  back(world: World): void {
    for (const name of this.ids.keys()) if (name > world.capabilitiesNamed) this.ids.delete(name);
    for (const name of this.things.keys()) if (name > world.thingsNamed) this.things.delete(name);
    for (const name of this.parties.keys()) if (name > world.thingsNamed) this.parties.delete(name);
    for (const name of this.tokens.keys()) if (!world.shown.has(name)) this.tokens.delete(name);
  }

  /**
   * Names what has come without its holder having been told: a capability in a message, the newest
   * that it has; the pool of an agent. What the kernel breaks ties by is as good as anything.
   */
  discover(world: World): void {
    for (const { name, holder } of world.capabilities.values())
      if (!this.ids.has(name)) this.named(name, Number(this.party(holder).view.capabilitiesAt(0).id));
    for (const agent of world.agents.values()) {
      agent.identifier = this.thing(agent.name);
      if (!this.things.has(agent.pool))
        this.things.set(agent.pool, Number(this.party(agent.name).view.poolAt(0).id));
    }
  }

  /** A capability for `to` that the kernel makes out of nothing, for what `of` is a capability to. */
  share(world: World, to: Name, of: Name, rights?: number): Name {
    const capability = get(world.capabilities, of);
    const view = this.ipc.capabilityView(this.id(of));
    const name = giveNew(world, get(world.agents, to), capability.thing, rights);
    this.named(name, this.party(to).capability(view.kind, Number(view.object), rights));
    return name;
  }

  /** The same for the kernel itself. */
  shareKernel(world: World, to: Name, rights?: number): Name {
    const name = giveNew(world, get(world.agents, to), { kind: "kernel", name: KERNEL }, rights);
    this.named(name, this.party(to).capability(KIND_KERNEL, this.ipc.authority, rights));
    return name;
  }

  /** The same for an image: the one that `to` runs, or one that nobody does yet. */
  shareImage(world: World, to: Name, fresh = false, rights?: number): Name {
    const agent = get(world.agents, to);
    const image = fresh ? ++world.thingsNamed : agent.image;
    if (fresh) this.things.set(image, Number(this.ipc.exports.worldEmptyImage()));
    const name = giveNew(world, agent, { kind: "image", name: image }, rights);
    this.named(name, this.party(to).capability(KIND_IMAGE, this.thing(image), rights));
    return name;
  }

  /** Carries out what was prepared. */
  ask(agent: Name, asked: Asked): Result {
    return this.party(agent).call(asked.name, this.id(asked.capability), ...asked.args);
  }

  /** Does what needs no call. */
  do(agent: Name, deed: Deed): Answer {
    const { exports, world } = this.ipc;
    const id = BigInt(this.thing(agent));
    if (deed.call === "FAULT") {
      exports.worldException(id, deed.vector, 0, 0n);
      return { status: "OK" };
    }
    const at = exports.worldReach(id, BigInt(deed.start));
    if (at === 0) return { status: "BAD_ADDRESS" };
    new Uint32Array(world.data.buffer as ArrayBuffer, at, PAGE / 4).fill(deed.value);
    return { status: "OK" };
  }

  /**
   * The kernel's answer as the specification tells it; `expected` says which things they are that
   * the kernel has made, and what there is to be read.
   */
  answer(agent: Name, call: Asking, result: Result, expected: Answer): Answer {
    const party = this.party(agent);
    const { status, value } = result;
    if (status !== "OK") return expected.value === undefined ? { status } : { status, value };
    if (expected.waits) return { status, waits: party.waits };
    if (expected.notice) return { status, value, notice: Telling.notice(this, party) };
    if (expected.born) return { status, born: Telling.born(this, party, value, expected.born) };
    if (expected.info) return { status, info: Telling.info(this, party) };
    if (expected.made !== undefined) return { status, made: this.known(expected.made, value) };
    if (expected.operation !== undefined) return this.operation(party, call, value, expected.operation);
    switch (call.call) {
      case "JUDGE_TOKEN":
        return { status, verdict: statusName(value) };
      case "SHOW_TOKEN":
        this.tokens.set(call.capability, party.read(TOKEN_AT, TOKEN_BYTES));
        return { status, value };
      case "IPC_RECV":
        return { status, value, message: Telling.message(this, party, expected.message) };
      case "PIPE_READ":
        return { status, value, bytes: [...party.read(BASE, value)] };
      default:
        return { status, value };
    }
  }

  private operation(party: Party, call: Call, value: number, expected: Name): Answer {
    if (call.call !== "PQC_TAKE") {
      this.things.set(expected, value);
      return { status: "OK", operation: expected };
    }
    const told = this.nameOf(party.number(RECORD_AT + OPERATION_ID));
    const operation = told === this.nameOf(value) ? told : -1;
    return { status: "OK", operation, taken: Telling.taken(this, party) };
  }

  /** Whether the result of an operation is where its asker wanted it. */
  delivered(requester: Name, length: number, seed: number): boolean {
    const bytes = this.party(requester).read(RESULT_AT, length);
    return Buffer.from(bytes).equals(Buffer.from(payload(length, seed)));
  }

  /** Each agent keeps the range of addresses that was found last: the next search begins there. */
  forgetSearches(): void {
    for (const [name, { view }] of this.parties)
      if (this.ipc.exports.worldObject(BigInt(this.thing(name))) !== 0) view.mappingFinger = 0;
  }

  tick(to: number): void {
    this.ipc.timer(to);
  }

  /** Steps of the kernel, until nothing is left to do for agents' lives. */
  settle(): void {
    while (this.ipc.exports.worldLife(0) !== 0);
  }

  get broken(): number {
    return this.ipc.exports.checkInvariants();
  }
}
