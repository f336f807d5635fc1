/** A system call that is being drawn: its arguments, and what has to be in the caller's memory for it. */
import { MAPPING_ANONYMOUS, PROTECTION_WRITE } from "../mm/protection.ts";
import { KIND_AGENT } from "../object/kinds.ts";
import type { Random } from "./random.ts";
import type { Caller, Handle, Range } from "./sight.ts";

export type Integer = number | bigint;

const PAGE = 4096;
/** For those who have no memory. */
const NOWHERE = 0x4000_0000;
const ALL_ONES = 0xffff_ffff_ffff_ffffn;

/** What the caller knows of the world around it. */
export interface Scene {
  /** Virtual time, ns. */
  readonly now: number;
  /** A bit for each CPU. */
  readonly cpus: bigint;
  /** Identifiers of agents that live. */
  readonly agents: readonly number[];
  /** Handles that somebody has held: of others, and old ones. */
  readonly seen: readonly number[];
  /** Identifiers of operations that services were asked for. */
  readonly operations: readonly number[];
  /** Name of an image in the bundle. */
  readonly image: string;
}

/** Bytes that the caller stores before it calls. */
export interface Store {
  readonly address: number;
  readonly bytes: Uint8Array;
}

export class Draft {
  readonly random: Random;
  readonly caller: Caller;
  readonly scene: Scene;
  readonly stores: Store[] = [];
  /** Capability that the call names. */
  handle: Integer = 0;

  constructor(random: Random, caller: Caller, scene: Scene) {
    this.random = random;
    this.caller = caller;
    this.scene = scene;
  }

  /** A capability of the caller's to an object of one of the kinds (none: any), if it has one. */
  held(...kinds: readonly number[]): Handle | undefined {
    const fit = this.caller.handles.filter(({ kind }) => kinds.length === 0 || kinds.includes(kind));
    return fit.length === 0 ? undefined : this.random.pick(fit);
  }

  /** A capability to an endpoint of one of the types, if it has one. */
  endpoint(...types: readonly number[]): Handle | undefined {
    const fit = this.caller.handles.filter(({ type }) => types.includes(type));
    return fit.length === 0 ? undefined : this.random.pick(fit);
  }

  /** Identifier of what `held` finds. */
  handleTo(...kinds: readonly number[]): number {
    return this.held(...kinds)?.id ?? 0;
  }

  /** A capability of the caller's to itself. */
  self(): Handle | undefined {
    const { id, handles } = this.caller;
    return handles.find(({ kind, object }) => kind === KIND_AGENT && object === id);
  }

  /** An identifier that names nothing of the caller's: another's, an old one, or nonsense. */
  strange(): Integer {
    const { random, scene, caller } = this;
    const { seen } = scene;
    if (seen.length > 0 && random.below(4) > 0) return random.pick(seen);
    const own = this.handleTo();
    return random.pick([0, 1, caller.id, own + 2 ** 26, own + 2 ** 22, own + 1, ALL_ONES, random.next()]);
  }

  /** A range that the caller may write to, and has to itself. */
  private own(bytes: number): Range | undefined {
    const fit = this.caller.ranges.filter(
      ({ start, end, type, protection }) =>
        type === MAPPING_ANONYMOUS && (protection & PROTECTION_WRITE) !== 0 && end - start >= bytes,
    );
    return fit.length === 0 ? undefined : this.random.pick(fit);
  }

  /** Address of `bytes` bytes of the caller's own memory, a multiple of 8. */
  room(bytes: number): number {
    const range = this.own(bytes);
    if (range === undefined) return NOWHERE;
    return range.start + 8 * this.random.below(Math.floor((range.end - range.start - bytes) / 8) + 1);
  }

  /** Puts bytes into the caller's memory; their address. */
  put(bytes: Uint8Array): number {
    if (this.own(bytes.length) === undefined) return NOWHERE;
    const address = this.room(bytes.length);
    if (bytes.length > 0) this.stores.push({ address, bytes });
    return address;
  }

  /** Puts numbers of 64 bits there. */
  list(values: readonly Integer[]): number {
    return this.put(new Uint8Array(BigUint64Array.from(values, (value) => BigInt.asUintN(64, BigInt(value))).buffer));
  }

  /** Whole pages of a mapping of that type, with their address: a few of them, or all. */
  pages(type: number, most = 4): readonly [address: number, bytes: number] {
    const { random } = this;
    const fit = this.caller.ranges.filter((range) => range.type === type);
    if (fit.length === 0) return [NOWHERE, PAGE];
    const { start, end } = random.pick(fit);
    const count = (end - start) / PAGE;
    const wanted = random.once(4) ? count : random.between(1, Math.min(count, most));
    return [start + PAGE * random.below(count - wanted + 1), PAGE * wanted];
  }

  /** Address where nothing of the caller's is, most often. */
  free(): number {
    const { random, caller } = this;
    const last = caller.ranges.at(-1)?.end ?? NOWHERE;
    return random.once(2) ? 0 : last + PAGE * random.below(512);
  }

  /** Some of the caller's rights to something, most often all. */
  rights(of: number): number {
    const { random } = this;
    return random.below(6) > 0 ? of : (of & random.next()) >>> 0;
  }

  /** A time that is to come, or has been, or never is; ns. */
  time(): Integer {
    const { random, scene } = this;
    return random.once(4) ? ALL_ONES : Math.max(0, scene.now + random.below(12_000_000) - 3_000_000);
  }
}
