/**
 * The fuzzer's first subject: the kernel without a machine around it. Every invariant is checked after
 * each call, and after one that was refused that nothing has changed.
 */
import { RIGHTS_ALL } from "../cap/rights.ts";
import * as Views from "../host/views.generated.ts";
import * as invariants from "../invariant_names.ts";
import { ENDPOINT_EVENT, ENDPOINT_MUTEX, ENDPOINT_PIPE, ENDPOINT_QUEUE } from "../ipc/endpoint_kinds.ts";
import { KIND_AGENT, KIND_IMAGE, KIND_KERNEL, KIND_POOL, KIND_SCOPE } from "../object/kinds.ts";
import * as numbers from "../syscall/numbers.ts";
import { RAM_BASE } from "../testing/module.ts";
import { type CallName, type StatusName, statusName, World } from "../testing/world-host.ts";
import { type Call, callText, compose } from "./compose.ts";
import type { Scene } from "./draft.ts";
import { FuzzFailure, type Subject } from "./fuzz.ts";
import { Random, seedFrom } from "./random.ts";
import { Refusals } from "./refusals.ts";
import { type Caller, Sight } from "./sight.ts";

/** Little enough that it runs out now and then. */
const RAM_BYTES = 8 << 20;
/** Behind RAM: where bytes of agents go that are only looked at. */
const SPARE_BYTES = 1 << 16;
const PAGE = 4096;
/** Memory of a new agent: where, and pages. */
const BASE = 0x4000_0000;
const PAGES = 24;
const QUOTA = 2 << 20;
/** A new agent knows so many others. */
const NEIGHBOURS = 4;
/** Turns between two newcomers, on average. */
const FRESH = 150;
/** Who has fewer capabilities gets new ones. */
const HANDLES_LEAST = 6;
/** Handles that are remembered: old ones, and those of others. */
const SEEN_MAX = 256;
const OPERATIONS_MAX = 16;
/** Longest step of time between two turns, ns: several quanta. */
const STEP_MAX = 3_000_000;
/** Refused and yet no refusal: the call has looked, and told that there is nothing. */
const LOOKED: readonly StatusName[] = ["OK", "EMPTY", "TIMED_OUT"];
/** Most bytes that a call reads or writes at one address. */
const REACH_BYTES = BigInt(17 * PAGE);
const WAIT_NOTICES = 2;
const NEVER = 0xffff_ffff_ffff_ffffn;
/** Exceptions of a processor: divide error, general protection, page fault. */
const VECTORS = [0, 13, 14];
/** One of so many turns is an exception instead of a call; of agents with this many rights less. */
const FAULT = 500;
const BARE_FAULT = 10;
const LOST_MAX = 4;
/** Attempts at finding somebody who runs. */
const TRIES = 64;

interface Made {
  readonly name: CallName | null;
  readonly status: StatusName;
}

export interface HarnessOptions {
  /** One of so many refused calls is held against memory as it was before; 0: none. Default 1. */
  readonly refusals?: number;
  /** All invariants are checked each so many turns. Default 1. */
  readonly invariants?: number;
}

class Harness {
  private readonly world: World;
  private readonly sight: Sight;
  private readonly refusals: Refusals;
  private readonly every: number;
  private readonly seen: number[] = [];
  /** Identifiers of operations, and of the services that have taken them. */
  private readonly operations: (readonly [operation: number, service: number])[] = [];
  private now = 0;
  /** Its memory is used up: nobody new can come. */
  exhausted = false;
  /** What is being done, for the report. */
  doing = "";

  constructor(world: World, every: number) {
    this.world = world;
    this.every = every;
    this.sight = new Sight(world.data);
    this.refusals = new Refusals(world.data);
  }

  private get exports() {
    return this.world.exports;
  }

  /** Somebody makes a call; null when nobody could. */
  turn(number: number, random: Random): Made | null {
    // The first agent configures the scheduler while it is alone; after that it only waits.
    if (number === 0) return this.make(random, this.world.init, "SCHED_CONFIGURE");
    if (random.once(3)) this.pass(random.below(STEP_MAX));
    // Agents that have given their rights up for good must not be all that is left.
    if (random.once(FRESH)) this.found(random);
    const id = this.whoRuns(random);
    if (id === 0) return null;
    // One that has given up many rights for good is refused nearly everything: it may as well end.
    if (random.below(this.isBare(id) ? BARE_FAULT : FAULT) > 0) return this.make(random, id);
    const vector = random.pick(VECTORS);
    this.doing = `agent ${id} causes exception ${vector}`;
    this.exports.worldException(BigInt(id), vector, random.below(32), BigInt(random.next()));
    return null;
  }

  private isBare(id: number): boolean {
    const lost = RIGHTS_ALL & ~(this.sight.agent(id)?.rightsLeft ?? RIGHTS_ALL);
    return lost.toString(2).replaceAll("0", "").length > LOST_MAX;
  }

  /** Name of an invariant that doesn't hold; "" when all do. */
  get broken(): string {
    const number = this.exports.checkInvariants();
    return number === invariants.INVARIANTS_HOLD ? "" : invariantName(number);
  }

  private make(random: Random, id: number, name?: CallName): Made | null {
    const caller = this.ready(random, id);
    if (caller === null) return null;
    const call = compose(random, caller, this.scene(id), name);
    this.doing = `agent ${id}: ${callText(call)}`;
    for (const { address, bytes } of call.stores) this.store(id, address, bytes);
    const watched = this.every > 0 && random.once(this.every);
    if (watched) this.watch(id, call);
    const status = this.call(id, call);
    this.doing += `: ${status}`;
    if (watched && !LOOKED.includes(status)) this.compare(id);
    this.note(caller, call, status);
    return { name: call.name, status };
  }

  private call(id: number, { number, handle, args }: Call): StatusName {
    const [a1 = 0n, a2 = 0n, a3 = 0n, a4 = 0n, a5 = 0n] = args;
    return statusName(this.exports.worldCall(0, BigInt(id), number, handle, a1, a2, a3, a4, a5));
  }

  /** Remembers memory as it is, with all of the caller's there that the call could look at. */
  private watch(id: number, { args, stores }: Call): void {
    const { exports } = this;
    const pointers = stores.flatMap(({ bytes }) => [...words(bytes)]);
    for (const address of new Set([...args, ...pointers].map((value) => value & ~0xfffn)))
      for (let at = address; at < address + REACH_BYTES; at += 4096n) {
        if (exports.worldReach(BigInt(id), BigInt.asUintN(64, at)) !== 0) continue;
        // Where it may not write, it may perhaps read.
        exports.worldRead(BigInt(id), BigInt.asUintN(64, at), RAM_BASE + RAM_BYTES, 8);
      }
    this.refusals.remember();
  }

  private compare(id: number): void {
    const agent = this.sight.agent(id);
    const changed = agent === null ? [] : this.refusals.changes(agent);
    if (changed.length === 0) return;
    throw new Error(`refused, and ${changed.length} words have changed: ${changed.slice(0, 20).join(", ")}`);
  }

  /** Remembers what the call has brought to light. */
  private note(caller: Caller, call: Call, status: StatusName): void {
    const { seen, operations } = this;
    for (const { id } of caller.handles.slice(0, 2)) if (!seen.includes(id)) seen.push(id);
    if (seen.length > SEEN_MAX) seen.splice(0, seen.length - SEEN_MAX);
    if (call.name !== "PQC_TAKE" || status !== "OK") return;
    operations.push([Number(this.exports.worldValue(0)), caller.id]);
    if (operations.length > OPERATIONS_MAX) operations.shift();
  }

  private scene(id: number): Scene {
    const { now, seen } = this;
    const own = this.operations.filter(([, service]) => service === id);
    const operations = (own.length > 0 ? own : this.operations).map(([operation]) => operation);
    const agents = this.sight.kernel.agents.map(({ id }) => id);
    return { now, seen, operations, agents, cpus: 1n, image: "none" };
  }

  private pass(ns: number): void {
    this.now += ns;
    this.world.time = BigInt(this.now);
    this.exports.worldTimer(0);
  }

  /** The agent that the scheduler runs; new ones come when all wait or are over. */
  private whoRuns(random: Random): number {
    for (let tried = 0; tried < TRIES && !this.exhausted; tried++) {
      const id = this.world.schedule();
      if (id === this.world.init) this.rest(id);
      else if (id !== 0) return id;
      else if (random.once(3)) this.found(random);
      else this.pass(STEP_MAX);
    }
    return 0;
  }

  /** The first agent takes a notice, or waits for one. */
  private rest(init: number): void {
    const self = this.sight.caller(init)?.handles.find(({ object }) => object === init);
    const args = [BigInt(self?.id ?? 0), 0n, 0n, NEVER, BigInt(WAIT_NOTICES), 0n] as const;
    this.exports.worldCall(0, BigInt(init), numbers.SYSCALL_WAIT, ...args);
  }

  /** One more agent. */
  private found(random: Random): void {
    const { exports, world } = this;
    const id = Number(exports.worldAgent(BigInt(QUOTA)));
    this.exhausted ||= id === 0 || !exports.worldPages(BigInt(id), BigInt(BASE), PAGES);
    if (this.exhausted) return;
    this.endow(random, id);
    this.furnish(id);
    const others = this.sight.kernel.agents.map((agent) => agent.id).filter((other) => other !== world.init);
    for (const other of others.slice(-NEIGHBOURS)) {
      if (!this.sight.lives(other)) continue;
      this.give(id, KIND_AGENT, other);
      this.give(other, KIND_AGENT, id);
    }
    exports.worldReady(BigInt(id));
  }

  /** What the agent is and holds; one that has given nearly everything away gets more. */
  private ready(random: Random, id: number): Caller | null {
    const caller = this.sight.caller(id);
    if (caller === null) return null;
    const isPoor = caller.handles.length < HANDLES_LEAST || random.once(100);
    if (isPoor) this.endow(random, id);
    if (caller.ranges.length === 0 && random.once(2)) this.exports.worldAllocate(BigInt(id), BigInt(BASE), 4);
    return this.sight.caller(id);
  }

  private endow(random: Random, id: number): void {
    const { world, sight } = this;
    const agent = sight.agent(id);
    const init = sight.agent(world.init);
    if (agent === null || init === null) return;
    this.give(id, KIND_AGENT, id);
    this.give(id, KIND_POOL, Number(agent.poolAt(0).id));
    this.give(id, KIND_KERNEL, Number(world.kernel.root.authorityAt(0).id));
    this.give(id, KIND_IMAGE, Number(init.imageAt(0).id));
    const scope = this.give(id, KIND_SCOPE, 0);
    if (scope !== 0) new Views.Capability(world.data, this.exports.worldObject(BigInt(scope))).scopeMask = random.next();
  }

  /** What a newcomer has made for itself: an endpoint of each type, a timer, a block of frames. */
  private furnish(id: number): void {
    const caller = this.sight.caller(id);
    const handle = (kind: number) => BigInt(caller?.handles.find((held) => held.kind === kind)?.id ?? 0);
    const ask = (number: number, on: number, a1: number, a2: number): void => {
      const args = [handle(on), BigInt(a1), BigInt(a2), 0n, 0n, 0n] as const;
      this.exports.worldCall(0, BigInt(id), number, ...args);
    };
    for (const type of [ENDPOINT_QUEUE, ENDPOINT_PIPE, ENDPOINT_EVENT, ENDPOINT_MUTEX])
      ask(numbers.SYSCALL_ENDPOINT_CREATE, KIND_POOL, type, type === ENDPOINT_PIPE ? 500 : 1);
    ask(numbers.SYSCALL_TIMER_SET, KIND_AGENT, 0, this.now + STEP_MAX);
    ask(numbers.SYSCALL_FRAME_ALLOC, KIND_POOL, 1, 0);
  }

  /** A capability of the kernel's making; 0 when there is no room for it. */
  private give(id: number, kind: number, object: number): number {
    return Number(this.exports.worldCapability(BigInt(id), kind, BigInt(object), RIGHTS_ALL));
  }

  /** Bytes into the agent's memory, as far as it may write there. */
  private store(id: number, address: number, bytes: Uint8Array): void {
    for (let done = 0; done < bytes.length; ) {
      const part = Math.min(bytes.length - done, PAGE - ((address + done) % PAGE));
      const at = this.exports.worldReach(BigInt(id), BigInt(address + done));
      if (at !== 0) new Uint8Array(this.world.data.buffer, at, part).set(bytes.subarray(done, done + part));
      done += part;
    }
  }
}

/** The bytes as numbers of 64 bits. */
function* words(bytes: Uint8Array): Generator<bigint> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  for (let at = 0; at + 8 <= bytes.length; at += 8) yield view.getBigUint64(at, true);
}

/** Its name in kernel/invariant_names.ts. */
export function invariantName(number: number): string {
  return Object.entries(invariants).find(([, value]) => value === number)?.[0] ?? `invariant ${number}`;
}

/** The kernel alone, in worlds of one CPU. */
export function harness({ refusals = 1, invariants: every = 1 }: HarnessOptions = {}): Subject {
  return {
    name: "harness",
    async play({ seed, turns, only }, made) {
      const world = await World.create({ ramBytes: RAM_BYTES, spareBytes: SPARE_BYTES });
      const subject = new Harness(world, refusals);
      for (let turn = 0; turn < turns && !subject.exhausted; turn++) {
        if (only && !only.has(turn)) continue;
        try {
          const result = subject.turn(turn, new Random(seedFrom(seed, turn)));
          if (turn % every === 0 && !subject.exhausted && subject.broken !== "") throw new Error(`${subject.broken} does not hold`);
          if (result && !made(result.name, result.status)) return;
        } catch (error) {
          throw new FuzzFailure("harness", seed, turn, `${subject.doing}: ${error}`, error);
        }
      }
    },
  };
}
