/** Control, debug and model-specific registers, CPUID, time, and what invalidates caches. */
import { charge, Cpu } from "../cpu/cpu";
import {
  in64BitMode,
  invalidateAddress,
  invalidatePcid,
  readControlRegister,
  writeControlRegister,
  writeXcr,
} from "../cpu/control";
import { cpuidInstruction } from "../cpu/cpuid";
import { readDebugRegister, writeDebugRegister } from "../cpu/debug";
import { readMsrRegister, readTsc, writeMsrRegister } from "../cpu/msr";
import {
  CPUID_CYCLES,
  INVLPG_CYCLES,
  INVPCID_CYCLES,
  RDMSR_CYCLES,
  RDTSC_CYCLES,
  READ_CONTROL_CYCLES,
  WBINVD_CYCLES,
  WRITE_CONTROL_CYCLES,
  WRMSR_CYCLES,
} from "../cpu/prices";
import { refuse } from "../cpu/segments";
import { readSlot, writeSlot } from "./integer";
import { loadOperand, operandBytes, readRm, registerSlot, regOf, rmOf, writeRm } from "./system-operands";
import {
  OP_CLTS,
  OP_CPUID,
  OP_INVD,
  OP_INVLPG,
  OP_INVPCID,
  OP_LMSW,
  OP_MOV_FROM_CONTROL,
  OP_MOV_FROM_DEBUG,
  OP_MOV_TO_CONTROL,
  OP_MOV_TO_DEBUG,
  OP_RDMSR,
  OP_RDTSC,
  OP_RDTSCP,
  OP_SMSW,
  OP_WBINVD,
  OP_WRMSR,
  OP_XGETBV,
  OP_XSETBV,
} from "../../spec/isa/operations.generated";
import { CR0_TS, CR4_OSXSAVE, CR4_TSD, VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/** PE, MP, EM, TS: the machine status word as LMSW writes it. */
const STATUS_WORD: u64 = 0xf;
const STATUS_PE: u64 = 1;

export function executeControl(cpu: Cpu, ip: usize, operation: u32): void {
  switch (operation) {
    case OP_RDTSC:
    case OP_RDTSCP:
      return readTime(cpu, operation == OP_RDTSCP);
    case OP_CPUID:
      charge(cpu, CPUID_CYCLES);
      return cpuidInstruction(cpu, <u32>cpu.rax, <u32>cpu.rcx);
    case OP_RDMSR:
      charge(cpu, RDMSR_CYCLES);
      return setPair(cpu, readMsrRegister(cpu, <u32>cpu.rcx));
    case OP_WRMSR:
      charge(cpu, WRMSR_CYCLES);
      return writeMsrRegister(cpu, <u32>cpu.rcx, pair(cpu));
    case OP_INVLPG:
      charge(cpu, INVLPG_CYCLES);
      return invalidateAddress(cpu, cpu.t3);
    case OP_INVPCID:
      return invalidateByDescriptor(cpu, ip);
    case OP_INVD:
    case OP_WBINVD:
      // Memory is coherent: there is nothing to write back.
      return charge(cpu, WBINVD_CYCLES);
    case OP_XGETBV:
      return readExtended(cpu);
    case OP_XSETBV:
      charge(cpu, WRITE_CONTROL_CYCLES);
      return writeXcr(cpu, <u32>cpu.rcx, pair(cpu));
    case OP_MOV_FROM_CONTROL:
    case OP_MOV_TO_CONTROL:
    case OP_MOV_FROM_DEBUG:
    case OP_MOV_TO_DEBUG:
      return moveSpecial(cpu, ip, operation);
    case OP_CLTS:
      cpu.cr0 &= ~(<u64>CR0_TS);
      return;
    case OP_SMSW:
      return writeRm(cpu, ip, operandBytes(ip), cpu.cr0);
    case OP_LMSW:
      return loadStatusWord(cpu, ip);
    default:
      // RDPMC: there are no performance counters.
      refuse(cpu, VECTOR_GP, 0);
  }
}

/** EDX:EAX. */
@inline
function pair(cpu: Cpu): u64 {
  return (cpu.rax & 0xffff_ffff) | (cpu.rdx << 32);
}

/** Puts `value` into EDX:EAX, unless it couldn't be read. */
function setPair(cpu: Cpu, value: u64): void {
  if (cpu.fault != 0) return;
  cpu.rax = value & 0xffff_ffff;
  cpu.rdx = value >> 32;
}

function readTime(cpu: Cpu, withId: bool): void {
  if (cpu.cr4 & CR4_TSD && cpu.cpl != 0) {
    refuse(cpu, VECTOR_GP, 0);
    return;
  }
  setPair(cpu, readTsc(cpu));
  if (withId) cpu.rcx = cpu.tscAux & 0xffff_ffff;
  charge(cpu, RDTSC_CYCLES);
}

function readExtended(cpu: Cpu): void {
  if (!(cpu.cr4 & CR4_OSXSAVE)) refuse(cpu, VECTOR_UD, 0);
  else if (<u32>cpu.rcx != 0) refuse(cpu, VECTOR_GP, 0);
  else setPair(cpu, cpu.xcr0);
}

/** INVPCID: type in a register; PCID in bits 11-0, the rest of 63-0 reserved, address in 127-64. */
function invalidateByDescriptor(cpu: Cpu, ip: usize): void {
  const pcid = loadOperand(cpu, ip, 0, 8);
  const address = cpu.fault == 0 ? loadOperand(cpu, ip, 8, 8) : 0;
  if (cpu.fault != 0) return;
  charge(cpu, INVPCID_CYCLES);
  const type = readSlot(registerSlot(cpu, regOf(ip)), operandBytes(ip));
  invalidatePcid(cpu, <u32>min<u64>(type, 0xffff_ffff), pcid, address);
}

/** MOV from and to control and debug registers: 64 bits in 64-bit mode, else 32. */
function moveSpecial(cpu: Cpu, ip: usize, operation: u32): void {
  const bytes: u32 = in64BitMode(cpu) ? 8 : 4;
  const slot = registerSlot(cpu, rmOf(ip));
  const number = regOf(ip);
  const reads = operation == OP_MOV_FROM_CONTROL || operation == OP_MOV_FROM_DEBUG;
  charge(cpu, reads ? READ_CONTROL_CYCLES : WRITE_CONTROL_CYCLES);
  if (operation == OP_MOV_TO_CONTROL) return writeControlRegister(cpu, number, readSlot(slot, bytes));
  if (operation == OP_MOV_TO_DEBUG) return writeDebugRegister(cpu, number, readSlot(slot, bytes));
  const control = operation == OP_MOV_FROM_CONTROL;
  const value = control ? readControlRegister(cpu, number) : readDebugRegister(cpu, number);
  if (cpu.fault == 0) writeSlot(slot, bytes, value);
}

/** LMSW can set PE, but not clear it. */
function loadStatusWord(cpu: Cpu, ip: usize): void {
  const value = readRm(cpu, ip, 2) & STATUS_WORD;
  if (cpu.fault != 0) return;
  charge(cpu, WRITE_CONTROL_CYCLES);
  writeControlRegister(cpu, 0, (cpu.cr0 & ~(STATUS_WORD & ~STATUS_PE)) | value);
}
