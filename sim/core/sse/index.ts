/** MMX and SSE instructions that are functions: the hook of the engine (CALL_SSE; emit.ts). */
import { Cpu } from "../cpu/cpu";
import { IS_PACKED, packed } from "./packed.generated";
import { executeFloat } from "./float";
import { isNarrow, packedNarrow } from "./narrow";
import { executeLane } from "./transfer";
import { executeState, isState } from "./state";
import { unitAt } from "./unit";
import { OP_PACKSSWB } from "../../spec/isa/operations.generated";

const MMX_BYTES: u32 = 8;

export function executeSse(cpu: Cpu, ip: usize): void {
  const operation = load<u32>(ip, 12);
  if (operation < <u32>OP_PACKSSWB || isState(operation)) return executeState(cpu, ip, operation);
  if (unchecked(IS_PACKED[operation - OP_PACKSSWB]) != 0) return executePacked(cpu, ip, operation);
  if (executeLane(cpu, ip, operation)) return;
  executeFloat(cpu, ip, operation);
}

function executePacked(cpu: Cpu, ip: usize, operation: u32): void {
  const to = unitAt(cpu, load<u8>(ip, 2));
  const x = v128.load(to);
  const y = v128.load(unitAt(cpu, load<u8>(ip, 3)));
  const n = <u32>load<u8>(ip, 8);
  const narrow = load<u8>(ip, 4) == MMX_BYTES && isNarrow(operation);
  v128.store(to, narrow ? packedNarrow(operation, x, y, n) : packed(operation, x, y, n));
}
