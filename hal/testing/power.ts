/** Power operations for the tests: a = physical address of the RSDP, b = port of the panic device. */
import { pointer } from "../memory";
import { PowerDevice, powerOff, reportPanic, resetPlatform } from "../power";
import { createPlatform, PLATFORM_BYTES } from "../x86_64/platform";
import { createPowerDevice } from "../x86_64/power";
import { readPlatform } from "../x86_64/acpi";
import { Mailbox } from "./mailbox";

/** Physical address of scratch RAM. */
const SCRATCH: u64 = 0x1_0000;
const OPERATION_OFF: u32 = 0x10;
const OPERATION_RESET: u32 = 0x11;

export function testPower(box: Mailbox): void {
  const platform = createPlatform(pointer(SCRATCH));
  if (box.a != 0) readPlatform(platform, box.a);
  const device = changetype<PowerDevice>(pointer(SCRATCH) + PLATFORM_BYTES);
  createPowerDevice(device, platform, <u32>box.b);
  if (box.operation == OPERATION_OFF) box.result = powerOff(device) ? 1 : 0;
  else if (box.operation == OPERATION_RESET) box.result = resetPlatform(device) ? 1 : 0;
  else box.result = reportPanic(device) ? 1 : 0;
}
