/** What the host keeps of an agent that has begun, and that as data. */
import type { AgentChain } from "./agent-port.ts";
import { MachineError } from "./errors.ts";
import {
  type AgentStart,
  Chain,
  type FreezableProgram,
  type Integer,
  type Operation,
  type Program,
  type RegisteredProgram,
} from "./programs.ts";

const NO_BYTES = new Uint8Array();
const NO_WORDS = new Uint32Array();

/** A load or store that takes more than one input: a page each, again when one faults. */
export class Access {
  readonly address: Integer;
  bytes: Uint8Array;
  readonly length: number;
  readonly isStore: boolean;
  done = 0;

  /** A store of `bytes`, or a load if there are none, `into` what is given if that is long enough. */
  constructor(address: Integer, length: number, bytes: Uint8Array | null, into?: Uint8Array) {
    const room = into !== undefined && into.length >= length ? into : null;
    this.address = address;
    this.bytes = bytes ?? room ?? new Uint8Array(length);
    this.length = length;
    this.isStore = bytes !== null;
  }
}

/** A chain as an input, and what became of it. */
export class GivenChain implements AgentChain {
  cpu = 0;
  cycles = 0;
  chain = 0;
  to = 0;
  bytes: Uint8Array = NO_BYTES;
  from = 0;
  length = 0;
  loaded: Uint32Array = NO_WORDS;
  /** The store has been made, and the calls with it; else its page has faulted. */
  begun = false;

  take({ first, cycles, storeAt, stored, loadAt, loaded }: Chain): void {
    this.cycles = cycles;
    this.chain = first;
    this.to = storeAt;
    this.bytes = stored;
    this.from = loadAt;
    this.length = 4 * loaded.length;
    this.loaded = loaded;
  }

  /** Where its load puts the bytes. */
  get room(): Uint8Array {
    return new Uint8Array(this.loaded.buffer, this.loaded.byteOffset, this.length);
  }
}

/** An agent that has begun, as plain data: what its program is, and how far its last operation has come. */
export interface FrozenAgent {
  readonly start: AgentStart;
  readonly inputs: number;
  readonly clones: number;
  readonly clonesBegun: number;
  /** Of a load or store, a chain's too: bytes that are done, and what has been loaded. */
  readonly access: { readonly done: number; readonly loaded: Uint8Array | null } | null;
  /** Whether its chain's store has been made. */
  readonly chainBegun: boolean;
  /** What the program has given. */
  readonly state: unknown;
}

/** An agent that has begun. */
export class Running {
  readonly id: number;
  readonly program: RegisteredProgram;
  readonly start: AgentStart;
  /** Null before its first operation; then `make` makes it. */
  generator: Program | null = null;
  readonly make: () => Program;
  /** Inputs so far, 32 bits: what R13 must be. */
  inputs = 0;
  /** Clones that had been made of it when it gave its last operation, and those that have begun since. */
  clones = 0;
  clonesBegun = 0;
  access: Access | null = null;
  chain: Chain | null = null;
  /** The chain as it was given: what its program does to it meanwhile changes nothing. */
  readonly given = new GivenChain();

  constructor(start: AgentStart, program: RegisteredProgram, make: () => Program) {
    this.id = start.id;
    this.program = program;
    this.start = start;
    this.make = make;
  }

  /** Its program, if its state can be taken out and put to use. */
  get freezable(): FreezableProgram | null {
    const { generator, program } = this;
    const it = generator as Partial<FreezableProgram> | null;
    return program.forms && it?.freeze ? (it as FreezableProgram) : null;
  }

  /** Null when its program can't be. */
  freeze(): FrozenAgent | null {
    const { start, inputs, clones, clonesBegun, access, chain, given, freezable } = this;
    if (freezable === null) return null;
    return {
      start,
      inputs,
      clones,
      clonesBegun,
      access: access && {
        done: access.done,
        loaded: access.isStore ? null : access.bytes.slice(0, access.done),
      },
      chainBegun: chain !== null && given.begun,
      state: freezable.freeze(),
    };
  }

  /** @throws what the program throws about its state; MachineError agent-failed */
  static thaw(frozen: FrozenAgent, program: RegisteredProgram): Running {
    const { start, state } = frozen;
    const generator = program.forms?.thaw(start, state);
    if (!generator?.operation)
      throw new MachineError("agent-failed", `program "${program.name}" knows no such state`);
    const it = new Running(start, program, () => generator);
    it.generator = generator;
    it.inputs = frozen.inputs;
    it.clones = frozen.clones;
    it.clonesBegun = frozen.clonesBegun;
    it.goBackInto(generator.operation, frozen);
    return it;
  }

  private goBackInto(operation: Operation, { access, chainBegun }: FrozenAgent): void {
    if (operation instanceof Chain) {
      this.chain = operation;
      this.given.take(operation);
      this.given.begun = chainBegun;
      if (access)
        this.access = new Access(this.given.from, this.given.length, null, this.given.room);
    } else if ("store" in operation) {
      const [address, bytes] = operation.store;
      this.access = new Access(address, bytes.length, bytes.slice());
    } else if ("load" in operation) {
      const [address, length, into] = operation.load;
      this.access = new Access(address, length, null, into);
    }
    if (!access || !this.access) return;
    this.access.done = access.done;
    if (access.loaded) this.access.bytes.set(access.loaded);
  }
}
