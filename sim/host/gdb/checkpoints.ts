/**
 * Checkpoints of one machine, taken as it runs, so that it can be put back to any of them in place.
 * Between two of them it is executed again from the older one. A page that hasn't changed since the
 * checkpoint before is the same bytes in both; when there are many checkpoints, every second one goes
 * and they are taken half as often.
 */
import { STATE_BASE } from "../core.ts";
import type { Drive } from "../drives.ts";
import type { Engine } from "../engine.ts";
import type { JournalEntry } from "../journal.ts";
import { samePage } from "../shared-frames.ts";
import { forUsedSpans, requireCopyable } from "../snapshot.ts";
import { PAGE_BYTES } from "../snapshot-file.ts";

/** Virtual time between two checkpoints at first, in ns. */
const INTERVAL = 50_000_000n;
const CHECKPOINTS_MAX = 40;

export interface Checkpoint {
  /** Always between two micro-steps. */
  readonly steps: bigint;
  readonly time: bigint;
  /** Pages of the machine's state and of RAM that aren't all zeroes, by linear address. */
  readonly pages: ReadonlyMap<number, Uint8Array>;
  readonly drives: readonly Drive[];
  readonly reached: bigint;
  readonly consolePosition: number;
  readonly consoleBytes: Uint8Array;
  readonly frames: readonly Uint8Array[];
  /** Inputs before it. */
  readonly inputs: number;
}

export class Checkpoints {
  private readonly engine: Engine;
  private list: Checkpoint[] = [];
  private interval = INTERVAL;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get first(): Checkpoint | undefined {
    return this.list[0];
  }

  /** The latest one at which at most `steps` steps had been made. */
  latest(steps: bigint): Checkpoint | undefined {
    return this.list.findLast((checkpoint) => checkpoint.steps <= steps);
  }

  before(checkpoint: Checkpoint): Checkpoint | undefined {
    return this.list[this.list.indexOf(checkpoint) - 1];
  }

  clear(): void {
    this.list = [];
    this.interval = INTERVAL;
  }

  /** Forgets those of a future that will not be: more than so many steps away from power-on. */
  dropAfter(steps: bigint): void {
    this.list = this.list.filter((checkpoint) => checkpoint.steps <= steps);
  }

  /** Takes one if it is time for it; the machine stands between two micro-steps. */
  takeIfDue(): void {
    const last = this.list.at(-1);
    if (last && this.engine.time < last.time + this.interval) return;
    this.list.push(this.capture(last));
    if (this.list.length <= CHECKPOINTS_MAX) return;
    this.list = this.list.filter((_, n) => n % 2 === 0);
    this.interval *= 2n;
  }

  /**
   * The machine as it is, in a checkpoint that isn't kept here.
   * @param base one with which unchanged pages are shared
   * @throws MachineError guest-trap, drive-written-through
   */
  capture(base: Checkpoint | undefined = this.list.at(-1)): Checkpoint {
    const { engine } = this;
    requireCopyable(engine);
    const { core, state, console } = engine;
    const pages = new Map<number, Uint8Array>();
    const keep = (from: number, to: number) => {
      for (let at = from; at < to; at += PAGE_BYTES) {
        const page = core.bytes.subarray(at, at + PAGE_BYTES);
        const known = base?.pages.get(at);
        pages.set(at, known && samePage(known, page) ? known : page.slice());
      }
    };
    keep(STATE_BASE, pageEnd(state.arenaTop));
    forUsedSpans(engine, keep);
    const sharesConsole = base?.consolePosition === console.position;
    return {
      steps: state.steps,
      time: engine.time,
      pages,
      drives: engine.drives.map((drive) => drive.fork()),
      reached: engine.reached,
      consolePosition: console.position,
      consoleBytes: base && sharesConsole ? base.consoleBytes : console.bytes.slice(),
      frames: [...engine.framesSent],
      inputs: engine.journal.length,
    };
  }

  /** Puts the machine back; the inputs that came since then are replayed as it goes on. */
  restore(checkpoint: Checkpoint): void {
    const { engine } = this;
    const { core, debug } = engine;
    debug.paused = 0;
    debug.hitKind = 0;
    forUsedSpans(engine, (from, to) => {
      for (let at = from; at < to; at += PAGE_BYTES)
        if (!checkpoint.pages.has(at)) core.bytes.fill(0, at, at + PAGE_BYTES);
    });
    for (const [at, page] of checkpoint.pages) core.bytes.set(page, at);
    engine.drives.forEach((drive, n) => {
      const kept = checkpoint.drives[n];
      if (kept) drive.setChanges(kept.changes());
    });
    engine.reached = checkpoint.reached;
    engine.console.copyFrom(checkpoint.consolePosition, checkpoint.consoleBytes);
    engine.framesSent.splice(0, engine.framesSent.length, ...checkpoint.frames);
    this.rewindJournal(checkpoint.inputs);
    engine.shared = undefined;
    core.sim.forgetFrames();
    core.sim.debugApply();
  }

  private rewindJournal(inputs: number): void {
    const { engine } = this;
    const all: JournalEntry[] = engine.journal.entries();
    engine.replay.push(...all.slice(inputs).reverse());
    engine.journal.clear();
    for (const entry of all.slice(0, inputs)) engine.journal.push(entry);
  }
}

const pageEnd = (at: number) => Math.ceil(at / PAGE_BYTES) * PAGE_BYTES;
