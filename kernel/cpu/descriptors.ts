/**
 * Descriptor tables: a GDT and a TSS for each CPU, one IDT for all (Intel SDM 3A, 3.4.5, 6.14, 7.7).
 *
 *   gate:  0-15 offset 15:0   16-31 selector   32-34 IST   40-43 type   45-46 DPL   47 P
 *          48-63 offset 31:16   64-95 offset 63:32
 *   TSS:   4 RSP0   36 IST1 … 84 IST7   102 I/O map base
 */
import { pointer } from "../../hal/memory";
import { loadGdt, loadIdt, loadSegment, loadTask, writeMsr } from "../../hal/x86_64/machine";
import { ENTRY_BYTES, ENTRY_SYSCALL } from "../../sim/spec/entries";
import {
  MSR_FMASK,
  MSR_LSTAR,
  MSR_STAR,
  RFLAGS_AC,
  RFLAGS_DF,
  RFLAGS_IF,
  RFLAGS_NT,
  RFLAGS_TF,
  SEGMENT_NUMBER_CS,
  SEGMENT_NUMBER_DS,
  SEGMENT_NUMBER_ES,
  SEGMENT_NUMBER_SS,
} from "../../sim/spec/x86";
import { directAddress, KERNEL_TEXT } from "../mm/layout";
import { KernelCpu } from "./cpu";

export const SELECTOR_KERNEL_CODE: u32 = 0x08;
export const SELECTOR_KERNEL_DATA: u32 = 0x10;
export const SELECTOR_USER_DATA: u32 = 0x18;
export const SELECTOR_USER_CODE: u32 = 0x20;
export const SELECTOR_TASK: u32 = 0x28;

/** Flat descriptors: present, 4 GiB limit where a limit counts, accessed. */
const CODE_KERNEL: u64 = 0x00af_9b00_0000_ffff;
const DATA_KERNEL: u64 = 0x00cf_9300_0000_ffff;
const DATA_USER: u64 = 0x00cf_f300_0000_ffff;
const CODE_USER: u64 = 0x00af_fb00_0000_ffff;

const GDT_BYTES: u32 = 0x38;
const TASK_OFFSET: u64 = 0x100;
const TASK_BYTES: u64 = 104;
const TASK_RSP0: usize = 4;
const TASK_IST1: usize = 36;
const TASK_IST2: usize = 44;
const TASK_IO_MAP: usize = 102;
/** Stacks for double faults and NMIs, inside the page of the tables. */
const IST1_TOP: u64 = 0xa00;
const IST2_TOP: u64 = 0x1000;

const VECTORS: u32 = 256;
const GATE_BYTES: u32 = 16;
const GATE_INTERRUPT: u64 = 0x8e;
const VECTOR_NMI: u32 = 2;
const VECTOR_DOUBLE_FAULT: u32 = 8;

/** Fills the page at physical `idt` with a gate for every vector's entry. */
export function buildIdt(idt: u64): void {
  for (let vector: u32 = 0; vector < VECTORS; vector++) {
    const offset = KERNEL_TEXT + <u64>(vector * ENTRY_BYTES);
    const stack: u64 = vector == VECTOR_DOUBLE_FAULT ? 1 : vector == VECTOR_NMI ? 2 : 0;
    const low =
      (offset & 0xffff) |
      (<u64>SELECTOR_KERNEL_CODE << 16) |
      (stack << 32) |
      (GATE_INTERRUPT << 40) |
      (((offset >> 16) & 0xffff) << 48);
    const at = pointer(idt) + <usize>(vector * GATE_BYTES);
    store<u64>(at, low);
    store<u64>(at + 8, offset >> 32);
  }
}

/** Fills the CPU's (zeroed) page of tables; its stack must be known. */
export function buildTables(cpu: KernelCpu): void {
  const at = pointer(cpu.tables);
  store<u64>(at + SELECTOR_KERNEL_CODE, CODE_KERNEL);
  store<u64>(at + SELECTOR_KERNEL_DATA, DATA_KERNEL);
  store<u64>(at + SELECTOR_USER_DATA, DATA_USER);
  store<u64>(at + SELECTOR_USER_CODE, CODE_USER);
  const base = directAddress(cpu.tables);
  const task = base + TASK_OFFSET;
  store<u64>(at + SELECTOR_TASK, taskDescriptor(task));
  store<u64>(at + SELECTOR_TASK + 8, task >> 32);
  const segment = at + <usize>TASK_OFFSET;
  store<u64>(segment + TASK_RSP0, cpu.stackTop);
  store<u64>(segment + TASK_IST1, base + IST1_TOP);
  store<u64>(segment + TASK_IST2, base + IST2_TOP);
  store<u16>(segment + TASK_IO_MAP, <u16>TASK_BYTES);
}

/** Low half of an available 64-bit TSS descriptor. */
function taskDescriptor(base: u64): u64 {
  return (
    (TASK_BYTES - 1) |
    ((base & 0xff_ffff) << 16) |
    (<u64>0x89 << 40) |
    (((base >> 24) & 0xff) << 56)
  );
}

/** Makes the running CPU use its tables and the IDT at physical `idt`. */
export function loadTables(cpu: KernelCpu, idt: u64): void {
  loadGdt(directAddress(cpu.tables), GDT_BYTES - 1);
  loadSegment(SEGMENT_NUMBER_CS, SELECTOR_KERNEL_CODE);
  loadSegment(SEGMENT_NUMBER_SS, SELECTOR_KERNEL_DATA);
  loadSegment(SEGMENT_NUMBER_DS, SELECTOR_KERNEL_DATA);
  loadSegment(SEGMENT_NUMBER_ES, SELECTOR_KERNEL_DATA);
  loadTask(SELECTOR_TASK);
  loadIdt(directAddress(idt), VECTORS * GATE_BYTES - 1);
  // SYSRET takes SS from 8 and CS from 16 above the user base (Intel SDM 2B, SYSRET).
  const userBase: u64 = SELECTOR_USER_DATA - 8;
  writeMsr(MSR_STAR, (userBase << 48) | (<u64>SELECTOR_KERNEL_CODE << 32));
  writeMsr(MSR_LSTAR, KERNEL_TEXT + ENTRY_SYSCALL * ENTRY_BYTES);
  writeMsr(MSR_FMASK, RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_NT | RFLAGS_AC);
}
