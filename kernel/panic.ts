/** The end of a boot that failed: a named error on the console and in the panic device. */
import { PowerDevice, reportPanic } from "../hal/power";
import { PVPANIC_PORT } from "../sim/spec/platform";
import { boot } from "./boot/boot";
import { consoleDrain, newLine, print, printDecimal, printHex } from "./console";
import { errorName } from "./error_names";
import { kernel, rootAllocate } from "./state";

@unmanaged
export class Panic {
  /** A code of errors.ts; 0 while all is well. */
  error: u32;
  /** Two numbers that say where; what they mean depends on the error. */
  detail: u32;
  place: u64;
  cpu: u32;
}

export function createPanic(): void {
  kernel().panic = rootAllocate(offsetof<Panic>());
}

/** Whether the kernel has panicked: no entry does anything any more. */
export function panicked(): bool {
  const record = kernel().panic;
  return record != 0 && changetype<Panic>(record).error != 0;
}

/** Notes the error, prints it and tells the platform. The first panic stays. */
export function panic(cpu: u32, error: u32, detail: u32, place: u64): void {
  const record = changetype<Panic>(kernel().panic);
  if (record.error != 0) return;
  record.error = error;
  record.detail = detail;
  record.place = place;
  record.cpu = cpu;
  print("panic: ");
  print(errorName(error));
  print(" (detail ");
  printDecimal(detail);
  print(", place 0x");
  printHex(place);
  print(", cpu ");
  printDecimal(cpu);
  print(")");
  newLine();
  consoleDrain();
  const power = changetype<PowerDevice>(boot().power);
  // A panic before the platform is known still has the one well-known port.
  if (power.panicPort == 0) power.panicPort = PVPANIC_PORT;
  reportPanic(power);
}
