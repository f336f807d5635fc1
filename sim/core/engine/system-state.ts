/** XSAVE, XSAVEOPT, XRSTOR: x87 and SSE state in memory (Intel SDM 1, 13). */
import { Cpu } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import { refuse } from "../cpu/segments";
import {
  loadMxcsrArea,
  loadX87Area,
  loadXmmArea,
  storeMxcsrArea,
  storeX87Area,
  storeXmmArea,
} from "../x87/fxsave";
import { clearLegacy } from "../x87/image";
import { Image } from "../x87/unit";
import { copyIn, copyOut } from "./access";
import { stateImage } from "./memory";
import { operandBytes } from "./system-operands";
import { OP_XRSTOR } from "../../spec/isa/operations.generated";
import { CR0_TS, CR4_OSXSAVE, VECTOR_GP, VECTOR_NM, VECTOR_UD } from "../../spec/x86";

/** State components (13.1). */
const COMPONENT_X87: u64 = 1;
const COMPONENT_SSE: u64 = 2;
const XMM_AT: usize = 160;
const XMM_BYTES: usize = 16;
/** The header behind the legacy region: which components are there, and what must be 0. */
const HEADER: usize = 512;
const COMPACTED: usize = HEADER + 8;
const RESERVED: usize = HEADER + 16;
const AREA_BYTES: u32 = 576;
const ALIGNMENT: u64 = 64;

export function executeState(cpu: Cpu, ip: usize, operation: u32): void {
  let fault: u32 = 0;
  if (!(cpu.cr4 & CR4_OSXSAVE)) fault = VECTOR_UD;
  else if (cpu.cr0 & CR0_TS) fault = VECTOR_NM;
  else if (cpu.t3 & (ALIGNMENT - 1)) fault = VECTOR_GP;
  if (fault != 0) {
    refuse(cpu, fault, 0);
    return;
  }
  // 64 bits of instruction and operand pointer with REX.W, else 32 and a selector, which is 0.
  const wide = operandBytes(ip) == 8;
  if (operation == OP_XRSTOR) restore(cpu, wide);
  else save(cpu, wide);
}

/** The components that EDX:EAX asks for, of those that are enabled. */
@inline
function requested(cpu: Cpu): u64 {
  return ((cpu.rax & 0xffff_ffff) | (cpu.rdx << 32)) & cpu.xcr0;
}

/**
 * XSAVE and XSAVEOPT. This processor doesn't track which components are in their initial state, so
 * all count as in use (13.6), and XSAVEOPT saves what XSAVE does.
 */
function save(cpu: Cpu, wide: bool): void {
  const at = stateImage();
  const components = requested(cpu);
  if (!copyIn(cpu, cpu.t3, AREA_BYTES, at)) return;
  if (components & COMPONENT_X87) storeX87Area(cpu, at, wide);
  if (components & COMPONENT_SSE) {
    storeMxcsrArea(cpu, at);
    storeXmmArea(cpu, at);
  }
  store<u64>(at, load<u64>(at, HEADER) | components, HEADER);
  copyOut(cpu, cpu.t3, AREA_BYTES, at);
}

/** XRSTOR of the standard format (13.8): what isn't in the image gets its initial state. */
function restore(cpu: Cpu, wide: bool): void {
  const at = stateImage();
  const components = requested(cpu);
  if (!copyIn(cpu, cpu.t3, AREA_BYTES, at)) return;
  const present = load<u64>(at, HEADER);
  if (present & ~cpu.xcr0 || load<u64>(at, COMPACTED) != 0 || load<u64>(at, RESERVED) != 0) {
    refuse(cpu, VECTOR_GP, 0);
    return;
  }
  // MXCSR comes from the image whether or not the XMM registers do.
  if (components & COMPONENT_SSE && !loadMxcsrArea(cpu, at)) return;
  if (components & COMPONENT_X87) {
    if (present & COMPONENT_X87) loadX87Area(cpu, at, wide);
    else clearLegacy(changetype<Image>(cpu.fxsave));
  }
  if (!(components & COMPONENT_SSE)) return;
  if (present & COMPONENT_SSE) loadXmmArea(cpu, at);
  else memory.fill(cpu.fxsave + XMM_AT, 0, (in64BitMode(cpu) ? 16 : 8) * XMM_BYTES);
}
