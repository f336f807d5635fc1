/**
 * The machine's trace: a ring of fixed-size records, always on, part of the state.
 *
 * The host keeps its own read position, so looking changes nothing. Which kinds stop the machine is
 * in the host window, outside the state, for the same reason.
 */
import { allocate, allocateOne } from "./arena";
import { currentTime } from "./events";
import { machine, Ptr } from "./machine";
import { hostControl } from "./host";

export const TRACE_RECORDS: u32 = 16384;

@unmanaged
export class TraceRecord {
  time: u64;
  kind: u16;
  source: u16;
  a: u32;
  b: u64;
  c: u64;
}

@unmanaged
export class TraceRing {
  /** Records ever written; record n is at index n modulo TRACE_RECORDS. */
  written: u64;
  records: Ptr<TraceRecord>;
}

export function createTrace(): void {
  const ring = allocateOne<TraceRing>();
  machine().trace = changetype<usize>(ring);
  ring.records = allocate(<usize>TRACE_RECORDS * offsetof<TraceRecord>());
}

/** Appends a record stamped with the current virtual time. */
export function trace(kind: u32, source: u32, a: u32 = 0, b: u64 = 0, c: u64 = 0): void {
  const ring = changetype<TraceRing>(machine().trace);
  const index = <u32>ring.written & (TRACE_RECORDS - 1);
  const record = changetype<TraceRecord>(ring.records + <usize>index * offsetof<TraceRecord>());
  record.time = currentTime();
  record.kind = <u16>kind;
  record.source = <u16>source;
  record.a = a;
  record.b = b;
  record.c = c;
  ring.written += 1;
  const control = hostControl();
  if ((control.breakKinds >> <u64>kind) & 1) control.breakHit = 1;
}
