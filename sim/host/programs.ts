/**
 * Agents whose code is TypeScript: what they may do, and the programs that are known.
 *
 * A program is a generator. It gives an operation by `yield` and gets what came of it:
 *
 *   function* echo(agent: AgentStart): Program {
 *     const sent = (yield { call: 7, args: [agent.self, 1, 2] }) as CallReply;
 *     const bytes = (yield { load: [agent.argument, 64] }) as Uint8Array;
 *   }
 *
 * It runs between micro-steps and in no virtual time; what an operation costs is what it says.
 */
import { MachineError } from "./errors.ts";

/** Cycles of a call that doesn't say how many it takes. */
export const DEFAULT_CYCLES = 1_000;

/** A 64-bit number: a bigint, or a number while that is exact. Negative ones are two's complement. */
export type Integer = number | bigint;

/** A system call: RAX = `call`; RDI, RSI, RDX, R10, R8, R9 = `args`, those that are missing 0. */
export interface CallOperation {
  readonly call: Integer;
  /** Six at most. */
  readonly args?: readonly Integer[];
  /** Virtual time in cycles that the agent has worked before the call. Default 1,000. */
  readonly cycles?: number;
}

/**
 * Bytes go to a linear address, as a store of the agent's own would put them there. A page at a
 * time: other agents may run in between when a page faults.
 */
export interface StoreOperation {
  readonly store: readonly [address: Integer, bytes: Uint8Array];
}

/**
 * Bytes at a linear address, as the agent would read them. They are the first ones of `into`, if
 * that is given and long enough, which then is the reply; else an array of their own.
 */
export interface LoadOperation {
  readonly load: readonly [address: Integer, length: number, into?: Uint8Array];
}

const NOTHING = new Uint8Array();
const NO_WORDS = new Uint32Array();

/**
 * A store, a chain of system calls and a load, in one operation: the records of the calls are in the
 * agent's memory (sim/spec/chain.ts). It is its own reply, so one object serves for any number of them.
 */
export class Chain {
  /** Where the first record is. All addresses are below 2^48. */
  first = 0;
  /** As in CallOperation: before the first call. */
  cycles = DEFAULT_CYCLES;
  /** These bytes are put there before; on one page, and none by default. */
  storeAt = 0;
  stored: Uint8Array = NOTHING;
  /** Filled from there when the last call has succeeded; a multiple of 4, on one page. */
  loadAt = 0;
  loaded: Uint32Array = NO_WORDS;
  /** What the kernel has answered to the last call: RAX, and RDX in two words. */
  error = 0;
  low = 0;
  high = 0;
  /** Where that call's record is. */
  last = 0;

  /** RDX as a number: exact below 2^53. */
  get value(): number {
    return this.high * 0x1_0000_0000 + this.low;
  }
}

export type Operation = CallOperation | StoreOperation | LoadOperation | Chain;

/** What the kernel answered to a call. */
export class CallReply {
  /** RAX: 0 for success, else an error's number. */
  readonly error: number;
  private readonly low: number;
  private readonly high: number;

  constructor(error: number, low: number, high: number) {
    this.error = error;
    this.low = low;
    this.high = high;
  }

  /** RDX as a number: exact below 2^53. */
  get value(): number {
    return this.high * 0x1_0000_0000 + this.low;
  }

  /** RDX, all 64 bits of it. */
  get bits(): bigint {
    return (BigInt(this.high) << 32n) | BigInt(this.low);
  }
}

/** Of a call, of a load, of a store, of a chain. */
export type Reply = CallReply | Uint8Array | Chain | undefined;

/** What an agent knows when it starts: its registers (sim/spec/user.ts). */
export interface AgentStart {
  /** Its ID: R14. */
  readonly id: number;
  /** Number of its program: R15. */
  readonly program: number;
  /** Capability to itself: RDI. */
  readonly self: Integer;
  /** Capability to its memory pool: RSI. */
  readonly pool: Integer;
  /** What its parent gave it: RDX. */
  readonly argument: Integer;
  /** Capability to all scopes, which the first agent has: R10. 0 for the others. */
  readonly scope: Integer;
}

/** What a clone knows beside that. */
export interface CloneStart extends AgentStart {
  /** ID of the agent that it is a clone of. */
  readonly original: number;
  /** Its original has made it by a call of its own, whose answer the state is waiting for. */
  readonly byItself: boolean;
}

/**
 * One that ends, by `return` or a throw, has nothing more to execute: its agent faults. To end in
 * order, an agent asks the kernel for it by a call.
 */
export type Program = Generator<Operation, void, Reply>;
export type ProgramFunction = (agent: AgentStart) => Program;

/**
 * A program whose state can be taken out whenever its last operation is under way. It must do the same
 * whenever it gets the same replies: a replay of the machine lets it run along, and compares.
 */
export interface FreezableProgram extends Program {
  /**
   * Its whole state: plain data (plain-data.ts), which nothing changes afterwards. What it has in common
   * with earlier states may be the same objects.
   */
  freeze(): unknown;
  /** The operation that it has given last, whose reply is due; null before the first. */
  readonly operation: Operation | null;
}

/** How a program that can be frozen goes on from its state. */
export interface ProgramForms {
  /** The same agent, in another machine; `operation` is the one that it stood in. */
  thaw(start: AgentStart, state: unknown): FreezableProgram;
  /** A clone, which has not begun: its first operation is its own. Without this, clones begin anew. */
  clone?(start: CloneStart, state: unknown): Program;
}

export interface RegisteredProgram {
  readonly name: string | number;
  readonly number: number;
  readonly start: ProgramFunction;
  readonly forms: ProgramForms | undefined;
}

/** Programs by number. Machines of one kind share one: a name has the same number everywhere. */
export class Programs {
  private readonly byNumber = new Map<number, RegisteredProgram>();

  /**
   * Makes a program known under a name or a number of 32 bits; one with the same name gives way to
   * it, for agents that start from now on. Answers the program's number, for R15. With `forms`, agents
   * whose programs have `freeze` are in snapshots and forks, and clones of them are copies.
   * @throws MachineError bad-argument when the number is no such, or taken by another name
   */
  add(name: string | number, start: ProgramFunction, forms?: ProgramForms): number {
    const number = typeof name === "string" ? programNumber(name) : name;
    if (!Number.isInteger(number) || number < 0 || number > 0xffff_ffff)
      throw new MachineError("bad-argument", `program: ${name}; a number of 32 bits is meant`);
    const known = this.byNumber.get(number);
    if (known && known.name !== name)
      throw new MachineError(
        "bad-argument",
        `program: "${name}" has the number of "${known.name}" (${number}); name it differently`,
      );
    this.byNumber.set(number, { name, number, start, forms });
    return number;
  }

  get(number: number): RegisteredProgram | undefined {
    return this.byNumber.get(number);
  }

  /** The same programs; what is added to one later is not in the other. */
  copy(): Programs {
    const copy = new Programs();
    for (const [number, program] of this.byNumber) copy.byNumber.set(number, program);
    return copy;
  }
}

/** The number of a program's name: FNV-1a, 32 bits, of its UTF-8 bytes. */
export function programNumber(name: string): number {
  let hash = 0x811c_9dc5;
  for (const byte of new TextEncoder().encode(name)) hash = Math.imul(hash ^ byte, 0x0100_0193);
  return hash >>> 0;
}
