/** State instructions: MXCSR, FXSAVE and FXRSTOR, EMMS; and stores under a mask. */
import { Cpu } from "../cpu/cpu";
import { FAULT_PROTECTION, storeOperand, writable } from "../engine/access";
import { executeFxrstor, executeFxsave, MXCSR_MASK } from "../x87/fxsave";
import { emptyMmx } from "./mmx";
import { MXCSR_AT, mxcsrOf, unitAt } from "./unit";
import {
  OP_EMMS,
  OP_FXRSTOR,
  OP_FXSAVE,
  OP_LDMXCSR,
  OP_MASKMOVDQU,
  OP_MASKMOVQ,
  OP_STMXCSR,
} from "../../spec/isa/operations.generated";

export function isState(operation: u32): bool {
  return operation == OP_EMMS || operation == OP_MASKMOVQ || operation == OP_MASKMOVDQU;
}

export function executeState(cpu: Cpu, ip: usize, operation: u32): void {
  switch (operation) {
    case OP_EMMS:
      return emptyMmx(cpu);
    case OP_LDMXCSR:
      return loadControl(cpu, <u32>cpu.t0);
    case OP_STMXCSR:
      cpu.t0 = mxcsrOf(cpu);
      return;
    case OP_FXSAVE:
      return executeFxsave(cpu, ip);
    case OP_FXRSTOR:
      return executeFxrstor(cpu, ip);
    default: {
      const bytes: u32 = operation == OP_MASKMOVQ ? 8 : 16;
      return storeMasked(cpu, unitAt(cpu, load<u8>(ip, 2)), unitAt(cpu, load<u8>(ip, 3)), bytes);
    }
  }
}

/** LDMXCSR. */
function loadControl(cpu: Cpu, value: u32): void {
  if ((value & ~MXCSR_MASK) != 0) cpu.fault = FAULT_PROTECTION;
  else store<u32>(cpu.fxsave, value, MXCSR_AT);
}

/**
 * MASKMOVQ, MASKMOVDQU: the bytes of `from` to T3 whose bytes in `mask` have the top bit. No other byte
 * is touched, or faults; the first and the last are tried before any is stored.
 */
function storeMasked(cpu: Cpu, from: usize, mask: usize, bytes: u32): void {
  const chosen = <u32>i8x16.bitmask(v128.load(mask)) & ((<u32>1 << bytes) - 1);
  if (chosen == 0) return;
  const va = cpu.t3;
  const first = <u32>ctz(chosen);
  const last: u32 = 31 - <u32>clz(chosen);
  if (!writable(cpu, va + first, 1) || !writable(cpu, va + last, 1)) return;
  for (let n = first; n <= last; n++)
    if (((chosen >> n) & 1) != 0) storeOperand<u8>(cpu, va + n, load<u8>(from + n));
}
