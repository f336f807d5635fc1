/** Interrupts and exceptions arrive here. */
import { Timer, timerInterrupt } from "../../hal/timer";
import { interruptsEnd, interruptsErrors } from "../../hal/interrupts";
import { loadVirtual, readControl, readRegister } from "../../hal/x86_64/machine";
import { REGISTER_RSP, VECTOR_NMI, VECTOR_PF } from "../../sim/spec/x86";
import { Agent } from "../agent/agent";
import { agentFault } from "../agent/fault";
import { interruptController, wakeBoot } from "../boot/interrupts";
import { sciInterrupt } from "../boot/shutdown";
import { ERROR_EXCEPTION } from "../errors";
import { ipcTimers } from "../ipc/wait";
import { pageFault } from "../mm/fault";
import { shootdownInterrupt } from "../mm/shootdown";
import { networkDeadline, networkInterrupt, networkTimer } from "../network/network";
import { panic } from "../panic";
import { kernel } from "../state";
import { storageInterrupt } from "../storage/storage";
import { now } from "../time";
import { kernelCpu } from "./cpu";
import { fromAgent, interruptedAt } from "./switch";
import {
  VECTOR_APIC_ERROR,
  VECTOR_LEGACY,
  VECTOR_RESCHEDULE,
  VECTOR_SCI,
  VECTOR_SHOOTDOWN,
  VECTOR_SPURIOUS,
  VECTOR_TIMER,
  VECTOR_WAKE,
} from "./vector_numbers";

const EXCEPTIONS: u32 = 32;
const LEGACY_VECTORS: u32 = 16;

/** Handles vector `vector`; `errorCode` is what the processor pushed, or 0. */
export function interrupt(cpu: u32, vector: u32, errorCode: u32): void {
  const self = kernelCpu(cpu);
  self.interrupts += 1;
  if (vector < EXCEPTIONS) return exception(cpu, vector, errorCode);
  // Spurious interrupts are not in service: ending one would end another (Intel SDM 3A, 10.9).
  const legacy = vector - VECTOR_LEGACY < LEGACY_VECTORS;
  if (vector == VECTOR_SPURIOUS || legacy) {
    self.spurious += 1;
    return;
  }
  if (!dispatch(cpu, vector)) self.spurious += 1;
  interruptsEnd(interruptController());
}

/** Hands the vector to its owner; false when nobody owns it. */
function dispatch(cpu: u32, vector: u32): bool {
  switch (vector) {
    case VECTOR_TIMER:
      return timerExpired(cpu);
    case VECTOR_SCI:
      sciInterrupt();
      return true;
    case VECTOR_RESCHEDULE:
      kernelCpu(cpu).reschedule = 1;
      return true;
    case VECTOR_SHOOTDOWN:
      shootdownInterrupt(cpu);
      return true;
    case VECTOR_WAKE:
      return true;
    case VECTOR_APIC_ERROR:
      interruptsErrors(interruptController());
      return true;
    default:
      if (networkInterrupt(vector)) return true;
      if (!storageInterrupt(vector)) return false;
      if (cpu != 0) wakeBoot();
      return true;
  }
}

/** The CPU's one deadline is past: the boot's wake-up, or the end of a slice. */
function timerExpired(cpu: u32): bool {
  timerInterrupt(changetype<Timer>(kernelCpu(cpu).timer));
  if (kernel().scheduling != 0) ipcTimers(cpu, now());
  if (networkDeadline(cpu) <= now()) networkTimer();
  kernelCpu(cpu).reschedule = 1;
  return true;
}

/**
 * An exception. In ring 3 it is the agent's, which ends by it if it is more than a page that wasn't
 * there yet. In ring 0 it is a mistake of the kernel: detail = vector and error code, place = the
 * faulting address for a page fault, else the frame's RIP.
 */
function exception(cpu: u32, vector: u32, errorCode: u32): void {
  if (vector == VECTOR_NMI) return;
  const self = kernelCpu(cpu);
  if (fromAgent(self)) {
    const agent = changetype<Agent>(self.current);
    const address = vector == VECTOR_PF ? readControl(2) : interruptedAt(self);
    if (vector == VECTOR_PF && pageFault(agent, address, errorCode)) return;
    return agentFault(agent, vector, errorCode, address);
  }
  const place = vector == VECTOR_PF ? readControl(2) : loadVirtual(readRegister(REGISTER_RSP), 8);
  panic(cpu, ERROR_EXCEPTION, (errorCode << 8) | vector, place);
}
