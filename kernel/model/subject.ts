/**
 * The kernel in the place of the specification: it is given the same calls, in its own terms, and its
 * answers are told in the specification's.
 */
import * as Views from "../host/views.generated.ts";
import { KIND_CAPABILITY } from "../object/kinds.ts";
import * as Cap from "../syscall/cap_layouts.ts";
import * as Layout from "../syscall/ipc_layouts.ts";
import { BASE, Ipc, type Party, TYPES } from "../testing/ipc-host.ts";
import { type CallName, type Result, statusName } from "../testing/world-host.ts";
import { giveNew } from "./authority.ts";
import { payload } from "./communication.ts";
import type { Call } from "./step.ts";
import { addAgent, type Answer, type Costs, emptyWorld, get, type Name, NEVER, NOBODY, type World } from "./world.ts";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** A message with 64 bytes in its slot; nodes for 16 things but the first. */
const COSTS: Costs = {
  capability: Views.Capability.size,
  endpoint: Views.Endpoint.size,
  timer: Views.IntervalTimer.size,
  message: Views.Message.size + 64,
  waits: Views.KernelObject.size + 15 * Views.WaitNode.size,
};
/** Where structures, lists and tokens are: behind the payloads. */
const SCRATCH = BASE + 36 * 4096;
const TOKEN_AT = SCRATCH + 1024;
/** An identifier that no capability ever has: the last slot, a generation that is far off. */
const NEVER_GIVEN = 0x3f_ffff + KIND_CAPABILITY * 2 ** 22 + 0x3ff_ffff * 2 ** 26;

/** A call on its way to the kernel. */
interface Asked {
  readonly name: CallName;
  readonly capability: Name;
  readonly args: readonly (number | bigint)[];
}

const time = (ns: number): bigint => (ns === NEVER ? ALL_ONES : BigInt(ns));

export class Subject {
  readonly ipc: Ipc;
  private readonly parties = new Map<Name, Party>();
  /** Identifiers of the capabilities that have names. */
  private readonly ids = new Map<Name, number>();
  private readonly tokens = new Map<Name, Uint8Array>();

  private constructor(ipc: Ipc) {
    this.ipc = ipc;
  }

  /** The same world twice: agents with `quotas` bytes each, who have themselves and their pools. */
  static async create(quotas: readonly number[]): Promise<{ subject: Subject; world: World }> {
    const subject = new Subject(await Ipc.create({ ramBytes: 16 << 20 }));
    const world = emptyWorld(COSTS);
    for (const quota of quotas) {
      const party = subject.ipc.party(quota);
      const limit = Number(party.view.poolAt(0).quota);
      const agent = addAgent(world, limit, party.used - 2 * COSTS.capability);
      subject.parties.set(agent.name, party);
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

  named(name: Name, id: number): void {
    this.ids.set(name, id);
  }

  /** Back in `world`: forgets what has not happened there. */
  back(world: World): void {
    for (const name of this.ids.keys()) if (name > world.capabilitiesNamed) this.ids.delete(name);
    for (const name of this.tokens.keys()) if (!world.shown.has(name)) this.tokens.delete(name);
  }

  /** Names what has come in a message, and its receiver has not yet been told: the newest it has. */
  discover(world: World): void {
    for (const { name, holder } of world.capabilities.values())
      if (!this.ids.has(name)) this.named(name, Number(this.party(holder).view.capabilitiesAt(0).id));
  }

  /** A capability for `to` that the kernel makes out of nothing, for what `of` is a capability to. */
  share(world: World, to: Name, of: Name, rights?: number): Name {
    const capability = get(world.capabilities, of);
    const view = this.ipc.capabilityView(this.id(of));
    const name = giveNew(world, get(world.agents, to), capability.thing, rights);
    this.named(name, this.party(to).capability(view.kind, Number(view.object), rights));
    return name;
  }

  /** Puts a call's arguments where the kernel will read them. */
  prepare(agent: Name, call: Call): Asked {
    const party = this.party(agent);
    const { capability } = call;
    switch (call.call) {
      case "CAP_DERIVE":
        return { name: call.call, capability, args: [this.deriveArguments(party, call)] };
      case "CAP_REVOKE":
        return { name: call.call, capability, args: [call.itself ? 1 : 0] };
      case "SHOW_TOKEN":
        return { name: "CAP_INSPECT", capability, args: [TOKEN_AT] };
      case "JUDGE_TOKEN": {
        party.write(TOKEN_AT, this.tokens.get(call.token) ?? new Uint8Array(Cap.TOKEN_BYTES));
        const shower = call.shower === NOBODY ? 0 : this.party(call.shower).id;
        return { name: "CAP_INSPECT", capability, args: [0, TOKEN_AT, call.rights, 0, shower] };
      }
      case "IPC_SEND":
        party.write(BASE, Uint8Array.from(payload(Math.min(call.length, 65536), call.seed)));
        return { name: call.call, capability, args: [BASE, call.length, 0, this.id(call.along)] };
      case "IPC_RECV":
        return { name: call.call, capability, args: [BASE, call.room, SCRATCH] };
      case "ENDPOINT_CREATE":
        return { name: call.call, capability, args: [TYPES[call.type], call.capacity] };
      case "ENDPOINT_CLOSE":
        return { name: call.call, capability, args: [] };
      case "PIPE_WRITE":
        party.write(BASE, Uint8Array.from(payload(Math.min(call.length, 65536), call.seed)));
        return { name: call.call, capability, args: [BASE, call.length] };
      case "PIPE_READ":
        return { name: call.call, capability, args: [BASE, call.length] };
      case "EVENT_SIGNAL":
        return { name: call.call, capability, args: [call.count] };
      case "TIMER_SET":
        return { name: call.call, capability, args: [this.id(call.timer), time(call.expiry), call.period] };
      case "WAIT": {
        const list = call.list.length === 0 ? 0 : party.numbers(call.list.map((name) => this.id(name)), SCRATCH);
        const args = [list, call.list.length, time(call.deadline), call.mailbox ? 1 : 0];
        return { name: call.call, capability, args };
      }
      case "DONATE_TO":
        return { name: call.call, capability, args: [time(call.deadline)] };
    }
  }

  private deriveArguments(party: Party, call: Extract<Call, { call: "CAP_DERIVE" }>): number {
    const bytes = Buffer.alloc(Cap.DERIVE_BYTES);
    bytes.writeBigUInt64LE(BigInt(this.id(call.to)), Cap.DERIVE_HOLDER);
    bytes.writeUInt32LE(call.rights >>> 0, Cap.DERIVE_RIGHTS);
    bytes.writeUInt32LE(call.mask >>> 0, Cap.DERIVE_MASK);
    bytes.writeBigUInt64LE(time(call.expiry), Cap.DERIVE_EXPIRY);
    bytes.writeUInt32LE(call.scope.length, Cap.DERIVE_SCOPE_BYTES);
    bytes.write(call.scope.slice(0, 32), Cap.DERIVE_SCOPE, "latin1");
    party.write(SCRATCH, bytes);
    return SCRATCH;
  }

  /** Carries out what was prepared. */
  ask(agent: Name, asked: Asked): Result {
    return this.party(agent).call(asked.name, this.id(asked.capability), ...asked.args);
  }

  /**
   * The kernel's answer as the specification tells it; `expected` says which capability it is that
   * the kernel has made, and what there is to be read.
   */
  answer(agent: Name, call: Call, result: Result, expected: Answer): Answer {
    const party = this.party(agent);
    const { status, value } = result;
    if (status !== "OK") return expected.value === undefined ? { status } : { status, value };
    if (expected.waits) return { status, waits: party.waits };
    if (call.call === "JUDGE_TOKEN") return { status, verdict: statusName(value) };
    if (call.call === "SHOW_TOKEN") this.tokens.set(call.capability, party.read(TOKEN_AT, Cap.TOKEN_BYTES));
    if (expected.made !== undefined) {
      // Whatever the kernel calls it is its name, unless it has one.
      const known = this.ids.get(expected.made) ?? value;
      this.named(expected.made, known);
      return { status, made: known === value ? expected.made : -1 };
    }
    if (call.call === "IPC_RECV") return { status, value, message: this.message(party, expected) };
    if (call.call === "PIPE_READ") return { status, value, bytes: [...party.read(BASE, value)] };
    return { status, value };
  }

  private message(party: Party, { message }: Answer): NonNullable<Answer["message"]> {
    const field = (offset: number) => party.number(SCRATCH + offset);
    const expected = message?.capability ?? NOBODY;
    const sender = field(Layout.HEADER_SENDER);
    return {
      sender: [...this.parties].find(([, { id }]) => id === sender)?.[0] ?? -1,
      sequence: field(Layout.HEADER_SEQUENCE),
      bytes: [...party.read(BASE, field(Layout.HEADER_PAYLOAD_BYTES))],
      capability: field(Layout.HEADER_CAPABILITY) === this.id(expected) ? expected : -1,
      // Of who pays, the receiver sees nothing; the pools are compared elsewhere.
      pool: message?.pool ?? NOBODY,
      cost: message?.cost ?? 0,
    };
  }

  tick(to: number): void {
    this.ipc.timer(to);
  }

  get broken(): number {
    return this.ipc.exports.checkInvariants();
  }
}
