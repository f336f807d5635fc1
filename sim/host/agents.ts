/**
 * Agents that the host runs: for a CPU that waits at RUNTIME_HOST, the next operation of the agent
 * that is on it.
 *
 * The machine knows of such an agent what its registers say: R14 is its ID, R15 its program, R13 how
 * many inputs it has had. The generator is not part of the machine. A copy of the machine, by fork
 * or from a snapshot, has the states of programs that can be frozen; other agents that had begun fault
 * there, and new ones start.
 */
import {
  REGISTER_R8,
  REGISTER_R10,
  REGISTER_R13,
  REGISTER_R14,
  REGISTER_R15,
  REGISTER_RAX,
  REGISTER_RBX,
  REGISTER_RCX,
  REGISTER_RDI,
  REGISTER_RDX,
  REGISTER_RSI,
} from "../spec/user.ts";
import {
  ACCESS_DONE,
  type AgentPort,
  CALL_ARGUMENTS_MAX,
  lowWord,
  PAGE_BYTES,
} from "./agent-port.ts";
import type { Engine } from "./engine.ts";
import { MachineError, type MachineErrorCode } from "./errors.ts";
import { type KeptState, KeptStates } from "./kept-states.ts";
import {
  type AgentStart,
  type CallOperation,
  CallReply,
  Chain,
  DEFAULT_CYCLES,
  type Integer,
  type Operation,
  type Program,
  type ProgramForms,
  type ProgramFunction,
  type Programs,
  type RegisteredProgram,
  type Reply,
} from "./programs.ts";
import { Access, type FrozenAgent, type GivenChain, Running } from "./running-agent.ts";

/** One load or store; larger ones are made of several. */
export const ACCESS_BYTES_MAX = 16 * 1024 * 1024;
const FAILURES_MAX = 4096;
/** A program that hears so often that what it wants is no operation is not asked again. */
const REFUSALS_MAX = 100;
/** Bits of an ID that name the agent's slot: of two agents in one slot the earlier is dead. */
const SLOT_MASK = 0x3f_ffff;
const TWO_32 = 0x1_0000_0000;
/** End of the addresses of a chain. */
const TWO_48 = 2 ** 48;
const NO_ARGUMENTS: readonly Integer[] = [];

/** Why an agent has nothing to execute any more; the kernel sees #UD at RUNTIME_HOST. */
export interface AgentFailure {
  readonly agent: number;
  /** Name of its program, or its number when nobody knows it. */
  readonly program: string | number;
  /** Virtual time in ns. */
  readonly time: bigint;
  readonly error: MachineError;
}

/** What the host keeps of a machine's agents, as plain data: what a copy of the machine needs. */
export interface FrozenAgents {
  /** By ID. */
  readonly agents: readonly FrozenAgent[];
  readonly kept: readonly KeptState[];
}

export class Agents {
  /** What agents may be: by name or number. Forks begin with the same. */
  readonly programs: Programs;
  /** The latest failures, up to 4,096. */
  readonly failures: AgentFailure[] = [];
  private readonly engine: Engine;
  private readonly port: AgentPort;
  private readonly running = new Map<number, Running>();
  /** Those of a machine that this one is a copy of, as long as they have done nothing here. */
  private readonly dormant = new Map<number, FrozenAgent>();
  private readonly kept = new KeptStates();
  /** The agent that each CPU had last: most often it is that one again. */
  private readonly latest: (Running | undefined)[] = [];

  constructor(engine: Engine, programs: Programs) {
    this.engine = engine;
    this.port = engine.core.agents;
    this.programs = programs;
  }

  /** As `programs.add`. @throws MachineError bad-argument */
  program(name: string | number, start: ProgramFunction, forms?: ProgramForms): number {
    return this.programs.add(name, start, forms);
  }

  /** Gives CPU `cpu`, which waits for it, its agent's next operation. */
  serve(cpu: number): void {
    const { port } = this;
    const registers = port.registers(cpu);
    const id = port.high(registers, REGISTER_R14) * TWO_32 + port.low(registers, REGISTER_R14);
    const number = port.low(registers, REGISTER_R15);
    const inputs = port.low(registers, REGISTER_R13);
    const agent = this.latest[cpu];
    if (
      agent?.id === id &&
      agent.inputs === inputs &&
      agent.program.number === number &&
      agent.clones === port.high(registers, REGISTER_R15)
    )
      this.goOn(agent, cpu, registers);
    else this.change(cpu, registers, id, number, inputs);
  }

  /**
   * Whether what the agent on this CPU did in a replayed journal is what its program does here: it can be
   * frozen, and stands where the machine is.
   */
  runsAlong(cpu: number): boolean {
    const { port } = this;
    const registers = port.registers(cpu);
    const id = port.high(registers, REGISTER_R14) * TWO_32 + port.low(registers, REGISTER_R14);
    const inputs = port.low(registers, REGISTER_R13);
    const agent = this.running.get(id & SLOT_MASK) ?? this.dormant.get(id & SLOT_MASK);
    if (inputs !== 0) {
      if (agent?.inputs !== inputs) return false;
      return agent instanceof Running
        ? agent.id === id && agent.freezable !== null
        : agent.start.id === id && this.programs.get(agent.start.program)?.forms !== undefined;
    }
    const earlier = agent === undefined || idOf(agent) <= id;
    return earlier && this.programs.get(port.low(registers, REGISTER_R15))?.forms !== undefined;
  }

  /** What a copy of the machine needs of its agents. */
  freeze(): FrozenAgents {
    const agents = [...this.dormant.values()];
    for (const agent of this.running.values()) {
      const frozen = agent.freeze();
      if (frozen) agents.push(frozen);
    }
    return { agents: agents.sort((a, b) => a.start.id - b.start.id), kept: this.kept.all() };
  }

  /** Agents that have begun in another machine; each goes on when it is asked for an operation. */
  thaw({ agents, kept }: FrozenAgents): void {
    for (const frozen of agents) this.dormant.set(frozen.start.id & SLOT_MASK, frozen);
    for (const state of kept) this.kept.put(state);
  }

  /** Another agent than the last is on this CPU, or there are more clones of it. */
  private change(cpu: number, registers: number, id: number, number: number, inputs: number): void {
    const { port } = this;
    const clones = port.high(registers, REGISTER_R15);
    const begins = inputs === 0 && port.high(registers, REGISTER_R13) === 0;
    if (begins) {
      this.start(cpu, registers, id, number);
      return;
    }
    const agent = this.find(cpu, id, inputs);
    if (agent === null) return;
    if (agent?.id !== id || agent.inputs !== inputs || agent.program.number !== number) {
      this.fail(cpu, id, number, "agent-lost", "its generator stayed behind in another machine");
      return;
    }
    if (agent.clones !== clones) this.keepForClones(agent, clones);
    this.latest[cpu] = agent;
    this.goOn(agent, cpu, registers);
  }

  /** The agent in this slot, if it has begun; null when it can't be made of its state, and has failed. */
  private find(cpu: number, id: number, inputs: number): Running | undefined | null {
    const slot = id & SLOT_MASK;
    const frozen = this.dormant.get(slot);
    if (frozen?.start.id !== id || frozen.inputs !== inputs) return this.running.get(slot);
    this.dormant.delete(slot);
    const program = this.programs.get(frozen.start.program);
    if (!program?.forms) return undefined;
    try {
      const agent = Running.thaw(frozen, program);
      this.running.set(slot, agent);
      return agent;
    } catch (error) {
      this.fail(cpu, id, program.number, "agent-failed", messageOf(error), error);
      return null;
    }
  }

  /** Before the agent goes on: what clones of it that have not begun will go on from. */
  private keepForClones(agent: Running, clones: number): void {
    const awaited = ((clones - agent.clones) >>> 0) - agent.clonesBegun;
    agent.clones = clones;
    agent.clonesBegun = 0;
    const { id, inputs, freezable } = agent;
    if (freezable && awaited > 0) this.kept.goesOn(id, inputs, awaited, freezable);
  }

  private start(cpu: number, registers: number, id: number, number: number): void {
    const program = this.programs.get(number);
    if (!program) {
      this.fail(cpu, id, number, "agent-program-missing", "nobody knows it");
      return;
    }
    const { port } = this;
    const known: AgentStart = {
      id,
      program: number,
      self: port.integer(registers, REGISTER_RDI),
      pool: port.integer(registers, REGISTER_RSI),
      argument: port.integer(registers, REGISTER_RDX),
      scope: port.integer(registers, REGISTER_R10),
    };
    const make = this.beginning(registers, program, known);
    if (make === null) {
      const original = port.integer(registers, REGISTER_RCX);
      this.fail(cpu, id, number, "agent-lost", `the state of its original, ${original}, is gone`);
      return;
    }
    this.replace(id & SLOT_MASK);
    const agent = new Running(known, program, make);
    agent.clones = port.high(registers, REGISTER_R15);
    this.running.set(id & SLOT_MASK, agent);
    this.latest[cpu] = agent;
    this.advance(agent, cpu, undefined);
  }

  /** How an agent begins: anew, or where its original stood; null when nobody knows any more where. */
  private beginning(
    registers: number,
    program: RegisteredProgram,
    known: AgentStart,
  ): (() => Program) | null {
    const { port } = this;
    const { start, forms } = program;
    const original = Number(port.integer(registers, REGISTER_RCX));
    if (original === 0 || !forms?.clone) return () => start(known);
    const inputs = port.low(registers, REGISTER_RBX);
    const kept = this.kept.take(original, inputs) ?? this.stateAt(original, inputs);
    if (kept === undefined) return null;
    const byItself = port.low(registers, REGISTER_R8) !== 0;
    return () => forms.clone?.({ ...known, original, byItself }, kept.state) ?? start(known);
  }

  /** The state of an agent that still stands where a clone of it was made. */
  private stateAt(id: number, inputs: number): { readonly state: unknown } | undefined {
    const slot = id & SLOT_MASK;
    const frozen = this.dormant.get(slot);
    if (frozen?.start.id === id && frozen.inputs === inputs) {
      this.dormant.set(slot, { ...frozen, clonesBegun: frozen.clonesBegun + 1 });
      return frozen;
    }
    const agent = this.running.get(slot);
    if (agent?.id !== id || agent.inputs !== inputs || !agent.freezable) return undefined;
    agent.clonesBegun += 1;
    return { state: agent.freezable.freeze() };
  }

  /** The last input has taken effect: more of the same operation, or what came of it and the next. */
  private goOn(agent: Running, cpu: number, registers: number): void {
    const { access, chain } = agent;
    if (chain !== null) this.goOnWith(agent, chain, cpu, registers);
    else if (access === null) {
      const { port } = this;
      const error = port.low(registers, REGISTER_RAX);
      const low = port.low(registers, REGISTER_RDX);
      this.advance(agent, cpu, new CallReply(error, low, port.high(registers, REGISTER_RDX)));
    } else if (access.done < access.length) this.accessPage(agent, access, cpu);
    else {
      agent.access = null;
      this.advance(agent, cpu, access.isStore ? undefined : access.bytes);
    }
  }

  /** The same of a chain: its store has faulted, or it has ended, and what it loads is there or not. */
  private goOnWith(agent: Running, chain: Chain, cpu: number, registers: number): void {
    const { port } = this;
    const { access, given } = agent;
    if (!given.begun) {
      this.giveChain(given, agent, cpu);
      return;
    }
    if (access === null) {
      chain.error = port.low(registers, REGISTER_RAX);
      chain.low = port.low(registers, REGISTER_RDX);
      chain.high = port.high(registers, REGISTER_RDX);
      chain.last = port.high(registers, REGISTER_RBX) * TWO_32 + port.low(registers, REGISTER_RBX);
      const { loaded, length } = given;
      if (chain.error === 0 && length !== 0 && !port.copyResult(cpu, loaded)) {
        // A device's registers: read as any load does it.
        this.access(agent, cpu, given.from, length, null, given.room);
        return;
      }
    } else if (access.done < access.length) {
      this.accessPage(agent, access, cpu);
      return;
    }
    agent.access = null;
    agent.chain = null;
    this.advance(agent, cpu, chain);
  }

  /** Lets the program run up to its next operation, and gives that to the machine. */
  private advance(agent: Running, cpu: number, reply: Reply): void {
    try {
      let refused: MachineError | null = null;
      for (let times = 0; times < REFUSALS_MAX; times++) {
        const step = this.resume(agent, reply, refused);
        if (step.done) {
          this.lose(agent, cpu, "agent-ended", "it has returned, and not asked for its end");
          return;
        }
        refused = this.begin(agent, cpu, step.value);
        if (refused === null) return;
      }
      this.lose(agent, cpu, "agent-failed", `${REFUSALS_MAX} operations in a row were refused`);
    } catch (error) {
      this.lose(agent, cpu, "agent-failed", messageOf(error), error);
    }
  }

  private resume(
    agent: Running,
    reply: Reply,
    error: MachineError | null,
  ): IteratorResult<Operation, void> {
    const { engine } = this;
    engine.entered = true;
    try {
      agent.generator ??= agent.make();
      const { generator } = agent;
      return error === null ? generator.next(reply) : generator.throw(error);
    } finally {
      engine.entered = false;
    }
  }

  /** Gives an operation to the machine; the error for one that isn't valid. */
  private begin(agent: Running, cpu: number, operation: Operation): MachineError | null {
    if (typeof operation !== "object" || operation === null) return invalid("it is no object");
    if (operation instanceof Chain) return this.chain(agent, cpu, operation);
    if ("call" in operation) return this.call(agent, cpu, operation);
    if ("store" in operation) {
      const [address, bytes] = operation.store;
      if (!(bytes instanceof Uint8Array)) return invalid("what is stored is no Uint8Array");
      return this.access(agent, cpu, address, bytes.length, bytes);
    }
    if (!("load" in operation)) return invalid("there are call, store and load");
    const [address, length, into] = operation.load;
    if (into !== undefined && !(into instanceof Uint8Array))
      return invalid("what is loaded into is no Uint8Array");
    return this.access(agent, cpu, address, length, null, into);
  }

  /** A store of `bytes`, or a load if there are none. */
  private access(
    agent: Running,
    cpu: number,
    address: Integer,
    length: number,
    bytes: Uint8Array | null,
    into?: Uint8Array,
  ): MachineError | null {
    if (!isInteger(address)) return invalid(`address ${address} is no 64-bit integer`);
    if (!Number.isInteger(length) || length < 0 || length > ACCESS_BYTES_MAX)
      return invalid(`${length} bytes; an access has at most ${ACCESS_BYTES_MAX}`);
    const access = new Access(address, length, bytes, into);
    agent.access = access;
    this.accessPage(agent, access, cpu);
    // Others may change what is stored before the last page of it.
    if (bytes !== null && access.done < length) access.bytes = new Uint8Array(bytes);
    return null;
  }

  private call(agent: Running, cpu: number, operation: CallOperation): MachineError | null {
    const { call, args = NO_ARGUMENTS, cycles = DEFAULT_CYCLES } = operation;
    if (args.length > CALL_ARGUMENTS_MAX)
      return invalid(`${args.length} arguments; a call has at most ${CALL_ARGUMENTS_MAX}`);
    for (let n = 0; n < args.length; n++)
      if (!isInteger(args[n])) return invalid(`argument ${n}, ${args[n]}, is no 64-bit integer`);
    if (!isInteger(call)) return invalid(`call ${call} is no 64-bit integer`);
    if (!Number.isSafeInteger(cycles) || cycles < 0) return invalid(`cycles: ${cycles}`);
    agent.inputs = (agent.inputs + 1) >>> 0;
    this.engine.agentCall({ cpu, cycles, call, args });
    return null;
  }

  private chain(agent: Running, cpu: number, chain: Chain): MachineError | null {
    const { first, cycles, storeAt, stored, loadAt, loaded } = chain;
    if (!isPlace(first, 0)) return invalid(`chain: address ${first}`);
    if (!Number.isSafeInteger(cycles) || cycles < 0) return invalid(`cycles: ${cycles}`);
    if (!(stored instanceof Uint8Array) || !isPlace(storeAt, stored.length))
      return invalid(`chain: what is stored at ${storeAt} is no Uint8Array, or not on one page`);
    if (!(loaded instanceof Uint32Array) || !isPlace(loadAt, 4 * loaded.length) || loadAt % 4 !== 0)
      return invalid(`chain: what is loaded from ${loadAt} is no Uint32Array, or not on one page`);
    agent.chain = chain;
    const { given } = agent;
    given.take(chain);
    this.giveChain(given, agent, cpu);
    return null;
  }

  private giveChain(given: GivenChain, agent: Running, cpu: number): void {
    agent.inputs = (agent.inputs + 1) >>> 0;
    given.cpu = cpu;
    given.begun = this.engine.agentChain(given) === ACCESS_DONE;
    // Others may change what is stored before the page is there.
    if (!given.begun) given.bytes = given.bytes.slice();
  }

  /** The access as far as its next page goes. When that faults, the kernel sees to it first. */
  private accessPage(agent: Running, access: Access, cpu: number): void {
    const address = moved(access.address, access.done);
    const left = access.length - access.done;
    const length = Math.min(left, PAGE_BYTES - (lowWord(address) % PAGE_BYTES));
    agent.inputs = (agent.inputs + 1) >>> 0;
    const { engine } = this;
    const outcome = access.isStore
      ? engine.agentStore(cpu, address, partOf(access.bytes, access.done, length))
      : engine.agentLoad(cpu, address, length);
    if (outcome !== ACCESS_DONE) return;
    if (!access.isStore) this.port.copyLoaded(access.bytes, access.done, length);
    access.done += length;
  }

  /** A program that has nothing more to say. */
  private lose(
    agent: Running,
    cpu: number,
    code: MachineErrorCode,
    why: string,
    cause?: unknown,
  ): void {
    this.forget(agent);
    this.fail(cpu, agent.id, agent.program.number, code, why, cause);
  }

  private fail(
    cpu: number,
    agent: number,
    number: number,
    code: MachineErrorCode,
    why: string,
    cause?: unknown,
  ): void {
    const program = this.programs.get(number)?.name ?? number;
    const text = `agent ${agent}, program "${program}": ${why}`;
    const error = new MachineError(code, text, { cause });
    if (this.failures.length === FAILURES_MAX) this.failures.shift();
    this.failures.push({ agent, program, time: this.engine.time, error });
    this.engine.agentFault(cpu);
  }

  /** A new agent takes the slot of one that is over, or has a new image. */
  private replace(slot: number): void {
    const frozen = this.dormant.get(slot);
    if (frozen) {
      const { start, inputs, state } = frozen;
      this.dormant.delete(slot);
      this.kept.put({ agent: start.id, inputs, awaited: 0, state });
    }
    const agent = this.running.get(slot);
    if (agent?.freezable) this.kept.isOver(agent.id, agent.inputs, agent.freezable);
    this.forget(agent);
  }

  /** Lets a generator go; its `finally` blocks run, and nobody hears what they say. */
  private forget(agent: Running | undefined): void {
    if (!agent) return;
    this.running.delete(agent.id & SLOT_MASK);
    for (const [cpu, latest] of this.latest.entries())
      if (latest === agent) this.latest[cpu] = undefined;
    // One that can be frozen is data, and may still be asked for.
    if (agent.freezable) return;
    try {
      agent.generator?.return(undefined);
    } catch {
      // Its agent is dead already.
    }
  }
}

const idOf = (agent: Running | FrozenAgent): number =>
  agent instanceof Running ? agent.id : agent.start.id;

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

const INTEGER_MIN = -(2n ** 63n);
const INTEGER_END = 2n ** 64n;

function isInteger(value: unknown): value is Integer {
  if (typeof value === "number") return Number.isSafeInteger(value);
  return typeof value === "bigint" && value >= INTEGER_MIN && value < INTEGER_END;
}

/** Whether so many bytes from there on are on one page; for an address alone, none. */
function isPlace(at: unknown, bytes: number): boolean {
  if (typeof at !== "number" || !Number.isInteger(at) || at < 0 || at >= TWO_48) return false;
  return ((at >>> 0) % PAGE_BYTES) + bytes <= PAGE_BYTES;
}

/** The whole itself, if that is meant: a view costs more than a short store. */
function partOf(bytes: Uint8Array, from: number, length: number): Uint8Array {
  return length === bytes.length ? bytes : bytes.subarray(from, from + length);
}

function moved(address: Integer, by: number): Integer {
  if (by === 0) return address;
  if (typeof address === "bigint") return BigInt.asUintN(64, address + BigInt(by));
  const sum = address + by;
  return Number.isSafeInteger(sum) ? sum : BigInt(address) + BigInt(by);
}

function invalid(why: string): MachineError {
  return new MachineError("bad-argument", `operation: ${why}`);
}
