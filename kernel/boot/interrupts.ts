/** Stage: interrupts. Lines and messages get their way to the processors. */
import {
  INTERRUPTS_DRIVER_X2APIC,
  INTERRUPTS_OK,
  InterruptController,
  interruptsRoute,
  interruptsSend,
  interruptsStart,
  LINE_ACTIVE_LOW,
  LINE_LEVEL,
} from "../../hal/interrupts";
import { platformIoApic, platformOverride } from "../../hal/x86_64/platform";
import { VECTOR_APIC_ERROR, VECTOR_LEGACY, VECTOR_SPURIOUS, VECTOR_WAKE } from "../cpu/vector_numbers";
import { print, printDecimal, printHex, printLine } from "../console";
import { kernelCpu } from "../cpu/cpu";
import { ERROR_INTERRUPTS } from "../errors";
import { rootAllocate } from "../state";
import { boot, fail, STAGE_DONE } from "./boot";
import { platform } from "./platform";

/** MPS INTI flags of an override (ACPI 6.3, 5.2.12.5): polarity and trigger mode, 2 bits each. */
const INTI_POLARITY: u32 = 3;
const INTI_ACTIVE_LOW: u32 = 3;
const INTI_TRIGGER: u32 = 12;
const INTI_LEVEL: u32 = 12;

@inline
export function interruptController(): InterruptController {
  return changetype<InterruptController>(boot().interrupts);
}

export function stageInterrupts(): u32 {
  boot().interrupts = rootAllocate(offsetof<InterruptController>());
  const ioapic = platformIoApic(platform(), 0);
  const result = interruptsStart(
    interruptController(),
    ioapic.base,
    ioapic.gsiBase,
    VECTOR_LEGACY,
    VECTOR_SPURIOUS,
    VECTOR_APIC_ERROR,
  );
  if (result != INTERRUPTS_OK) return fail(ERROR_INTERRUPTS, result, ioapic.base);
  print("interrupts: ");
  print(interruptController().driver == INTERRUPTS_DRIVER_X2APIC ? "x2APIC" : "xAPIC");
  print(", I/O APIC at 0x");
  printHex(ioapic.base);
  print(" with ");
  printDecimal(interruptController().lineCount);
  printLine(" lines, 8259s masked");
  return STAGE_DONE;
}

/** Routes a global system interrupt to the bootstrap processor, with the platform's override. */
export function routeLine(gsi: u32, vector: u32, flags: u32): u32 {
  return interruptsRoute(interruptController(), gsi, kernelCpu(0).apicId, vector, lineFlags(gsi, flags));
}

/** How the line works: `flags`, unless the ACPI tables override it. */
function lineFlags(gsi: u32, flags: u32): u32 {
  for (let index: u32 = 0; index < platform().overrideCount; index++) {
    const entry = platformOverride(platform(), index);
    if (entry.gsi != gsi) continue;
    let result: u32 = 0;
    if ((entry.flags & INTI_TRIGGER) == INTI_LEVEL) result |= LINE_LEVEL;
    if ((entry.flags & INTI_POLARITY) == INTI_ACTIVE_LOW) result |= LINE_ACTIVE_LOW;
    return result;
  }
  return flags;
}

/** Wakes the bootstrap processor, on which the boot goes on. */
export function wakeBoot(): void {
  interruptsSend(interruptController(), kernelCpu(0).apicId, VECTOR_WAKE);
}
