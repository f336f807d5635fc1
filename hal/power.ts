/** Turning the machine off, resetting it, and telling the outside that the kernel has failed. */
import { acpiPowerOff, acpiReset, pvpanicReport } from "./x86_64/power";

/** Ports and values of the power hardware, as the firmware describes them. */
@unmanaged
export class PowerDevice {
  /** PM1a control port, or 0: the machine can't be turned off. */
  controlPort: u32;
  /** SLP_TYP of S5, or more than 7 when it is unknown. */
  sleepType: u32;
  resetSpace: u32;
  resetValue: u32;
  resetAddress: u64;
  hasReset: u32;
  /** Port of the panic device, or 0. */
  panicPort: u32;
}

/** Turns the power off. Returns false when the platform has no way; otherwise the machine ends. */
export function powerOff(device: PowerDevice): bool {
  return acpiPowerOff(device);
}

/** Resets the platform. Returns false when the platform has no way; otherwise the machine ends. */
export function resetPlatform(device: PowerDevice): bool {
  return acpiReset(device);
}

/** Reports a kernel panic. Returns false when nobody listens; the caller then halts. */
export function reportPanic(device: PowerDevice): bool {
  return pvpanicReport(device);
}
