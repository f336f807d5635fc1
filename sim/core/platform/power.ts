/** ACPI PM1 block, PM timer, reset register and pvpanic. */
import { addPorts } from "../bus/bus";
import { DEVICE_POWER } from "../kinds";
import { stopMachine } from "../stop";
import { STOP_POWER_OFF } from "../../spec/stops";

export function createPower(): void {
  addPorts(DEVICE_POWER, 0, 0x600, 8);
}

export function powerPortRead(device: u32, offset: u32, bytes: u32): u32 {
  return 0;
}

export function powerPortWrite(device: u32, offset: u32, bytes: u32, value: u32): void {
  if (offset == 4 && (value & 0x2000) != 0) stopMachine(STOP_POWER_OFF);
}
