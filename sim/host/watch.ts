/** Breakpoints and listeners on what the machine's trace and the kernel's record. */
import { KernelViews } from "../../kernel/host/views.ts";
import { type Core, HOST_BASE, STATE_BASE } from "./core.ts";
import {
  decodeEvent,
  type EventKind,
  eventNumber,
  eventRing,
  type MachineEvent,
  RECORD_BYTES,
  type Ring,
} from "./trace-events.ts";
import { Machine as MachineState, TraceRing } from "./views.generated.ts";

/** Records in each ring (sim/core/trace.ts, kernel/limits.ts). */
const RING_RECORDS = { sim: 16384n, kernel: 4096n } as const;

/** A breakpoint or listener that can be taken away again. */
export interface Watch {
  remove(): void;
}

interface Watcher {
  readonly kind: EventKind | "*";
  /** Whether the run stops after this event. */
  readonly see: (event: MachineEvent) => boolean;
  readonly breaks: boolean;
}

interface RingView {
  readonly written: bigint;
  readonly records: number;
}

export class Watches {
  private readonly core: Core;
  private readonly ring: TraceRing;
  private readonly kernel: KernelViews;
  private readonly watchers = new Set<Watcher>();
  /** Records seen so far. */
  private readonly position = { sim: 0n, kernel: 0n };
  /** Records that were overwritten before anyone looked. */
  lost = 0n;

  constructor(core: Core) {
    this.core = core;
    this.ring = new TraceRing(core.data, new MachineState(core.data, STATE_BASE).trace);
    this.kernel = new KernelViews(core.data);
  }

  get active(): boolean {
    return this.watchers.size > 0;
  }

  /** Whether a breakpoint is on what only the kernel records: to be looked for at every step. */
  get everyStep(): boolean {
    for (const { kind, breaks } of this.watchers)
      if (breaks && kind !== "*" && eventRing(kind) === "kernel") return true;
    return false;
  }

  add(watcher: Watcher): Watch {
    // What happened before belongs to those who were watching.
    this.drain();
    for (const ring of ["sim", "kernel"] as const)
      this.position[ring] = this.viewOf(ring)?.written ?? 0n;
    this.watchers.add(watcher);
    this.armBreaks();
    return {
      remove: () => {
        this.drain();
        this.watchers.delete(watcher);
        this.armBreaks();
      },
    };
  }

  /** Tells sim.wasm which kinds of records end a run at once; not part of the machine's state. */
  private armBreaks(): void {
    let kinds = 0n;
    for (const { kind, breaks } of this.watchers)
      if (breaks && kind !== "*" && eventRing(kind) === "sim")
        kinds |= 1n << BigInt(eventNumber(kind));
    this.core.data.setBigUint64(HOST_BASE, kinds, true);
  }

  /** Shows all new events to the watchers; whether one of them breaks. */
  drain(): boolean {
    if (!this.active) return false;
    const sim = this.drainRing("sim");
    return this.drainRing("kernel") || sim;
  }

  private viewOf(ring: Ring): RingView | null {
    return ring === "sim" ? this.ring : this.kernel.trace;
  }

  private drainRing(name: Ring): boolean {
    const ring = this.viewOf(name);
    if (!ring) return false;
    const size = RING_RECORDS[name];
    const { written, records } = ring;
    // The kernel's ring is in the guest's hands: it may claim anything.
    if (records < 0 || records + Number(size) * RECORD_BYTES > this.core.data.byteLength)
      return false;
    let next = this.position[name];
    if (written - next > size) {
      this.lost += written - next - size;
      next = written - size;
    }
    this.position[name] = written;
    let hit = false;
    for (; next < written; next += 1n) {
      const slot = Number(next % size);
      const event = decodeEvent(name, this.core.data, records + slot * RECORD_BYTES);
      if (event && this.show(event)) hit = true;
    }
    return hit;
  }

  private show(event: MachineEvent): boolean {
    let hit = false;
    for (const watcher of this.watchers)
      if (watcher.kind === "*" || watcher.kind === event.kind)
        if (watcher.see(event) && watcher.breaks) hit = true;
    return hit;
  }
}
