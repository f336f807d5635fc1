/**
 * x87 instructions: the hook of the engine (CALL_X87). What is around the unit is here: who may execute
 * an instruction, its operand in memory, RFLAGS and AX, the pointers for exception handlers.
 *
 *   ip + 3   segment of the operand, if that is in memory; its linear address is in T3
 *   ip + 4   bytes of the operand size
 *   ip + 12  operation | ModR/M << 16 | opcode << 24; T2 has the instruction's RIP
 */
import { Cpu, SEGMENT_CS, SEGMENT_FS, segmentAt } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import { refuse } from "../cpu/segments";
import { FAULT_ALONE } from "../engine/access";
import { setStatusFlags, statusFlags } from "../engine/flags";
import { engine } from "../engine/memory";
import { signalError } from "../interrupts/coprocessor";
import { HOST_BASE } from "../memory";
import { ENVIRONMENT_32, ENVIRONMENT_REAL } from "./image";
import {
  bytesRead,
  bytesWritten,
  executeMemory,
  isControl,
  isMemoryForm,
  loadsControl,
  waitsNot,
} from "./memory";
import { loadBytes, mayStore, OPERAND, storeBytes } from "./operand";
import {
  DONE_FLAGS,
  DONE_STATUS,
  DONE_UNDEFINED,
  executeRegister,
  isConditional,
  isControlRegister,
} from "./registers";
import { begin, Image, STATUS_ES, Unit, UNIT_BYTES } from "./unit";
import {
  CR0_MP,
  CR0_NE,
  CR0_PE,
  CR0_TS,
  RFLAGS_CF,
  RFLAGS_PF,
  RFLAGS_VM,
  RFLAGS_ZF,
  VECTOR_MF,
  VECTOR_NM,
  VECTOR_UD,
} from "../../spec/x86";

const OPCODE_WAIT: u32 = 0x9b;
const REGISTER_FORMS: u32 = 0xc0;
const EXCEPTION_MASKS: u32 = 0x3f;
const COMPARED: u64 = RFLAGS_CF | RFLAGS_PF | RFLAGS_ZF;

/** In the host window, between the engine's part and OPERAND. */
const UNIT: usize = HOST_BASE + 0xc00;

export function executeX87(cpu: Cpu, ip: usize): void {
  const y = load<u32>(ip, 12);
  const image = changetype<Image>(cpu.fxsave);
  if (y >> 24 == OPCODE_WAIT) return wait(cpu, image);
  const form = formOf(y);
  const inMemory = (form & 0xff) < REGISTER_FORMS;
  const anyway = inMemory ? waitsNot(form) : isControlRegister(form);
  if (!anyway && !pass(cpu, image, form)) return;
  assert(UNIT + UNIT_BYTES <= OPERAND, "x87: the unit's place has room for it");
  const unit = changetype<Unit>(UNIT);
  const pending = (image.status & STATUS_ES) != 0;
  begin(unit, image);
  if (inMemory) memoryForm(cpu, unit, form, ip);
  else registerForm(cpu, unit, form);
  if (cpu.fault != 0) return;
  if ((cpu.cr0 & CR0_NE) == 0 && !pending && (image.status & STATUS_ES) != 0) signalError();
}

@inline
function formOf(y: u32): u32 {
  return ((y >> 16) & 0xff) | ((y >> 16) & 0x700);
}

/** Raises what is pending before the instruction with an operand in memory whose micro-op is at `ip`. */
export function pendingAt(cpu: Cpu, ip: usize): bool {
  return !waitsNot(formOf(load<u32>(ip, 12))) && raisePending(cpu, changetype<Image>(cpu.fxsave));
}

/** WAIT (Intel SDM 2D, FWAIT; 3A, 2.5, CR0.MP). */
function wait(cpu: Cpu, image: Image): void {
  const both: u64 = CR0_MP | CR0_TS;
  if ((cpu.cr0 & both) == both) refuse(cpu, VECTOR_NM, 0);
  else raisePending(cpu, image);
}

/**
 * Raises #MF if an exception of an earlier instruction is pending. Without CR0.NE the unit tells the
 * interrupt controller instead, has done so already, and goes on as if IGNNE# were asserted.
 */
export function raisePending(cpu: Cpu, image: Image): bool {
  if ((image.status & STATUS_ES) == 0 || (cpu.cr0 & CR0_NE) == 0) return false;
  refuse(cpu, VECTOR_MF, 0);
  return true;
}

/** Whether a waiting instruction may go on. */
function pass(cpu: Cpu, image: Image, form: u32): bool {
  if (raisePending(cpu, image)) return false;
  // The interrupt that an exception may be without CR0.NE comes at an exact time only outside of blocks.
  const loads = (form & 0xff) < REGISTER_FORMS && loadsControl(form);
  const quiet = (image.control & EXCEPTION_MASKS) == EXCEPTION_MASKS && !loads;
  if ((cpu.cr0 & CR0_NE) != 0 || quiet || engine().alone != 0) return true;
  cpu.fault = FAULT_ALONE;
  return false;
}

/** Notes where the instruction and its operand are, for exception handlers (Intel SDM 1, 8.1.8). */
function notePointers(cpu: Cpu, image: Image, form: u32): void {
  image.opcode = <u16>form;
  image.instruction = hasLinearPointers(cpu)
    ? (cpu.t2 + segmentAt(cpu, SEGMENT_CS).base) & 0xffff_ffff
    : cpu.t2;
}

/** Real and virtual-8086 mode note linear addresses, the others offsets. */
function hasLinearPointers(cpu: Cpu): bool {
  return (cpu.cr0 & CR0_PE) == 0 || (cpu.rflags & RFLAGS_VM) != 0;
}

function operandPointer(cpu: Cpu, segment: u32): u64 {
  if (hasLinearPointers(cpu)) return cpu.t3;
  if (in64BitMode(cpu))
    return segment < SEGMENT_FS ? cpu.t3 : cpu.t3 - segmentAt(cpu, segment).base;
  return (cpu.t3 - segmentAt(cpu, segment).base) & 0xffff_ffff;
}

function memoryForm(cpu: Cpu, unit: Unit, form: u32, ip: usize): void {
  if (!isMemoryForm(form)) {
    refuse(cpu, VECTOR_UD, 0);
    return;
  }
  unit.environment = load<u8>(ip, 4) == 2 ? 0 : ENVIRONMENT_32;
  if (hasLinearPointers(cpu)) unit.environment |= ENVIRONMENT_REAL;
  const va = cpu.t3;
  const read = bytesRead(form, unit.environment);
  const written = bytesWritten(form, unit.environment);
  const part = imagePart(unit.environment, max(read, written));
  if (read != 0 && !loadBytes(cpu, va, read, part)) return;
  // Nothing may fault once the state has changed.
  if (written != 0 && !mayStore(cpu, va, written, part)) return;
  if (!isControl(form)) {
    notePointers(cpu, unit.image, form);
    unit.image.operand = operandPointer(cpu, load<u8>(ip, 3));
  }
  if (executeMemory(unit, form, OPERAND)) storeBytes(cpu, va, written, part);
}

/** Images consist of parts of 2 or 4 bytes, numbers of up to 8 (alignment: Intel SDM 3A, table 6-7). */
function imagePart(environment: u32, bytes: u32): u32 {
  if (bytes < 14) return 8;
  return (environment & ENVIRONMENT_32) != 0 ? 4 : 2;
}

function registerForm(cpu: Cpu, unit: Unit, form: u32): void {
  if (isConditional(form)) unit.flags = <u32>(statusFlags(cpu) & COMPARED);
  const instruction = unit.image.instruction;
  const opcode = unit.image.opcode;
  if (!isControlRegister(form)) notePointers(cpu, unit.image, form);
  switch (executeRegister(unit, form)) {
    case DONE_UNDEFINED:
      unit.image.instruction = instruction;
      unit.image.opcode = opcode;
      refuse(cpu, VECTOR_UD, 0);
      return;
    case DONE_FLAGS:
      return setStatusFlags(cpu, unit.flags);
    case DONE_STATUS:
      store<u16>(changetype<usize>(cpu), unit.image.status, offsetof<Cpu>("rax"));
  }
}
