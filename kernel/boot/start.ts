/** The first code of a processor, and what it does when it has nothing to do. */
import { enableInterrupts, halt, readRegister } from "../../hal/x86_64/machine";
import { PowerDevice } from "../../hal/power";
import { createPanic, panic } from "../panic";
import { createConsole, printLine } from "../console";
import { constantsFit, kernel, rootAllocate } from "../state";
import { createKernelCpus } from "../cpu/cpu";
import { leaveIdle } from "../cpu/switch";
import { Boot, boot, NO_DEADLINE, STAGE_DONE, STAGE_FAILED } from "./boot";
import { startApplicationProcessor } from "./processors";
import { STAGE_COUNT } from "./stage_numbers";
import { runStage } from "./stages";
import { enterAt, wakeAt } from "../time";
import { kernelTrace, TRACE_STAGE } from "../trace";

const REGISTER_RBX: u32 = 3;

/** A processor begins: the bootstrap processor after power-on, another after its startup IPI. */
export function start(cpu: u32): void {
  if (cpu != 0) return startApplicationProcessor(cpu);
    assert(constantsFit(), "start: the module's constants reach into the root area");
  kernel().boot = rootAllocate(offsetof<Boot>());
  createConsole();
  createPanic();
  createKernelCpus();
  boot().power = rootAllocate(offsetof<PowerDevice>());
  boot().startInfo = readRegister(REGISTER_RBX);
  printLine("AIOS");
  advance();
}

/** Nothing to return to: the boot goes on if there is something to go on with, then the CPU halts. */
export function idle(cpu: u32): void {
  if (cpu == 0) {
    advance();
    // A stage may take milliseconds, which no agent is to pay for.
    enterAt(cpu);
  }
  if (kernel().scheduling != 0 && leaveIdle(cpu)) return;
  enableInterrupts();
  halt();
}

/** Runs stages until one waits, one fails or the last is done. */
function advance(): void {
  const state = boot();
  while (state.stage < <u32>STAGE_COUNT) {
    state.deadline = NO_DEADLINE;
    const result = runStage(state.stage);
    if (result == STAGE_FAILED) return panic(0, state.error, state.detail, state.place);
    if (result != STAGE_DONE) return wakeAt(state.deadline);
    state.stage += 1;
    state.phase = 0;
    if (kernel().trace != 0) kernelTrace(TRACE_STAGE, state.stage, 0, 0);
  }
}
