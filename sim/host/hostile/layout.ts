/**
 * A small kernel for guests that misbehave: it enters one of the processor's modes and then only
 * catches. Whatever fault or interrupt comes, its handler takes the next **record**, loads all
 * registers from it and returns to where the record says; the last record ends the run. So one kernel
 * survives hundreds of faults, each of which begins something new.
 *
 *   0x3_0000  entries for each mode, header of the boot protocol, operands of LGDT and LIDT
 *   0x3_1000  GDT | 0x3_2000 TSS | 0x3_3000 IDT | 0x3_4000 handlers
 *   0x3_5000  address of the next record; records of 16-bit code behind it
 *   0x3_7000  stacks
 *   0x3_8000  code | 0x3_c000 data
 *   0x4_0000  page tables of 64-bit code: PML4, PDPT, directory, table
 *   0x4_6000  page tables of 32-bit code: directory, table
 *   0x4_8000  records
 */
import { bytesOf } from "../testing/code.ts";

export const BASE = 0x3_0000;
export const GDT = BASE + 0x1000;
export const TSS = BASE + 0x2000;
export const IDT = BASE + 0x3000;
export const NEXT_RECORD = BASE + 0x5000;
export const RECORDS_16 = BASE + 0x5100;
export const STACK = BASE + 0x7800;
export const INTERRUPT_STACK = BASE + 0x7f00;
export const CODE = BASE + 0x8000;
export const CODE_BYTES = 0x4000;
export const DATA = BASE + 0xc000;
export const DATA_BYTES = 0x4000;
export const PML4 = BASE + 0x1_0000;
export const PDPT = PML4 + 0x1000;
export const DIRECTORY = PML4 + 0x2000;
export const TABLE = PML4 + 0x3000;
export const DIRECTORY_32 = BASE + 0x1_6000;
export const TABLE_32 = BASE + 0x1_7000;
export const RECORDS = BASE + 0x1_8000;
/** The extended BIOS data area is not all RAM. */
export const END = 0x9_f000;

export const DEBUG_EXIT = 0x501;

/** Selectors. */
export const CODE_32 = 0x08;
export const DATA_32 = 0x10;
export const CODE_64 = 0x18;
export const CODE_16 = 0x20;
export const DATA_16 = 0x28;
export const TASK = 0x30;
export const USER_CODE_32 = 0x43;
export const USER_DATA = 0x4b;
export const USER_CODE_64 = 0x53;
/** From here on descriptors are anything. */
export const DESCRIPTORS_OWN = 0x58;
export const DESCRIPTORS_END = 0x100;

export const MODES = ["16", "32", "32-paged", "64", "user-32", "user-64", "v86"] as const;
export type Mode = (typeof MODES)[number];

/** Width of code and of the handler's frame. */
export const widthOf = (mode: Mode): 16 | 32 | 64 =>
  mode === "16" ? 16 : mode === "64" || mode === "user-64" ? 64 : 32;

/**
 * A subroutine that lets the local APIC's timer interrupt every 2.5 us; then 32-bit code without paging, at
 * +29h: mov esp, …; call it; lgdt; lidt; ltr 30h; jmp the handler. With paging (and PSE, OSFXSR), at +4Dh;
 * into 64-bit mode (PAE, SCE, LME, NXE), at +89h; into real mode, whose table of vectors all lead to the
 * handler, at +C7h and without a timer.
 */
const ENTRIES = `
  c705f000e0feff010000 c7052003e0fe40000200 c705e003e0fe0b000000 c7058003e0fec4090000 c3
  bcf00f0300 e8cdffffff 0f0115000f0300 0f011d080f0300 66b83000 0f00d8 e9b3400000
  bcf00f0300 e8a9ffffff b810060000 0f22e0 b800600400 0f22d8 0f0115000f0300 0f011d080f0300
  b831000080 0f22c0 66b83000 0f00d8 e977400000
  bcf00f0300 e86dffffff 0f0115000f0300 b820060400 0f22e0 b800000400 0f22d8
  b9800000c0 b801090000 31d2 0f30 b831000080 0f22c0 eaea0003001800
  b900010000 31ff b800000034 f3ab 0f0115000f0300 0f011d080f0300 ea0a0100002000
  0f011c25100f0300 b810000000 8ed8 8ec0 8ed0 b830000000 0f00d8 e9f6400000
  0f20c0 24fe 0f22c0 ea00000034`;

/** add [next], 32; mov ss:sp, the record; popa; pop ds; pop es; iret. Then: out 501h, 1; hlt. */
const CATCH_16 = `2e8306001020 2e8e160810 2e8b260010 61 1f 07 cf  ba0105 b001 ee f4 ebfd`;
/** Flat segments; end of interrupt; add [next], 72; mov esp, the record; popad; iretd. */
const CATCH_32 = `b810000000 8ed8 8ec0 8ee0 8ee8 8ed0 a3b000e0fe 83050050030048 8b2500500300 61 cf
  66ba0105 b001 ee f4 ebfd`;
/** End of interrupt; add [next], 160; mov rsp, the record; pop r15 … rax; iretq. */
const CATCH_64 = `b8b000e0fe 8900 4881042500500300a0000000 488b242500500300
  415f 415e 415d 415c 415b 415a 4159 4158 5f 5e 5d 5b 5a 59 58 48cf`;

export const CATCH = { 16: BASE + 0x4000, 32: BASE + 0x4100, 64: BASE + 0x4200 } as const;
/** Where a run ends by the debug exit port; the same bytes in 32- and 64-bit code. */
export const FINISH = { 16: BASE + 0x4014, 32: BASE + 0x4123, 64: BASE + 0x4123 } as const;
export const RECORD_BYTES = { 16: 32, 32: 72, 64: 160 } as const;

const ENTRY: Readonly<Record<Mode, number>> = {
  "32": BASE + 0x29,
  "32-paged": BASE + 0x4d,
  "64": BASE + 0x89,
  "16": BASE + 0xc7,
  "user-32": BASE + 0x4d,
  "user-64": BASE + 0x89,
  v86: BASE + 0x4d,
};
export const entryOf = (mode: Mode): number => ENTRY[mode];

/** The kernel's fixed code, with its place. */
export const FIXED_CODE: readonly (readonly [at: number, bytes: Uint8Array])[] = [
  [BASE, bytesOf(ENTRIES)],
  [CATCH[16], bytesOf(CATCH_16)],
  [CATCH[32], bytesOf(CATCH_32)],
  [CATCH[64], bytesOf(CATCH_64)],
];
