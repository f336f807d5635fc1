/** Stage: processors. The application processors are started one after the other. */
import {
  CpuStartup,
  INTERRUPTS_OK,
  interruptsStartCpu,
  STARTUP_FAILED,
  startupAdvance,
  startupArrived,
  startupBegin,
} from "../../hal/interrupts";
import { enableInterrupts, halt } from "../../hal/x86_64/machine";
import { print, printDecimal, printLine } from "../console";
import { takeUpTables } from "../cpu/bringup";
import { kernelCpu } from "../cpu/cpu";
import { ERROR_CPU_NOT_STARTED } from "../errors";
import { enterLongMode } from "../mm/space";
import { kernel, rootAllocate } from "../state";
import { clockNow } from "../time";
import { boot, fail, STAGE_DONE, waitUntil } from "./boot";
import { interruptController, wakeBoot } from "./interrupts";
import { startCpuTimer } from "./timers";

/**
 * Page at which processors start. Their first instructions are the kernel's start entry, so nothing
 * is there; the page is one that the firmware leaves free.
 */
const STARTUP_PAGE: u64 = 0x8000;

@inline
function startup(): CpuStartup {
  return changetype<CpuStartup>(boot().processors);
}

/** `phase` is the processor that is being started; 0 when none has been yet. */
export function stageProcessors(): u32 {
  const state = boot();
  if (state.phase == 0) {
    state.processors = rootAllocate(offsetof<CpuStartup>());
    return startNext();
  }
  if (kernelCpu(state.phase).online != 0) {
    startupArrived(startup());
    return startNext();
  }
  startupAdvance(interruptController(), startup(), clockNow());
  if (startup().state == STARTUP_FAILED) return fail(ERROR_CPU_NOT_STARTED, state.phase);
  return waitUntil(startup().deadline);
}

function startNext(): u32 {
  const state = boot();
  state.phase += 1;
  if (state.phase >= kernel().cpuCount) {
    print("processors: ");
    printDecimal(kernel().cpuCount);
    printLine(" online");
    return STAGE_DONE;
  }
  const apicId = kernelCpu(state.phase).apicId;
  const result = startupBegin(interruptController(), startup(), apicId, STARTUP_PAGE, clockNow());
  if (result != INTERRUPTS_OK) return fail(ERROR_CPU_NOT_STARTED, state.phase, result);
  return waitUntil(startup().deadline);
}

/** An application processor's first code. */
export function startApplicationProcessor(cpu: u32): void {
  enterLongMode();
  takeUpTables(cpu);
  interruptsStartCpu(interruptController());
  if (startCpuTimer(cpu)) kernelCpu(cpu).online = 1;
  wakeBoot();
  enableInterrupts();
  halt();
}
