/**
 * Register state after power-up, after INIT and at the entry of a directly booted kernel (Intel
 * SDM 3A, 9.1.1 and table 9-1; Xen's x86/HVM direct boot ABI, "PVH").
 */
import {
  Cpu,
  CPU_WAIT_FOR_SIPI,
  SEGMENT_CS,
  SEGMENT_DS,
  SEGMENT_ES,
  SEGMENT_FS,
  SEGMENT_GS,
  SEGMENT_LDTR,
  SEGMENT_SS,
  SEGMENT_TR,
  segmentAt,
} from "./cpu";
import { SIGNATURE } from "./cpuid";
import { setPrivilege } from "./segments";
import { flushAll } from "./tlb";
import { GUEST_GDT_ADDRESS, GUEST_GDT_BYTES } from "../../spec/platform";
import {
  CR0_CD,
  CR0_ET,
  CR0_NW,
  CR0_PE,
  CR0_PG,
  CR4_PAE,
  EFER_LMA,
  EFER_LME,
  RFLAGS_FIXED,
} from "../../spec/x86";

/** Present, read/write (or execute/read), accessed; 16 bits. */
const DATA_16: u32 = 0x93;
/** The same with 32 bits and a limit in pages. */
const DATA_32: u32 = 0xc93;
const CODE_32: u32 = 0xc9b;
const CODE_64: u32 = 0xa9b;
const LDT_PRESENT: u32 = 0x82;
const TSS_BUSY: u32 = 0x8b;

const DR6_RESET: u64 = 0xffff_0ff0;
const DR7_RESET: u64 = 0x400;
/** WB, WT, UC-, UC, twice (Intel SDM 3A, 11.12.4). */
const PAT_RESET: u64 = 0x0007_0406_0007_0406;
/** Fast strings are on. */
const MISC_ENABLE_RESET: u64 = 0x1;
/** Fields of the FXSAVE image (Intel SDM 1, table 10-2). */
const FXSAVE_FCW: usize = 0;
const FXSAVE_FTW: usize = 4;
const FXSAVE_MXCSR: usize = 24;
const FXSAVE_MXCSR_MASK: usize = 28;

function setRaw(cpu: Cpu, index: u32, selector: u32, base: u64, limit: u32, attributes: u32): void {
  const segment = segmentAt(cpu, index);
  segment.selector = <u16>selector;
  segment.base = base;
  segment.limit = limit;
  segment.attributes = <u16>attributes;
}

/** Clears the general registers, but for the signature in EDX. */
function resetGeneral(cpu: Cpu): void {
  memory.fill(changetype<usize>(cpu) + offsetof<Cpu>("rax"), 0, 16 * 8);
  cpu.rdx = SIGNATURE;
  cpu.rip = 0xfff0;
  cpu.rflags = RFLAGS_FIXED;
}

function resetSegments(cpu: Cpu): void {
  for (let index: u32 = 0; index < SEGMENT_LDTR; index++) setRaw(cpu, index, 0, 0, 0xffff, DATA_16);
  setRaw(cpu, SEGMENT_CS, 0xf000, 0xffff_0000, 0xffff, DATA_16);
  setRaw(cpu, SEGMENT_LDTR, 0, 0, 0xffff, LDT_PRESENT);
  setRaw(cpu, SEGMENT_TR, 0, 0, 0xffff, TSS_BUSY);
  cpu.gdtBase = 0;
  cpu.gdtLimit = 0xffff;
  cpu.idtBase = 0;
  cpu.idtLimit = 0xffff;
  setPrivilege(cpu, 0);
}

/** Registers that power-up and INIT treat alike. CD and NW of CR0 are the caller's. */
function resetCommon(cpu: Cpu): void {
  resetGeneral(cpu);
  resetSegments(cpu);
  cpu.cr2 = 0;
  cpu.cr3 = 0;
  cpu.cr4 = 0;
  cpu.efer = 0;
  cpu.dr0 = 0;
  cpu.dr1 = 0;
  cpu.dr2 = 0;
  cpu.dr3 = 0;
  cpu.dr6 = DR6_RESET;
  cpu.dr7 = DR7_RESET;
  memory.fill(changetype<usize>(cpu) + offsetof<Cpu>("pdpte0"), 0, 4 * 8);
  cpu.breakpointsMet = 0;
  cpu.interruptShadow = 0;
  cpu.pendingException = 0;
  cpu.pendingNmi = 0;
  cpu.nmiBlocked = 0;
  cpu.fault = 0;
  flushAll(cpu);
}

/** Power-up, on a zeroed structure: real mode at the reset vector. */
export function resetCpu(cpu: Cpu): void {
  resetCommon(cpu);
  cpu.cr0 = CR0_CD | CR0_NW | CR0_ET;
  cpu.xcr0 = 1;
  cpu.pat = PAT_RESET;
  cpu.miscEnable = MISC_ENABLE_RESET;
  store<u16>(cpu.fxsave + FXSAVE_FCW, 0x40);
  store<u8>(cpu.fxsave + FXSAVE_FTW, 0xff);
  store<u32>(cpu.fxsave + FXSAVE_MXCSR, 0x1f80);
  store<u32>(cpu.fxsave + FXSAVE_MXCSR_MASK, 0xffff);
  cpu.activity = CPU_WAIT_FOR_SIPI;
}

/**
 * INIT: as power-up, but x87 and SSE state, XCR0, the TSC, MTRRs, PAT and the other MSRs stay, and
 * so do CD and NW. The local APIC has reset itself when it accepted the INIT.
 */
export function initCpu(cpu: Cpu): void {
  const caching = cpu.cr0 & (CR0_CD | CR0_NW);
  resetCommon(cpu);
  cpu.cr0 = caching | CR0_ET;
  cpu.activity = CPU_WAIT_FOR_SIPI;
}

/** SIPI: real mode at physical address `vector` x 4096 (Intel SDM 3A, 8.4.3). */
export function startupState(cpu: Cpu, vector: u32): void {
  setRaw(cpu, SEGMENT_CS, vector << 8, <u64>vector << 12, 0xffff, DATA_16);
  cpu.rip = 0;
}

/**
 * 32-bit protected mode, flat segments, paging off, interrupts off: how PVH and Multiboot kernels are
 * entered (Xen x86/HVM direct boot ABI; Multiboot Specification, 3.2).
 */
export function protectedState(cpu: Cpu): void {
  resetGeneral(cpu);
  cpu.rdx = 0;
  cpu.cr0 = CR0_PE | CR0_ET;
  setRaw(cpu, SEGMENT_CS, 0x8, 0, 0xffff_ffff, CODE_32);
  setData(cpu, 0x10);
  setRaw(cpu, SEGMENT_TR, 0x18, 0, 0x67, TSS_BUSY);
  setPrivilege(cpu, 0);
  flushAll(cpu);
}

function setData(cpu: Cpu, selector: u32): void {
  setRaw(cpu, SEGMENT_DS, selector, 0, 0xffff_ffff, DATA_32);
  setRaw(cpu, SEGMENT_ES, selector, 0, 0xffff_ffff, DATA_32);
  setRaw(cpu, SEGMENT_FS, selector, 0, 0xffff_ffff, DATA_32);
  setRaw(cpu, SEGMENT_GS, selector, 0, 0xffff_ffff, DATA_32);
  setRaw(cpu, SEGMENT_SS, selector, 0, 0xffff_ffff, DATA_32);
}

/** The state in which the firmware hands over to the kernel: RBX = address of the start info. */
export function pvhState(cpu: Cpu, startInfo: u64): void {
  protectedState(cpu);
  cpu.rbx = startInfo;
}

/**
 * 64-bit mode, paging on, interrupts off, segments of a GDT at GUEST_GDT_ADDRESS: how Linux is
 * entered (kernel documentation, x86/boot.rst, "64-bit boot protocol").
 */
export function longState(cpu: Cpu, cr3: u64): void {
  protectedState(cpu);
  cpu.cr3 = cr3;
  cpu.cr4 = CR4_PAE;
  cpu.efer = EFER_LME | EFER_LMA;
  cpu.cr0 = CR0_PG | CR0_PE | CR0_ET;
  setRaw(cpu, SEGMENT_CS, 0x10, 0, 0xffff_ffff, CODE_64);
  setData(cpu, 0x18);
  cpu.gdtBase = GUEST_GDT_ADDRESS;
  cpu.gdtLimit = GUEST_GDT_BYTES - 1;
  flushAll(cpu);
}
