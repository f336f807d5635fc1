/** A machine's inner works: its core, what it is connected to, and how it is driven. */
import { DEBUG_CLOCK } from "../spec/debug.ts";
import { STOP_AGENT, STOP_BREAK, STOP_IDLE, STOP_PAUSE, STOP_STEPS } from "../spec/stops.ts";
import type { AgentCall, AgentChain } from "./agent-port.ts";
import { Agents } from "./agents.ts";
import type { GuestOptions } from "./boot/guest.ts";
import { placeGuest } from "./boot/place.ts";
import { ConsoleLog } from "./console.ts";
import { type Core, HOST_BUFFER, type HostFunctions, instantiate, STATE_BASE } from "./core.ts";
import { DEFAULT_BLOCK_BYTES, type Drive } from "./drives.ts";
import { MachineError } from "./errors.ts";
import { applyInput, type Input, isAgentInput, sameInput } from "./inputs.ts";
import type { JournalEntry } from "./journal.ts";
import { inputBytes, JournalLog } from "./journal-log.ts";
import type { Modules } from "./modules.ts";
import { type Configuration, checkJournal, type MachineOptions } from "./options.ts";
import { type Integer, Programs } from "./programs.ts";
import { type StopReason, stopReason } from "./reasons.ts";
import type { Frames } from "./shared-frames.ts";
import { guestTrap } from "./traps.ts";
import { DebugControl, Machine as MachineState } from "./views.generated.ts";
import { Watches } from "./watch.ts";

export const NEVER = 0xffff_ffff_ffff_ffffn;
/** Micro-steps that sim.wasm makes at a time, so that V8 can replace its code by a better tier. */
const STEPS_AT_A_TIME = 100_000;
/** With listeners, few enough for the ring to keep what happens meanwhile. */
const STEPS_WATCHED = 256;
/** Serial input that found no room is offered again at multiples of so many steps. */
const SERIAL_STEPS = 16;
/** Frames and errors kept for whoever wants to see them; the oldest give way. */
const KEPT_MAX = 4096;

/** What went wrong on the host's side of a drive; the guest saw a medium error. */
export interface DriveFailure {
  readonly drive: number;
  readonly error: unknown;
}

export class Engine {
  readonly modules: Modules;
  readonly configuration: Configuration;
  readonly drives: readonly Drive[];
  readonly core: Core;
  readonly state: MachineState;
  /** Where a debugger says when turns are to pause; not machine state. */
  readonly debug: DebugControl;
  readonly console = new ConsoleLog();
  readonly consoleListeners = new Set<(byte: number) => void>();
  readonly framesSent: Uint8Array[] = [];
  readonly driveErrors: DriveFailure[] = [];
  /** Inputs so far. */
  readonly journal: JournalLog;
  /** Inputs of a replayed journal that are still to come, the next one last. */
  replay: JournalEntry[] = [];
  /** Bytes on their way to the serial port, which has had no room for them yet. */
  serial: number[] = [];
  /** Virtual time up to which nothing more happens: an idle machine that was run to a limit. */
  reached = 0n;
  /** RAM as other machines have it too; while `fetching`, only that which this one has reached is in memory. */
  shared: Frames | undefined;
  fetching = false;
  /** How much of the console's output listeners have heard; what is executed again they don't hear. */
  heard = 0;
  /** Steps up to which what happens has happened before: a debugger has put the machine back. */
  present = 0n;
  crash: MachineError | null = null;
  /** While the machine makes a step, or one of its agents' programs runs. */
  entered = false;
  readonly agents: Agents;
  private watches: Watches | undefined;

  /** Instantiates the modules; the state is all zeroes until `powerOn` or a restore fills it. */
  constructor(
    modules: Modules,
    configuration: Configuration,
    drives: readonly Drive[],
    options: Pick<MachineOptions, "journal" | "programs"> = {},
  ) {
    this.modules = modules;
    this.configuration = configuration;
    this.drives = drives;
    this.journal = new JournalLog(checkJournal(options.journal));
    this.core = instantiate(modules, configuration, this.hostFunctions());
    this.state = new MachineState(this.core.data, STATE_BASE);
    this.debug = new DebugControl(this.core.data, this.core.sim.debugAddress());
    this.agents = new Agents(this, options.programs ?? new Programs());
  }

  /** @throws MachineError bad-guest when its files can't be loaded */
  powerOn(guest?: GuestOptions): void {
    const { sim } = this.core;
    const { cpus, memory, epochSeconds, nic, debugExit, seed, start } = this.configuration;
    this.guarded(() => {
      sim.create(cpus, memory, epochSeconds);
      for (const { options, bytes } of this.drives)
        sim.addDrive(
          options.interface === "ahci" ? 1 : 0,
          bytes,
          options.blockBytes ?? DEFAULT_BLOCK_BYTES,
          options.readOnly ?? false,
        );
      if (nic !== 0n) sim.addNic(nic);
      if (debugExit !== 0) sim.addDebugExit(debugExit);
      const entropy = new DataView(seed.buffer, seed.byteOffset);
      this.state.entropy0 = entropy.getBigUint64(0, true);
      this.state.entropy1 = entropy.getBigUint64(8, true);
      this.state.entropy2 = entropy.getBigUint64(16, true);
      this.state.entropy3 = entropy.getBigUint64(24, true);
      sim.powerOn(start && !guest);
      if (guest) placeGuest(this.core, guest, start);
    });
  }

  /** Breakpoints and listeners. */
  get watch(): Watches {
    this.watches ??= new Watches(this.core);
    return this.watches;
  }

  /** Micro-steps since power-on. */
  private get steps(): number {
    return this.core.agents.steps;
  }

  /** Virtual time in ns. */
  get time(): bigint {
    return bigMax(this.state.now, this.reached);
  }

  /** Gives the machine an input now, and notes it in the journal. */
  give(input: Input): bigint {
    if (this.inPast)
      throw new MachineError(
        "machine-busy",
        "a replayed machine takes its inputs from the journal",
      );
    if (this.crash) throw this.crash;
    if (this.paused)
      throw new MachineError("machine-busy", "the machine is paused in the middle of a CPU's turn");
    if (!this.journal.hasRoomFor(inputBytes(input)))
      throw new MachineError(
        "journal-full",
        `journal: ${this.journal.limit} bytes of inputs; take them out before there are more`,
      );
    return this.guarded(() => {
      this.core.sim.advanceIdle(this.reached);
      this.journal.push({ steps: this.state.steps, time: this.state.now, input });
      return applyInput(this.core, input);
    });
  }

  /** The call of an agent on a CPU that waits for it. */
  agentCall(call: AgentCall): void {
    const { agents } = this.core;
    if (this.replay.length !== 0) this.agree({ kind: "agent", ...call });
    this.journal.call(agents, call);
    agents.call(call);
  }

  /** An access of that agent to memory; its outcome (agent-port.ts). */
  agentStore(cpu: number, address: Integer, bytes: Uint8Array): number {
    const { agents } = this.core;
    if (this.replay.length !== 0) this.agree({ kind: "agent-store", cpu, address, bytes });
    this.journal.store(agents, cpu, address, bytes);
    return agents.store(cpu, address, bytes);
  }

  agentLoad(cpu: number, address: Integer, length: number): number {
    const { agents } = this.core;
    if (this.replay.length !== 0) this.agree({ kind: "agent-load", cpu, address, length });
    this.journal.load(agents, cpu, address, length);
    return agents.load(cpu, address, length);
  }

  /** A chain of that agent's; the outcome of its store. */
  agentChain(chain: AgentChain): number {
    const { agents } = this.core;
    if (this.replay.length !== 0) this.agree({ kind: "agent-chain", ...chain });
    agents.put(chain.bytes);
    this.journal.chain(agents, chain, agents.words, HOST_BUFFER / 4);
    return agents.begin(chain);
  }

  /** That agent has no operation any more. */
  agentFault(cpu: number): void {
    const input: Input = { kind: "agent-fault", cpu };
    if (this.replay.length === 0) {
      this.give(input);
      return;
    }
    this.agree(input);
    this.journal.push({ steps: this.state.steps, time: this.state.now, input });
    this.guarded(() => applyInput(this.core, input));
  }

  /** What a program does that runs along with a replayed journal has to be what the journal has next. */
  private agree(input: Input): void {
    const entry = this.replay.pop();
    const { steps, now } = this.state;
    if (entry?.steps === steps && entry.time === now && sameInput(entry.input, input)) return;
    throw diverged(`an agent's program does another thing at step ${steps} than it did`);
  }

  /** Whether what happens has happened before: no input may come that was not there. */
  get inPast(): boolean {
    return this.replay.length > 0 || this.state.steps < this.present;
  }

  /** Whether a debugger has paused a CPU in the middle of its turn: a place for looking only. */
  get paused(): boolean {
    return this.debug.paused !== 0;
  }

  /** Hands waiting bytes to the serial port while it has room; whether it took any. */
  feedSerial(): boolean {
    // In the past of a debugged machine what is typed waits for the present.
    if (this.inPast || this.paused) return false;
    let taken = 0;
    while (taken < this.serial.length && this.core.sim.uartRoom() > 0) {
      this.give({ kind: "serial", byte: this.serial[taken] ?? 0 });
      taken += 1;
    }
    this.serial.splice(0, taken);
    return taken > 0;
  }

  /**
   * Runs until `limit` ns of virtual time, `steps` micro-steps, or something else ends the run. The
   * condition is asked before the first step and after each.
   */
  run(limit: bigint, steps: number, condition?: () => boolean): StopReason {
    this.watches?.drain();
    if (this.crash) return "crashed";
    if (this.paused && this.inTurn(() => this.endPausedTurn()) === STOP_PAUSE) return "break";
    let asked = false;
    for (let left = steps; ; ) {
      if (this.crash) return "crashed";
      if (condition?.()) return "condition";
      if (left <= 0) return "steps";
      if (!this.replayDue(limit)) return this.stand(limit, "limit");
      if (this.serial.length > 0 && this.steps % SERIAL_STEPS === 0) this.feedSerial();
      if (asked && this.isFull) return "journal-full";
      if (asked) this.serveAgent();
      const before = this.steps;
      const count = Math.min(left, this.stepsAtATime(condition !== undefined));
      let stop = this.inTurn(() => this.enter(limit, count));
      while (stop === STOP_AGENT) {
        const made = this.steps - before;
        if (this.isFull) break;
        if (made !== 0 && (made >= count || condition !== undefined || !this.undisturbed)) break;
        this.serveAgent();
        stop = this.goOn(count - made);
      }
      asked = stop === STOP_AGENT;
      const full = asked && this.isFull;
      left -= this.steps - before;
      const hit = this.watches?.drain() ?? false;
      // An idle guest may have read what kept the rest waiting.
      const fed = stop === STOP_IDLE && this.feedSerial();
      if (hit || stop === STOP_PAUSE) return "break";
      if (full) return "journal-full";
      if (asked || stop === STOP_STEPS || stop === STOP_BREAK || fed) continue;
      return this.stand(limit, stopReason(stop));
    }
  }

  /** A CPU waits for its agent's next operation; a replayed machine finds it in the journal. */
  private serveAgent(): void {
    const entry = this.replay.at(-1);
    const { waiting } = this.core.agents;
    if (!entry || (this.state.steps >= this.present && this.agents.runsAlong(waiting))) {
      this.agents.serve(waiting);
      return;
    }
    if (entry.steps !== this.state.steps || !isAgentInput(entry.input))
      throw diverged(
        `an agent asks for an operation at step ${this.state.steps}, and there is none`,
      );
    this.replayInput(entry);
  }

  private stepsAtATime(condition: boolean): number {
    let steps = STEPS_AT_A_TIME;
    if (this.watches?.active) steps = STEPS_WATCHED;
    if (condition || this.watches?.everyStep) steps = 1;
    if (this.serial.length > 0) steps = Math.min(steps, SERIAL_STEPS - (this.steps % SERIAL_STEPS));
    const next = this.replay.at(-1);
    // One that is due already is a waiting CPU's: the machine asks before it makes a step.
    if (next) steps = Math.min(steps, Math.max(1, lastStepBefore(next) - this.steps));
    return steps;
  }

  private stand(limit: bigint, stop: StopReason): StopReason {
    if ((stop === "limit" || stop === "idle") && limit !== NEVER)
      this.reached = bigMax(this.reached, limit);
    return stop;
  }

  /**
   * Gives the journal's inputs of this step, up to one that a CPU must ask for; false when the next
   * comes at or after `limit`.
   */
  private replayDue(limit: bigint): boolean {
    const { steps } = this.state;
    for (let next = this.replay.at(-1); next && next.steps <= steps; next = this.replay.at(-1)) {
      if (next.steps < steps) throw diverged(`nothing asked for the input of step ${next.steps}`);
      if (isAgentInput(next.input)) return true;
      if (next.input.kind === "debug")
        throw diverged(`no turn of step ${steps} came to ${next.input.clock} ns`);
      if (next.time >= limit) return false;
      this.core.sim.advanceIdle(next.time);
      this.replayInput(next);
    }
    return true;
  }

  /** Gives what a debugger changed before it went on from here. */
  replayEdits(): void {
    for (let next = this.replay.at(-1); next; next = this.replay.at(-1)) {
      if (next.steps !== this.state.steps || next.input.kind !== "memory") return;
      this.core.sim.advanceIdle(next.time);
      this.replayInput(next);
    }
  }

  private replayInput(entry: JournalEntry): void {
    const { steps, time, input } = entry;
    const { now } = this.state;
    const { kind } = input;
    if (now !== time)
      throw diverged(
        `the ${kind} input at step ${steps} came at ${time} ns, this machine is at ${now} ns there`,
      );
    const taken = this.guarded(() => applyInput(this.core, input));
    if (isAgentInput(input) && taken === 0n)
      throw diverged(
        `the ${kind} input at step ${steps} is for another CPU than the one that asks`,
      );
    this.journal.push(entry);
    this.replay.pop();
  }

  /** No agent's operation can be noted. A replayed journal is there already, so it always can. */
  private get isFull(): boolean {
    return !this.journal.hasRoom && this.replay.length === 0;
  }

  /** Nobody but agents has a say between two steps. */
  private get undisturbed(): boolean {
    return this.replay.length === 0 && this.serial.length === 0 && !(this.watches?.active ?? false);
  }

  private endPausedTurn(): number {
    return this.guarded(() => this.core.sim.endPausedTurn()) === 0 ? STOP_PAUSE : STOP_STEPS;
  }

  /**
   * Makes steps, or ends a paused turn. A change that a replayed journal has in this very turn is made
   * where the debugger made it: the turn pauses there and goes on.
   */
  private inTurn(first: () => number): number {
    const { debug } = this;
    for (let act = first; ; act = () => this.endPausedTurn()) {
      const edit = this.editOfTurn();
      if (!edit) return act();
      const { active, pauseCpu, pauseClock } = debug;
      const { cpu, clock } = edit;
      const own = active !== 0 && pauseCpu === cpu && pauseClock <= clock;
      if (!own) Object.assign(debug, { active: 1, pauseCpu: cpu, pauseClock: clock });
      const stop = act();
      Object.assign(debug, { active, pauseCpu, pauseClock });
      const there = debug.paused === cpu + 1 && this.state.cpusAt(cpu).clock === clock;
      if (!there || debug.reason !== DEBUG_CLOCK) return stop;
      this.replayEditsAt(edit);
      if (own) return stop;
    }
  }

  /** All that the debugger changed while the turn was paused there. */
  private replayEditsAt({ cpu, clock }: Input & { kind: "debug" }): void {
    for (let next = this.editOfTurn(); next; next = this.editOfTurn()) {
      if (next.cpu !== cpu || next.clock !== clock) return;
      this.replayInput(this.replay.at(-1) as JournalEntry);
    }
  }

  /** The next input of a replayed journal, if a debugger has given it in the turn that is next. */
  private editOfTurn(): (Input & { kind: "debug" }) | null {
    const next = this.replay.at(-1);
    if (next?.input.kind !== "debug") return null;
    return Number(next.steps) === this.steps + (this.paused ? 0 : 1) ? next.input : null;
  }

  /**
   * Bytes of linear memory that a debugger changes, also in the middle of a turn. What a replayed
   * journal had for the time from here on is no longer what happens.
   */
  edit(at: number, bytes: Uint8Array): void {
    this.replay = [];
    this.present = 0n;
    if (!this.paused) {
      this.give({ kind: "memory", at, bytes: bytes.slice() });
      return;
    }
    const cpu = this.debug.paused - 1;
    const { clock } = this.state.cpusAt(cpu);
    const input: Input = { kind: "debug", cpu, clock, at, bytes: bytes.slice() };
    this.journal.push({ steps: this.state.steps, time: this.state.now, input });
    this.guarded(() => applyInput(this.core, input));
  }

  private enter(limit: bigint, steps: number): number {
    return this.guarded(() => this.core.sim.run(limit, steps));
  }

  /** The same up to the last run's limit: once for each operation of an agent, so without a closure. */
  private goOn(steps: number): number {
    this.begin();
    try {
      return this.core.sim.goOn(steps);
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.entered = false;
    }
  }

  /** Calls into WebAssembly; what traps there ends this machine and nothing else. */
  private guarded<T>(act: () => T): T {
    this.begin();
    try {
      return act();
    } catch (error) {
      throw this.failure(error);
    } finally {
      this.entered = false;
    }
  }

  private begin(): void {
    if (this.entered)
      throw new MachineError(
        "machine-busy",
        "the machine is in the middle of a step: inputs and runs are for between the steps",
      );
    this.entered = true;
  }

  private failure(error: unknown): MachineError {
    if (error instanceof MachineError) return error;
    this.crash = guestTrap(error, this.place());
    return this.crash;
  }

  private place(): string {
    const { running, steps } = this.state;
    const who = running < this.configuration.cpus ? `CPU ${running}` : "a device";
    return `${who} trapped in step ${steps} at ${this.time} ns`;
  }

  private hostFunctions(): HostFunctions {
    const span = (at: number, bytes: number) =>
      this.core.bytes.subarray(at >>> 0, (at >>> 0) + bytes);
    const attempt = (drive: number, act: (drive: Drive) => void): number => {
      const target = this.drives[drive];
      if (!target) return 1;
      try {
        act(target);
        return 0;
      } catch (error) {
        keep(this.driveErrors, { drive, error });
        return 1;
      }
    };
    return {
      driveRead: (n, offset, bytes, to) => this.driveRead(n, offset, bytes, to >>> 0),
      driveWrite: (n, offset, bytes, from) => attempt(n, (d) => d.write(offset, span(from, bytes))),
      driveZero: (n, offset, bytes) => attempt(n, (d) => d.zero(offset, bytes)),
      driveFlush: (n) => attempt(n, (d) => d.flush()),
      consoleWrite: (_port, byte) => {
        this.console.push(byte);
        if (this.console.position <= this.heard) return;
        this.heard = this.console.position;
        for (const listener of this.consoleListeners) listener(byte);
      },
      frameFetch: (at) => {
        const page = this.shared?.get(at >>> 0);
        if (page) this.core.bytes.set(page, at >>> 0);
      },
      frameSend: (_nic, from, bytes) => keep(this.framesSent, span(from, bytes).slice()),
    };
  }

  /** Reads are the hot path of a drive: no closure is made for one. */
  private driveRead(drive: number, offset: number, bytes: number, to: number): number {
    try {
      const target = this.drives[drive];
      if (!target) return 1;
      target.read(offset, this.core.bytes, to, bytes);
      return 0;
    } catch (error) {
      keep(this.driveErrors, { drive, error });
      return 1;
    }
  }
}

/** Steps that are made before a replayed input is looked for; a debugger's change is within its step. */
function lastStepBefore({ steps, input }: JournalEntry): number {
  return Number(steps) - (input.kind === "debug" ? 1 : 0);
}

function diverged(how: string): MachineError {
  return new MachineError("journal-diverged", `journal: ${how}`);
}

/** Math.max has no bigints. */
function bigMax(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}

function keep<T>(list: T[], item: T): void {
  if (list.length === KEPT_MAX) list.shift();
  list.push(item);
}
