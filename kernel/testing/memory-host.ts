/** A world in which a test looks after agents' memory, with a page walker of its own. */
import { RIGHTS_ALL } from "../cap/rights.ts";
import { expect } from "vitest";
import * as Views from "../host/views.generated.ts";
import * as invariants from "../invariant_names.ts";
import { KIND_AGENT, KIND_KERNEL, KIND_POOL } from "../object/kinds.ts";
import { type CallName, type Result, type StatusName, statusName, World } from "./world-host.ts";

export const PAGE = 4096;
export const MIB = 1 << 20;
export const GIB = 1 << 30;
/** Where agents' own memory begins (kernel/mm/layout.ts). */
export const BASE = 0x4000_0000;
export const [READ, WRITE, EXECUTE, GUARD, DISCARDABLE] = [1, 2, 4, 8, 16] as const;
/** Bits of a page fault's error code (Intel SDM 3A, 4.7), user mode. */
export const [FAULT_READ, FAULT_WRITE, FAULT_FETCH] = [4, 6, 20] as const;

/** What the processor would find at an address. */
export interface Walked {
  readonly physical: number;
  readonly writable: boolean;
  readonly user: boolean;
  readonly executable: boolean;
}

export class Tenant {
  readonly memory: Memory;
  readonly id: number;
  readonly self: number;
  readonly pool: number;
  private buffer: number | null = null;

  constructor(memory: Memory, id: number) {
    this.memory = memory;
    this.id = id;
    this.self = memory.capability(id, KIND_AGENT, id);
    this.pool = memory.capability(id, KIND_POOL, Number(this.poolView.id));
  }

  get view(): Views.Agent {
    return new Views.Agent(this.memory.data, this.memory.exports.worldObject(BigInt(this.id)));
  }

  get poolView(): Views.Pool {
    return new Views.Pool(this.memory.data, this.view.pool);
  }

  get used(): number {
    return Number(this.poolView.used);
  }

  call(name: CallName, capability: number, ...args: (number | bigint)[]): Result {
    return this.memory.world.call(this.id, name, capability, ...args);
  }

  /** Allocates; the address. Fails the test when that is refused. */
  allocate(bytes: number, protection: number = READ | WRITE, address = 0): number {
    const result = this.call("AGENT_MEM_ALLOC", this.pool, bytes, address, protection);
    expect(result.status).toBe("OK");
    return result.value;
  }

  free(address: number, bytes: number): StatusName {
    return this.call("AGENT_MEM_FREE", this.pool, address, bytes).status;
  }

  fault(address: number, code: number = FAULT_WRITE, cpu = 0): boolean {
    return this.memory.exports.worldFault(cpu, BigInt(this.id), BigInt(address), code) !== 0;
  }

  check(address: number | bigint, bytes: number | bigint, write = false): StatusName {
    const status = this.memory.exports.worldCheck(
      BigInt(this.id),
      BigInt(address),
      BigInt(bytes),
      write,
    );
    return statusName(status);
  }

  write(address: number, bytes: Uint8Array): StatusName {
    this.memory.scratch.set(bytes);
    const from = this.memory.scratch.byteOffset;
    const { exports } = this.memory;
    return statusName(exports.worldWrite(BigInt(this.id), BigInt(address), from, bytes.length));
  }

  read(address: number, length: number): Uint8Array | StatusName {
    const { exports, scratch } = this.memory;
    const to = scratch.byteOffset;
    const status = exports.worldRead(BigInt(this.id), BigInt(address), to, length);
    return status === 0 ? scratch.slice(0, length) : statusName(status);
  }

  /** The walk that the processor makes; null where it would fault. */
  walk(address: number): Walked | null {
    return this.memory.walk(this.memory.exports.worldRoot(BigInt(this.id)), BigInt(address));
  }

  /** Linear address of the page-table entry for `address`, whose tables must be there. */
  entry(address: number): number {
    let table = this.memory.exports.worldRoot(BigInt(this.id));
    for (const shift of [39n, 30n, 21n]) {
      const at = this.memory.exports.linear(table) + Number((BigInt(address) >> shift) & 0x1ffn) * 8;
      table = this.memory.data.getBigUint64(at, true) & 0x000f_ffff_ffff_f000n;
    }
    return this.memory.exports.linear(table) + ((address / PAGE) & 0x1ff) * 8;
  }

  /** A page for what calls read and write, made when it is first asked for. */
  get scratchPage(): number {
    this.buffer ??= this.allocate(PAGE, READ | WRITE, 2 * GIB);
    return this.buffer;
  }

  mappings(): Views.Mapping[] {
    const found: Views.Mapping[] = [];
    for (let at = this.view.mappings; at !== 0; ) {
      const mapping = new Views.Mapping(this.memory.data, at);
      found.push(mapping);
      at = mapping.next;
    }
    return found;
  }

  destroy(): number {
    return this.memory.exports.worldDestroy(BigInt(this.id));
  }
}

export class Memory {
  readonly world: World;
  readonly scratch: Uint8Array;

  private constructor(world: World) {
    this.world = world;
    // The last 256 KiB of linear memory: RAM that the world was not told of.
    const { buffer } = world.data;
    this.scratch = new Uint8Array(buffer, buffer.byteLength - 256 * 1024, 256 * 1024);
  }

  static async create(options: { cpus?: number; ramBytes?: number } = {}): Promise<Memory> {
    return new Memory(await World.create({ ...options, spareBytes: 256 * 1024 }));
  }

  get exports() {
    return this.world.exports;
  }

  get data() {
    return this.world.data;
  }

  get frames(): Views.Frames {
    const { frames } = this.world.kernel;
    if (frames === null) throw new Error("no frames");
    return frames;
  }

  /** Frames of agents: their pages, their tables, and what is in quarantine. */
  get agentFrames(): number {
    return [3, 6, 7].reduce((sum, owner) => sum + this.exports.framesOwned(owner), 0);
  }

  tenant(quota: number = 8 * MIB): Tenant {
    const id = Number(this.exports.worldAgent(BigInt(quota)));
    expect(id).not.toBe(0);
    return new Tenant(this, id);
  }

  capability(holder: number, kind: number, object: number, rights = RIGHTS_ALL): number {
    const made = this.exports.worldCapability(BigInt(holder), kind, BigInt(object), rights);
    expect(made).not.toBe(0n);
    return Number(made);
  }

  /** Name of the first invariant of memory that doesn't hold; "INVARIANTS_HOLD". */
  get broken(): string {
    const number = this.exports.memoryHolds();
    return Object.entries(invariants).find(([, value]) => value === number)?.[0] ?? String(number);
  }

  /** A capability to the kernel itself for `holder`. */
  authority(holder: number): number {
    const id = this.data.getBigUint64(this.world.kernel.root.authority, true);
    return this.capability(holder, KIND_KERNEL, Number(id));
  }

  /** As figure 4-8 of the manual has it: every level's rights count. */
  walk(root: bigint, address: bigint): Walked | null {
    let table = root;
    let [writable, user, executable] = [true, true, true];
    for (const shift of [39n, 30n, 21n, 12n]) {
      const at = this.exports.linear(table) + Number((address >> shift) & 0x1ffn) * 8;
      const entry = this.data.getBigUint64(at, true);
      if ((entry & 1n) === 0n) return null;
      writable &&= (entry & 2n) !== 0n;
      user &&= (entry & 4n) !== 0n;
      executable &&= entry >> 63n === 0n;
      const target = entry & 0x000f_ffff_ffff_f000n;
      if (shift === 12n || (entry & 0x80n) !== 0n) {
        const mask = (1n << shift) - 1n;
        const physical = Number((target & ~mask) | (address & mask));
        return { physical, writable, user, executable };
      }
      table = target;
    }
    return null;
  }
}
