/** Operands of many bytes on their way between memory and a buffer in the host window. */
import { Cpu } from "../cpu/cpu";
import { fastWriteUpTo } from "../cpu/tlb";
import { alignedTo, loadOperand, storeOperand, writable } from "../engine/access";
import { HOST_BASE } from "../memory";

/** Room for 512 bytes, up to the window's buffer. */
export const OPERAND: usize = HOST_BASE + 0xe00;

/**
 * Loads `bytes` bytes, an even number, in parts of at most `part` bytes, which is what they have to be
 * aligned to with RFLAGS.AC; false if that faults.
 */
export function loadBytes(cpu: Cpu, va: u64, bytes: u32, part: u32 = 8): bool {
  if (part < 8) return loadParts(cpu, va, bytes, part);
  let done: u32 = 0;
  for (; bytes - done >= 8 && cpu.fault == 0; done += 8)
    store<u64>(OPERAND + done, loadOperand<u64>(cpu, va + done));
  if ((bytes & 4) != 0 && cpu.fault == 0) {
    store<u32>(OPERAND + done, loadOperand<u32>(cpu, va + done));
    done += 4;
  }
  if ((bytes & 2) != 0 && cpu.fault == 0)
    store<u16>(OPERAND + done, loadOperand<u16>(cpu, va + done));
  return cpu.fault == 0;
}

/** The same in parts of 2 or 4 bytes: images of the unit have fields of these widths. */
function loadParts(cpu: Cpu, va: u64, bytes: u32, part: u32): bool {
  for (let done: u32 = 0; done < bytes && cpu.fault == 0; done += part) {
    if (part == 4 && bytes - done >= 4) store<u32>(OPERAND + done, loadOperand<u32>(cpu, va + done));
    else store<u16>(OPERAND + done, loadOperand<u16>(cpu, va + done));
  }
  return cpu.fault == 0;
}

function storeParts(cpu: Cpu, va: u64, bytes: u32, part: u32): void {
  for (let done: u32 = 0; done < bytes; done += part) {
    if (part == 4 && bytes - done >= 4) storeOperand<u32>(cpu, va + done, load<u32>(OPERAND + done));
    else storeOperand<u16>(cpu, va + done, load<u16>(OPERAND + done));
  }
}

/** Whether `bytes` bytes may be stored; `storeBytes` then can't fail. */
@inline
export function mayStore(cpu: Cpu, va: u64, bytes: u32, part: u32 = 8): bool {
  if (fastWriteUpTo(cpu, va, bytes - 1) != 0) return true;
  return alignedTo(cpu, va, bytes, min(part, bytes)) && writable(cpu, va, bytes);
}

/** Stores what `mayStore` has allowed. */
export function storeBytes(cpu: Cpu, va: u64, bytes: u32, part: u32 = 8): void {
  if (part < 8) return storeParts(cpu, va, bytes, part);
  let done: u32 = 0;
  for (; bytes - done >= 8; done += 8) storeOperand<u64>(cpu, va + done, load<u64>(OPERAND + done));
  if ((bytes & 4) != 0) {
    storeOperand<u32>(cpu, va + done, load<u32>(OPERAND + done));
    done += 4;
  }
  if ((bytes & 2) != 0) storeOperand<u16>(cpu, va + done, load<u16>(OPERAND + done));
}
