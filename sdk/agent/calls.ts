/** What every helper stands on: one system call, and a page of the agent's for its arguments. */
import { PROTECTION_READ, PROTECTION_WRITE } from "../../kernel/mm/protection.ts";
import * as numbers from "../../kernel/syscall/numbers.ts";
import {
  type AgentStart,
  type CallReply,
  DEFAULT_CYCLES,
  type Integer,
  type Operation,
  type Reply,
} from "../../sim/host/programs.ts";
import { type StatusName, SyscallError, statusName } from "./error.ts";

/** A step of an agent: `yield*` it, and what it returns is the result. */
export type Step<T> = Generator<Operation, T, Reply>;

type Suffix<K, P extends string> = K extends `${P}${infer Rest}` ? Rest : never;
export type CallName = Suffix<keyof typeof numbers, "SYSCALL_">;

const PREFIX = "SYSCALL_";
const NUMBERS = Object.fromEntries(
  Object.entries(numbers).map(([name, number]) => [name.slice(PREFIX.length), number]),
) as Record<CallName, number>;
const READ_WRITE = PROTECTION_READ | PROTECTION_WRITE;
const SCRATCH_BYTES = 4096;
/**
 * Places in the scratch page. Structures and lists of one call are at its beginning, up to 1 KiB;
 * behind a message's header is room for a small payload; what is sent has its record in front of it.
 */
export const SCRATCH_HEADER = 1024;
export const SCRATCH_NOTICE = 2048;
export const SCRATCH_RECEIVE = 2304;
export const SCRATCH_SEND = 2560;
export const SCRATCH_END = SCRATCH_BYTES;
const TWO_32 = 0x1_0000_0000;

/** An identifier or an address: exact as a number. */
export const toNumber = (value: Integer): number => Number(value);

/** Where its memory for calls is, and what it has worked since the last one. */
export interface Standing {
  readonly scratchAt: number;
  readonly buffer: { readonly at: number; readonly bytes: number };
  readonly cycles: number;
}

export class Calls {
  /** Its identifier. */
  readonly id: number;
  /** Its capability to itself. */
  readonly self: number;
  /** Its capability to the pool that pays for it; 0 when it was given none. */
  readonly pool: number;
  /** What it was started with. */
  readonly argument: bigint;
  /** The first agent's capability to all scopes; 0 for other agents. */
  readonly allScopes: number;
  /** Address of the scratch page; 0 before there is one. */
  protected scratchAt = 0;
  /** Room for payloads; it grows, and is never given back for less. */
  protected buffer = { at: 0, bytes: 0 };
  private cycles = 0;

  constructor(start: AgentStart) {
    this.id = start.id;
    this.self = toNumber(start.self);
    this.pool = toNumber(start.pool);
    this.argument = BigInt.asUintN(64, BigInt(start.argument));
    this.allScopes = toNumber(start.scope);
  }

  /** What of it lasts from one call to the next, but for what makes messages fast: plain data. */
  get standing(): Standing {
    return { scratchAt: this.scratchAt, buffer: { ...this.buffer }, cycles: this.cycles };
  }

  set standing({ scratchAt, buffer, cycles }: Standing) {
    this.scratchAt = scratchAt;
    this.buffer = { ...buffer };
    this.cycles = cycles;
  }

  /** Works for so many nanoseconds of virtual time: with the next call, which comes after them. */
  work(nanoseconds: number): void {
    this.cycles += nanoseconds;
  }

  /**
   * Makes a system call; its value. For a call that has no helper, or whose arguments are somewhere
   * already.
   * @throws SyscallError when it is refused
   */
  *call(name: CallName, capability: Integer, ...args: readonly Integer[]): Step<CallReply> {
    const reply = yield* this.attempt(name, capability, ...args);
    if (reply.error !== 0) throw new SyscallError(name, reply.error);
    return reply;
  }

  /** As `call`; a refusal is in the reply. */
  *attempt(name: CallName, capability: Integer, ...args: readonly Integer[]): Step<CallReply> {
    const call = NUMBERS[name];
    return (yield { call, args: [capability, ...args], cycles: this.takeWork() }) as CallReply;
  }

  /** The cycles of the next operation: the work since the last one. */
  protected takeWork(): number {
    const { cycles } = this;
    this.cycles = 0;
    return cycles === 0 ? DEFAULT_CYCLES : cycles;
  }

  /** Throws unless the refusal is the one that is expected. */
  protected refusedBut(call: string, error: number, expected: StatusName): void {
    if (statusName(error) !== expected) throw new SyscallError(call, error);
  }

  /** The bytes at an address of the agent's memory. */
  *load(address: number, bytes: number): Step<Uint8Array> {
    return (yield { load: [address, bytes] }) as Uint8Array;
  }

  *store(address: number, bytes: Uint8Array): Step<void> {
    yield { store: [address, bytes] };
  }

  /**
   * Memory of the agent's own, in whole pages, zeroed; its address.
   * @throws SyscallError QUOTA, LIMIT, NO_MEMORY
   */
  *allocate(bytes: number, options: { readonly pool?: number } = {}): Step<number> {
    const pool = options.pool ?? this.pool;
    return (yield* this.call("AGENT_MEM_ALLOC", pool, bytes, 0, READ_WRITE)).value;
  }

  /** Gives memory back to the pool that paid for it. */
  *free(address: number, bytes: number, options: { readonly pool?: number } = {}): Step<void> {
    yield* this.call("AGENT_MEM_FREE", options.pool ?? this.pool, address, bytes);
  }

  /** Address of a page for the arguments of one call; taken from the pool by the first that needs it. */
  *scratch(): Step<number> {
    if (this.scratchAt === 0) this.scratchAt = yield* this.allocate(SCRATCH_BYTES);
    return this.scratchAt;
  }

  /** Address of room for a payload of so many bytes; what was there before may be gone. */
  *room(bytes: number): Step<number> {
    const { at, bytes: have } = this.buffer;
    if (bytes <= have) return at;
    if (have !== 0) {
      this.buffer = { at: 0, bytes: 0 };
      yield* this.free(at, have);
    }
    const wanted = Math.ceil(bytes / SCRATCH_BYTES) * SCRATCH_BYTES;
    this.buffer = { at: yield* this.allocate(wanted), bytes: wanted };
    return this.buffer.at;
  }

  /** Writes a structure to the scratch page; its address. */
  *put(bytes: Uint8Array): Step<number> {
    const at = yield* this.scratch();
    yield* this.store(at, bytes);
    return at;
  }
}

/** A structure that is being filled in: little-endian, zero where nothing is set. */
export class Structure {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(source: number | Uint8Array) {
    this.bytes = typeof source === "number" ? new Uint8Array(source) : source;
    this.view = new DataView(this.bytes.buffer, this.bytes.byteOffset, this.bytes.byteLength);
  }

  u32(at: number): number {
    return this.view.getUint32(at, true);
  }

  u64(at: number): bigint {
    return this.view.getBigUint64(at, true);
  }

  /** An identifier, an address or a count: exact as a number. */
  id(at: number): number {
    return this.u32(at + 4) * TWO_32 + this.u32(at);
  }

  setU16(at: number, value: number): this {
    this.view.setUint16(at, value, true);
    return this;
  }

  setU32(at: number, value: number): this {
    this.view.setUint32(at, value, true);
    return this;
  }

  setU64(at: number, value: Integer): this {
    this.view.setBigUint64(at, BigInt.asUintN(64, BigInt(value)), true);
    return this;
  }
}
