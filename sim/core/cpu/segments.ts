/**
 * Segment descriptors and the instructions that load them (Intel SDM 3A, 3.4.5, 5.2-5.8, 7.2.3).
 *
 *   63-56 base 31-24 | 55 G | 54 D/B | 53 L | 52 AVL | 51-48 limit 19-16 |
 *   47 P | 46-45 DPL | 44 S | 43-40 type | 39-16 base 23-0 | 15-0 limit 15-0
 *
 * A load that isn't allowed leaves its exception in `cpu.fault` and `cpu.faultCode`.
 */
import { Cpu, segmentAt, SEGMENT_CS, SEGMENT_LDTR, SEGMENT_SS, SEGMENT_TR } from "./cpu";
import { in64BitMode } from "./control";
import { ACCESS_READ, ACCESS_SYSTEM, canonical, loadLinear, storeLinear } from "./mmu";
import { selectFastLines } from "./tlb";
import { CR0_PE, EFER_LMA, RFLAGS_VM, VECTOR_GP, VECTOR_NP, VECTOR_SS, VECTOR_UD } from "../../spec/x86";

/** Attributes as `Segment` holds them: descriptor bits 55-52 and 47-40. */
export const SEGMENT_ACCESSED: u32 = 0x1;
export const SEGMENT_READABLE: u32 = 0x2;
export const SEGMENT_WRITABLE: u32 = 0x2;
export const SEGMENT_CONFORMING: u32 = 0x4;
export const SEGMENT_CODE: u32 = 0x8;
/** S: code or data, not a system segment. */
export const SEGMENT_USER: u32 = 0x10;
export const SEGMENT_PRESENT: u32 = 0x80;
export const SEGMENT_LONG: u32 = 0x200;
export const SEGMENT_BIG: u32 = 0x400;
export const SEGMENT_GRANULAR: u32 = 0x800;

/** Of every segment in virtual-8086 mode: present, DPL 3, data, writable, accessed. */
const VIRTUAL_8086: u32 = 0xf3;

const TYPE_MASK: u32 = 0xf;
const TYPE_LDT: u32 = 0x2;
const TYPE_TSS_AVAILABLE: u32 = 0x9;
const TYPE_TSS_16: u32 = 0x1;
/** Of a TSS: it is the running task's, or one from which tasks were called (7.2.2). */
export const TYPE_BUSY: u32 = 0x2;

@inline
export function privilegeOf(attributes: u32): u32 {
  return (attributes >> 5) & 3;
}

@inline
export function attributesOf(descriptor: u64): u32 {
  return (<u32>(descriptor >> 40) & 0xff) | ((<u32>(descriptor >> 52) & 0xf) << 8);
}

@inline
export function baseOf(descriptor: u64): u64 {
  return ((descriptor >> 16) & 0xff_ffff) | ((descriptor >> 32) & 0xff00_0000);
}

/** Limit in bytes minus one: counted in pages when G is set. */
@inline
export function limitOf(descriptor: u64): u32 {
  const limit = (<u32>descriptor & 0xffff) | (<u32>(descriptor >> 32) & 0xf_0000);
  return attributesOf(descriptor) & SEGMENT_GRANULAR ? (limit << 12) | 0xfff : limit;
}

/** Leaves an exception for the caller to raise or to deliver. */
export function refuse(cpu: Cpu, vector: u32, errorCode: u32): bool {
  cpu.fault = vector;
  cpu.faultCode = errorCode;
  return false;
}

/** Linear address of the selector's descriptor of `bytes` bytes, or 0 when beyond its table. */
export function descriptorAddress(cpu: Cpu, selector: u32, bytes: u32): u64 {
  const offset = selector & 0xfff8;
  if (selector & 4) {
    const table = segmentAt(cpu, SEGMENT_LDTR);
    const usable = (table.attributes & SEGMENT_PRESENT) != 0;
    return usable && <u64>offset + bytes - 1 <= <u64>table.limit ? table.base + offset : 0;
  }
  return offset + bytes - 1 <= cpu.gdtLimit ? cpu.gdtBase + offset : 0;
}

/** Reads the selector's descriptor; on failure `cpu.fault` is set. */
export function readDescriptor(cpu: Cpu, selector: u32): u64 {
  const address = descriptorAddress(cpu, selector, 8);
  if (address == 0) {
    refuse(cpu, VECTOR_GP, selector & 0xfffc);
    return 0;
  }
  return loadLinear(cpu, address, 8, ACCESS_READ | ACCESS_SYSTEM);
}

/** Sets a descriptor's accessed flag in memory; false when that faults. */
export function markAccessed(cpu: Cpu, selector: u32, descriptor: u64): bool {
  const attributes = attributesOf(descriptor);
  if (attributes & SEGMENT_ACCESSED) return true;
  const at = descriptorAddress(cpu, selector, 8) + 5;
  storeLinear(cpu, at, 1, (attributes | SEGMENT_ACCESSED) & 0xff, ACCESS_SYSTEM);
  return cpu.fault == 0;
}

/** Puts a checked descriptor into a segment register and sets its accessed flag in memory. */
export function setSegment(cpu: Cpu, index: u32, selector: u32, descriptor: u64): bool {
  if (!markAccessed(cpu, selector, descriptor)) return false;
  const segment = segmentAt(cpu, index);
  segment.base = baseOf(descriptor);
  segment.limit = limitOf(descriptor);
  segment.selector = <u16>selector;
  segment.attributes = <u16>(attributesOf(descriptor) | SEGMENT_ACCESSED);
  return true;
}

/** Loads a null selector: the segment is unusable; its base goes to 0. */
export function setNullSegment(cpu: Cpu, index: u32, selector: u32): void {
  const segment = segmentAt(cpu, index);
  segment.base = 0;
  segment.limit = 0;
  segment.selector = <u16>selector;
  segment.attributes = 0;
}

/** Changes the privilege level. */
export function setPrivilege(cpu: Cpu, level: u32): void {
  cpu.cpl = level;
  selectFastLines(cpu);
}

@inline
function longMode(cpu: Cpu): bool {
  return (cpu.efer & EFER_LMA) != 0;
}

/** Real and virtual-8086 mode: selectors are paragraphs (Intel SDM 3A, 20.1.1). */
@inline
export function realAddresses(cpu: Cpu): bool {
  return !(cpu.cr0 & CR0_PE) || (cpu.rflags & RFLAGS_VM) != 0;
}

/** Real mode leaves limit and attributes as they are, virtual-8086 mode has them fixed (20.2.1). */
export function setRealSegment(cpu: Cpu, index: u32, selector: u32): void {
  const segment = segmentAt(cpu, index);
  segment.selector = <u16>selector;
  segment.base = <u64>selector << 4;
  if (!(cpu.rflags & RFLAGS_VM)) return;
  segment.limit = 0xffff;
  segment.attributes = <u16>VIRTUAL_8086;
}

/** MOV to ES, SS, DS, FS or GS; for CS, a far transfer without change of privilege. */
export function loadSegmentRegister(cpu: Cpu, index: u32, selector: u32): bool {
  cpu.fault = 0;
  if (realAddresses(cpu)) {
    setRealSegment(cpu, index, selector);
    return true;
  }
  const level = selector & 3;
  const zero = (selector & 0xfffc) == 0;
  if (zero && index != SEGMENT_CS) {
    if (index == SEGMENT_SS && !(in64BitMode(cpu) && level == cpu.cpl && level != 3))
      return refuse(cpu, VECTOR_GP, 0);
    setNullSegment(cpu, index, selector);
    return true;
  }
  if (zero) return refuse(cpu, VECTOR_GP, 0);
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  if (!allowed(cpu, index, level, attributes)) return refuse(cpu, VECTOR_GP, selector & 0xfffc);
  if (!(attributes & SEGMENT_PRESENT))
    return refuse(cpu, index == SEGMENT_SS ? VECTOR_SS : VECTOR_NP, selector & 0xfffc);
  // The privilege of a code segment is the CPU's own, whatever the selector asks for.
  const loaded = index == SEGMENT_CS ? (selector & 0xfffc) | cpu.cpl : selector;
  return setSegment(cpu, index, loaded, descriptor);
}

/** Type and privilege checks of a segment load (Intel SDM 2B, MOV; 2A, JMP). */
function allowed(cpu: Cpu, index: u32, level: u32, attributes: u32): bool {
  if (!(attributes & SEGMENT_USER)) return false;
  const dpl = privilegeOf(attributes);
  const code = (attributes & SEGMENT_CODE) != 0;
  if (index == SEGMENT_SS)
    return !code && (attributes & SEGMENT_WRITABLE) != 0 && level == cpu.cpl && dpl == cpu.cpl;
  if (index == SEGMENT_CS) {
    if (!code || (longMode(cpu) && attributes & SEGMENT_LONG && attributes & SEGMENT_BIG))
      return false;
    return attributes & SEGMENT_CONFORMING ? dpl <= cpu.cpl : level <= cpu.cpl && dpl == cpu.cpl;
  }
  if (code && !(attributes & SEGMENT_READABLE)) return false;
  if (code && attributes & SEGMENT_CONFORMING) return true;
  return dpl >= cpu.cpl && dpl >= level;
}

/** LTR and LLDT: loads a system segment; in long mode its descriptor has 16 bytes. */
export function loadSystemSegment(cpu: Cpu, index: u32, selector: u32): bool {
  cpu.fault = 0;
  if (realAddresses(cpu)) return refuse(cpu, VECTOR_UD, 0);
  const error = selector & 0xfffc;
  if (error == 0) {
    if (index == SEGMENT_TR) return refuse(cpu, VECTOR_GP, 0);
    setNullSegment(cpu, index, selector);
    return true;
  }
  const bytes: u32 = longMode(cpu) ? 16 : 8;
  const at = selector & 4 ? 0 : descriptorAddress(cpu, selector, bytes);
  if (at == 0) return refuse(cpu, VECTOR_GP, error);
  const descriptor = loadLinear(cpu, at, 8, ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  const upper = bytes == 16 ? loadLinear(cpu, at + 8, 8, ACCESS_SYSTEM) : 0;
  if (cpu.fault != 0) return false;
  let attributes = attributesOf(descriptor);
  const type = index == SEGMENT_TR ? TYPE_TSS_AVAILABLE : TYPE_LDT;
  const base = baseOf(descriptor) | (upper << 32);
  const malformed = ((upper >> 32) & 0x1f00) != 0 || !canonical(base);
  // Outside IA-32e mode a task may also have a 16-bit TSS (7.2.2).
  const kind = attributes & (SEGMENT_USER | TYPE_MASK);
  const small = index == SEGMENT_TR && bytes == 8 && kind == TYPE_TSS_16;
  if ((kind != type && !small) || malformed)
    return refuse(cpu, VECTOR_GP, error);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_NP, error);
  if (index == SEGMENT_TR) {
    attributes |= TYPE_BUSY;
    storeLinear(cpu, at + 5, 1, attributes & 0xff, ACCESS_SYSTEM);
    if (cpu.fault != 0) return false;
  }
  const segment = segmentAt(cpu, index);
  segment.base = base;
  segment.limit = limitOf(descriptor);
  segment.selector = <u16>selector;
  segment.attributes = <u16>attributes;
  return true;
}
