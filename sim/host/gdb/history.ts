/**
 * The way back. A checkpoint before the place is put back, and the machine executes again up to it. What
 * it did once it does again, so a place is found by looking for it from before.
 */
import { NEVER } from "../engine.ts";
import type { Checkpoint, Checkpoints } from "./checkpoints.ts";
import type { Debugger, Stop } from "./debugger.ts";
import { compare, NO_CPU, type Position, wholeSteps } from "./position.ts";

/** Micro-steps between two looks at whether someone has lost patience. */
const STEPS_AT_A_TIME = 500;

export class History {
  private readonly on: Debugger;
  private readonly checkpoints: Checkpoints;

  constructor(on: Debugger, checkpoints: Checkpoints) {
    this.on = on;
    this.checkpoints = checkpoints;
  }

  private clock(cpu: number): bigint {
    return this.on.cpu(cpu).clock;
  }

  private get steps(): bigint {
    return this.on.engine.state.steps;
  }

  /** Puts the machine where it was; nothing else stops it on the way. */
  private goTo(position: Position, from = this.checkpoints.latest(wholeSteps(position))): void {
    if (!from) throw new RangeError("history: there is no checkpoint before that");
    this.on.disarm();
    this.checkpoints.restore(from);
    this.runTo(wholeSteps(position));
    if (position.turn) this.runInto(position.turn.cpu, position.turn.clock);
    else this.on.engine.replayEdits();
  }

  private runTo(steps: bigint): void {
    this.on.pauseAt(0, null);
    this.on.engine.run(NEVER, Number(steps - this.steps));
  }

  /** Makes a step, or ends the paused one, up to where the CPU's clock comes to `clock`. */
  private runInto(cpu: number, clock: bigint): void {
    const { engine } = this.on;
    this.on.pauseAt(cpu, clock);
    engine.run(NEVER, engine.paused ? 0 : 1);
    this.on.takeStop();
  }

  /** Runs up to the step in which the CPU's clock comes to `clock`. */
  private runUntil(cpu: number, clock: bigint): void {
    this.on.pauseAt(cpu, clock);
    this.on.engine.run(NEVER, Number.POSITIVE_INFINITY);
    this.on.takeStop();
  }

  /** The latest checkpoint, not after `steps`, at which the CPU's clock was before `clock`. */
  private restoreBefore(cpu: number, clock: bigint, steps: bigint): Checkpoint | null {
    let checkpoint = this.checkpoints.latest(steps);
    for (; checkpoint; checkpoint = this.checkpoints.before(checkpoint)) {
      this.checkpoints.restore(checkpoint);
      if (this.clock(cpu) < clock) return checkpoint;
    }
    return null;
  }

  /**
   * To the last place before this one at which a step of `cpu` ends: in front of an instruction in a
   * turn, or at a turn's end.
   */
  async reverseStep(cpu: number): Promise<Stop> {
    const { on } = this;
    const { turn: here } = on.position;
    const clock = this.clock(cpu);
    const steps = wholeSteps(on.position);
    on.disarm();
    if (here?.cpu === cpu && this.stepInTurn(cpu, clock, steps)) return { reason: "step", cpu };
    const checkpoint = this.restoreBefore(cpu, clock, steps);
    if (!checkpoint) return { reason: "history-begin", cpu };
    this.runUntil(cpu, clock);
    const turn = this.steps;
    this.checkpoints.restore(checkpoint);
    this.runTo(turn - 1n);
    const before = this.clock(cpu);
    const within = this.lastInTurn(cpu, before, clock);
    if (within === null) this.goToEndOfTurn(cpu, before, turn - 1n);
    return { reason: "step", cpu };
  }

  /**
   * The most frequent case: the instruction before this one took a cycle of the same turn. The turn's
   * beginning is kept as a checkpoint, so that the next step back is short.
   * @returns false when it was otherwise; the machine is then somewhere else
   */
  private stepInTurn(cpu: number, clock: bigint, steps: bigint): boolean {
    const from = this.checkpoints.latest(steps);
    if (!from) return false;
    this.checkpoints.restore(from);
    this.runTo(steps);
    this.checkpoints.take();
    if (this.clock(cpu) >= clock - 1n) return false;
    this.runInto(cpu, clock - 1n);
    return this.on.engine.paused && this.clock(cpu) === clock - 1n;
  }

  /**
   * Of the turn that follows, the last place with a clock between `before` and `clock`; null when there
   * is none. Nearly always it is a cycle back.
   */
  private lastInTurn(cpu: number, before: bigint, clock: bigint): bigint | null {
    const { engine } = this.on;
    const start = this.checkpoints.take();
    const at = (wanted: bigint): bigint | null => {
      this.checkpoints.restore(start);
      this.runInto(cpu, wanted);
      return engine.paused && this.clock(cpu) < clock ? this.clock(cpu) : null;
    };
    let found: bigint | null = null;
    for (let back = 1n; found === null; back *= 2n) {
      const wanted = clock - back > before ? clock - back : before + 1n;
      found = wanted < clock ? at(wanted) : null;
      if (wanted === before + 1n) break;
    }
    if (found === null) return null;
    for (;;) {
      this.runInto(cpu, found + 1n);
      if (!engine.paused || this.clock(cpu) >= clock) return at(found);
      found = this.clock(cpu);
    }
  }

  /** Where the CPU's clock came to `clock` at the end of a turn. */
  private goToEndOfTurn(cpu: number, clock: bigint, steps: bigint): void {
    if (this.restoreBefore(cpu, clock, steps)) this.runUntil(cpu, clock);
  }

  /** To the last stop before this place. A watched access is undone: the place is in front of it. */
  async reverseContinue(cpu: number, interrupted: () => boolean): Promise<Stop> {
    const { on, checkpoints } = this;
    const here = on.position;
    let end = here;
    let checkpoint = checkpoints.latest(wholeSteps(here));
    for (; checkpoint; checkpoint = checkpoints.before(checkpoint)) {
      on.arm();
      checkpoints.restore(checkpoint);
      const from = on.position;
      const last = await this.lastStop(end, interrupted);
      if (last === "interrupted") {
        this.goTo(here);
        return { reason: "interrupted", cpu };
      }
      if (last) {
        this.goTo(last.position);
        if (last.stop.reason === "watchpoint") await this.reverseStep(last.stop.cpu);
        return last.stop;
      }
      end = from;
    }
    const { first } = checkpoints;
    if (first) checkpoints.restore(first);
    return { reason: "history-begin", cpu };
  }

  private async lastStop(
    end: Position,
    interrupted: () => boolean,
  ): Promise<{ position: Position; stop: Stop } | "interrupted" | null> {
    const { on } = this;
    let last: { position: Position; stop: Stop } | null = null;
    on.engine.debug.passCpu = NO_CPU;
    for (;;) {
      const stop = await this.nextStop(end, interrupted);
      if (stop === "interrupted") return stop;
      if (!stop) return last;
      const { position } = on;
      const order = compare(position, end);
      if (order > 0 || (order === 0 && stop.reason !== "watchpoint")) return last;
      last = { position, stop };
      if (order === 0) return last;
      on.pass(stop.cpu);
    }
  }

  /** The next stop up to `end`, where there is one; null at the end. */
  private async nextStop(
    end: Position,
    interrupted: () => boolean,
  ): Promise<Stop | "interrupted" | null> {
    const { on } = this;
    const { engine } = on;
    on.pauseAt(0, null);
    const whole = wholeSteps(end);
    while (this.steps < whole || (engine.paused && this.steps === whole)) {
      const count = Math.min(Number(whole - this.steps), STEPS_AT_A_TIME);
      const reason = engine.run(NEVER, count);
      const stop = reason === "break" ? on.takeStop() : null;
      if (stop) return stop;
      await new Promise((resolve) => setTimeout(resolve, 0));
      if (interrupted()) return "interrupted";
    }
    if (!end.turn) return null;
    on.pauseAt(end.turn.cpu, end.turn.clock);
    engine.run(NEVER, engine.paused ? 0 : 1);
    const stop = on.takeStop();
    on.pauseAt(0, null);
    return stop?.reason === "step" ? null : stop;
  }
}
