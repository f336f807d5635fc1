/**
 * Stops a machine where a debugger wants it, and takes it back. A stop may be in the middle of a CPU's
 * turn (sim/core/debug.ts) and changes nothing of what the machine does. The past is reached from a
 * checkpoint by executing again, to the same instruction (history.ts).
 *
 * The machine decides which CPU runs when, so while one is stepped the others execute what they execute
 * in that time. A debugger may also hold CPUs: they get no turns, and find later that time has passed.
 * That is another machine than one whose CPUs all run, so it is an input like any other change, and is
 * made at the last moment: when a CPU that is to be held would execute.
 */
import {
  DEBUG_CLOCK,
  DEBUG_HOLD,
  DEBUG_READ,
  DEBUG_WATCHPOINT,
  DEBUG_WRITE,
} from "../../spec/debug.ts";
import { STATE_BASE } from "../core.ts";
import { type Engine, NEVER } from "../engine.ts";
import { MachineError } from "../errors.ts";
import type { Machine } from "../machine.ts";
import type { StopReason } from "../reasons.ts";
import { RecordingDataView } from "../recording.ts";
import { type Cpu, Machine as MachineState } from "../views.generated.ts";
import { Checkpoints } from "./checkpoints.ts";
import { History } from "./history.ts";
import { NO_CPU, type Position, positionOf } from "./position.ts";

export interface Watchpoint {
  readonly address: bigint;
  readonly bytes: number;
  readonly kind: "write" | "read" | "access";
}

export type Stop =
  | { readonly reason: "step" | "breakpoint" | "interrupted"; readonly cpu: number }
  | { readonly reason: "watchpoint"; readonly cpu: number; readonly watchpoint: Watchpoint }
  /** There is nothing before this. */
  | { readonly reason: "history-begin"; readonly cpu: number }
  /** The machine has come to an end, or idles for good. */
  | { readonly reason: "ended"; readonly cpu: number; readonly end: StopReason };

const KINDS = { read: DEBUG_READ, write: DEBUG_WRITE, access: DEBUG_READ | DEBUG_WRITE } as const;
/** Why a run returns although the debugged machine can go on. */
const GOES_ON: ReadonlySet<StopReason> = new Set(["steps", "limit", "idle", "condition"]);

export class Debugger {
  readonly machine: Machine;
  readonly engine: Engine;
  readonly checkpoints: Checkpoints;
  private readonly history: History;
  private readonly breakpoints = new Map<bigint, number>();
  private watchpoints: Watchpoint[] = [];
  /** Virtual time in ns at which it stops, whatever else; for `monitor until`. */
  deadline = NEVER;
  /** Why there is no way back: a drive whose writes go to its image, for instance. */
  historyProblem: MachineError | null = null;

  constructor(machine: Machine, engine: Engine) {
    this.machine = machine;
    this.engine = engine;
    this.checkpoints = new Checkpoints(engine);
    this.history = new History(this, this.checkpoints);
  }

  get cpus(): Cpu[] {
    return Array.from({ length: this.engine.state.cpuCount }, (_, n) => this.cpu(n));
  }

  /** For looking: `edit` changes what a debugger changes. */
  cpu(n: number): Cpu {
    return this.engine.state.cpusAt(n);
  }

  get position(): Position {
    return positionOf(this.engine);
  }

  /** From here on there is a way back, to here at most. */
  attach(): void {
    const { debug } = this.engine;
    Object.assign(debug, { active: 1, hitKind: 0, pauseCpu: NO_CPU, passCpu: NO_CPU });
    this.historyProblem = null;
    this.takeCheckpoint();
  }

  /** Forgets breakpoints and history. A paused turn goes on with the next run. */
  detach(): void {
    this.breakpoints.clear();
    this.watchpoints = [];
    this.arm();
    this.hold(0n);
    this.deadline = NEVER;
    this.checkpoints.clear();
    Object.assign(this.engine.debug, { active: 0, hitKind: 0, pauseCpu: NO_CPU });
  }

  /** False: there is no room for another. The same one may be set more than once. */
  setBreakpoint(rip: bigint): boolean {
    this.breakpoints.set(rip, (this.breakpoints.get(rip) ?? 0) + 1);
    if (this.arm()) return true;
    this.clearBreakpoint(rip);
    return false;
  }

  clearBreakpoint(rip: bigint): void {
    const count = this.breakpoints.get(rip) ?? 0;
    if (count > 1) this.breakpoints.set(rip, count - 1);
    else this.breakpoints.delete(rip);
    this.arm();
  }

  setWatchpoint(watchpoint: Watchpoint): boolean {
    this.watchpoints.push(watchpoint);
    if (this.arm()) return true;
    this.watchpoints.pop();
    this.arm();
    return false;
  }

  clearWatchpoint({ address, bytes, kind }: Watchpoint): void {
    const index = this.watchpoints.findIndex(
      (own) => own.address === address && own.bytes === bytes && own.kind === kind,
    );
    if (index >= 0) this.watchpoints.splice(index, 1);
    this.arm();
  }

  /** Tells the machine where to stop; whether all found room. */
  arm(): boolean {
    const { sim } = this.engine.core;
    sim.debugClear();
    let all = true;
    for (const rip of this.breakpoints.keys()) all = sim.debugAddBreakpoint(rip) !== 0 && all;
    for (const { address, bytes, kind } of this.watchpoints)
      all = sim.debugAddWatchpoint(address, bytes, KINDS[kind]) !== 0 && all;
    sim.debugApply();
    return all;
  }

  /** Nothing but a wanted time stops the machine, until `arm`. */
  disarm(): void {
    this.engine.core.sim.debugClear();
    this.engine.core.sim.debugApply();
  }

  /** The CPU goes on from a breakpoint at which it stands. */
  pass(cpu: number): void {
    Object.assign(this.engine.debug, { passCpu: cpu, passClock: this.cpu(cpu).clock });
  }

  /** The CPU in whose turn the machine stands has been reported; without one, that of the request. */
  private passFrom(cpu: number): void {
    const { paused } = this.engine.debug;
    this.pass(paused === 0 ? cpu : paused - 1);
  }

  /** The next run ends once the CPU's clock has come to `clock`; null: it does not. */
  pauseAt(cpu: number, clock: bigint | null): void {
    Object.assign(this.engine.debug, {
      pauseCpu: clock === null ? NO_CPU : cpu,
      pauseClock: clock ?? NEVER,
    });
  }

  /**
   * What follows is one instruction of `cpu`, or a turn of it where it executes no machine code.
   * @param held bit n: CPU n executes nothing meanwhile
   */
  beginStep(cpu: number, held = 0n): void {
    this.passFrom(cpu);
    this.pauseAt(cpu, this.cpu(cpu).clock + 1n);
    this.holdWhenDue(held);
  }

  beginContinue(cpu: number, held = 0n): void {
    this.passFrom(cpu);
    this.pauseAt(0, null);
    this.holdWhenDue(held);
  }

  /**
   * Where none of these CPUs would execute anyway, nothing is changed: stock gdb asks for it with every
   * step from a breakpoint.
   */
  private holdWhenDue(cpus: bigint): void {
    const { state, debug } = this.engine;
    const inTurn = debug.paused === 0 ? 0n : 1n << BigInt(debug.paused - 1);
    if ((state.held & ~cpus) !== 0n || (inTurn & cpus & ~state.held) !== 0n) this.hold(cpus);
    else debug.toBeHeld = cpus & ~state.held;
  }

  /** Holds these CPUs and no others. */
  private hold(cpus: bigint): void {
    const { engine } = this;
    engine.debug.toBeHeld = 0n;
    if (engine.state.held === cpus || engine.crash) return;
    const data = new RecordingDataView(engine.core.memory.buffer, (at, bytes) =>
      this.edit(at, bytes),
    );
    new MachineState(data, STATE_BASE).held = cpus;
  }

  /** Goes on for so many micro-steps at most; null: there is no reason to stop yet. */
  advance(cpu: number, until: bigint, steps: number): { stop: Stop | null; end: StopReason } {
    this.takeCheckpoint();
    const { deadline } = this;
    const end = this.machine.run({ until: deadline < until ? deadline : until, steps });
    if (end === "limit" && deadline <= until) {
      this.deadline = NEVER;
      return { stop: { reason: "interrupted", cpu }, end };
    }
    if (end === "break") return this.atBreak();
    return { stop: GOES_ON.has(end) ? null : { reason: "ended", cpu, end }, end };
  }

  private atBreak(): { stop: Stop | null; end: StopReason } {
    const { state, debug } = this.engine;
    if (debug.reason === DEBUG_HOLD && debug.hitKind === 0) {
      debug.reason = 0;
      this.hold(state.held | debug.toBeHeld);
    }
    const stop = this.takeStop();
    return { stop, end: stop ? "break" : "steps" };
  }

  /** What the machine has stopped for, if it was the debugger's doing. */
  takeStop(): Stop | null {
    const { debug } = this.engine;
    const { reason, hitKind, hitCpu, hitAddress } = debug;
    if (hitKind !== 0) {
      debug.hitKind = 0;
      const watchpoint = this.watchpointAt(hitAddress, hitKind);
      return watchpoint ? { reason: "watchpoint", cpu: hitCpu, watchpoint } : null;
    }
    if (reason === 0 || reason === DEBUG_WATCHPOINT || reason === DEBUG_HOLD) return null;
    debug.reason = 0;
    const atClock = reason === DEBUG_CLOCK;
    const cpu = debug.paused !== 0 ? debug.paused - 1 : debug.pauseCpu;
    return { reason: atClock ? "step" : "breakpoint", cpu };
  }

  /** An access of up to 4096 bytes from `address` on has met one of them. */
  private watchpointAt(address: bigint, kind: number): Watchpoint | undefined {
    const distance = (own: Watchpoint) => own.address - address;
    return this.watchpoints
      .filter((own) => (KINDS[own.kind] & kind) !== 0 && address < own.address + BigInt(own.bytes))
      .sort((a, b) => Number(distance(a) - distance(b)))[0];
  }

  /**
   * Back by one instruction of `cpu`.
   * @throws MachineError when there is no history
   */
  reverseStep(cpu: number): Promise<Stop> {
    return this.backwards(() => this.history.reverseStep(cpu));
  }

  /**
   * Back to the last time that a breakpoint was met. `interrupted` is asked now and then.
   * @throws MachineError when there is no history
   */
  reverseContinue(cpu: number, interrupted: () => boolean): Promise<Stop> {
    return this.backwards(() => this.history.reverseContinue(cpu, interrupted));
  }

  private async backwards(act: () => Promise<Stop>): Promise<Stop> {
    if (this.historyProblem) throw this.historyProblem;
    const { engine } = this;
    if (engine.state.steps > engine.present) engine.present = engine.state.steps;
    engine.debug.toBeHeld = 0n;
    try {
      return await act();
    } finally {
      this.pauseAt(0, null);
      this.arm();
    }
  }

  /** Changes bytes of linear memory. What was to come after this is forgotten. */
  edit(at: number, bytes: Uint8Array): void {
    const { engine } = this;
    engine.edit(at, bytes);
    this.checkpoints.dropAfter(engine.state.steps - 1n);
    this.takeCheckpoint();
  }

  /** Between two steps, if it is time for one. */
  private takeCheckpoint(): void {
    if (this.historyProblem || this.engine.paused) return;
    try {
      this.checkpoints.takeIfDue();
    } catch (error) {
      if (!(error instanceof MachineError)) throw error;
      this.historyProblem = error;
    }
  }
}
