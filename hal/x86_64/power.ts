/** Power by ACPI fixed hardware (ACPI 6.3, 4.8.3, 4.8.3.6) and pvpanic (QEMU docs/specs/pvpanic). */
import { PowerDevice } from "../power";
import { mmioWrite8, portRead16, portRead8, portWrite16, portWrite8 } from "./machine";
import { Platform } from "./platform";
import {
  GAS_IO,
  PM1_SLEEP_ENABLE,
  PM1_SLEEP_TYPE_MASK,
  PM1_SLEEP_TYPE_SHIFT,
  PVPANIC_PANICKED,
} from "../../sim/spec/acpi";

const SLEEP_TYPE_MAX: u32 = 7;

/**
 * @param panicPort the panic device's port. It is named only in AML, which the kernel does not
 *   interpret, so the platform's description gives it; 0 when there is none.
 */
export function createPowerDevice(device: PowerDevice, platform: Platform, panicPort: u32): void {
  device.controlPort = platform.pm1ControlPort;
  device.sleepType = platform.sleepTypeS5;
  device.resetSpace = platform.resetSpace;
  device.resetAddress = platform.resetAddress;
  device.resetValue = platform.resetValue;
  device.hasReset = platform.hasReset;
  device.panicPort = panicPort;
}

/** SLP_TYP first, then the same with SLP_EN, as the specification has it (16.1.7). */
export function acpiPowerOff(device: PowerDevice): bool {
  if (device.controlPort == 0 || device.sleepType > SLEEP_TYPE_MAX) return false;
  const kept = portRead16(device.controlPort) & ~(PM1_SLEEP_TYPE_MASK | PM1_SLEEP_ENABLE);
  const control = kept | (device.sleepType << PM1_SLEEP_TYPE_SHIFT);
  portWrite16(device.controlPort, control);
  portWrite16(device.controlPort, control | PM1_SLEEP_ENABLE);
  return true;
}

export function acpiReset(device: PowerDevice): bool {
  if (!device.hasReset) return false;
  if (device.resetSpace == GAS_IO) portWrite8(<u32>device.resetAddress, device.resetValue);
  else mmioWrite8(device.resetAddress, device.resetValue);
  return true;
}

/** The device offers its events when it is read; a missing one reads as all ones. */
export function pvpanicReport(device: PowerDevice): bool {
  if (device.panicPort == 0) return false;
  const events = portRead8(device.panicPort);
  if (events == 0xff || (events & PVPANIC_PANICKED) == 0) return false;
  portWrite8(device.panicPort, PVPANIC_PANICKED);
  return true;
}
