/**
 * Interrupts: from lines and messages to vectors of CPUs, and from CPU to CPU.
 *
 * One controller stands for all of the machine's. `interruptsStart` runs once, on the first CPU;
 * `interruptsStartCpu` on each further one. CPUs are named by their hardware ID (APIC ID), which
 * `interruptsCpu` tells. Nothing here waits: starting a CPU is a sequence with deadlines that the
 * caller moves on.
 */
import {
  DELIVERY_INIT,
  DELIVERY_NMI,
  DELIVERY_SHIFT,
  DELIVERY_STARTUP,
  ICR_LEVEL_ASSERT,
  ICR_SHORTHAND_SHIFT,
  SHORTHAND_OTHERS,
} from "../sim/spec/apic";
import { IOAPIC_ACTIVE_LOW, IOAPIC_LEVEL } from "../sim/spec/ioapic";
import { ioapicDisable, ioapicPins, ioapicRoute } from "./x86_64/ioapic";
import {
  lapicCommand,
  lapicEnable,
  lapicEnd,
  lapicErrors,
  lapicId,
  lapicStart,
  X2APIC,
} from "./x86_64/lapic";
import { picDisable } from "./x86_64/pic";

/** xAPIC page or x2APIC MSRs, with one I/O APIC and a pair of 8259s. */
export const INTERRUPTS_DRIVER_XAPIC: u32 = 1;
export const INTERRUPTS_DRIVER_X2APIC: u32 = 2;

export const INTERRUPTS_OK: u32 = 0;
/** No such line, a vector below 32, or a CPU that this path can't name. */
export const INTERRUPTS_ERROR_ARGUMENT: u32 = 1;
/** The I/O APIC does not answer. */
export const INTERRUPTS_ERROR_VANISHED: u32 = 2;
/** The last command is still on its way. */
export const INTERRUPTS_ERROR_BUSY: u32 = 3;

/** How a line works, as the ACPI tables say: edge and active high unless these bits are set. */
export const LINE_LEVEL: u32 = 1;
export const LINE_ACTIVE_LOW: u32 = 2;

/** Exceptions have the vectors below. */
export const VECTOR_FIRST: u32 = 32;
/** Lines and messages name a CPU by 8 bits, and 255 is all of them. */
const MESSAGE_CPU_MAX: u32 = 254;
const MESSAGE_BASE: u64 = 0xfee0_0000;

@unmanaged
export class InterruptController {
  /** Page of the local APIC, or 0 in x2APIC mode. */
  localPage: u64;
  ioapicBase: u64;
  /**
   * INTERRUPTS_DRIVER_…; 0 before the start: the best that the first CPU has. The caller may choose
   * INTERRUPTS_DRIVER_XAPIC before.
   */
  driver: u32;
  /** Lines are global system interrupts lineFirst .. lineFirst + lineCount - 1. */
  lineFirst: u32;
  lineCount: u32;
  spuriousVector: u32;
  errorVector: u32;
}

/**
 * Turns the controllers on, on the first CPU: all lines masked, the 8259s out of the way.
 * @param ioapicBase physical address, and `lineFirst` the first line, from the MADT
 * @param legacyVectors 16 vectors (a multiple of 8) on which the 8259s may be spurious
 */
export function interruptsStart(
  controller: InterruptController,
  ioapicBase: u64,
  lineFirst: u32,
  legacyVectors: u32,
  spuriousVector: u32,
  errorVector: u32,
): u32 {
  controller.spuriousVector = spuriousVector;
  controller.errorVector = errorVector;
  controller.ioapicBase = ioapicBase;
  controller.lineFirst = lineFirst;
  picDisable(legacyVectors);
  const lines = ioapicPins(ioapicBase);
  if (lines == 0) return INTERRUPTS_ERROR_VANISHED;
  controller.lineCount = lines;
  for (let pin: u32 = 0; pin < lines; pin++) ioapicDisable(ioapicBase, pin);
  interruptsStartCpu(controller);
  return INTERRUPTS_OK;
}

/** Turns the running CPU's local APIC on. All CPUs of a machine come to the same mode. */
export function interruptsStartCpu(controller: InterruptController): void {
  const page = lapicEnable(controller.driver == INTERRUPTS_DRIVER_XAPIC);
  controller.localPage = page;
  controller.driver = page == X2APIC ? INTERRUPTS_DRIVER_X2APIC : INTERRUPTS_DRIVER_XAPIC;
  lapicStart(page, controller.spuriousVector, controller.errorVector);
}

/** Hardware ID of the running CPU. */
export function interruptsCpu(controller: InterruptController): u32 {
  return lapicId(controller.localPage);
}

/** Sends line `line` to `vector` of CPU `cpu`, unmasked. `flags`: LINE_LEVEL | LINE_ACTIVE_LOW. */
export function interruptsRoute(
  controller: InterruptController,
  line: u32,
  cpu: u32,
  vector: u32,
  flags: u32,
): u32 {
  const pin = line - controller.lineFirst;
  if (pin >= controller.lineCount || !vectorValid(vector) || cpu > MESSAGE_CPU_MAX)
    return INTERRUPTS_ERROR_ARGUMENT;
  const trigger: u32 = flags & LINE_LEVEL ? IOAPIC_LEVEL : 0;
  const polarity: u32 = flags & LINE_ACTIVE_LOW ? IOAPIC_ACTIVE_LOW : 0;
  ioapicDisable(controller.ioapicBase, pin);
  ioapicRoute(controller.ioapicBase, pin, vector | trigger | polarity, cpu);
  return INTERRUPTS_OK;
}

@inline
function vectorValid(vector: u32): bool {
  return vector >= VECTOR_FIRST && vector < 256;
}

/** Address for message-signalled interrupts to CPU `cpu`; 0 when no message can name it. */
export function interruptsMessageAddress(cpu: u32): u64 {
  return cpu > MESSAGE_CPU_MAX ? 0 : MESSAGE_BASE | ((<u64>cpu) << 12);
}

/** Data for message-signalled interrupts to `vector`: fixed, edge. 0 for a vector below 32. */
export function interruptsMessageData(vector: u32): u32 {
  return vectorValid(vector) ? vector : 0;
}

/** End of the interrupt that the running CPU handles. Not for NMI, spurious and legacy vectors. */
export function interruptsEnd(controller: InterruptController): void {
  lapicEnd(controller.localPage);
}

/** Errors that the running CPU's APIC noted since the last call (ESR bits); for `errorVector`. */
export function interruptsErrors(controller: InterruptController): u32 {
  return lapicErrors(controller.localPage);
}

function command(controller: InterruptController, low: u32, cpu: u32): u32 {
  if (controller.driver == INTERRUPTS_DRIVER_XAPIC && cpu > MESSAGE_CPU_MAX)
    return INTERRUPTS_ERROR_ARGUMENT;
  const sent = lapicCommand(controller.localPage, low | ICR_LEVEL_ASSERT, cpu);
  return sent ? INTERRUPTS_OK : INTERRUPTS_ERROR_BUSY;
}

/** Interrupts CPU `cpu` (the running one is allowed) with `vector`. */
export function interruptsSend(controller: InterruptController, cpu: u32, vector: u32): u32 {
  return vectorValid(vector) ? command(controller, vector, cpu) : INTERRUPTS_ERROR_ARGUMENT;
}

/** Interrupts every CPU but the running one with `vector`. */
export function interruptsSendOthers(controller: InterruptController, vector: u32): u32 {
  if (!vectorValid(vector)) return INTERRUPTS_ERROR_ARGUMENT;
  return command(controller, ((<u32>SHORTHAND_OTHERS) << ICR_SHORTHAND_SHIFT) | vector, 0);
}

/** Sends CPU `cpu` an NMI, which it takes even with interrupts disabled. */
export function interruptsSendNmi(controller: InterruptController, cpu: u32): u32 {
  return command(controller, DELIVERY_NMI << DELIVERY_SHIFT, cpu);
}

/** States of a start; 0 before it begins. INIT has been sent; the first startup IPI is due at the deadline. */
export const STARTUP_INIT: u32 = 1;
/** The first startup IPI has been sent; the second is due at the deadline. */
export const STARTUP_FIRST: u32 = 2;
/** Both have been sent; the CPU has until the deadline to show up. */
export const STARTUP_SECOND: u32 = 3;
export const STARTUP_DONE: u32 = 4;
/** The CPU didn't come. */
export const STARTUP_FAILED: u32 = 5;

/** Intel SDM 3A, 8.4.4.1: 10 ms after INIT, 200 us between the startup IPIs. */
const INIT_NS: u64 = 10_000_000;
const STARTUP_NS: u64 = 200_000;
/** What a CPU may take to come. */
const ARRIVAL_NS: u64 = 100_000_000;
const PAGE_SHIFT: u32 = 12;
const STARTUP_PAGE_MAX: u32 = 0xff;

/** The start of one CPU: INIT, startup IPI, startup IPI. */
@unmanaged
export class CpuStartup {
  /** Time by which `startupAdvance` wants to be called, in ns. */
  deadline: u64;
  cpu: u32;
  state: u32;
  /** Page number of the code at which the CPU starts. */
  page: u32;
}

/** Begins to start CPU `cpu` at physical address `entry`, a page below 1 MiB. `now` in ns. */
export function startupBegin(
  controller: InterruptController,
  startup: CpuStartup,
  cpu: u32,
  entry: u64,
  now: u64,
): u32 {
  const page = entry >> PAGE_SHIFT;
  if (page > STARTUP_PAGE_MAX || page << PAGE_SHIFT != entry) return INTERRUPTS_ERROR_ARGUMENT;
  const result = command(controller, DELIVERY_INIT << DELIVERY_SHIFT, cpu);
  if (result != INTERRUPTS_OK) return result;
  startup.cpu = cpu;
  startup.page = <u32>page;
  startup.state = STARTUP_INIT;
  startup.deadline = now + INIT_NS;
  return INTERRUPTS_OK;
}

/** Goes on when the deadline has come; early calls do nothing. A busy APIC is asked again. */
export function startupAdvance(
  controller: InterruptController,
  startup: CpuStartup,
  now: u64,
): void {
  if (startup.state < STARTUP_INIT || startup.state > STARTUP_SECOND) return;
  if (now < startup.deadline) return;
  if (startup.state == STARTUP_SECOND) {
    startup.state = STARTUP_FAILED;
    return;
  }
  const low = (DELIVERY_STARTUP << DELIVERY_SHIFT) | startup.page;
  if (command(controller, low, startup.cpu) != INTERRUPTS_OK) {
    startup.deadline = now + STARTUP_NS;
    return;
  }
  const first = startup.state == STARTUP_INIT;
  startup.state = first ? STARTUP_FIRST : STARTUP_SECOND;
  startup.deadline = now + (first ? STARTUP_NS : ARRIVAL_NS);
}

/** The CPU runs: no further startup IPI is needed. */
export function startupArrived(startup: CpuStartup): void {
  if (startup.state != STARTUP_FAILED) startup.state = STARTUP_DONE;
}
