/** MMX and SSE instructions: the hook of the engine (engine/micro-ops: CALL_SSE). */
import { Cpu } from "../cpu/cpu";
import { refuse } from "../cpu/segments";
import { VECTOR_UD } from "../../spec/x86";

/**
 * Executes the instruction of the micro-op at `ip`: bits 15-0 of y at ip + 12 are its operation, bit 0
 * of s at ip + 5 says that it has a memory operand, whose linear address is in T3.
 */
export function executeSse(cpu: Cpu, _ip: usize): void {
  refuse(cpu, VECTOR_UD, 0);
}
