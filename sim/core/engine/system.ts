/**
 * Instructions that are executed outside of the interpreter, each a block of its own: what sees time,
 * changes the mode, or may end a turn. Here who may execute them, and which part does.
 */
import { Cpu } from "../cpu/cpu";
import { realAddresses, refuse } from "../cpu/segments";
import { engine } from "./memory";
import { executeControl } from "./system-control";
import { executeFlags } from "./system-flags";
import { operationOf } from "./system-operands";
import { executePort } from "./system-ports";
import { executeSegment } from "./system-segments";
import { executeState } from "./system-state";
import { executeTable } from "./system-tables";
import {
  OP_ARPL,
  OP_BOUND,
  OP_CALL_FAR,
  OP_CLAC,
  OP_CLI,
  OP_CLTS,
  OP_CPUID,
  OP_HLT,
  OP_IN,
  OP_INS,
  OP_INT,
  OP_INT1,
  OP_INT3,
  OP_INTO,
  OP_INVD,
  OP_INVLPG,
  OP_INVPCID,
  OP_IRET,
  OP_JMP_FAR,
  OP_LAR,
  OP_LDS,
  OP_LES,
  OP_LFS,
  OP_LGDT,
  OP_LGS,
  OP_LIDT,
  OP_LLDT,
  OP_LMSW,
  OP_LSL,
  OP_LSS,
  OP_LTR,
  OP_MOV_FROM_CONTROL,
  OP_MOV_FROM_DEBUG,
  OP_MOV_FROM_SEGMENT,
  OP_MOV_TO_CONTROL,
  OP_MOV_TO_DEBUG,
  OP_MOV_TO_SEGMENT,
  OP_OUT,
  OP_OUTS,
  OP_PAUSE,
  OP_POPF,
  OP_POP_SEGMENT,
  OP_PUSH_SEGMENT,
  OP_RDFSBASE,
  OP_RDGSBASE,
  OP_RDMSR,
  OP_RDPMC,
  OP_RDTSC,
  OP_RDTSCP,
  OP_RETF,
  OP_SGDT,
  OP_SIDT,
  OP_SLDT,
  OP_SMSW,
  OP_STAC,
  OP_STI,
  OP_STR,
  OP_SWAPGS,
  OP_SYSCALL,
  OP_SYSENTER,
  OP_SYSEXIT,
  OP_SYSRET,
  OP_VERR,
  OP_VERW,
  OP_WBINVD,
  OP_WRFSBASE,
  OP_WRGSBASE,
  OP_WRMSR,
  OP_XGETBV,
  OP_XRSTOR,
  OP_XSAVE,
  OP_XSAVEOPT,
  OP_XSETBV,
} from "../../spec/isa/operations.generated";
import { CR4_UMIP, VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/**
 * Executes the instruction of the micro-op at `ip` (emit.ts, emitSystem). RIP is behind it and the
 * flags are in `rflags`; the clock stands at its start. With `cpu.fault` set nothing has changed
 * but memory, and the CPU is put back to the instruction.
 */
export function executeSystem(cpu: Cpu, ip: usize): void {
  const operation = operationOf(ip);
  const fault = forbidden(cpu, operation);
  if (fault != 0) {
    refuse(cpu, fault, 0);
    return;
  }
  const state = engine();
  state.alone = 1;
  dispatch(cpu, ip, operation);
  state.alone = 0;
}

/** Exception of an instruction that doesn't exist in this mode, or not at this level; or 0. */
export function forbidden(cpu: Cpu, operation: u32): u32 {
  switch (operation) {
    case OP_LLDT:
    case OP_LTR:
      if (realAddresses(cpu)) return VECTOR_UD;
      return cpu.cpl != 0 ? VECTOR_GP : 0;
    case OP_SLDT:
    case OP_STR:
      if (realAddresses(cpu)) return VECTOR_UD;
      return hidden(cpu) ? VECTOR_GP : 0;
    case OP_SGDT:
    case OP_SIDT:
    case OP_SMSW:
      return hidden(cpu) ? VECTOR_GP : 0;
    case OP_LAR:
    case OP_LSL:
    case OP_VERR:
    case OP_VERW:
    case OP_ARPL:
      return realAddresses(cpu) ? VECTOR_UD : 0;
    case OP_CLAC:
    case OP_STAC:
      return cpu.cpl != 0 ? VECTOR_UD : 0;
    case OP_HLT:
    case OP_LGDT:
    case OP_LIDT:
    case OP_LMSW:
    case OP_CLTS:
    case OP_MOV_FROM_CONTROL:
    case OP_MOV_TO_CONTROL:
    case OP_MOV_FROM_DEBUG:
    case OP_MOV_TO_DEBUG:
    case OP_RDMSR:
    case OP_WRMSR:
    case OP_INVD:
    case OP_WBINVD:
    case OP_INVLPG:
    case OP_INVPCID:
    case OP_XSETBV:
    case OP_SWAPGS:
      return cpu.cpl != 0 ? VECTOR_GP : 0;
    default:
      return 0;
  }
}

/** User-mode instruction prevention (Intel SDM 3A, 2.5, CR4.UMIP). */
@inline
function hidden(cpu: Cpu): bool {
  return cpu.cpl != 0 && (cpu.cr4 & CR4_UMIP) != 0;
}

function dispatch(cpu: Cpu, ip: usize, operation: u32): void {
  switch (operation) {
    case OP_CLI:
    case OP_STI:
    case OP_POPF:
    case OP_CLAC:
    case OP_STAC:
    case OP_HLT:
    case OP_PAUSE:
    case OP_INT:
    case OP_INT1:
    case OP_INT3:
    case OP_INTO:
    case OP_BOUND:
    case OP_SYSCALL:
    case OP_SYSRET:
    case OP_SYSENTER:
    case OP_SYSEXIT:
      return executeFlags(cpu, ip, operation);
    case OP_MOV_FROM_SEGMENT:
    case OP_MOV_TO_SEGMENT:
    case OP_PUSH_SEGMENT:
    case OP_POP_SEGMENT:
    case OP_LES:
    case OP_LDS:
    case OP_LSS:
    case OP_LFS:
    case OP_LGS:
    case OP_JMP_FAR:
    case OP_CALL_FAR:
    case OP_RETF:
    case OP_IRET:
    case OP_SWAPGS:
    case OP_RDFSBASE:
    case OP_RDGSBASE:
    case OP_WRFSBASE:
    case OP_WRGSBASE:
      return executeSegment(cpu, ip, operation);
    default:
      dispatchPrivileged(cpu, ip, operation);
  }
}

/** What is a system's own, for the most part. */
function dispatchPrivileged(cpu: Cpu, ip: usize, operation: u32): void {
  switch (operation) {
    case OP_SGDT:
    case OP_SIDT:
    case OP_LGDT:
    case OP_LIDT:
    case OP_SLDT:
    case OP_STR:
    case OP_LLDT:
    case OP_LTR:
    case OP_LAR:
    case OP_LSL:
    case OP_VERR:
    case OP_VERW:
    case OP_ARPL:
      return executeTable(cpu, ip, operation);
    case OP_IN:
    case OP_OUT:
    case OP_INS:
    case OP_OUTS:
      return executePort(cpu, ip, operation);
    case OP_XSAVE:
    case OP_XSAVEOPT:
    case OP_XRSTOR:
      return executeState(cpu, ip, operation);
    case OP_MOV_FROM_CONTROL:
    case OP_MOV_TO_CONTROL:
    case OP_MOV_FROM_DEBUG:
    case OP_MOV_TO_DEBUG:
    case OP_CLTS:
    case OP_SMSW:
    case OP_LMSW:
    case OP_RDMSR:
    case OP_WRMSR:
    case OP_RDTSC:
    case OP_RDTSCP:
    case OP_RDPMC:
    case OP_CPUID:
    case OP_XGETBV:
    case OP_XSETBV:
    case OP_INVLPG:
    case OP_INVPCID:
    case OP_INVD:
    case OP_WBINVD:
      return executeControl(cpu, ip, operation);
    default:
      // What CPUID doesn't announce: MONITOR, MWAIT, XSAVEC, XSAVES and the like.
      refuse(cpu, VECTOR_UD, 0);
  }
}
