/** The kernel's own trace: a ring of records in RAM that whoever looks from outside reads. */
import { timestamp } from "../hal/x86_64/machine";
import { TRACE_RECORDS } from "./limits";
import { kernel, Ptr } from "./state";

/** a = log2 of the page's bytes, b = linear address, c = physical address. */
export const TRACE_PAGE_MAPPED: u32 = 1;
export const TRACE_PAGE_UNMAPPED: u32 = 2;
/** a = stage of the boot that begins. */
export const TRACE_STAGE: u32 = 3;
/** a = CPU, b = the agent that runs from now on, c = the agent on whose time. */
export const TRACE_DISPATCH: u32 = 4;
/** a = CPU | why << 8 (sched/why.ts), b = the agent that ran, c = for how long, ns. */
export const TRACE_DESCHEDULE: u32 = 5;
/** a = CPU in whose queues it is, b = the agent that can run again. */
export const TRACE_WAKE: u32 = 6;
/** a = CPU, b = the agent (0: the fair class) with budget left behind its deadline, c = the deadline, ns. */
export const TRACE_MISS: u32 = 7;
/** a = CPU in whose queues it is from now on, b = the agent that was moved. */
export const TRACE_MIGRATE: u32 = 8;

@unmanaged
export class KernelRecord {
  time: u64;
  kind: u32;
  a: u32;
  b: u64;
  c: u64;
}

@unmanaged
export class KernelTrace {
  /** Records ever written; record n is at index n modulo TRACE_RECORDS. */
  written: u64;
  /** TRACE_RECORDS, for whoever reads from outside. */
  capacity: u32;
  records: Ptr<KernelRecord>;
  /** Time of the last record whose maker read the clock. */
  time: u64;
}

export const TRACE_BYTES: u64 = <u64>TRACE_RECORDS * 32 + 4096;

/** Sets the ring up in zeroed RAM at linear address `at`, TRACE_BYTES long. */
export function traceInit(at: usize): void {
  const ring = changetype<KernelTrace>(at);
  ring.capacity = TRACE_RECORDS;
  ring.records = at + 4096;
  kernel().trace = at;
}

export function kernelTrace(kind: u32, a: u32, b: u64, c: u64): void {
  const ring = changetype<KernelTrace>(kernel().trace);
  ring.time = timestamp();
  append(ring, kind, a, b, c);
}

/**
 * A record with the time of the one before it: for what happens often and close together, as pages
 * that are mapped, where reading the clock would cost more than the thing itself.
 */
export function kernelTraceBehind(kind: u32, a: u32, b: u64, c: u64): void {
  append(changetype<KernelTrace>(kernel().trace), kind, a, b, c);
}

@inline
function append(ring: KernelTrace, kind: u32, a: u32, b: u64, c: u64): void {
  const written = ring.written;
  ring.written = written + 1;
  const index = <usize>written & (TRACE_RECORDS - 1);
  const record = changetype<KernelRecord>(ring.records + index * offsetof<KernelRecord>());
  record.time = ring.time;
  record.kind = kind;
  record.a = a;
  record.b = b;
  record.c = c;
}
