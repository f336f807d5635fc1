/**
 * Task switches (Intel SDM 3A, 7.3), by JMP, CALL and IRET, and by task gates of the IDT. IA-32e mode
 * has none. What is refused before the new task's state is loaded is the old task's fault and leaves
 * it as it was; what is refused behind that (`engine().switched`) is the new task's, before its first
 * instruction (table 7-1).
 *
 *   TSS of 32 bits:  0 link | 28 CR3 | 32 EIP | 36 EFLAGS | 40 EAX, ECX, EDX, EBX, ESP, EBP, ESI, EDI |
 *                    72 ES, CS, SS, DS, FS, GS | 96 LDT | 100 T | 102 I/O permission bitmap
 *   of 16 bits:      0 link | 14 IP | 16 FLAGS | 18 AX … DI | 34 ES, CS, SS, DS | 42 LDT
 */
import { loadPageDirectory, setTaskSwitched } from "./control";
import { Cpu, SEGMENT_CS, SEGMENT_DS, SEGMENT_LDTR, SEGMENT_SS, SEGMENT_TR, segmentAt } from "./cpu";
import { DR6_BT, leaveLocalBreakpoints } from "./debug";
import { raise } from "./exceptions";
import { ACCESS_SYSTEM, ACCESS_WRITE, loadLinear, storeLinear, translate } from "./mmu";
import {
  attributesOf,
  baseOf,
  limitOf,
  privilegeOf,
  readDescriptor,
  refuse,
  SEGMENT_CODE,
  SEGMENT_CONFORMING,
  SEGMENT_PRESENT,
  SEGMENT_READABLE,
  SEGMENT_USER,
  SEGMENT_WRITABLE,
  setNullSegment,
  setPrivilege,
  setRealSegment,
  setSegment,
  TYPE_BUSY,
} from "./segments";
import { engine, taskImage } from "../engine/memory";
import {
  CR0_PG,
  RFLAGS_FIXED,
  RFLAGS_NT,
  RFLAGS_VM,
  VECTOR_DB,
  VECTOR_GP,
  VECTOR_NP,
  VECTOR_SS,
  VECTOR_TS,
} from "../../spec/x86";

/** What a switch comes from decides about busy bits, NT and the link. */
export const TASK_JUMP: u32 = 0;
/** CALL, interrupt or exception: the new task is nested in the old one. */
export const TASK_NEST: u32 = 1;
/** IRET with NT set. */
export const TASK_RETURN: u32 = 2;

/** Types of descriptors: an available TSS, but for bit 3, which tells one of 32 bits; a task gate. */
const TYPE_TSS: u32 = 1;
const TYPE_WIDE: u32 = 8;
export const TYPE_TASK_GATE: u32 = 5;
const TYPE_LDT: u32 = 2;
/** S and type. */
const TYPE_MASK: u32 = 0x1f;

/** Of both layouts, with 16 bits and with 32. */
const IMAGE_BYTES_16: u32 = 44;
const IMAGE_BYTES_32: u32 = 104;
const SEGMENTS_16: u32 = 4;
const SEGMENTS_32: u32 = 6;
const CR3_AT: usize = 28;
const TRAP_AT: usize = 100;
/** CF to ID without VIF and VIP, which this processor doesn't have. */
const FLAGS_LOADED: u64 = 0x27_7fd5;

/** Whether a descriptor's S and type are those of a TSS. */
@inline
export function isTask(attributes: u32): bool {
  return (attributes & TYPE_MASK & ~(TYPE_BUSY | TYPE_WIDE)) == TYPE_TSS;
}

/** Bytes of a word of the running task's TSS, in which an error code is pushed, too. */
@inline
export function taskBytes(cpu: Cpu): u32 {
  return segmentAt(cpu, SEGMENT_TR).attributes & TYPE_WIDE ? 4 : 2;
}

/** JMP and CALL to a TSS, whose privilege the caller has checked (SDM 2A, JMP, "TASK-STATE-SEGMENT"). */
export function farTask(cpu: Cpu, selector: u32, kind: u32): bool {
  if (selector & 4) return refuse(cpu, VECTOR_GP, selector & 0xfffc);
  return own(cpu, switchTask(cpu, selector, kind, cpu.rflags, VECTOR_GP));
}

/** JMP and CALL to a task gate, and delivery by one; `flags` are saved as the old task's. */
export function gateTask(cpu: Cpu, gate: u64, kind: u32, flags: u64): bool {
  return switchTask(cpu, <u32>(gate >> 16) & 0xffff, kind, flags, VECTOR_GP);
}

/** The same of an instruction. */
export function farGateTask(cpu: Cpu, gate: u64, kind: u32): bool {
  return own(cpu, gateTask(cpu, gate, kind, cpu.rflags));
}

/** IRET to the task that the running one is nested in. */
export function returnTask(cpu: Cpu): bool {
  const link = <u32>loadLinear(cpu, segmentAt(cpu, SEGMENT_TR).base, 2, ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  return own(cpu, switchTask(cpu, link, TASK_RETURN, cpu.rflags & ~(<u64>RFLAGS_NT), VECTOR_TS));
}

/** Of an instruction: a fault of the new task follows the instruction, which has ended. */
function own(cpu: Cpu, complete: bool): bool {
  if (complete || engine().switched == 0) return complete;
  const vector = cpu.fault;
  cpu.fault = 0;
  raise(cpu, vector, cpu.faultCode);
  return true;
}

/**
 * Switches to the task of `selector`; `wrong` is the vector for one that can't be a task's. False
 * after a fault, in `cpu.fault`.
 */
function switchTask(cpu: Cpu, selector: u32, kind: u32, flags: u64, wrong: u32): bool {
  const state = engine();
  const error = selector & 0xfffc;
  state.switched = 0;
  const descriptor = selector & 4 ? 0 : readDescriptor(cpu, selector);
  if (cpu.fault == VECTOR_GP) cpu.fault = wrong;
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  const busy = (attributes & TYPE_BUSY) != 0;
  if (!isTask(attributes) || busy != (kind == TASK_RETURN)) return refuse(cpu, wrong, error);
  if (!(attributes & SEGMENT_PRESENT)) return refuse(cpu, VECTOR_NP, error);
  const wide = (attributes & TYPE_WIDE) != 0;
  const bytes = wide ? IMAGE_BYTES_32 : IMAGE_BYTES_16;
  if (limitOf(descriptor) < bytes - 1) return refuse(cpu, VECTOR_TS, error);
  if (!readImage(cpu, baseOf(descriptor), bytes)) return false;
  if (!mayStore(cpu, selector, baseOf(descriptor), kind)) return false;
  saveOld(cpu, flags);
  const old = segmentAt(cpu, SEGMENT_TR);
  if (kind == TASK_NEST) storeLinear(cpu, baseOf(descriptor), 2, old.selector, ACCESS_SYSTEM);
  else setBusy(cpu, old.selector, old.attributes & ~TYPE_BUSY);
  if (kind != TASK_RETURN) setBusy(cpu, selector, attributes | TYPE_BUSY);
  old.selector = <u16>selector;
  old.base = baseOf(descriptor);
  old.limit = limitOf(descriptor);
  old.attributes = <u16>(attributes | TYPE_BUSY);
  state.switched = 1;
  return loadNew(cpu, wide, kind == TASK_NEST);
}

/** The new TSS as far as it is loaded; everything is read before anything is written. */
function readImage(cpu: Cpu, base: u64, bytes: u32): bool {
  for (let n: u32 = 0; n < bytes; n += 4) {
    store<u32>(taskImage() + n, <u32>loadLinear(cpu, base + n, 4, ACCESS_SYSTEM));
    if (cpu.fault != 0) return false;
  }
  return true;
}

/** Whether all that the switch writes can be written: the old TSS, the link, the busy flags. */
function mayStore(cpu: Cpu, selector: u32, base: u64, kind: u32): bool {
  const old = segmentAt(cpu, SEGMENT_TR);
  const wide = (old.attributes & TYPE_WIDE) != 0;
  touch(cpu, old.base + (wide ? 32 : 14));
  touch(cpu, old.base + (wide ? 95 : 41));
  if (kind == TASK_NEST) touch(cpu, base);
  if (kind == TASK_NEST) touch(cpu, base + 1);
  else touch(cpu, cpu.gdtBase + (<u32>old.selector & 0xfff8) + 5);
  if (kind != TASK_RETURN) touch(cpu, cpu.gdtBase + (selector & 0xfff8) + 5);
  return cpu.fault == 0;
}

@inline
function touch(cpu: Cpu, va: u64): void {
  if (cpu.fault == 0) translate(cpu, va & 0xffff_ffff, ACCESS_SYSTEM | ACCESS_WRITE);
}

@inline
function setBusy(cpu: Cpu, selector: u32, attributes: u32): void {
  const at = cpu.gdtBase + (selector & 0xfff8) + 5;
  storeLinear(cpu, at, 1, attributes & 0xff, ACCESS_SYSTEM);
}

/** Registers into the TSS of the running task; LDTR and CR3 aren't saved (7.2.1). */
function saveOld(cpu: Cpu, flags: u64): void {
  const bytes = taskBytes(cpu);
  let at = segmentAt(cpu, SEGMENT_TR).base + (bytes == 4 ? 32 : 14);
  at = save(cpu, at, bytes, cpu.rip);
  at = save(cpu, at, bytes, flags);
  for (let n: usize = 0; n < 8; n++)
    at = save(cpu, at, bytes, load<u64>(changetype<usize>(cpu) + (n << 3)));
  // The upper halves of the doublewords of segment registers aren't touched.
  const count = bytes == 4 ? SEGMENTS_32 : SEGMENTS_16;
  for (let n: u32 = 0; n < count; n++, at += bytes)
    storeLinear(cpu, at, 2, segmentAt(cpu, n).selector, ACCESS_SYSTEM);
}

@inline
function save(cpu: Cpu, at: u64, bytes: u32, value: u64): u64 {
  storeLinear(cpu, at, bytes, value, ACCESS_SYSTEM);
  return at + bytes;
}

@inline
function imageWord(wide: bool, wideAt: usize, smallAt: usize): u32 {
  return wide ? load<u32>(taskImage() + wideAt) : <u32>load<u16>(taskImage() + smallAt);
}

/** The state of the new task; from here on faults are its own. */
function loadNew(cpu: Cpu, wide: bool, nested: bool): bool {
  setTaskSwitched(cpu);
  leaveLocalBreakpoints(cpu);
  let flags = (<u64>imageWord(wide, 36, 16) & FLAGS_LOADED) | RFLAGS_FIXED;
  if (nested) flags |= RFLAGS_NT;
  cpu.rflags = flags;
  cpu.rip = imageWord(wide, 32, 14);
  for (let n: usize = 0; n < 8; n++)
    store<u64>(changetype<usize>(cpu) + (n << 3), imageWord(wide, 40 + (n << 2), 18 + (n << 1)));
  // FS and GS aren't in a TSS of 16 bits: they are of no use behind the switch.
  for (let n: u32 = 0; n < SEGMENTS_32; n++) setNullSegment(cpu, n, selectorOf(wide, n));
  const table = imageWord(wide, 96, 42) & 0xffff;
  setNullSegment(cpu, SEGMENT_LDTR, table);
  const virtual = (flags & RFLAGS_VM) != 0;
  setPrivilege(cpu, virtual ? 3 : selectorOf(wide, SEGMENT_CS) & 3);
  if (wide && cpu.cr0 & CR0_PG && !loadPageDirectory(cpu, load<u32>(taskImage() + CR3_AT)))
    return refuse(cpu, VECTOR_GP, 0);
  if (!loadTable(cpu, table)) return false;
  if (!(virtual ? loadVirtual(cpu, wide) : loadSegments(cpu, wide))) return false;
  if (cpu.rip > <u64>segmentAt(cpu, SEGMENT_CS).limit) return refuse(cpu, VECTOR_GP, 0);
  if (wide && load<u32>(taskImage() + TRAP_AT) & 1) {
    cpu.dr6 |= DR6_BT;
    raise(cpu, VECTOR_DB, 0);
  }
  return true;
}

@inline
function selectorOf(wide: bool, index: u32): u32 {
  if (!wide && index >= SEGMENTS_16) return 0;
  return imageWord(wide, 72 + ((<usize>index) << 2), 34 + ((<usize>index) << 1)) & 0xffff;
}

/** LDTR, which may be null. */
function loadTable(cpu: Cpu, selector: u32): bool {
  const error = selector & 0xfffc;
  if (error == 0) return true;
  if (selector & 4) return refuse(cpu, VECTOR_TS, error);
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault == VECTOR_GP) cpu.fault = VECTOR_TS;
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  if ((attributes & TYPE_MASK) != TYPE_LDT || !(attributes & SEGMENT_PRESENT))
    return refuse(cpu, VECTOR_TS, error);
  const segment = segmentAt(cpu, SEGMENT_LDTR);
  segment.base = baseOf(descriptor);
  segment.limit = limitOf(descriptor);
  segment.attributes = <u16>attributes;
  return true;
}

function loadVirtual(cpu: Cpu, wide: bool): bool {
  for (let n: u32 = 0; n < SEGMENTS_32; n++) setRealSegment(cpu, n, selectorOf(wide, n));
  return true;
}

/** In the order of table 7-1: a fault behind that of SS finds a stack. */
function loadSegments(cpu: Cpu, wide: bool): bool {
  if (!loadSegment(cpu, SEGMENT_SS, selectorOf(wide, SEGMENT_SS))) return false;
  if (!loadSegment(cpu, SEGMENT_CS, selectorOf(wide, SEGMENT_CS))) return false;
  for (let n: u32 = 0; n < SEGMENTS_32; n++)
    if ((n < SEGMENT_CS || n >= SEGMENT_DS) && !loadSegment(cpu, n, selectorOf(wide, n))) return false;
  return true;
}

function loadSegment(cpu: Cpu, index: u32, selector: u32): bool {
  const error = selector & 0xfffc;
  if (error == 0) return index != SEGMENT_CS && index != SEGMENT_SS ? true : refuse(cpu, VECTOR_TS, 0);
  const descriptor = readDescriptor(cpu, selector);
  if (cpu.fault == VECTOR_GP) cpu.fault = VECTOR_TS;
  if (cpu.fault != 0) return false;
  const attributes = attributesOf(descriptor);
  if (!fits(cpu, index, selector & 3, attributes)) return refuse(cpu, VECTOR_TS, error);
  if (!(attributes & SEGMENT_PRESENT))
    return refuse(cpu, index == SEGMENT_SS ? VECTOR_SS : VECTOR_NP, error);
  return setSegment(cpu, index, selector, descriptor);
}

/** Type and privilege; the new level is CS's RPL (table 7-1). */
function fits(cpu: Cpu, index: u32, level: u32, attributes: u32): bool {
  if (!(attributes & SEGMENT_USER)) return false;
  const dpl = privilegeOf(attributes);
  const code = (attributes & SEGMENT_CODE) != 0;
  const conforming = code && (attributes & SEGMENT_CONFORMING) != 0;
  if (index == SEGMENT_CS) return code && (conforming ? dpl <= level : dpl == level);
  if (index == SEGMENT_SS)
    return !code && (attributes & SEGMENT_WRITABLE) != 0 && dpl == cpu.cpl && level == cpu.cpl;
  if (code && !(attributes & SEGMENT_READABLE)) return false;
  return conforming || (dpl >= cpu.cpl && dpl >= level);
}
