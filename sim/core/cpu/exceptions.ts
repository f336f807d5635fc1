/** Exceptions that an operation of the running code raises (Intel SDM 3A, 6.4 and 6.15). */
import { Cpu } from "./cpu";
import { VECTOR_AC, VECTOR_DB, VECTOR_DF, VECTOR_GP, VECTOR_PF, VECTOR_TS } from "../../spec/x86";

/** Vectors 21 (#CP), 29 (#VC) and 30 (#SX) have an error code too. */
const WITH_ERROR_CODE: u32 =
  (1 << VECTOR_DF) |
  (1 << VECTOR_TS) |
  (1 << 11) |
  (1 << 12) |
  (1 << VECTOR_GP) |
  (1 << VECTOR_PF) |
  (1 << VECTOR_AC) |
  (1 << 21) |
  (1 << 29) |
  (1 << 30);

/** Whether the exception `vector` pushes an error code (Intel SDM 3A, table 6-1). */
@inline
export function hasErrorCode(vector: u32): bool {
  return vector < 32 && ((WITH_ERROR_CODE >> vector) & 1) != 0;
}

/**
 * Notes an exception; it is delivered when the running kernel entry has returned. A CPU would have
 * stopped at the first one, so the first one stays.
 */
export function raise(cpu: Cpu, vector: u32, errorCode: u32): void {
  if (cpu.pendingException != 0) return;
  cpu.pendingException = vector + 1;
  cpu.pendingErrorCode = errorCode;
  if (vector == VECTOR_PF) cpu.cr2 = cpu.faultAddress;
}

/** DR6.BS: the trap of a single step (SDM 3B, 17.3.1.4). */
export const DR6_BS: u64 = 1 << 14;

export function singleStep(cpu: Cpu): void {
  cpu.dr6 |= DR6_BS;
  raise(cpu, VECTOR_DB, 0);
}

/** #GP(0). */
@inline
export function raiseProtection(cpu: Cpu): void {
  raise(cpu, VECTOR_GP, 0);
}

/** Raises what `cpu.fault` says, if anything; true when it did. */
export function raiseFault(cpu: Cpu): bool {
  if (cpu.fault == 0) return false;
  raise(cpu, cpu.fault, cpu.faultCode);
  cpu.fault = 0;
  return true;
}
