/** The last stages: idle until the power button is pressed, then an orderly end. */
import { BLOCK_FAILED, blockStop, BlockController } from "../../hal/block";
import { PowerDevice, powerOff } from "../../hal/power";
import { portRead16, portWrite16 } from "../../hal/x86_64/machine";
import { PM1_POWER_BUTTON } from "../../sim/spec/acpi";
import { consoleDrain, print, printDecimal, printLine } from "../console";
import { kick } from "../cpu/switch";
import { VECTOR_SCI } from "../cpu/vector_numbers";
import { ERROR_POWER } from "../errors";
import { framesFree } from "../mm/frames";
import { kernel } from "../state";
import { advanceControllers, controllerAt, controllersSettled, driveAt, storage } from "../storage/storage";
import { clockNow } from "../time";
import { LINE_LEVEL } from "../../hal/interrupts";
import { boot, fail, NO_DEADLINE, STAGE_DONE, waitUntil } from "./boot";
import { reportDmaFaults } from "./iommu";
import { routeLine } from "./interrupts";
import { platform } from "./platform";

/** Offset of the PM1 enable register behind the status register (ACPI 6.3, 4.8.3.1.2). */
const PM1_ENABLE_OFFSET: u32 = 2;

/** Waits for the power button; the machine is idle meanwhile. */
export function stageIdle(): u32 {
  const state = boot();
  if (state.phase == 0) {
    routeLine(platform().sciGsi, VECTOR_SCI, LINE_LEVEL);
    portWrite16(platform().pm1EventPort + PM1_ENABLE_OFFSET, PM1_POWER_BUTTON);
    reportDmaFaults();
    print("idle: ");
    printDecimal(framesFree());
    printLine(" frames free");
    state.phase = 1;
  }
  return state.powerButton != 0 ? STAGE_DONE : waitUntil(NO_DEADLINE);
}

/** The system control interrupt: the power button is all that is enabled. */
export function sciInterrupt(): void {
  const port = platform().pm1EventPort;
  if ((portRead16(port) & PM1_POWER_BUTTON) == 0) return;
  portWrite16(port, PM1_POWER_BUTTON);
  boot().powerButton = 1;
  stopAgents();
}

/** No CPU runs an agent from now on; each stands where it was. */
function stopAgents(): void {
  kernel().scheduling = 0;
  for (let index: u32 = 0; index < kernel().cpuCount; index++) kick(index);
}

/** Stops the controllers: what was acknowledged is on the medium afterwards. */
export function stageStop(): u32 {
  const state = boot();
  if (state.phase == 0) {
    printLine("power button: stopping");
    for (let index: u32 = 0; index < storage().count; index++)
      blockStop(changetype<BlockController>(controllerAt(index).block), clockNow());
    state.phase = 1;
  }
  const deadline = advanceControllers();
  if (!controllersSettled()) return waitUntil(deadline);
  reportDmaFaults();
  for (let index: u32 = 0; index < storage().driveCount; index++)
    if (driveAt(index).state == BLOCK_FAILED) printLost(index);
  return STAGE_DONE;
}

function printLost(drive: u32): void {
  print("drive ");
  printDecimal(drive);
  printLine(": not stopped in order, its latest writes may be lost");
}

/** ACPI S5. */
export function stageOff(): u32 {
  printLine("power off");
  consoleDrain();
  const off = powerOff(changetype<PowerDevice>(boot().power));
  return off ? waitUntil(NO_DEADLINE) : fail(ERROR_POWER);
}
