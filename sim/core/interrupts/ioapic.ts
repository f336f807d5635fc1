/** I/O APIC: 24 lines become interrupt messages (Intel 82093AA data sheet, 3.0). */
import { allocate, allocateOne } from "../arena";
import { addRegion } from "../bus/bus";
import { requestInterrupt } from "../iommu/remap";
import { DEVICE_IOAPIC } from "../kinds";
import { machine } from "../machine";
import { IOAPIC_BASE, IOAPIC_REQUESTER } from "../../spec/platform";
import { DELIVERY_LOWEST, DELIVERY_SHIFT, MESSAGE_ASSERT, MESSAGE_LOGICAL } from "../../spec/apic";
import {
  IOAPIC_ENTRIES,
  IOAPIC_EOI,
  IOAPIC_INDEX,
  IOAPIC_LEVEL,
  IOAPIC_LOGICAL,
  IOAPIC_MASKED,
  IOAPIC_PENDING,
  IOAPIC_REG_ARBITRATION,
  IOAPIC_REG_ID,
  IOAPIC_REG_REDIRECTION,
  IOAPIC_REG_VERSION,
  IOAPIC_REMOTE_IRR,
  IOAPIC_VERSION_VALUE,
  IOAPIC_WINDOW,
} from "../../spec/ioapic";

const FIRST_ENTRY: u32 = IOAPIC_REG_REDIRECTION;
const PINS: u32 = IOAPIC_ENTRIES;
const PAGE_BYTES: u64 = 4096;
/** Vector, modes, polarity, trigger and mask; remote IRR and delivery status are read-only. */
const LOW_WRITABLE: u32 = 0x1_afff;
/** Destination and extended destination ID (ICH9 data sheet, 13.5.7), or format and index (VT-d). */
const HIGH_WRITABLE: u32 = 0xffff_0000;
const ID_WRITABLE: u32 = 0x0f00_0000;
const MESSAGE_BASE: u64 = 0xfee0_0000;

@unmanaged
export class Ioapic {
  id: u32;
  index: u32;
  /** Bit n: line n is asserted. */
  lines: u32;
  /** IOAPIC_ENTRIES redirection entries of 64 bits. */
  entries: usize;
}

@inline
function ioapic(): Ioapic {
  return changetype<Ioapic>(machine().ioapic);
}

@inline
function entryLow(pin: u32): u32 {
  return load<u32>(ioapic().entries + ((<usize>pin) << 3));
}

@inline
function entryHigh(pin: u32): u32 {
  return load<u32>(ioapic().entries + ((<usize>pin) << 3), 4);
}

@inline
function setEntryLow(pin: u32, value: u32): void {
  store<u32>(ioapic().entries + ((<usize>pin) << 3), value);
}

export function createIoapic(): void {
  const state = allocateOne<Ioapic>();
  machine().ioapic = changetype<usize>(state);
  state.entries = allocate(IOAPIC_ENTRIES * 8);
  for (let pin: u32 = 0; pin < PINS; pin++) setEntryLow(pin, IOAPIC_MASKED);
  addRegion(DEVICE_IOAPIC, 0, IOAPIC_BASE, PAGE_BYTES, true);
}

/** Only fixed and lowest-priority interrupts can be level triggered; the rest are edges (3.2.4). */
@inline
function isLevel(low: u32): bool {
  return (low & IOAPIC_LEVEL) != 0 && ((low >> DELIVERY_SHIFT) & 7) <= <u32>DELIVERY_LOWEST;
}

/** Sends the entry's message; whether a local APIC took it. */
function send(pin: u32): bool {
  const low = entryLow(pin);
  // The entry's bits are the message's: 63-48 become address bits 19-4, 11 bit 2, 15 and 10-0 the
  // data. So what software has written in remappable format becomes a request in that.
  const address = MESSAGE_BASE | <u64>((entryHigh(pin) >> 16) << 4) | logicalBit(low);
  const level: u32 = isLevel(low) ? IOAPIC_LEVEL : 0;
  return requestInterrupt(IOAPIC_REQUESTER, address, (low & 0x7ff) | MESSAGE_ASSERT | level);
}

@inline
function logicalBit(low: u32): u64 {
  return low & IOAPIC_LOGICAL ? MESSAGE_LOGICAL : 0;
}

/** Delivers a level-triggered pin that is asserted, unmasked and not already being handled. */
function evaluate(pin: u32): void {
  const low = entryLow(pin);
  if (!isLevel(low) || low & (IOAPIC_MASKED | IOAPIC_REMOTE_IRR)) return;
  if (!((ioapic().lines >> pin) & 1)) return;
  if (send(pin)) setEntryLow(pin, low | IOAPIC_REMOTE_IRR);
}

/**
 * Asserts or releases a line. Which voltage that is depends on the board; this one is wired as the
 * entry's polarity bit is programmed, so the bit is stored and changes nothing.
 */
export function ioapicLine(pin: u32, level: bool): void {
  const state = ioapic();
  const bit: u32 = (<u32>1) << pin;
  const rising = level && !(state.lines & bit);
  state.lines = level ? state.lines | bit : state.lines & ~bit;
  if (!rising) return;
  const low = entryLow(pin);
  if (isLevel(low)) evaluate(pin);
  // An edge on a masked pin is neither delivered nor held (3.2.4, interrupt mask).
  else if (!(low & IOAPIC_MASKED)) send(pin);
}

/** End of interrupt for a vector: entries that wait for it are free, and fire if still asserted. */
export function ioapicEoi(vector: u32): void {
  for (let pin: u32 = 0; pin < PINS; pin++) {
    const low = entryLow(pin);
    if (!(low & IOAPIC_REMOTE_IRR) || (low & 0xff) != vector) continue;
    setEntryLow(pin, low & ~IOAPIC_REMOTE_IRR);
    evaluate(pin);
  }
}

/** Offers level-triggered interrupts again that no local APIC was enabled to accept. */
export function ioapicRetry(): void {
  for (let pin: u32 = 0; pin < PINS; pin++) evaluate(pin);
}

/** Delivery status: an asserted level that is still to be accepted. */
function statusBit(pin: u32, low: u32): u32 {
  const waits = isLevel(low) && !(low & (IOAPIC_MASKED | IOAPIC_REMOTE_IRR));
  return waits && ((ioapic().lines >> pin) & 1) != 0 ? IOAPIC_PENDING : 0;
}

function readWindow(): u32 {
  const state = ioapic();
  const index = state.index;
  switch (index) {
    case IOAPIC_REG_ID:
    case IOAPIC_REG_ARBITRATION:
      return state.id;
    case IOAPIC_REG_VERSION:
      return IOAPIC_VERSION_VALUE;
    default: {
      const pin = (index - FIRST_ENTRY) >> 1;
      if (index < FIRST_ENTRY || pin >= PINS) return 0;
      if (index & 1) return entryHigh(pin);
      const low = entryLow(pin);
      return low | statusBit(pin, low);
    }
  }
}

function writeWindow(value: u32): void {
  const state = ioapic();
  const index = state.index;
  if (index == IOAPIC_REG_ID) state.id = value & ID_WRITABLE;
  const pin = (index - FIRST_ENTRY) >> 1;
  if (index < FIRST_ENTRY || pin >= PINS) return;
  if (index & 1) {
    store<u32>(state.entries + ((<usize>pin) << 3), value & HIGH_WRITABLE, 4);
    evaluate(pin);
    return;
  }
  let low = (value & LOW_WRITABLE) | (entryLow(pin) & IOAPIC_REMOTE_IRR);
  // Remote IRR has no meaning for an edge; turning an entry to edge and back frees it.
  if (!isLevel(low)) low &= ~IOAPIC_REMOTE_IRR;
  setEntryLow(pin, low);
  evaluate(pin);
}

export function ioapicRead(offset: u32, bytes: u32): u64 {
  if (offset == IOAPIC_INDEX) return <u64>ioapic().index;
  return offset == IOAPIC_WINDOW ? <u64>readWindow() : 0;
}

/** The index is a byte at any width; the window and the EOI register take 32 bits or nothing. */
export function ioapicWrite(offset: u32, bytes: u32, value: u64): void {
  if (offset == IOAPIC_INDEX) ioapic().index = <u32>value & 0xff;
  else if (offset == IOAPIC_WINDOW && bytes >= 4) writeWindow(<u32>value);
  else if (offset == IOAPIC_EOI && bytes >= 4) ioapicEoi(<u32>value & 0xff);
}
