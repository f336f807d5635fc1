/** Reads the machine's trace, for tests that ask when something happened. */
import { TRACE_LINE, TRACE_MSI } from "../../spec/trace.ts";
import type { Machine } from "../machine.ts";
import { TraceRing } from "../views.generated.ts";

const TRACE_RECORDS = 16_384n;

export interface Record {
  readonly time: bigint;
  readonly kind: number;
  readonly source: number;
  readonly a: number;
  readonly b: bigint;
  readonly c: bigint;
}

/** The records still in the ring, oldest first. */
export function records(machine: Machine, kind: number): Record[] {
  const ring = new TraceRing(machine.core.data, machine.state.trace);
  const found: Record[] = [];
  const oldest = ring.written > TRACE_RECORDS ? ring.written - TRACE_RECORDS : 0n;
  for (let index = oldest; index < ring.written; index++) {
    const { time, kind: is, source, a, b, c } = ring.recordsAt(Number(index % TRACE_RECORDS));
    if (is === kind) found.push({ time, kind: is, source, a, b, c });
  }
  return found;
}

/** Times at which line `gsi` rose. */
export function rises(machine: Machine, gsi: number): bigint[] {
  return records(machine, TRACE_LINE)
    .filter((record) => record.a === gsi && record.b === 1n)
    .map((record) => record.time);
}

/** Level of line `gsi` as last driven. */
export function lineLevel(machine: Machine, gsi: number): number {
  const last = records(machine, TRACE_LINE).findLast((record) => record.a === gsi);
  return Number(last?.b ?? 0n);
}

/** Messages written: time, address and data. */
export function messages(machine: Machine): [bigint, bigint, bigint][] {
  return records(machine, TRACE_MSI).map(({ time, b, c }) => [time, b, c]);
}
