/**
 * A fuzzer of system calls: agents that make any call with any arguments, on the kernel without a
 * machine around it. Whatever they do, the kernel must answer with a status, keep its invariants and
 * never trap. A seed repeats a run exactly.
 */
import { AGENT_DEAD } from "../agent/states.ts";
import * as Views from "../host/views.generated.ts";
import { KIND_AGENT, KIND_POOL } from "../object/kinds.ts";
import { BASE, Ipc, PAGES, type Party } from "../testing/ipc-host.ts";
import type { CallName, StatusName } from "../testing/world-host.ts";
import * as numbers from "../syscall/numbers.ts";
import { type Argument, GRAMMAR } from "./grammar.ts";
import { Random } from "./random.ts";

const PAGE = 4096;
const AGENTS = 5;
/** Of kernel/limits.ts. */
const CAPABILITIES_PER_AGENT_MAX = 1024;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** Handles that are remembered for each agent. */
const HANDLES_MAX = 48;
/** An agent with no more than so many gets new ones. */
const HANDLES_LEAST = 6;
/** Calls between two looks at what an agent holds. */
const REFRESH = 8;
/** Calls between two newcomers, and until all begins anew, on average. */
const FRESH = 150;
const WORLD_CALLS = 5000;
/** Longest step of time between two calls, ns: several quanta. */
const STEP_MAX = 3_000_000;

/** Every call that there is. */
export const CALLS = Object.keys(numbers)
  .filter((name) => name.startsWith("SYSCALL_"))
  .map((name) => name.slice("SYSCALL_".length) as CallName);

/** Where the kernel broke, and how to see it again. */
export class FuzzFailure extends Error {
  override readonly name = "FuzzFailure";
  readonly seed: number;
  readonly call: number;

  constructor(seed: number, call: number, what: string, cause: unknown) {
    super(
      `seed ${seed}, call ${call}: ${what}\nreplay: npm run fuzz -- --seed ${seed} --calls ${call + 1}`,
      { cause },
    );
    this.seed = seed;
    this.call = call;
  }
}

export interface FuzzOptions {
  readonly seed: number;
  readonly calls: number;
  /** Calls between two checks of all invariants. */
  readonly checkEvery?: number;
  /** Calls that are not made, by their numbers; all else is chosen as if they were. */
  readonly skip?: ReadonlySet<number>;
  /** Asked now and then; true ends the run. */
  readonly stop?: (done: number) => boolean;
}

export interface FuzzResult {
  readonly calls: number;
  /** How often each call was answered how. */
  readonly answers: ReadonlyMap<CallName, ReadonlyMap<StatusName, number>>;
}

interface Handle {
  readonly id: number;
  readonly kind: number;
}

/** Does what takes capabilities of the kernel's making, as far as pools and tables go. */
function ifThereIsRoom(give: () => void): void {
  try {
    give();
  } catch (error) {
    if (!(error instanceof Error) || error.message !== "no room for a capability") throw error;
  }
}

class Fuzzer {
  private readonly random: Random;
  private ipc: Ipc;
  private readonly parties = new Map<number, Party>();
  private readonly handles = new Map<number, Handle[]>();
  private now = 0;
  /** Its memory is used up: nobody new can come. */
  exhausted = false;
  /** What is being done, for the report. */
  doing = "";
  readonly answers = new Map<CallName, Map<StatusName, number>>();

  constructor(ipc: Ipc, seed: number) {
    this.ipc = ipc;
    this.random = new Random(seed);
  }

  /** Another world, without anyone. */
  begin(ipc: Ipc): void {
    this.ipc = ipc;
    this.parties.clear();
    this.handles.clear();
    this.now = 0;
    this.exhausted = false;
  }

  /** One agent makes one call, or would if it were not to be skipped. */
  step(skipped: boolean): void {
    const party = this.whoRuns();
    if (!party) return;
    if (this.random.once(REFRESH) || !this.handles.has(party.id)) this.look(party);
    const name = this.random.pick(CALLS);
    const shape = GRAMMAR[name];
    const args = shape?.arguments.map((argument, n) => this.argument(party, name, argument, n)) ?? [];
    const handle = this.handle(party, shape?.kind);
    this.doing = `agent ${party.id} ${name}(${handle.toString(16)}, ${args.map((a) => a.toString(16)).join(", ")})`;
    if (skipped) return;
    const { status } = party.call(name, handle, ...args);
    const counts = this.answers.get(name) ?? new Map<StatusName, number>();
    this.answers.set(name, counts.set(status, (counts.get(status) ?? 0) + 1));
    if (this.random.once(3)) this.pass(this.random.below(STEP_MAX));
    // Agents that have given their rights up for good must not be all that is left.
    if (this.random.once(FRESH)) this.found();
    if (this.random.once(WORLD_CALLS)) this.exhausted = true;
  }

  get broken(): number {
    return this.ipc.exports.checkInvariants();
  }

  private pass(ns: number): void {
    this.now += ns;
    this.ipc.timer(this.now);
  }

  /** The agent that the scheduler runs; new ones come when all wait or are dead. */
  private whoRuns(): Party | null {
    while (!this.exhausted) {
      const id = this.ipc.world.schedule();
      const known = this.parties.get(id);
      if (known) return known;
      if (id === 0 && this.parties.size > 0 && this.random.below(4) > 0) {
        this.pass(STEP_MAX);
        if (this.random.below(8) > 0) continue;
      }
      this.found();
    }
    return null;
  }

  /** One more agent, that has memory and knows its neighbours. */
  private found(): void {
    for (const [id, party] of this.parties)
      if (!this.alive(party)) this.parties.delete(id);
    const party = this.newcomer();
    if (!party) return;
    const others = [...this.parties.values()].slice(-AGENTS);
    this.parties.set(party.id, party);
    ifThereIsRoom(() => {
      for (const other of others) {
        party.to(other);
        other.to(party);
      }
    });
  }

  private newcomer(): Party | null {
    try {
      return this.ipc.party();
    } catch (error) {
      if (!(error instanceof Error) || error.message !== "no memory") throw error;
      this.exhausted = true;
      return null;
    }
  }

  /** Remembers what the agent holds; one that has given nearly everything away gets more. */
  private look(party: Party): void {
    const held: Handle[] = [];
    let at = party.view.capabilities;
    while (at !== 0 && held.length < HANDLES_MAX) {
      const view = new Views.Capability(this.ipc.world.data, at);
      held.push({ id: Number(view.id), kind: view.kind });
      at = view.next;
    }
    this.handles.set(party.id, held);
    if (held.length > HANDLES_LEAST && this.random.below(40) > 0) return;
    if (party.view.capabilityCount < CAPABILITIES_PER_AGENT_MAX - 8) ifThereIsRoom(() => this.endow(party));
  }

  private endow(party: Party): void {
    party.capability(KIND_AGENT, party.id);
    party.capability(KIND_POOL, Number(party.view.poolAt(0).id));
    party.kernel();
    const other = this.random.pick([...this.parties.values()]);
    if (this.alive(other)) party.to(other);
  }

  private alive(party: Party): boolean {
    return Number(party.view.id) === party.id && party.view.state !== AGENT_DEAD;
  }

  /** Mostly one of the agent's own of that kind; sometimes any, another's, an old one or nonsense. */
  private handle(party: Party, kind = 0): number {
    const { random } = this;
    const own = this.handles.get(party.id) ?? [];
    const fit = own.filter((handle) => handle.kind === kind);
    if (fit.length > 0 && random.below(5) > 0) return random.pick(fit).id;
    if (own.length > 0 && random.below(8) > 0) return random.pick(own).id;
    const other = this.handles.get(random.pick([...this.handles.keys()])) ?? [];
    if (other.length > 0 && random.once(2)) return random.pick(other).id;
    return random.pick([0, 1, random.next(), party.id, random.next() * 0x10_0000, party.self + 2 ** 26]);
  }

  private argument(party: Party, name: CallName, argument: Argument, n: number): number | bigint {
    const { random } = this;
    if (random.once(40)) return random.pick([ALL_ONES, 1n << 63n, 0, 0xffff_ffff, 7]);
    switch (argument) {
      case "range":
      case "address":
        return this.address();
      case "length":
        return random.pick([0, 8, 24, 40, 64, 65, 96, 120, 4096, 4097, 8192, 65536, 65537, random.next()]);
      case "capability":
        return random.once(3) ? 0 : this.handle(party);
      case "structure":
        return this.structure(party, name);
      case "handles":
        return this.list(party, n);
      case "flags":
        return random.below(5);
      case "count":
        return random.once(8) ? random.next() : random.below(20);
      case "time":
        return random.once(4) ? ALL_ONES : this.now + random.below(4 * STEP_MAX) - STEP_MAX;
      case "rights":
        return random.next();
      case "pages":
        return random.once(10) ? this.address() : BASE + random.below(2 * PAGES) * PAGE;
      case "protection":
        return random.below(8);
    }
  }

  private address(): number | bigint {
    const { random } = this;
    const at = BASE + random.below(PAGES * PAGE);
    const odd = [0, at, BASE + PAGES * PAGE - 8, BASE + PAGES * PAGE, 0x7fff_ffff_0000, 1n << 47n, 0xffff_8000_0000_0000n];
    return random.once(6) ? random.pick(odd) : at - (at % 8);
  }

  /** Sixteen fields of what structures hold. */
  private structure(party: Party, name: CallName): number {
    const { random } = this;
    const at = BASE + 8 * random.below(256);
    const field = () =>
      random.pick([0, 0, 0, 1, random.below(64), this.handle(party), at + 512, 4096, 1 << 20, random.next()]);
    const fields: (number | bigint)[] = Array.from({ length: 16 }, field);
    // A derivation takes rights and a mask in one field, and zeroes behind the scope.
    if (name === "CAP_DERIVE")
      fields.splice(0, 16, random.once(2) ? 0 : this.handle(party), random.below(1 << 30), 0, 0, 0, 0, 0, 0);
    this.put(party, fields, at);
    return at;
  }

  /** Numbers in the agent's memory, if it still has some there. */
  private put(party: Party, values: readonly (number | bigint)[], at: number): void {
    const { exports } = this.ipc;
    if (exports.worldReach(BigInt(party.id), BigInt(at)) === 0) return;
    if (exports.worldReach(BigInt(party.id), BigInt(at + 8 * values.length - 1)) === 0) return;
    party.numbers(values, at);
  }

  private list(party: Party, n: number): number {
    const at = BASE + PAGE + 8 * n;
    this.put(
      party,
      Array.from({ length: 16 }, () => this.handle(party)),
      at,
    );
    return at;
  }
}

const WORLD = { ramBytes: 64 << 20 };

/** @throws FuzzFailure when the kernel traps or an invariant doesn't hold */
export async function fuzz(options: FuzzOptions): Promise<FuzzResult> {
  const { seed, calls, checkEvery = 1, skip, stop } = options;
  const fuzzer = new Fuzzer(await Ipc.create(WORLD), seed);
  let done = 0;
  while (done < calls) {
    try {
      fuzzer.step(skip?.has(done) ?? false);
    } catch (error) {
      throw new FuzzFailure(seed, done, `${fuzzer.doing}: ${error}`, error);
    }
    if (done % checkEvery === 0 && fuzzer.broken !== 0)
      throw new FuzzFailure(seed, done, `${fuzzer.doing}: invariant ${fuzzer.broken}`, undefined);
    done += 1;
    if (fuzzer.exhausted) fuzzer.begin(await Ipc.create(WORLD));
    if (stop && done % 256 === 0 && stop(done)) break;
  }
  return { calls: done, answers: fuzzer.answers };
}

/** Attempts at making a failing sequence shorter. */
const SHRINK_MAX = 200;

/**
 * Leaves calls out of a failing run, halves, quarters and so on, as long as it still fails; the calls
 * that are left of it.
 */
export async function shrink({ seed, call }: FuzzFailure): Promise<number[]> {
  let kept = Array.from({ length: call + 1 }, (_, n) => n);
  const fails = async (only: readonly number[]): Promise<boolean> => {
    const skip = new Set(Array.from({ length: call + 1 }, (_, n) => n));
    for (const n of only) skip.delete(n);
    try {
      await fuzz({ seed, calls: call + 1, skip });
      return false;
    } catch (error) {
      return error instanceof FuzzFailure;
    }
  };
  let attempts = 0;
  for (let size = Math.ceil(kept.length / 2); size >= 1; size = Math.floor(size / 2))
    for (let at = 0; at < kept.length && attempts < SHRINK_MAX; attempts++) {
      const shorter = [...kept.slice(0, at), ...kept.slice(at + size)];
      if (shorter.length > 0 && (await fails(shorter))) kept = shorter;
      else at += size;
    }
  return kept;
}
