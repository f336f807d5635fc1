/** Flags that interrupts depend on, HLT, and the ways into and out of a system's kernel. */
import { charge, Cpu, CPU_HALTED, SHADOW_STI } from "../cpu/cpu";
import { SOURCE_EXCEPTION, SOURCE_SOFTWARE } from "../cpu/delivery";
import { interruptSelf } from "../cpu/interrupts";
import { PAUSE_CYCLES } from "../cpu/prices";
import { ioPrivilege, loadableFlags, setFlagsFrom } from "../cpu/return";
import { refuse } from "../cpu/segments";
import { systemCall, systemEnter, systemExit, systemReturn } from "../cpu/syscall";
import { trace } from "../trace";
import { loadSlow } from "./access";
import { readSlot, signExtended } from "./integer";
import { setStackPointer, stackPeek } from "./stack";
import { immediateOf, operandBytes, regOf, registerSlot } from "./system-operands";
import {
  OP_BOUND,
  OP_CLAC,
  OP_CLI,
  OP_HLT,
  OP_INT,
  OP_INT1,
  OP_INT3,
  OP_INTO,
  OP_PAUSE,
  OP_POPF,
  OP_STAC,
  OP_STI,
  OP_SYSCALL,
  OP_SYSENTER,
  OP_SYSEXIT,
} from "../../spec/isa/operations.generated";
import { TRACE_HALT } from "../../spec/trace";
import {
  RFLAGS_AC,
  RFLAGS_IF,
  RFLAGS_OF,
  RFLAGS_RF,
  RFLAGS_VM,
  VECTOR_BP,
  VECTOR_BR,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_OF,
} from "../../spec/x86";

export function executeFlags(cpu: Cpu, ip: usize, operation: u32): void {
  switch (operation) {
    case OP_CLI:
    case OP_STI:
      return setInterrupts(cpu, operation == OP_STI);
    case OP_POPF:
      return popFlags(cpu, operandBytes(ip));
    case OP_CLAC:
    case OP_STAC:
      return setAccess(cpu, operation == OP_STAC);
    case OP_HLT:
      cpu.activity = CPU_HALTED;
      return trace(TRACE_HALT, cpu.index);
    case OP_PAUSE:
      return charge(cpu, PAUSE_CYCLES);
    case OP_INT:
      return interrupt(cpu, immediateOf(ip) & 0xff);
    case OP_INT3:
      interruptSelf(cpu, VECTOR_BP, SOURCE_SOFTWARE);
      return;
    case OP_INT1:
      // DPL isn't checked, as if it came from outside (SDM 2A, INT n).
      interruptSelf(cpu, VECTOR_DB, SOURCE_EXCEPTION);
      return;
    case OP_INTO:
      if (cpu.rflags & RFLAGS_OF) interruptSelf(cpu, VECTOR_OF, SOURCE_SOFTWARE);
      return;
    case OP_BOUND:
      return checkBounds(cpu, ip);
    default:
      executeSwitch(cpu, ip, operation);
  }
}

function executeSwitch(cpu: Cpu, ip: usize, operation: u32): void {
  if (operation == OP_SYSCALL) systemCall(cpu, cpu.rip);
  else if (operation == OP_SYSENTER) systemEnter(cpu);
  else if (operation == OP_SYSEXIT) systemExit(cpu, operandBytes(ip));
  else systemReturn(cpu, operandBytes(ip));
}

/**
 * CLI and STI, where they haven't been executed in their block (control.ts). They obey IOPL,
 * in virtual-8086 mode too: there is no VIF on this processor.
 */
function setInterrupts(cpu: Cpu, on: bool): void {
  if (cpu.cpl > ioPrivilege(cpu)) {
    refuse(cpu, VECTOR_GP, 0);
    return;
  }
  if (on && !(cpu.rflags & RFLAGS_IF)) cpu.interruptShadow = SHADOW_STI;
  cpu.rflags = on ? cpu.rflags | RFLAGS_IF : cpu.rflags & ~(<u64>RFLAGS_IF);
}

/** POPF, POPFD, POPFQ (SDM 2B, table 4-16): RF is cleared, VM stays. */
function popFlags(cpu: Cpu, bytes: u32): void {
  if (cpu.rflags & RFLAGS_VM && ioPrivilege(cpu) != 3) {
    refuse(cpu, VECTOR_GP, 0);
    return;
  }
  const value = stackPeek(cpu, bytes);
  if (cpu.fault != 0) return;
  setStackPointer(cpu, cpu.rsp + bytes);
  setFlagsFrom(cpu, bytes, value, loadableFlags(cpu) & ~(<u64>RFLAGS_RF));
}

/** CLAC and STAC, where they haven't been executed in their block (control.ts). */
function setAccess(cpu: Cpu, on: bool): void {
  cpu.rflags = on ? cpu.rflags | RFLAGS_AC : cpu.rflags & ~(<u64>RFLAGS_AC);
}

/** INT n. In virtual-8086 mode it needs an IOPL of 3 (SDM 3A, 20.2.7). */
function interrupt(cpu: Cpu, vector: u32): void {
  if (cpu.rflags & RFLAGS_VM && ioPrivilege(cpu) != 3) refuse(cpu, VECTOR_GP, 0);
  else interruptSelf(cpu, vector, SOURCE_SOFTWARE);
}

/** BOUND: signed, the upper bound included. */
function checkBounds(cpu: Cpu, ip: usize): void {
  const bytes = operandBytes(ip);
  const lower = signExtended(loadSlow(cpu, cpu.t3, bytes), bytes);
  if (cpu.fault != 0) return;
  const upper = signExtended(loadSlow(cpu, cpu.t3 + bytes, bytes), bytes);
  if (cpu.fault != 0) return;
  const index = signExtended(readSlot(registerSlot(cpu, regOf(ip)), bytes), bytes);
  if (index < lower || index > upper) refuse(cpu, VECTOR_BR, 0);
}
