/** A world of agents with some memory each, in which tests make the calls of communication. */
import { RIGHTS_ALL } from "../cap/rights.ts";
import { AGENT_WAITING } from "../agent/states.ts";
import * as Views from "../host/views.generated.ts";
import { ENDPOINT_EVENT, ENDPOINT_MUTEX, ENDPOINT_PIPE, ENDPOINT_QUEUE } from "../ipc/endpoint_kinds.ts";
import { KIND_AGENT, KIND_ENDPOINT, KIND_KERNEL, KIND_POOL } from "../object/kinds.ts";
import * as Layout from "../syscall/ipc_layouts.ts";
import { type CallName, NEVER, type Result, statusName, World, type WorldOptions } from "./world-host.ts";

export { NEVER };
const PAGE = 4096;
/** Where an agent's memory begins, and how much it has. */
export const BASE = 0x4000_0000;
export const PAGES = 40;
/** Room for lists, headers and notices, behind the payloads. */
const SCRATCH = BASE + 36 * PAGE;
const QUOTA = 4 << 20;

export const TYPES = {
  queue: ENDPOINT_QUEUE,
  pipe: ENDPOINT_PIPE,
  event: ENDPOINT_EVENT,
  mutex: ENDPOINT_MUTEX,
} as const;

/** A message as its receiver sees it. */
export interface Received {
  readonly sender: number;
  readonly sequence: number;
  readonly bytes: Uint8Array;
  readonly capability: number;
}

export interface Waiting {
  readonly list?: readonly number[];
  readonly deadline?: bigint;
  readonly mailbox?: boolean;
  readonly notices?: boolean;
  /** Where a notice goes; by default into the scratch page. */
  readonly notice?: number;
}

/** An agent of the world, with its capabilities to itself and to its pool. */
export class Party {
  readonly ipc: Ipc;
  readonly id: number;
  readonly self: number;
  readonly pool: number;

  constructor(ipc: Ipc, id: number, self: number, pool: number) {
    this.ipc = ipc;
    this.id = id;
    this.self = self;
    this.pool = pool;
  }

  get view(): Views.Agent {
    return new Views.Agent(this.ipc.world.data, this.ipc.exports.worldObject(BigInt(this.id)));
  }

  get waits(): boolean {
    return this.view.state === AGENT_WAITING;
  }

  get used(): number {
    return Number(this.view.poolAt(0).used);
  }

  set quota(bytes: number) {
    this.view.poolAt(0).quota = BigInt(bytes);
  }

  /** A capability of this agent that the kernel makes out of nothing. */
  capability(kind: number, object: number, rights = RIGHTS_ALL): number {
    return this.ipc.capability(this.id, kind, object, rights);
  }

  /** A capability to another agent, or to an endpoint that another one has created. */
  to(other: Party, rights = RIGHTS_ALL): number {
    return this.capability(KIND_AGENT, other.id, rights);
  }

  share(endpoint: number, rights = RIGHTS_ALL): number {
    return this.capability(KIND_ENDPOINT, this.ipc.objectOf(endpoint), rights);
  }

  kernel(rights = RIGHTS_ALL): number {
    return this.capability(KIND_KERNEL, this.ipc.authority, rights);
  }

  call(name: CallName, capability: number, ...args: readonly (number | bigint)[]): Result {
    return this.ipc.world.call(this.id, name, capability, ...args);
  }

  write(address: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = Math.min(bytes.length - done, PAGE - ((address + done) % PAGE));
      this.page(address + done, part).set(bytes.subarray(done, done + part));
      done += part;
    }
  }

  read(address: number, length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let done = 0; done < length; ) {
      const part = Math.min(length - done, PAGE - ((address + done) % PAGE));
      bytes.set(this.page(address + done, part), done);
      done += part;
    }
    return bytes;
  }

  private page(address: number, length: number): Uint8Array {
    const at = this.ipc.exports.worldLinear(BigInt(this.id), BigInt(address));
    if (at === 0) throw new Error(`nothing is mapped at ${address}`);
    return new Uint8Array(this.ipc.world.data.buffer as ArrayBuffer, at, length);
  }

  /** Numbers as u64 in the scratch page; their address. */
  numbers(values: readonly (number | bigint)[], address = SCRATCH): number {
    this.write(address, new Uint8Array(BigUint64Array.from(values, BigInt).buffer));
    return address;
  }

  number(address: number): number {
    return Number(new DataView(this.read(address, 8).buffer).getBigUint64(0, true));
  }

  send(target: number, bytes: Uint8Array, capability = 0): Result {
    this.write(BASE, bytes);
    return this.call("IPC_SEND", target, BASE, bytes.length, 0, capability);
  }

  /** The status of a receive that was refused, or the message. */
  receive(from = this.self): Received | Result["status"] {
    const { status, value } = this.call("IPC_RECV", from, BASE, 64 * 1024, SCRATCH);
    if (status !== "OK") return status;
    const field = (offset: number) => this.number(SCRATCH + offset);
    const sequence = field(Layout.HEADER_SEQUENCE);
    if (sequence !== value) throw new Error("the value is not the message's number");
    return {
      sender: field(Layout.HEADER_SENDER),
      sequence,
      bytes: this.read(BASE, field(Layout.HEADER_PAYLOAD_BYTES)),
      capability: field(Layout.HEADER_CAPABILITY),
    };
  }

  create(type: keyof typeof TYPES, capacity = 1): number {
    const { status, value } = this.call("ENDPOINT_CREATE", this.pool, TYPES[type], capacity);
    if (status !== "OK") throw new Error(status);
    return value;
  }

  /** Waits; the result is that of the call, and `result` has that of a wait which blocked. */
  wait({ list = [], deadline = NEVER, mailbox, notices, notice }: Waiting = {}): Result {
    const flags = (mailbox ? 1 : 0) | (notices ? 2 : 0);
    const at = list.length > 0 ? this.numbers(list) : 0;
    const to = notice ?? (notices ? SCRATCH + 512 : 0);
    return this.call("WAIT", this.self, at, list.length, deadline, flags, to);
  }

  /** What the last notice that Wait wrote says. */
  get notice(): { kind: number; subject: number; status: number; value: number } {
    const field = (offset: number) => this.number(SCRATCH + 512 + offset);
    return {
      kind: field(Layout.NOTICE_KIND),
      subject: field(Layout.NOTICE_SUBJECT),
      status: field(Layout.NOTICE_STATUS),
      value: field(Layout.NOTICE_VALUE),
    };
  }

  /** With what the agent goes on after a wait that blocked. */
  get result(): Result {
    const { exports } = this.ipc;
    return {
      status: statusName(Number(exports.worldResult(BigInt(this.id)))),
      value: Number(exports.worldResultValue(BigInt(this.id))),
    };
  }
}

export class Ipc {
  readonly world: World;

  private constructor(world: World) {
    this.world = world;
  }

  static async create(options: WorldOptions = {}): Promise<Ipc> {
    return new Ipc(await World.create(options));
  }

  get exports() {
    return this.world.exports;
  }

  /** A new agent with `quota` bytes, and memory of its own that these don't pay. */
  party(quota = QUOTA): Party {
    const { exports } = this;
    const id = Number(exports.worldAgent(BigInt(quota)));
    if (!exports.worldPages(BigInt(id), BigInt(BASE), PAGES)) throw new Error("no memory");
    const self = this.capability(id, KIND_AGENT, id);
    const view = new Views.Agent(this.world.data, exports.worldObject(BigInt(id)));
    const pool = this.capability(id, KIND_POOL, Number(view.poolAt(0).id));
    exports.worldReady(BigInt(id));
    return new Party(this, id, self, pool);
  }

  /** A capability of `holder` that the kernel makes out of nothing. */
  capability(holder: number, kind: number, object: number, rights = RIGHTS_ALL): number {
    const made = this.exports.worldCapability(BigInt(holder), kind, BigInt(object), rights);
    if (made === 0n) throw new Error("no room for a capability");
    return Number(made);
  }

  set time(ns: number | bigint) {
    this.world.time = BigInt(ns);
  }

  /** The timer interrupts at `ns`. */
  timer(ns: number | bigint): void {
    this.time = ns;
    this.exports.worldTimer(0);
  }

  capabilityView(id: number): Views.Capability {
    return new Views.Capability(this.world.data, this.exports.worldObject(BigInt(id)));
  }

  objectOf(capability: number): number {
    return Number(this.capabilityView(capability).object);
  }

  endpoint(capability: number): Views.Endpoint {
    return new Views.Endpoint(
      this.world.data,
      this.exports.worldObject(BigInt(this.objectOf(capability))),
    );
  }

  /** Number of an invariant that doesn't hold (kernel/invariant_names.ts); 0 when all do. */
  get broken(): number {
    return this.exports.checkInvariants();
  }

  get authority(): number {
    return Number(this.world.kernel.root.authorityAt(0).id);
  }
}

export const bytesOf = (...values: readonly number[]): Uint8Array => Uint8Array.from(values);

/** `length` bytes that depend on `seed`. */
export function pattern(length: number, seed = 1): Uint8Array {
  let state = seed * 2654435761;
  return Uint8Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state >>> 24;
  });
}
