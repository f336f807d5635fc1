/**
 * Instructions that are executed outside of the interpreter, each a block of its own: what sees time,
 * changes the mode, or may end a turn.
 */
import { Cpu, CPU_HALTED } from "../cpu/cpu";
import { refuse } from "../cpu/segments";
import { systemCall } from "../cpu/syscall";
import { trace } from "../trace";
import { OP_HLT, OP_SYSCALL } from "../../spec/isa/operations.generated";
import { TRACE_HALT } from "../../spec/trace";
import { VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/**
 * Executes the instruction of the micro-op at `ip` (emit.ts, emitSystem). RIP is behind it and the
 * flags are in `rflags`; the clock stands at its start. With `cpu.fault` set nothing may have
 * changed, and the CPU is put back to the instruction.
 */
export function executeSystem(cpu: Cpu, ip: usize): void {
  switch (load<u32>(ip, 12) & 0xffff) {
    case OP_HLT:
      if (cpu.cpl != 0) refuse(cpu, VECTOR_GP, 0);
      else {
        cpu.activity = CPU_HALTED;
        trace(<u16>TRACE_HALT, cpu.index);
      }
      return;
    case OP_SYSCALL:
      systemCall(cpu, cpu.rip);
      return;
    default:
      refuse(cpu, VECTOR_UD, 0);
  }
}
