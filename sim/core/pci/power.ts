/** The power management capability (PCI Power Management 1.2, 3.2): D0 and D3hot. */
import { addCapability, defineRegister, PciFunction } from "./function";
import {
  PCI_CAP_POWER,
  PCI_POWER_CONTROL,
  PCI_POWER_NO_SOFT_RESET,
  PCI_POWER_STATE,
} from "../../spec/pci";

const POWER_BYTES: u32 = 8;
/** Version 3; neither D1 nor D2 nor PME. */
const POWER_CAPABILITIES: u32 = 3;

/**
 * Adds the capability. Nothing is lost in D3hot (No_Soft_Reset), but BARs, DMA and interrupts rest.
 */
export function addPowerCapability(fn: PciFunction): u32 {
  const at = addCapability(fn, PCI_CAP_POWER, POWER_BYTES);
  fn.powerOffset = at;
  defineRegister(fn, at + 2, 2, POWER_CAPABILITIES);
  defineRegister(fn, at + PCI_POWER_CONTROL, 2, PCI_POWER_NO_SOFT_RESET, PCI_POWER_STATE);
  return at;
}
