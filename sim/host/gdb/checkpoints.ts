/**
 * Checkpoints of one machine, taken as it runs, so that it can be put back to any of them in place.
 * Between two of them it is executed again from the older one. A page that hasn't changed since the
 * checkpoint before is the same bytes in both. When there are too many, one goes whose neighbours are
 * near each other for how long ago they were: the past is dense behind the present and thin far away.
 */
import { STATE_BASE } from "../core.ts";
import type { Drive } from "../drives.ts";
import type { Engine } from "../engine.ts";
import type { JournalEntry } from "../journal.ts";
import { samePage } from "../shared-frames.ts";
import { forUsedSpans, requireCopyable } from "../snapshot.ts";
import { PAGE_BYTES } from "../snapshot-file.ts";

/**
 * Micro-steps between two checkpoints. A busy CPU's are 20,000 cycles each; a machine that idles makes
 * hardly any, and needs no checkpoints either.
 */
const INTERVAL = 4000n;
const CHECKPOINTS_MAX = 40;
/** Bytes of pages that all checkpoints may take. */
const BYTES_MAX = 1024 * 1024 * 1024;

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
  /** Pages that they keep. */
  private pages = 0;
  /** Micro-steps between two of them, and bytes of pages that they may take. */
  interval = INTERVAL;
  bytesMax = BYTES_MAX;

  constructor(engine: Engine) {
    this.engine = engine;
  }

  get first(): Checkpoint | undefined {
    return this.list[0];
  }

  get count(): number {
    return this.list.length;
  }

  /** Bytes of their pages; one that several share counts once. */
  get bytes(): number {
    return this.pages * PAGE_BYTES;
  }

  /** Pages of checkpoint `n` that neither of its neighbours has. Whoever shares one, so do all between. */
  private own(n: number): number {
    const before = this.list[n - 1]?.pages;
    const after = this.list[n + 1]?.pages;
    let count = 0;
    for (const [at, page] of this.list[n]?.pages ?? [])
      if (before?.get(at) !== page && after?.get(at) !== page) count += 1;
    return count;
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
    this.pages = 0;
  }

  /** Forgets those of a future that will not be: more than so many steps away from power-on. */
  dropAfter(steps: bigint): void {
    for (let n = this.list.length - 1; n >= 0; n--)
      if ((this.list[n]?.steps ?? 0n) > steps) this.drop(n);
  }

  private drop(n: number): void {
    this.pages -= this.own(n);
    this.list.splice(n, 1);
  }

  /** Takes one if it is time for it; the machine stands between two micro-steps. */
  takeIfDue(): void {
    const last = this.list.at(-1);
    if (last && this.engine.state.steps < last.steps + this.interval) return;
    this.take();
  }

  /** The one for this place, where the machine stands between two micro-steps; taken if there is none. */
  take(): Checkpoint {
    const { steps } = this.engine.state;
    const base = this.latest(steps);
    if (base?.steps === steps) return base;
    const checkpoint = this.capture(base);
    const index = base ? this.list.indexOf(base) + 1 : 0;
    this.list.splice(index, 0, checkpoint);
    this.pages += this.own(index);
    while (this.list.length > 2 && this.tooMany) this.thin(checkpoint);
    return checkpoint;
  }

  private get tooMany(): boolean {
    return this.list.length > CHECKPOINTS_MAX || this.bytes > this.bytesMax;
  }

  /** Drops one, but neither the first nor the newest, nor `kept`. */
  private thin(kept: Checkpoint): void {
    const { list } = this;
    const now = Number(list.at(-1)?.steps ?? 0n);
    let least = Number.POSITIVE_INFINITY;
    let victim = 1;
    for (let n = 1; n < list.length - 1; n++) {
      const from = Number(list[n - 1]?.steps ?? 0n);
      const gap = (Number(list[n + 1]?.steps ?? 0n) - from) / (now - from);
      if (gap >= least || list[n] === kept) continue;
      least = gap;
      victim = n;
    }
    this.drop(victim);
  }

  /** @throws MachineError guest-trap, drive-written-through */
  private capture(base: Checkpoint | undefined): Checkpoint {
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
