/** Floating-point instructions. */
import { Cpu } from "../cpu/cpu";
import { refuse } from "../cpu/segments";
import { VECTOR_UD } from "../../spec/x86";

export function executeFloat(cpu: Cpu, _ip: usize, _operation: u32): void {
  refuse(cpu, VECTOR_UD, 0);
}
