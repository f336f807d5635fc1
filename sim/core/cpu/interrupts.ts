/**
 * Which interrupt or exception a CPU takes next, and what follows when taking it fails (Intel SDM
 * 3A, 6.9 priorities, 6.15 double faults; 8.4 INIT and SIPI).
 */
import {
  charge,
  Cpu,
  CPU_HALTED,
  CPU_RUNNING,
  CPU_SHUTDOWN,
  CPU_WAIT_FOR_SIPI,
  SHADOW_STACK,
} from "./cpu";
import { deliver, SOURCE_EXCEPTION, SOURCE_EXTERNAL } from "./delivery";
import { entryAddress } from "./entry";
import { raiseFault } from "./exceptions";
import { initCpu, startupState } from "./reset";
import { engine } from "../engine/memory";
import { lapicAcknowledge, lapicPendingVector } from "../interrupts/lapic";
import { machine } from "../machine";
import { stopMachine } from "../stop";
import { trace } from "../trace";
import { ENTRY_START } from "../../spec/entries";
import { STOP_RESET, STOP_TRIPLE_FAULT } from "../../spec/stops";
import {
  TRACE_INTERRUPT,
  TRACE_PAGE_FAULT,
  TRACE_STARTUP,
  TRACE_WAKE,
} from "../../spec/trace";
import {
  RFLAGS_IF,
  VECTOR_DE,
  VECTOR_DF,
  VECTOR_GP,
  VECTOR_NMI,
  VECTOR_NP,
  VECTOR_PF,
  VECTOR_SS,
  VECTOR_TS,
} from "../../spec/x86";

/** Price of entering a handler through the IDT, in cycles. */
const DELIVERY_CYCLES: u64 = 60;

const CONTRIBUTORY: u32 =
  (1 << VECTOR_DE) | (1 << VECTOR_TS) | (1 << VECTOR_NP) | (1 << VECTOR_SS) | (1 << VECTOR_GP);

@inline
function isContributory(vector: u32): bool {
  return vector < 32 && ((CONTRIBUTORY >> vector) & 1) != 0;
}

/** Whether the CPU would do something if it got a turn. */
export function cpuReady(cpu: Cpu): bool {
  if (cpu.activity == CPU_RUNNING || cpu.pendingInit != 0) return true;
  if (cpu.activity == CPU_HALTED)
    return cpu.pendingException != 0 || nmiDue(cpu) || interruptDue(cpu);
  return cpu.activity == CPU_WAIT_FOR_SIPI && cpu.pendingSipi != 0;
}

@inline
function nmiDue(cpu: Cpu): bool {
  return cpu.pendingNmi != 0 && cpu.nmiBlocked == 0 && cpu.interruptShadow != SHADOW_STACK;
}

@inline
function interruptDue(cpu: Cpu): bool {
  return interruptible(cpu) && lapicPendingVector(cpu) != -1;
}

@inline
function interruptible(cpu: Cpu): bool {
  return (cpu.rflags & RFLAGS_IF) != 0 && cpu.interruptShadow == 0;
}

/** Whether an NMI or interrupt waits for the CPU to let it in. */
export function interruptsWait(cpu: Cpu): bool {
  return cpu.pendingNmi != 0 || lapicPendingVector(cpu) != -1;
}

/** Whether `deliverPending` would find something for a CPU that runs. */
export function somethingWaits(cpu: Cpu): bool {
  const exception = cpu.pendingException != 0 || cpu.pendingInit != 0;
  return exception || nmiDue(cpu) || interruptDue(cpu);
}

/** Whether nothing waits that a CPU in ring 3 would have to take before it goes on. */
export function undisturbed(cpu: Cpu): bool {
  if ((cpu.pendingException | cpu.pendingInit | cpu.pendingNmi) != 0) return false;
  return lapicPendingVector(cpu) == -1;
}

/** Delivers the most urgent thing that waits for the CPU, if anything may be delivered. */
export function deliverPending(cpu: Cpu): void {
  if (cpu.clock < cpu.notBefore && tooEarly(cpu)) return;
  if (cpu.pendingInit != 0) acceptInit(cpu);
  if (cpu.activity == CPU_WAIT_FOR_SIPI) return acceptStartup(cpu);
  if (cpu.activity == CPU_SHUTDOWN) return;
  if (cpu.pendingException != 0) {
    const vector = cpu.pendingException - 1;
    cpu.pendingException = 0;
    return take(cpu, vector, cpu.pendingErrorCode, SOURCE_EXCEPTION);
  }
  if (nmiDue(cpu)) {
    cpu.pendingNmi = 0;
    cpu.nmiBlocked = 1;
    return take(cpu, VECTOR_NMI, 0, SOURCE_EXTERNAL);
  }
  if (!interruptible(cpu)) return;
  const pending = lapicPendingVector(cpu);
  if (pending != -1) take(cpu, lapicAcknowledge(cpu, pending), 0, SOURCE_EXTERNAL);
}

/**
 * What waits was sent later than this CPU's time. One that runs goes on up to then, and takes nothing
 * but its own exceptions; for one that stands still, the time has passed.
 */
function tooEarly(cpu: Cpu): bool {
  if (cpu.activity != CPU_RUNNING) {
    cpu.clock = cpu.notBefore;
    return false;
  }
  const state = machine();
  state.sliceEnd = min(state.sliceEnd, cpu.notBefore);
  return cpu.pendingException == 0;
}

/**
 * The bootstrap processor goes to the reset vector. No firmware is at it on this machine: what one
 * would do, begin anew, is for the host to decide.
 */
function acceptInit(cpu: Cpu): void {
  cpu.pendingInit = 0;
  initCpu(cpu);
  if (cpu.index == 0) stopMachine(STOP_RESET);
}

/**
 * Startup. The page that the vector names is where a guest's real-mode code begins; kernel.wasm's
 * entry stands in for it, and CS tells which page was meant.
 */
function acceptStartup(cpu: Cpu): void {
  if (cpu.pendingSipi == 0) return;
  const vector = cpu.pendingSipi - 1;
  cpu.pendingSipi = 0;
  startupState(cpu, vector);
  if (machine().guest == 0) cpu.rip = entryAddress(ENTRY_START);
  cpu.activity = CPU_RUNNING;
  trace(TRACE_STARTUP, cpu.index, vector);
}

function take(cpu: Cpu, vector: u32, errorCode: u32, source: u32): void {
  if (cpu.activity == CPU_HALTED) {
    cpu.activity = CPU_RUNNING;
    trace(TRACE_WAKE, cpu.index);
  }
  charge(cpu, DELIVERY_CYCLES);
  cpu.interruptShadow = 0;
  deliverOrFault(cpu, vector, errorCode, source);
}

/**
 * INT n, INT3, INTO and INT1, whose following instruction RIP is at. False when delivery faults: the
 * fault, in `cpu.fault`, is the instruction's, and only RIP has yet to be put back to it.
 */
export function interruptSelf(cpu: Cpu, vector: u32, source: u32): bool {
  charge(cpu, DELIVERY_CYCLES);
  if (!deliver(cpu, vector, 0, source)) {
    if (engine().switched == 0) return false;
    // Behind a task switch the instruction has ended, and the fault is the new task's.
    raiseFault(cpu);
  }
  cpu.interruptCount += 1;
  trace(TRACE_INTERRUPT, cpu.index, vector, 0);
  return true;
}

/**
 * Delivers, and when that faults, the fault instead: as itself, as a double fault or not at all
 * (Intel SDM 3A, tables 6-4 and 6-5). Ends after a few rounds: every second fault is of a class
 * above its predecessor's, and the one in a double fault's delivery shuts the CPU down.
 */
function deliverOrFault(cpu: Cpu, first: u32, firstCode: u32, firstSource: u32): void {
  let vector = first;
  let errorCode = firstCode;
  let source = firstSource;
  for (;;) {
    if (source == SOURCE_EXCEPTION && vector == VECTOR_PF)
      trace(TRACE_PAGE_FAULT, cpu.index, errorCode, cpu.cr2);
    if (deliver(cpu, vector, errorCode, source)) break;
    const second = cpu.fault;
    if (second == VECTOR_PF) cpu.cr2 = cpu.faultAddress;
    const exception = source == SOURCE_EXCEPTION;
    if (exception && vector == VECTOR_DF) return shutDown(cpu);
    const double = exception && doubles(vector, second);
    vector = double ? VECTOR_DF : second;
    errorCode = double ? 0 : cpu.faultCode;
    source = SOURCE_EXCEPTION;
  }
  cpu.fault = 0;
  cpu.interruptCount += 1;
  trace(TRACE_INTERRUPT, cpu.index, vector, errorCode);
}

/** Whether a fault `second` while `first` is delivered makes a double fault. */
function doubles(first: u32, second: u32): bool {
  if (first == VECTOR_PF) return second == VECTOR_PF || isContributory(second);
  return isContributory(first) && isContributory(second);
}

/** Nothing but INIT or a reset brings this CPU back. */
function shutDown(cpu: Cpu): void {
  cpu.fault = 0;
  cpu.activity = CPU_SHUTDOWN;
  stopMachine(STOP_TRIPLE_FAULT);
}
