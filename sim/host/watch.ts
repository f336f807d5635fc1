/** Breakpoints and listeners on what the machine's trace records. */
import { type Core, HOST_BASE, STATE_BASE } from "./core.ts";
import {
  decodeSimEvent,
  type SimEvent,
  type SimEventKind,
  simEventNumber,
} from "./trace-events.ts";
import { Machine as MachineState, TraceRecord, TraceRing } from "./views.generated.ts";

/** Records in the machine's ring (sim/core/trace.ts). */
const RING_RECORDS = 16384n;

/** A breakpoint or listener that can be taken away again. */
export interface Watch {
  remove(): void;
}

interface Watcher {
  readonly kind: SimEventKind | "*";
  /** Whether the run stops after this event. */
  readonly see: (event: SimEvent) => boolean;
  readonly breaks: boolean;
}

export class Watches {
  private readonly core: Core;
  private readonly ring: TraceRing;
  private readonly watchers = new Set<Watcher>();
  /** Records seen so far. */
  private position = 0n;
  /** Records that were overwritten before anyone looked. */
  lost = 0n;

  constructor(core: Core) {
    this.core = core;
    this.ring = new TraceRing(core.data, new MachineState(core.data, STATE_BASE).trace);
  }

  get active(): boolean {
    return this.watchers.size > 0;
  }

  add(watcher: Watcher): Watch {
    if (!this.active) this.position = this.ring.written;
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
      if (breaks && kind !== "*") kinds |= 1n << BigInt(simEventNumber(kind));
    this.core.data.setBigUint64(HOST_BASE, kinds, true);
  }

  /** Shows all new events to the watchers; whether one of them breaks. */
  drain(): boolean {
    if (!this.active) return false;
    const { written } = this.ring;
    if (written - this.position > RING_RECORDS) {
      this.lost += written - this.position - RING_RECORDS;
      this.position = written - RING_RECORDS;
    }
    let hit = false;
    for (; this.position < written; this.position += 1n) {
      const slot = Number(this.position % RING_RECORDS);
      const event = decodeSimEvent(this.core.data, this.ring.records + slot * TraceRecord.size);
      if (event && this.show(event)) hit = true;
    }
    return hit;
  }

  private show(event: SimEvent): boolean {
    let hit = false;
    for (const watcher of this.watchers)
      if (watcher.kind === "*" || watcher.kind === event.kind)
        if (watcher.see(event) && watcher.breaks) hit = true;
    return hit;
  }
}
