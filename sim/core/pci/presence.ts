/** Functions that vanish: a device torn out of its slot, seen by everyone around it. */
import { takeFault } from "../faults";
import { FAULT_VANISH } from "../../spec/faults";
import { functionAt, NO_FUNCTION, PciFunction } from "./function";
import { updateDecoding } from "./decode";
import { slotEmptied } from "./express";
import { updateLines } from "./interrupts";

/** Whether the function is off the bus. Each question is an occasion for an armed FAULT_VANISH. */
export function isGone(fn: PciFunction): bool {
  if (fn.vanished) return true;
  if (!takeFault(<u16>FAULT_VANISH, fn.address)) return false;
  fn.vanished = 1;
  fn.intx = 0;
  updateDecoding(fn);
  updateLines();
  if (fn.parent != NO_FUNCTION) slotEmptied(functionAt(fn.parent));
  return true;
}
