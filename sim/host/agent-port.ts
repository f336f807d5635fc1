/** The inputs of agents, put into the machine: numbers and bytes through the host's buffer. */
import { HOST_BUFFER, type SimExports } from "./core.ts";
import type { Input } from "./inputs.ts";
import type { Instant } from "./journal-log.ts";
import type { Integer } from "./programs.ts";

/** The input without its kind. */
export type AgentCall = Omit<Extract<Input, { kind: "agent" }>, "kind">;

const TWO_32 = 0x1_0000_0000;
/** RAX and the six arguments. */
const CALL_WORDS = 7;
export const CALL_ARGUMENTS_MAX = CALL_WORDS - 1;
const COPIED_SINGLY = 256;
/** Outcomes of an access (sim/core/user/host.ts). */
export const ACCESS_REFUSED = 0;
export const ACCESS_DONE = 1;

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

export class AgentPort {
  private readonly sim: SimExports;
  private readonly bytes: Uint8Array;
  private readonly words: Uint32Array;
  private readonly doubles: Float64Array;
  private readonly integers: BigUint64Array;
  /** Indices of words: each CPU's registers, the machine's step and its time. */
  private readonly files: number[] = [];
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

  /** The present step and time. */
  instant(): Instant {
    const { stepsAt, nowAt } = this;
    return {
      stepsLow: this.word(stepsAt),
      stepsHigh: this.word(stepsAt + 1),
      timeLow: this.word(nowAt),
      timeHigh: this.word(nowAt + 1),
    };
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
    let integers = this.put(0, call);
    for (let n = 0; n < CALL_ARGUMENTS_MAX; n++) integers |= this.put(n + 1, args[n] ?? 0);
    return this.sim.agentCall(cpu, cycles, integers) !== 0;
  }

  private put(index: number, value: Integer): number {
    if (typeof value === "number") {
      this.doubles[index] = value;
      return 0;
    }
    this.integers[index] = value;
    return 1 << index;
  }

  /** The bytes must be on one page; ACCESS_DONE, _REFUSED or that it has faulted. */
  store(cpu: number, address: Integer, bytes: Uint8Array): number {
    this.bytes.set(bytes, HOST_BUFFER);
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

  fault(cpu: number): boolean {
    return this.sim.agentFault(cpu) !== 0;
  }
}
