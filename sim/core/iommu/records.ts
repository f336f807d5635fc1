/** Faults and events of the IOMMU: recording, overflow, and the messages about them (VT-d 3.3, 7). */
import { acceptInterrupt, acceptMessage } from "../interrupts/messages";
import { trace } from "../trace";
import { DELIVERY_SHIFT, MESSAGE_PREFIX } from "../../spec/apic";
import { TRACE_DMA_FAULT, TRACE_MSI } from "../../spec/trace";
import {
  VTD_EVENT_MASK_BIT,
  VTD_EVENT_PENDING_BIT,
  VTD_FECTL,
  VTD_FRCD,
  VTD_FRCD_COUNT,
  VTD_FSTS,
  VTD_FSTS_PFO,
  VTD_FSTS_PPF,
  VTD_ICS,
  VTD_IECTL,
} from "../../spec/vtd";
import { extendedMode, iommu, register32, register64, setRegister32, setRegister64 } from "./state";

const EVENT_MASKED: u32 = 1 << VTD_EVENT_MASK_BIT;
const EVENT_PENDING: u32 = 1 << VTD_EVENT_PENDING_BIT;
/** Fault bit, and "the request was a read", in the high half of a record (11.4.14). */
const RECORD_FAULT: u64 = 1 << 63;
const RECORD_READ: u64 = 1 << 62;
/** Status bits that raise the fault event: overflow, pending fault, queue errors. */
const FSTS_EVENTS: u32 = 0x73;

/**
 * Sends the message of FECTL or IECTL: control, data, address and upper address in a row. The unit's
 * own messages aren't remapped; in extended mode the upper address has bits 31-8 of the destination.
 */
function sendEvent(control: u32): void {
  const state = register32(control);
  if (state & EVENT_MASKED) {
    setRegister32(control, state | EVENT_PENDING);
    return;
  }
  setRegister32(control, state & ~EVENT_PENDING);
  const data = register32(control + 4);
  const low = register32(control + 8);
  const high = register32(control + 12);
  const address = (<u64>high << 32) | low;
  const isWide = extendedMode();
  if ((isWide ? <u64>low : address) >> 20 != MESSAGE_PREFIX) return;
  // The unit is part of the host bridge, 00:00.0.
  trace(TRACE_MSI, 0, 0, address, data);
  if (!isWide) acceptMessage(address, data);
  else {
    const destination = (high & 0xffff_ff00) | ((low >> 12) & 0xff);
    acceptInterrupt(destination, true, low, (data >> DELIVERY_SHIFT) & 7, data & 0xff, false);
  }
}

/** Software wrote FECTL or IECTL: only the mask bit is its own; unmasking sends what waits. */
export function writeEventControl(control: u32, value: u32): void {
  const pending = register32(control) & EVENT_PENDING;
  setRegister32(control, (value & EVENT_MASKED) | pending);
  if (pending != 0 && (value & EVENT_MASKED) == 0) sendEvent(control);
}

/** Sets bits of FSTS; a new event only when no other was waiting for software (7.3). */
export function raiseFault(bits: u32): void {
  const status = register32(VTD_FSTS);
  setRegister32(VTD_FSTS, status | bits);
  if ((status & FSTS_EVENTS) == 0) sendEvent(VTD_FECTL);
}

/** Software cleared bits of FSTS or a record: with all gone, the event is withdrawn too. */
function withdrawFaultEvent(): void {
  if ((register32(VTD_FSTS) & FSTS_EVENTS) == 0)
    setRegister32(VTD_FECTL, register32(VTD_FECTL) & ~EVENT_PENDING);
}

export function clearFaultStatus(bits: u32): void {
  setRegister32(VTD_FSTS, register32(VTD_FSTS) & ~(bits & FSTS_EVENTS & ~VTD_FSTS_PPF));
  withdrawFaultEvent();
}

/** Clears the fault bit of record `index`; PPF is set while any record has it. */
export function clearRecord(index: u32): void {
  const at = VTD_FRCD + index * 16 + 8;
  setRegister64(at, register64(at) & ~RECORD_FAULT);
  for (let n: u32 = 0; n < <u32>VTD_FRCD_COUNT; n++)
    if (register64(VTD_FRCD + n * 16 + 8) & RECORD_FAULT) return;
  setRegister32(VTD_FSTS, register32(VTD_FSTS) & ~VTD_FSTS_PPF);
  withdrawFaultEvent();
}

/** Records a refused request; with no free record it sets overflow instead (7.2.1). */
export function recordFault(source: u32, reason: u32, address: u64, write: bool): void {
  trace(TRACE_DMA_FAULT, source, reason, address);
  const status = register32(VTD_FSTS);
  if (status & VTD_FSTS_PFO) return;
  const state = iommu();
  const at = VTD_FRCD + state.nextRecord * 16;
  if (register64(at + 8) & RECORD_FAULT) {
    raiseFault(VTD_FSTS_PFO);
    return;
  }
  setRegister64(at, address & ~0xfff);
  const type = write ? <u64>0 : RECORD_READ;
  setRegister64(at + 8, RECORD_FAULT | type | (<u64>reason << 32) | <u64>source);
  if ((status & VTD_FSTS_PPF) == 0) {
    // Fault Record Index, bits 15-8: the first of the records that are pending.
    setRegister32(VTD_FSTS, (status & ~0xff00) | (state.nextRecord << 8));
    raiseFault(VTD_FSTS_PPF);
  }
  state.nextRecord = (state.nextRecord + 1) % VTD_FRCD_COUNT;
}

/** A wait descriptor asked for an interrupt (6.5.4); one at a time until software clears ICS. */
export function completeInvalidation(): void {
  if (register32(VTD_ICS) & 1) return;
  setRegister32(VTD_ICS, 1);
  sendEvent(VTD_IECTL);
}

export function clearInvalidation(): void {
  setRegister32(VTD_ICS, 0);
  setRegister32(VTD_IECTL, register32(VTD_IECTL) & ~EVENT_PENDING);
}
