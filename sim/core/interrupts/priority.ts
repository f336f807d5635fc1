/** Acceptance, priority and acknowledgement of interrupts (Intel SDM 3A, 10.8). */
import { Cpu, cpuSignal, cpuSignalAgain } from "../cpu/cpu";
import {
  DELIVERY_EXTINT,
  DELIVERY_SHIFT,
  ESR_RECEIVE_ILLEGAL_VECTOR,
  LVT_MASKED,
} from "../../spec/apic";
import { ioapicEoi } from "./ioapic";
import { lapicError, lintEoi } from "./local";
import { picAcknowledge } from "./pic";
import {
  acceptsFixed,
  clearBit,
  hasBit,
  highestBit,
  IRR,
  isEnabled,
  ISR,
  Lapic,
  lapicOf,
  lvt,
  LVT_LINT0,
  setBit,
  TMR,
} from "./state";

/** Vectors 0-15 are reserved for exceptions; an APIC never accepts them (10.5.2). */
export const VECTOR_FIRST_LEGAL: u32 = 16;
/** What `lapicPendingVector` answers when the 8259 is to be asked for the vector. */
export const PENDING_EXTINT: i32 = 256;

/** Takes a fixed interrupt in; false when this APIC does not accept any. */
export function accept(lapic: Lapic, vector: u32, level: bool): bool {
  if (!acceptsFixed(lapic)) return false;
  if (vector < VECTOR_FIRST_LEGAL) {
    lapicError(lapic, ESR_RECEIVE_ILLEGAL_VECTOR);
    return true;
  }
  const again = deliverable(lapic) >= 0;
  setBit(lapic, IRR, vector);
  if (level) setBit(lapic, TMR, vector);
  else clearBit(lapic, TMR, vector);
  if (again) cpuSignalAgain(lapic.id);
  else cpuSignal(lapic.id);
  return true;
}

/** Processor priority: the higher class of the task priority and what is in service (10.8.3.1). */
export function processorPriority(lapic: Lapic): u32 {
  const inService = highestBit(lapic, ISR);
  const service: u32 = inService < 0 ? 0 : <u32>inService & 0xf0;
  return (lapic.tpr & 0xf0) >= service ? lapic.tpr : service;
}

/** Whether the 8259's request reaches this CPU: a message, LINT0 as ExtINT, or the bare INTR pin. */
function extIntPending(lapic: Lapic): bool {
  if (lapic.extInt) return true;
  if (!lapic.lint0) return false;
  if (!isEnabled(lapic)) return true;
  const entry = lvt(lapic, LVT_LINT0);
  return !(entry & LVT_MASKED) && ((entry >> DELIVERY_SHIFT) & 7) == DELIVERY_EXTINT;
}

/** The vector in IRR whose class is above the processor priority's, or -1. */
function deliverable(lapic: Lapic): i32 {
  if (!isEnabled(lapic)) return -1;
  const requested = highestBit(lapic, IRR);
  if (requested < 0) return -1;
  return (<u32>requested & 0xf0) > (processorPriority(lapic) & 0xf0) ? requested : -1;
}

/**
 * What this CPU would be interrupted with if its interrupt flag is set: a vector, PENDING_EXTINT,
 * or -1. The 8259 goes first: ExtINT is not subject to APIC priorities.
 */
export function lapicPendingVector(cpu: Cpu): i32 {
  const lapic = lapicOf(cpu);
  if (extIntPending(lapic)) return PENDING_EXTINT;
  return deliverable(lapic);
}

/**
 * The acknowledge cycle for what `lapicPendingVector` answered; returns the vector to enter. When
 * the request has gone meanwhile, that is the spurious vector, which leaves no mark (10.9).
 */
export function lapicAcknowledge(cpu: Cpu, pending: i32): u32 {
  const lapic = lapicOf(cpu);
  if (pending == PENDING_EXTINT) {
    lapic.extInt = 0;
    return picAcknowledge();
  }
  const vector = deliverable(lapic);
  if (vector < 0) return lapic.svr & 0xff;
  clearBit(lapic, IRR, <u32>vector);
  setBit(lapic, ISR, <u32>vector);
  return <u32>vector;
}

/** End of interrupt: the highest vector in service is done; level ones are told the I/O APIC. */
export function endOfInterrupt(lapic: Lapic): void {
  const vector = highestBit(lapic, ISR);
  if (vector < 0) return;
  clearBit(lapic, ISR, <u32>vector);
  cpuSignal(lapic.id);
  if (!hasBit(lapic, TMR, <u32>vector)) return;
  lintEoi(lapic, <u32>vector);
  ioapicEoi(<u32>vector);
}
