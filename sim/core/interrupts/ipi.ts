/** Who receives an interrupt message, and what it does there (Intel SDM 3A, 10.6 and 10.12.10). */
import { CPU_WAIT_FOR_SIPI, cpuSignal } from "../cpu/cpu";
import { machine } from "../machine";
import { trace } from "../trace";
import { TRACE_IPI } from "../../spec/trace";
import {
  DELIVERY_EXTINT,
  DELIVERY_FIXED,
  DELIVERY_INIT,
  DELIVERY_LOWEST,
  DELIVERY_NMI,
  DELIVERY_SHIFT,
  DELIVERY_STARTUP,
  ESR_SEND_ILLEGAL_VECTOR,
  ICR_LEVEL_ASSERT,
  ICR_LOGICAL,
  ICR_SHORTHAND_SHIFT,
  ICR_TRIGGER_LEVEL,
  SHORTHAND_ALL,
  SHORTHAND_NONE,
  SHORTHAND_SELF,
} from "../../spec/apic";
import { lapicError } from "./local";
import { accept, processorPriority, VECTOR_FIRST_LEGAL } from "./priority";
import {
  acceptsFixed,
  cpuOf,
  isEnabled,
  isX2apic,
  Lapic,
  lapicAt,
  logicalId,
} from "./state";
import { resetLapic } from "./reset";

const BROADCAST_8: u32 = 0xff;
const BROADCAST_32: u32 = 0xffff_ffff;

/** Whether the APIC is in the set that a logical destination names. */
function matchesLogical(lapic: Lapic, destination: u32): bool {
  if (isX2apic(lapic)) {
    const own = logicalId(lapic.id);
    return destination >> 16 == own >> 16 && (destination & own & 0xffff) != 0;
  }
  if (destination > BROADCAST_8) return false;
  const own = lapic.ldr >> 24;
  // DFR 0xf...: flat; 0x0...: clusters of four (10.6.2.2).
  if (lapic.dfr >> 28 == 0xf) return (own & destination) != 0;
  if (destination == BROADCAST_8) return true;
  return own >> 4 == destination >> 4 && (own & destination & 0xf) != 0;
}

/**
 * CPUs that a destination names; APICs switched off take part in nothing.
 * @param wide the destination has 32 bits (x2APIC), so that its broadcast has too
 */
export function destinationSet(destination: u32, logical: bool, wide: bool): u64 {
  const broadcast = destination == (wide ? BROADCAST_32 : BROADCAST_8);
  let set: u64 = 0;
  for (let index: u32 = 0; index < machine().cpuCount; index++) {
    const lapic = lapicAt(index);
    if (!isEnabled(lapic)) continue;
    let member: bool;
    if (broadcast && (wide || !logical)) member = true;
    else if (logical) member = matchesLogical(lapic, destination);
    else member = lapic.id == destination;
    if (member) set |= (<u64>1) << index;
  }
  return set;
}

/** Of the CPUs in the set, the one that works at the lowest priority; ties go to the lowest ID. */
function lowestPriority(set: u64): u64 {
  let best: u64 = 0;
  let least: u32 = 256;
  for (let left = set; left != 0; left &= left - 1) {
    const lapic = lapicAt(<u32>ctz(left));
    if (!acceptsFixed(lapic)) continue;
    const priority = processorPriority(lapic);
    if (priority >= least) continue;
    least = priority;
    best = left & (0 - left);
  }
  return best;
}

/** INIT: the APIC returns to its reset state, its ID and mode stay (10.4.7.3). */
export function acceptInit(lapic: Lapic): void {
  const cpu = cpuOf(lapic);
  resetLapic(lapic);
  cpu.pendingInit = 1;
  cpu.pendingSipi = 0;
  cpuSignal(lapic.id);
}

/** A startup IPI counts only while the CPU waits for one, and only the first (10.4.4.1). */
function acceptStartup(lapic: Lapic, vector: u32): void {
  const cpu = cpuOf(lapic);
  const waiting = cpu.activity == CPU_WAIT_FOR_SIPI || cpu.pendingInit != 0;
  if (!waiting || cpu.pendingSipi != 0) return;
  cpu.pendingSipi = vector + 1;
  cpuSignal(lapic.id);
}

function deliverTo(lapic: Lapic, mode: u32, vector: u32, level: bool): bool {
  switch (mode) {
    case DELIVERY_FIXED:
    case DELIVERY_LOWEST:
      return accept(lapic, vector, level);
    case DELIVERY_NMI:
      cpuOf(lapic).pendingNmi = 1;
      cpuSignal(lapic.id);
      return true;
    case DELIVERY_INIT:
      acceptInit(lapic);
      return true;
    case DELIVERY_STARTUP:
      acceptStartup(lapic, vector);
      return true;
    case DELIVERY_EXTINT:
      lapic.extInt = 1;
      cpuSignal(lapic.id);
      return true;
    // SMI has nowhere to go on a machine without system management mode; 3 is reserved.
    default:
      return true;
  }
}

/** Delivers to a set of CPUs; whether any of them accepted. */
export function deliverToSet(set: u64, mode: u32, vector: u32, level: bool): bool {
  const targets = mode == DELIVERY_LOWEST ? lowestPriority(set) : set;
  let accepted = false;
  for (let left = targets; left != 0; left &= left - 1)
    if (deliverTo(lapicAt(<u32>ctz(left)), mode, vector, level)) accepted = true;
  return accepted;
}

/** CPUs that an interrupt command names, by shorthand or destination. */
function commandTargets(lapic: Lapic, low: u32, destination: u32, wide: bool): u64 {
  const self = (<u64>1) << lapic.id;
  const shorthand = (low >> ICR_SHORTHAND_SHIFT) & 3;
  if (shorthand == SHORTHAND_NONE)
    return destinationSet(destination, (low & ICR_LOGICAL) != 0, wide);
  if (shorthand == SHORTHAND_SELF) return self;
  const all = destinationSet(BROADCAST_32, false, true);
  return shorthand == SHORTHAND_ALL ? all : all & ~self;
}

/** Modes that an IPI can have; the others, and SMI on this machine, are sent to nobody. */
function commandAllowed(mode: u32, shorthand: u32): bool {
  if (mode == DELIVERY_FIXED || mode == DELIVERY_LOWEST || mode == DELIVERY_NMI) return true;
  if (mode != DELIVERY_INIT && mode != DELIVERY_STARTUP) return false;
  // A CPU that resets itself by shorthand: not a valid combination (table 10-3).
  return shorthand != SHORTHAND_SELF && shorthand != SHORTHAND_ALL;
}

/**
 * Sends the inter-processor interrupt of a write to the interrupt command register. IPIs are edge
 * triggered whatever the register says; level and trigger only tell INIT from INIT level de-assert,
 * which does nothing on processors of this kind (10.6.1).
 */
export function sendCommand(lapic: Lapic, low: u32, destination: u32, wide: bool): void {
  if (!isEnabled(lapic)) return;
  const mode = (low >> DELIVERY_SHIFT) & 7;
  const vector = low & 0xff;
  const shorthand = (low >> ICR_SHORTHAND_SHIFT) & 3;
  if (!commandAllowed(mode, shorthand)) return;
  if (mode == DELIVERY_INIT && (low & ICR_TRIGGER_LEVEL) != 0 && !(low & ICR_LEVEL_ASSERT)) return;
  if (mode <= <u32>DELIVERY_LOWEST && vector < VECTOR_FIRST_LEGAL) {
    lapicError(lapic, ESR_SEND_ILLEGAL_VECTOR);
    return;
  }
  const set = commandTargets(lapic, low, destination, wide);
  for (let left = set; left != 0; left &= left - 1)
    trace(TRACE_IPI, lapic.id, <u32>ctz(left), ((<u64>destination) << 32) | <u64>low);
  deliverToSet(set, mode, vector, false);
}
