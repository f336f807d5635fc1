/** The inputs of agents, put into the machine: numbers and bytes through the host's buffer. */
import { HOST_BASE, HOST_BUFFER, type SimExports } from "./core.ts";
import type { Input } from "./inputs.ts";
import type { Instant } from "./journal-log.ts";
import type { Integer } from "./programs.ts";

/** Inputs without their kind. */
export type AgentCall = Omit<Extract<Input, { kind: "agent" }>, "kind">;
export type AgentChain = Omit<Extract<Input, { kind: "agent-chain" }>, "kind">;

const TWO_32 = 0x1_0000_0000;
/** RAX and the six arguments. */
const CALL_WORDS = 7;
export const CALL_ARGUMENTS_MAX = CALL_WORDS - 1;
const COPIED_SINGLY = 256;
/** Outcomes of an access (sim/core/user/host.ts). */
export const ACCESS_REFUSED = 0;
export const ACCESS_DONE = 1;
export const ACCESS_FAULTED = 2;
/** An access is on one page. */
export const PAGE_BYTES = 4096;

export const lowWord = (value: Integer): number =>
  typeof value === "number" ? value >>> 0 : Number(BigInt.asUintN(32, value));
export function highWord(value: Integer): number {
  if (typeof value === "bigint") return Number(BigInt.asUintN(32, value >> 32n));
  return value >= 0 && value < TWO_32 ? 0 : Math.floor(value / TWO_32) >>> 0;
}

/** A number of two words: a bigint where a number wouldn't be exact. */
export function joined(low: number, high: number): Integer {
  const value = high * TWO_32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

/** It is an instant as well: the present one. */
export class AgentPort implements Instant {
  private readonly sim: SimExports;
  private readonly bytes: Uint8Array;
  /** The machine's memory. */
  readonly words: Uint32Array;
  private readonly doubles: Float64Array;
  private readonly integers: BigUint64Array;
  /** Indices of words: each CPU's registers, the machine's step and its time. */
  private readonly files: number[] = [];
  private readonly loadedAt: number[] = [];
  private readonly stepsAt: number;
  private readonly nowAt: number;

  constructor(sim: SimExports, memory: WebAssembly.Memory) {
    this.sim = sim;
    this.bytes = new Uint8Array(memory.buffer);
    this.words = new Uint32Array(memory.buffer);
    this.doubles = new Float64Array(memory.buffer, HOST_BUFFER, CALL_WORDS);
    this.integers = new BigUint64Array(memory.buffer, HOST_BUFFER, CALL_WORDS);
    this.stepsAt = sim.stepsAddress() / 4;
    this.nowAt = sim.nowAddress() / 4;
  }

  /** Micro-steps since power-on. */
  get steps(): number {
    return this.word(this.stepsAt + 1) * TWO_32 + this.word(this.stepsAt);
  }

  get stepsLow(): number {
    return this.word(this.stepsAt);
  }
  get stepsHigh(): number {
    return this.word(this.stepsAt + 1);
  }
  get timeLow(): number {
    return this.word(this.nowAt);
  }
  get timeHigh(): number {
    return this.word(this.nowAt + 1);
  }

  /** The CPU for which the machine has stopped: HostControl.cpu (sim/core/host.ts). */
  get waiting(): number {
    return this.word((HOST_BASE + 32) / 4);
  }

  private word(index: number): number {
    return this.words[index] ?? 0;
  }

  /** Index of CPU `cpu`'s registers, for `low` and `high`. */
  registers(cpu: number): number {
    this.files[cpu] ??= (this.sim.registersAddress(cpu) >>> 0) / 4;
    return this.files[cpu];
  }

  low(registers: number, register: number): number {
    return this.words[registers + 2 * register] ?? 0;
  }

  high(registers: number, register: number): number {
    return this.words[registers + 2 * register + 1] ?? 0;
  }

  /** A register as a number while that is exact. */
  integer(registers: number, register: number): Integer {
    return joined(this.low(registers, register), this.high(registers, register));
  }

  /** False when the CPU doesn't wait for an operation. */
  call({ cpu, cycles, call, args }: AgentCall): boolean {
    let integers = this.putWord(0, call);
    for (let n = 0; n < CALL_ARGUMENTS_MAX; n++) integers |= this.putWord(n + 1, args[n] ?? 0);
    return this.sim.agentCall(cpu, cycles, integers) !== 0;
  }

  private putWord(index: number, value: Integer): number {
    if (typeof value === "number") {
      this.doubles[index] = value;
      return 0;
    }
    this.integers[index] = value;
    return 1 << index;
  }

  /** Puts bytes into the buffer, a page of them at most. */
  put(bytes: Uint8Array): boolean {
    if (bytes.length > PAGE_BYTES) return false;
    if (bytes.length !== 0) this.bytes.set(bytes, HOST_BUFFER);
    return true;
  }

  /** The bytes must be on one page; ACCESS_DONE, _REFUSED or that it has faulted. */
  store(cpu: number, address: Integer, bytes: Uint8Array): number {
    if (!this.put(bytes)) return ACCESS_REFUSED;
    return this.sim.agentStore(cpu, lowWord(address), highWord(address), bytes.length);
  }

  load(cpu: number, address: Integer, length: number): number {
    return this.sim.agentLoad(cpu, lowWord(address), highWord(address), length);
  }

  /** What the last load has brought. */
  copyLoaded(to: Uint8Array, at: number, length: number): void {
    // A view costs more than copying the bytes of a short message one by one.
    if (length > COPIED_SINGLY) to.set(this.bytes.subarray(HOST_BUFFER, HOST_BUFFER + length), at);
    else for (let n = 0; n < length; n++) to[at + n] = this.bytes[HOST_BUFFER + n] ?? 0;
  }

  /** Outcomes as of a store: when it has faulted, nothing has been called. */
  chain(input: AgentChain): number {
    return this.put(input.bytes) ? this.begin(input) : ACCESS_REFUSED;
  }

  /** The same when its bytes are in the buffer. */
  begin({ cpu, cycles, chain, to, bytes, from, length }: AgentChain): number {
    return this.sim.agentChain(cpu, cycles, chain, to, bytes.length, from, length);
  }

  /** Copies the words that the chain on a CPU was to load; false when they aren't in RAM. */
  copyResult(cpu: number, to: Uint32Array): boolean {
    this.loadedAt[cpu] ??= (this.sim.loadedAddress(cpu) >>> 0) / 4;
    const at = this.word(this.loadedAt[cpu]) >>> 2;
    if (at === 0) return false;
    const { words } = this;
    for (let n = 0; n < to.length; n++) to[n] = words[at + n] ?? 0;
    return true;
  }

  fault(cpu: number): boolean {
    return this.sim.agentFault(cpu) !== 0;
  }
}
