/**
 * FXSAVE and FXRSTOR (Intel SDM 2A; the area: SDM 1, table 10-2), and the legacy area of XSAVE, which
 * has the same form (SDM 1, 13.4.1).
 */
import { Cpu } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import { canonical } from "../cpu/mmu";
import { refuse } from "../cpu/segments";
import { FAULT_PROTECTION } from "../engine/access";
import { restoreLegacy, saveLegacy } from "./image";
import { loadBytes, mayStore, OPERAND, storeBytes } from "./operand";
import { Image } from "./unit";
import { VECTOR_GP } from "../../spec/x86";

const AREA_BYTES: u32 = 512;
const ALIGNMENT: u64 = 16;
const MXCSR_AT: usize = 24;
const MXCSR_BYTES: usize = 8;
export const MXCSR_MASK: u32 = 0xffff;
const XMM_AT: usize = 160;
const XMM_BYTES: usize = 16;
/** Halves of FIP and FDP that are selectors unless REX.W is there. */
const FCS_AT: usize = 12;
const FDS_AT: usize = 20;

/** The bytes of the area that are written: what is behind belongs to software. */
function areaBytes(cpu: Cpu): u32 {
  return <u32>XMM_AT + xmmCount(cpu) * <u32>XMM_BYTES;
}

/** XMM8 to XMM15 exist in 64-bit mode only. */
function xmmCount(cpu: Cpu): u32 {
  return in64BitMode(cpu) ? 16 : 8;
}

/**
 * Writes the x87 part: bytes 0 to 23 and 32 to 159.
 * @param wide pointers of 64 bits; else 32 bits and a selector, which is 0 (x87/image.ts)
 */
export function storeX87Area(cpu: Cpu, to: usize, wide: bool): void {
  saveLegacy(changetype<Image>(cpu.fxsave), to);
  if (wide) return;
  store<u32>(to + FCS_AT, 0);
  store<u32>(to + FDS_AT, 0);
}

/** Reads it. */
export function loadX87Area(cpu: Cpu, from: usize, wide: bool): void {
  const image = changetype<Image>(cpu.fxsave);
  restoreLegacy(image, from);
  if (wide) return;
  image.instruction &= 0xffff_ffff;
  image.operand &= 0xffff_ffff;
}

/** Writes MXCSR and its mask. */
export function storeMxcsrArea(cpu: Cpu, to: usize): void {
  memory.copy(to + MXCSR_AT, cpu.fxsave + MXCSR_AT, MXCSR_BYTES);
}

/** Writes XMM0 to XMM7, in 64-bit mode to XMM15. */
export function storeXmmArea(cpu: Cpu, to: usize): void {
  memory.copy(to + XMM_AT, cpu.fxsave + XMM_AT, <usize>xmmCount(cpu) * XMM_BYTES);
}

/** Reads MXCSR; false, with #GP(0), if it has a bit that doesn't exist. */
export function loadMxcsrArea(cpu: Cpu, from: usize): bool {
  const mxcsr = load<u32>(from + MXCSR_AT);
  if ((mxcsr & ~MXCSR_MASK) != 0) return refuse(cpu, VECTOR_GP, 0);
  store<u32>(cpu.fxsave + MXCSR_AT, mxcsr);
  return true;
}

export function loadXmmArea(cpu: Cpu, from: usize): void {
  memory.copy(cpu.fxsave + XMM_AT, from + XMM_AT, <usize>xmmCount(cpu) * XMM_BYTES);
}

/** Bit 4 of a micro-op's s: REX.W. */
@inline
function isWide(ip: usize): bool {
  return (load<u8>(ip, 5) & 0x10) != 0;
}

/** The micro-op at `ip` is as for SSE; the area's linear address is in T3. */
export function executeFxsave(cpu: Cpu, ip: usize): void {
  if (!aligned(cpu) || !mayStore(cpu, cpu.t3, AREA_BYTES)) return;
  storeX87Area(cpu, OPERAND, isWide(ip));
  storeMxcsrArea(cpu, OPERAND);
  storeXmmArea(cpu, OPERAND);
  storeBytes(cpu, cpu.t3, areaBytes(cpu));
}

export function executeFxrstor(cpu: Cpu, ip: usize): void {
  if (!aligned(cpu) || !loadBytes(cpu, cpu.t3, AREA_BYTES)) return;
  if (!loadMxcsrArea(cpu, OPERAND)) {
    cpu.fault = FAULT_PROTECTION;
    return;
  }
  loadX87Area(cpu, OPERAND, isWide(ip));
  loadXmmArea(cpu, OPERAND);
}

/** An address that isn't canonical is told by the access. */
function aligned(cpu: Cpu): bool {
  const known = (cpu.t3 & (ALIGNMENT - 1)) == 0 || !canonical(cpu.t3);
  return known || refuse(cpu, FAULT_PROTECTION, 0);
}
