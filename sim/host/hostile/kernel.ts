/** Builds the image of a kernel that misbehaves (layout.ts), for one of the boot protocols. */
import * as L from "./layout.ts";

/** What the handler loads before it goes on at `ip`; registers in encoding order, AX first. */
export interface Record {
  readonly ip: bigint;
  readonly flags: bigint;
  readonly sp: bigint;
  readonly cs: number;
  readonly ss: number;
  readonly registers: readonly bigint[];
}

export interface Kernel {
  readonly mode: L.Mode;
  readonly records: readonly Record[];
  /** At CODE and DATA. */
  readonly code: Uint8Array;
  readonly data: Uint8Array;
  /** Any changes of the finished image: descriptors, gates, page tables, …; addresses from BASE on. */
  readonly patches?: readonly (readonly [at: number, value: bigint])[];
}

const KIB = 1024;
const PRESENT_ALL = 7n;
const LARGE = 0x80n;
/** Bits 46-40 of a gate: present, DPL 3, interrupt gate. */
const GATE = 0xeen;
const V86 = 0x2_0000n;

const flat = (kind: bigint, flags: bigint) =>
  0xffffn | (kind << 40n) | (0xfn << 48n) | (flags << 52n);
const DESCRIPTORS: readonly bigint[] = [
  0n,
  flat(0x9bn, 0xcn),
  flat(0x93n, 0xcn),
  flat(0x9bn, 0xan),
  0xffffn | (BigInt(L.BASE) << 16n) | (0x9bn << 40n),
  0xffffn | (BigInt(L.BASE) << 16n) | (0x93n << 40n),
  0x67n | (BigInt(L.TSS) << 16n) | (0x89n << 40n),
  0n,
  flat(0xfbn, 0xcn),
  flat(0xf3n, 0xcn),
  flat(0xfbn, 0xan),
];

/** The image in memory, from BASE on. */
export function kernelMemory(kernel: Kernel): Uint8Array {
  const width = L.widthOf(kernel.mode);
  const image = new Image(L.END - L.BASE);
  for (const [at, bytes] of L.FIXED_CODE) image.put(at, bytes);
  image.put(L.CODE, kernel.code.subarray(0, L.CODE_BYTES));
  image.put(L.DATA, kernel.data.subarray(0, L.DATA_BYTES));
  DESCRIPTORS.forEach((descriptor, n) => void image.u64(L.GDT + 8 * n, descriptor));
  writeTables(image, width);
  writePages(image);
  writeRecords(image, kernel, width);
  for (const [at, value] of kernel.patches ?? []) image.u64(at, value);
  return image.bytes;
}

/** Operands of LGDT and LIDT, the IDT and the TSS. */
function writeTables(image: Image, width: 16 | 32 | 64): void {
  image.u16(L.BASE + 0xf00, L.DESCRIPTORS_END - 1);
  image.u32(L.BASE + 0xf02, L.GDT);
  image.u16(L.BASE + 0xf08, width === 16 ? 0x3ff : 0x7ff);
  image.u32(L.BASE + 0xf0a, width === 16 ? 0 : L.IDT);
  image.u16(L.BASE + 0xf10, 0xfff);
  image.u64(L.BASE + 0xf12, BigInt(L.IDT));
  const target = BigInt(L.CATCH[width]);
  for (let vector = 0; vector < 256; vector++) {
    const selector = width === 64 ? L.CODE_64 : L.CODE_32;
    const ist = width === 64 ? 1n : 0n;
    const gate =
      (target & 0xffffn) |
      (BigInt(selector) << 16n) |
      (ist << 32n) |
      (GATE << 40n) |
      ((target >> 16n) << 48n);
    image.u64(L.IDT + vector * (width === 64 ? 16 : 8), gate);
  }
  if (width === 64) {
    image.u64(L.TSS + 4, BigInt(L.INTERRUPT_STACK));
    image.u64(L.TSS + 36, BigInt(L.INTERRUPT_STACK));
    return;
  }
  image.u32(L.TSS + 4, L.INTERRUPT_STACK);
  image.u32(L.TSS + 8, L.DATA_32);
}

/** All memory to itself, for everyone; the first 2 (or 4) MiB by pages of 4 KiB. */
function writePages(image: Image): void {
  image.u64(L.PML4, BigInt(L.PDPT) | PRESENT_ALL);
  image.u64(L.PDPT, BigInt(L.DIRECTORY) | PRESENT_ALL);
  for (let n = 1; n < 512; n++) image.u64(L.PDPT + 8 * n, (BigInt(n) << 30n) | LARGE | PRESENT_ALL);
  image.u64(L.DIRECTORY, BigInt(L.TABLE) | PRESENT_ALL);
  for (let n = 1; n < 512; n++)
    image.u64(L.DIRECTORY + 8 * n, (BigInt(n) << 21n) | LARGE | PRESENT_ALL);
  for (let n = 0; n < 512; n++) image.u64(L.TABLE + 8 * n, (BigInt(n) << 12n) | PRESENT_ALL);
  image.u32(L.DIRECTORY_32, L.TABLE_32 | 7);
  for (let n = 1; n < 1024; n++) image.u32(L.DIRECTORY_32 + 4 * n, ((n << 22) | 0x87) >>> 0);
  for (let n = 0; n < 1024; n++) image.u32(L.TABLE_32 + 4 * n, (n << 12) | 7);
}

function writeRecords(image: Image, { mode, records }: Kernel, width: 16 | 32 | 64): void {
  const bytes = L.RECORD_BYTES[width];
  const first = width === 16 ? L.RECORDS_16 : L.RECORDS;
  const room = Math.floor(((width === 16 ? L.STACK - 0x800 : L.END) - first) / bytes) - 1;
  const all = [...records.slice(0, room), ending(mode, width)];
  all.forEach((record, n) => {
    if (width === 16) writeRecord16(image, first + n * bytes, record);
    else if (width === 32) writeRecord32(image, first + n * bytes, record, mode);
    else writeRecord64(image, first + n * bytes, record);
  });
  // Real mode's handler and records lie in the segment of the former.
  image.u32(L.NEXT_RECORD, first - bytes - (width === 16 ? L.CATCH[16] : 0));
  image.u32(L.NEXT_RECORD + 8, L.CATCH[16] >> 4);
}

/** How many records fit. */
export function recordsMax(mode: L.Mode): number {
  const width = L.widthOf(mode);
  const room = width === 16 ? L.STACK - 0x800 - L.RECORDS_16 : L.END - L.RECORDS;
  return Math.floor(room / L.RECORD_BYTES[width]) - 1;
}

/** Ring 0, at the code that ends the run. */
function ending(mode: L.Mode, width: 16 | 32 | 64): Record {
  const real = width === 16;
  return {
    ip: BigInt(real ? L.FINISH[16] - L.CATCH[16] : L.FINISH[width]),
    cs: real ? L.CATCH[16] >> 4 : width === 64 ? L.CODE_64 : L.CODE_32,
    ss: mode === "16" ? 0x3000 : L.DATA_32,
    flags: 2n,
    sp: BigInt(L.STACK),
    registers: Array.from({ length: 16 }, () => 0n),
  };
}

function writeRecord64(image: Image, at: number, record: Record): void {
  const { registers, ip, cs, flags, sp, ss } = record;
  const popped = [15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 3, 2, 1, 0];
  popped.forEach((n, slot) => void image.u64(at + 8 * slot, registers[n] ?? 0n));
  [ip, BigInt(cs), flags, sp, BigInt(ss)].forEach(
    (word, n) => void image.u64(at + 120 + 8 * n, word),
  );
}

function writeRecord32(image: Image, at: number, record: Record, mode: L.Mode): void {
  const { registers, ip, cs, flags, sp, ss } = record;
  const low = (value: bigint) => Number(BigInt.asUintN(32, value));
  [7, 6, 5, 4, 3, 2, 1, 0].forEach(
    (n, slot) => void image.u32(at + 4 * slot, low(registers[n] ?? 0n)),
  );
  const virtual = mode === "v86" && ip !== BigInt(L.FINISH[32]);
  const segments = virtual
    ? [ss, cs, ss, ss]
    : [L.USER_DATA, L.USER_DATA, L.USER_DATA, L.USER_DATA];
  [low(ip), cs, low(virtual ? flags | V86 : flags & ~V86), low(sp), ss, ...segments].forEach(
    (word, n) => void image.u32(at + 32 + 4 * n, word),
  );
}

function writeRecord16(image: Image, at: number, record: Record): void {
  const { registers, ip, cs, flags, ss } = record;
  const low = (value: bigint) => Number(value & 0xffffn);
  [7, 6, 5, 4, 3, 2, 1, 0].forEach(
    (n, slot) => void image.u16(at + 2 * slot, low(registers[n] ?? 0n)),
  );
  [ss, ss, low(ip), cs, low(flags)].forEach((word, n) => void image.u16(at + 16 + 2 * n, word));
}

class Image {
  readonly bytes: Uint8Array;
  private readonly view: DataView;

  constructor(bytes: number) {
    this.bytes = new Uint8Array(bytes);
    this.view = new DataView(this.bytes.buffer);
  }
  put(at: number, bytes: Uint8Array): void {
    this.bytes.set(bytes, at - L.BASE);
  }
  u16(at: number, value: number): void {
    this.view.setUint16(at - L.BASE, value, true);
  }
  u32(at: number, value: number): void {
    this.view.setUint32(at - L.BASE, value >>> 0, true);
  }
  u64(at: number, value: bigint): void {
    this.view.setBigUint64(at - L.BASE, BigInt.asUintN(64, value), true);
  }
}

const HEADER_AT = 0x200;
const MULTIBOOT_MAGIC = 0x1bad_b002;
const WITH_ADDRESSES = 0x1_0000;

/** The kernel as a Multiboot image that says its addresses (Multiboot Specification 0.6.96, 3.1). */
export function multibootImage(kernel: Kernel): Uint8Array {
  const memory = kernelMemory(kernel);
  const view = new DataView(memory.buffer);
  const checksum = 2 ** 32 - MULTIBOOT_MAGIC - WITH_ADDRESSES;
  const header = [MULTIBOOT_MAGIC, WITH_ADDRESSES, checksum, L.BASE + HEADER_AT, L.BASE, 0, 0];
  [...header, L.entryOf(kernel.mode)].forEach(
    (word, n) => void view.setUint32(HEADER_AT + 4 * n, word, true),
  );
  return memory;
}

const ELF_HEADER = 64;
const PROGRAM_HEADER = 56;
const NOTE_AT = ELF_HEADER + 2 * PROGRAM_HEADER;
const NOTE_BYTES = 20;
const FILE_AT = 0x1000;

/** The same as an ELF file with a PVH entry (xen/include/public/elfnote.h, XEN_ELFNOTE_PHYS32_ENTRY). */
export function pvhImage(kernel: Kernel): Uint8Array {
  const memory = kernelMemory(kernel);
  const file = new Uint8Array(FILE_AT + memory.length);
  const view = new DataView(file.buffer);
  file.set(memory, FILE_AT);
  file.set([0x7f, 0x45, 0x4c, 0x46, 2, 1, 1]);
  const u16s: readonly (readonly [number, number])[] = [
    [16, 2],
    [18, 62],
    [52, ELF_HEADER],
    [54, PROGRAM_HEADER],
    [56, 2],
  ];
  for (const [at, value] of u16s) view.setUint16(at, value, true);
  view.setBigUint64(24, BigInt(L.entryOf(kernel.mode)), true);
  view.setBigUint64(32, BigInt(ELF_HEADER), true);
  segment(view, ELF_HEADER, 1, FILE_AT, L.BASE, memory.length);
  segment(view, ELF_HEADER + PROGRAM_HEADER, 4, NOTE_AT, 0, NOTE_BYTES);
  [4, 4, 18, 0x006e_6558, L.entryOf(kernel.mode)].forEach(
    (word, n) => void view.setUint32(NOTE_AT + 4 * n, word, true),
  );
  return file;
}

function segment(
  view: DataView,
  at: number,
  type: number,
  offset: number,
  address: number,
  bytes: number,
): void {
  view.setUint32(at, type, true);
  view.setUint32(at + 4, 7, true);
  [offset, address, address, bytes, bytes, 4 * KIB].forEach(
    (word, n) => void view.setBigUint64(at + 8 + 8 * n, BigInt(word), true),
  );
}
