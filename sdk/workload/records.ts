/**
 * Reads scheduling off a machine: the kernel's trace ring has dispatches, wake-ups and misses
 * (kernel/trace.ts), the machine's has the marks that programs leave (OP_MARK). Looking changes
 * nothing; what was overwritten before anyone looked is counted.
 */
import { TRACE_MARK } from "../../sim/spec/trace.ts";
import type { DescheduleReason, SchedulingEvent } from "./events.ts";
import { MARK_FAILED, MARK_OVERRUN, MARK_TICK, MARK_WEIGHT } from "./program.ts";

/** Kinds of kernel/trace.ts. */
export const TRACE_DISPATCH = 4;
export const TRACE_DESCHEDULE = 5;
export const TRACE_WAKE = 6;
export const TRACE_MISS = 7;
export const TRACE_MIGRATE = 8;
/** Why an agent left its processor, from 1 (kernel/sched/why.ts). */
const REASONS: readonly DescheduleReason[] = ["preempted", "yielded", "blocked"];

const RECORD_BYTES = 32;
const TWO_32 = 2 ** 32;

/** A ring of records in the machine's memory. */
export interface Ring {
  readonly data: DataView;
  /** Linear address of the first record. */
  readonly records: number;
  readonly capacity: number;
  /** Records ever written. */
  readonly written: bigint;
}

/** A record of either ring, with what both call CPU. */
interface Entry {
  readonly time: number;
  readonly mark: boolean;
  readonly kind: number;
  readonly cpu: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

/** A program's system call failed: which agent's, and the status. */
export interface Failure {
  readonly agent: number;
  readonly time: number;
  readonly status: number;
}

const quadword = (data: DataView, at: number) =>
  data.getUint32(at, true) + data.getUint32(at + 4, true) * TWO_32;

function kernelEntry(data: DataView, at: number): Entry | null {
  const kind = data.getUint32(at + 8, true);
  if (kind < TRACE_DISPATCH || kind > TRACE_MIGRATE) return null;
  const a = data.getUint32(at + 12, true);
  const [b, c] = [quadword(data, at + 16), quadword(data, at + 24)];
  return { time: quadword(data, at), mark: false, kind, cpu: a & 0xff, a: a >>> 8, b, c };
}

function markEntry(data: DataView, at: number): Entry | null {
  if (data.getUint16(at + 8, true) !== TRACE_MARK) return null;
  const cpu = data.getUint16(at + 10, true);
  const [kind, c] = [quadword(data, at + 16), quadword(data, at + 24)];
  return { time: quadword(data, at), mark: true, kind, cpu, a: 0, b: 0, c };
}

/** Follows one ring. */
class RingReader {
  private position: bigint;
  private readonly decode: (data: DataView, at: number) => Entry | null;

  constructor(ring: Ring, decode: (data: DataView, at: number) => Entry | null) {
    this.position = ring.written;
    this.decode = decode;
  }

  /** Adds what is new; returns how many records were gone before. */
  read({ data, records, capacity, written }: Ring, into: Entry[]): { lost: number; fresh: number } {
    let fresh = Number(written - this.position);
    const lost = Math.max(0, fresh - capacity);
    fresh -= lost;
    const first = written - BigInt(fresh);
    this.position = written;
    let index = Number(first % BigInt(capacity));
    for (let count = 0; count < fresh; count++) {
      const entry = this.decode(data, records + index * RECORD_BYTES);
      if (entry) into.push(entry);
      index = index + 1 === capacity ? 0 : index + 1;
    }
    return { lost, fresh };
  }
}

export class SchedulingRecords {
  readonly failures: Failure[] = [];
  /** Records that were overwritten before anyone looked. */
  lost = 0;
  private readonly kernel: RingReader;
  private readonly marks: RingReader;
  private readonly sink: (event: SchedulingEvent) => void;
  /** Agent that each CPU runs: whose marks those of that CPU are. */
  private readonly current = new Map<number, number>();

  /** Begins with what comes after now. */
  constructor(kernel: Ring, marks: Ring, sink: (event: SchedulingEvent) => void) {
    this.kernel = new RingReader(kernel, kernelEntry);
    this.marks = new RingReader(marks, markEntry);
    this.sink = sink;
  }

  /**
   * Tells the sink what is new. Processors are up to a slice of virtual time apart, so of two of them
   * times may go back a little; what the kernel did is told in the order in which it did it.
   * @returns how full the fuller of the rings had become, 1 for full
   */
  read(kernel: Ring, marks: Ring): number {
    const [entries, marked]: [Entry[], Entry[]] = [[], []];
    const ofKernel = this.kernel.read(kernel, entries);
    const ofMarks = this.marks.read(marks, marked);
    this.lost += ofKernel.lost + ofMarks.lost;
    this.merge(entries, marked);
    const filled = (fresh: number, lost: number, { capacity }: Ring) => (fresh + lost) / capacity;
    return Math.max(
      filled(ofKernel.fresh, ofKernel.lost, kernel),
      filled(ofMarks.fresh, ofMarks.lost, marks),
    );
  }

  /** Marks stand between what the kernel did on the same processor, by time. */
  private merge(entries: readonly Entry[], marked: readonly Entry[]): void {
    const waiting = new Map<number, Entry[]>();
    for (const mark of marked) {
      const ofCpu = waiting.get(mark.cpu);
      if (ofCpu) ofCpu.push(mark);
      else waiting.set(mark.cpu, [mark]);
    }
    const next = new Map<number, number>();
    for (const entry of entries) {
      const marks = waiting.get(entry.cpu);
      if (marks && (entry.kind === TRACE_DISPATCH || entry.kind === TRACE_DESCHEDULE)) {
        let at = next.get(entry.cpu) ?? 0;
        for (let mark = marks[at]; mark && mark.time < entry.time; mark = marks[at]) {
          this.tell(mark);
          at += 1;
        }
        next.set(entry.cpu, at);
      }
      this.tell(entry);
    }
    for (const [cpu, marks] of waiting)
      for (const mark of marks.slice(next.get(cpu) ?? 0)) this.tell(mark);
  }

  private tell({ time, mark, kind, cpu, a, b, c }: Entry): void {
    if (mark) {
      this.tellMark(time, kind, this.current.get(cpu) ?? 0, c);
      return;
    }
    switch (kind) {
      case TRACE_DISPATCH:
        this.current.set(cpu, b);
        this.sink({ kind: "dispatch", time, cpu, agent: b, ...(c === b ? {} : { payer: c }) });
        break;
      case TRACE_DESCHEDULE:
        this.current.delete(cpu);
        this.sink({
          kind: "deschedule",
          time,
          cpu,
          agent: b,
          reason: REASONS[a - 1] ?? "blocked",
        });
        break;
      case TRACE_WAKE:
        this.sink({ kind: "wake", time, cpu, agent: b });
        break;
      case TRACE_MIGRATE:
        this.sink({ kind: "migrate", time, cpu, agent: b });
        break;
      case TRACE_MISS:
        this.sink({ kind: "miss", time, agent: b });
        break;
    }
  }

  private tellMark(time: number, kind: number, agent: number, value: number): void {
    switch (kind) {
      case MARK_TICK:
        this.sink({ kind: "tick", time, agent, late: time - value });
        break;
      case MARK_OVERRUN:
        this.sink({ kind: "overrun", time, agent });
        break;
      case MARK_WEIGHT:
        this.sink({ kind: "reweigh", time, agent, weight: value });
        break;
      case MARK_FAILED:
        this.failures.push({ agent, time, status: value });
        break;
    }
  }
}
