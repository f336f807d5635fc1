/** Interrupts from the CPU's own sources, through the local vector table (Intel SDM 3A, 10.5). */
import { cpuSignal } from "../cpu/cpu";
import { machine } from "../machine";
import {
  DELIVERY_FIXED,
  DELIVERY_INIT,
  DELIVERY_NMI,
  DELIVERY_SHIFT,
  LVT_LEVEL,
  LVT_MASKED,
  LVT_REMOTE_IRR,
} from "../../spec/apic";
import { acceptInit } from "./ipi";
import { accept } from "./priority";
import { cpuOf, isEnabled, Lapic, lapicAt, lvt, LVT_ERROR, LVT_LINT0, setLvt } from "./state";

/** An edge on local source `index`: delivers it as its entry says. */
export function raiseLocal(lapic: Lapic, index: u32): void {
  const entry = lvt(lapic, index);
  if (entry & LVT_MASKED) return;
  switch ((entry >> DELIVERY_SHIFT) & 7) {
    case DELIVERY_FIXED:
      accept(lapic, entry & 0xff, false);
      break;
    case DELIVERY_NMI:
      cpuOf(lapic).pendingNmi = 1;
      cpuSignal(lapic.id);
      break;
    case DELIVERY_INIT:
      acceptInit(lapic);
      break;
    // SMI: this machine has no system management mode. ExtINT is a level (extIntPending).
    default:
  }
}

/**
 * Notes an error. The error interrupt comes with the first one after software's last write to the
 * error status register, which re-arms it (10.5.3). An error of the error interrupt's own vector
 * therefore can't raise another.
 */
export function lapicError(lapic: Lapic, bit: u32): void {
  const first = lapic.errors == 0;
  lapic.errors |= bit;
  if (first) raiseLocal(lapic, LVT_ERROR);
}

function lintIsLevel(entry: u32): bool {
  return ((entry >> DELIVERY_SHIFT) & 7) == DELIVERY_FIXED && (entry & LVT_LEVEL) != 0;
}

/** Delivers a level-triggered LINT0 that is asserted and not already being handled. */
export function evaluateLint0(lapic: Lapic): void {
  const entry = lvt(lapic, LVT_LINT0);
  if (!lapic.lint0 || !lintIsLevel(entry) || entry & (LVT_MASKED | LVT_REMOTE_IRR)) return;
  if (accept(lapic, entry & 0xff, true)) setLvt(lapic, LVT_LINT0, entry | LVT_REMOTE_IRR);
}

/** End of a level-triggered interrupt whose vector may be LINT0's. */
export function lintEoi(lapic: Lapic, vector: u32): void {
  const entry = lvt(lapic, LVT_LINT0);
  if (!(entry & LVT_REMOTE_IRR) || (entry & 0xff) != vector) return;
  setLvt(lapic, LVT_LINT0, entry & ~LVT_REMOTE_IRR);
  evaluateLint0(lapic);
}

/** The 8259's INT output: wired to LINT0 of every CPU. */
export function setLint0(level: bool): void {
  for (let index: u32 = 0; index < machine().cpuCount; index++) {
    const lapic = lapicAt(index);
    const rising = level && !lapic.lint0;
    lapic.lint0 = level ? 1 : 0;
    if (!level) continue;
    // As ExtINT, or as the INTR pin of a CPU whose APIC is off, the level itself is the request.
    cpuSignal(index);
    if (!isEnabled(lapic)) continue;
    if (lintIsLevel(lvt(lapic, LVT_LINT0))) evaluateLint0(lapic);
    else if (rising) raiseLocal(lapic, LVT_LINT0);
  }
}
