/** Armed faults: a small table that devices ask at the places where hardware goes wrong. */
import { allocate } from "./arena";
import { machine, Ptr } from "./machine";
import { trace } from "./trace";
import { TRACE_FAULT } from "../spec/trace";

export const FAULTS_MAX: u32 = 64;

@unmanaged
export class Fault {
  /** 0 = free, else a kind of sim/spec/faults.ts. */
  kind: u16;
  /** PCI function of the device. */
  source: u16;
  /** How many occasions pass before it takes effect. */
  skip: u32;
  argument: u64;
}

export function createFaults(): void {
  machine().faults = allocate(<usize>FAULTS_MAX * offsetof<Fault>());
}

@inline
function faultAt(index: u32): Fault {
  return changetype<Fault>(machine().faults + <usize>index * offsetof<Fault>());
}

/** Arms a fault; false when the table is full. */
export function armFault(kind: u32, source: u32, skip: u32, argument: u64): bool {
  for (let index: u32 = 0; index < FAULTS_MAX; index++) {
    const fault = faultAt(index);
    if (fault.kind != 0) continue;
    machine().faultCount += 1;
    fault.kind = <u16>kind;
    fault.source = <u16>source;
    fault.skip = skip;
    fault.argument = argument;
    return true;
  }
  return false;
}

/**
 * Whether a fault of this kind takes effect on this occasion. One that does is used up, except for
 * a vanished device, which stays away.
 */
export function takeFault(kind: u32, source: u32): bool {
  if (machine().faultCount == 0) return false;
  for (let index: u32 = 0; index < FAULTS_MAX; index++) {
    const fault = faultAt(index);
    if (fault.kind != <u16>kind || fault.source != <u16>source) continue;
    if (fault.skip > 0) {
      fault.skip -= 1;
      return false;
    }
    fault.kind = 0;
    machine().faultCount -= 1;
    trace(<u16>TRACE_FAULT, source, kind);
    return true;
  }
  return false;
}

/** The argument of the armed fault of this kind; 0 when there is none. Ask before `takeFault`. */
export function faultArgument(kind: u32, source: u32): u64 {
  if (machine().faultCount == 0) return 0;
  for (let index: u32 = 0; index < FAULTS_MAX; index++) {
    const fault = faultAt(index);
    if (fault.kind == <u16>kind && fault.source == <u16>source) return fault.argument;
  }
  return 0;
}
