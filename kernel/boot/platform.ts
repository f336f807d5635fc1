/** Stage: platform. What the ACPI tables say is there. */
import { PowerDevice } from "../../hal/power";
import { readPlatform } from "../../hal/x86_64/acpi";
import { Handoff } from "../../hal/x86_64/handoff";
import {
  ACPI_OK,
  createPlatform,
  Platform,
  PLATFORM_BYTES,
  platformIoApic,
  platformSegment,
} from "../../hal/x86_64/platform";
import { createPowerDevice } from "../../hal/x86_64/power";
import { PVPANIC_PORT } from "../../sim/spec/platform";
import { newLine, print, printDecimal, printHex, printLine, printText } from "../console";
import { ERROR_ACPI, ERROR_TOO_MANY_CPUS } from "../errors";
import { CPUS_MAX } from "../limits";
import { kernel, rootAllocate } from "../state";
import { boot, fail, STAGE_DONE } from "./boot";

@inline
export function platform(): Platform {
  return changetype<Platform>(boot().platform);
}

/** Reads and checks the tables; detail = what is wrong, place = table signature and offset. */
export function stagePlatform(): u32 {
  const state = boot();
  state.platform = rootAllocate(PLATFORM_BYTES);
  createPlatform(state.platform);
  const error = readPlatform(platform(), changetype<Handoff>(state.handoff).rsdp);
  if (error != ACPI_OK) return failTable();
  if (platform().cpuCount > CPUS_MAX) return fail(ERROR_TOO_MANY_CPUS, platform().cpuCount);
  kernel().cpuCount = platform().cpuCount;
  createPowerDevice(changetype<PowerDevice>(state.power), platform(), PVPANIC_PORT);
  printPlatform();
  return STAGE_DONE;
}

function failTable(): u32 {
  const found = platform();
  print("acpi: table ");
  printText(changetype<usize>(found) + offsetof<Platform>("errorTable"), 4);
  print(", offset ");
  printDecimal(found.errorOffset);
  newLine();
  return fail(ERROR_ACPI, found.error, (<u64>found.errorTable << 32) | found.errorOffset);
}

function printPlatform(): void {
  const found = platform();
  print("acpi: RSDP at 0x");
  printHex(changetype<Handoff>(boot().handoff).rsdp);
  print(", ");
  printDecimal(found.cpuCount);
  print(" processors, ");
  printDecimal(found.ioApicCount);
  print(" I/O APIC at 0x");
  printHex(platformIoApic(found, 0).base);
  newLine();
  print("acpi: HPET at 0x");
  printHex(found.hpet);
  for (let index: u32 = 0; index < found.segmentCount; index++) {
    const segment = platformSegment(found, index);
    print(", ECAM at 0x");
    printHex(segment.base);
    print(" for buses ");
    printDecimal(segment.firstBus);
    print("-");
    printDecimal(segment.lastBus);
  }
  print(", ");
  printDecimal(found.dmaUnitCount);
  printLine(" DMA remapping units");
}
