/** Draws guests that misbehave: each is a function of its seed. */

import { FORMS } from "../../spec/isa/forms.ts";
import * as P from "../../spec/platform.ts";
import { CODE_16, CODE_32, CODE_64 } from "../decoder.ts";
import type { MachineOptions } from "../options.ts";
import { drawInstruction, formsOf, type Random } from "../testing/isa-draw.ts";
import { randomFrom } from "../testing/random.ts";
import { type Kernel, multibootImage, pvhImage, type Record, recordsMax } from "./kernel.ts";
import * as L from "./layout.ts";

export interface HostileGuest {
  readonly seed: number;
  /** What it is, in words. */
  readonly what: string;
  readonly kernel: Kernel;
  /** By which boot protocol it comes. */
  readonly protocol: "pvh" | "multiboot";
  readonly options: MachineOptions;
}

export const imageOf = ({ kernel, protocol }: HostileGuest): Uint8Array =>
  protocol === "pvh" ? pvhImage(kernel) : multibootImage(kernel);

export const MEMORY = 2 * 1024 * 1024;
const DRIVE_BYTES = 64 * 1024;
const RECORDS = 300;
const CODES = ["bytes", "instructions", "system"] as const;

/** What changes modes, tables and translations, reaches devices, or moves state as a whole. */
const SYSTEM = new Set(
  `MOV_TO_CONTROL MOV_FROM_CONTROL MOV_TO_DEBUG MOV_FROM_DEBUG MOV_TO_SEGMENT MOV_FROM_SEGMENT PUSH_SEGMENT
  POP_SEGMENT LES LDS LSS LFS LGS LGDT SGDT LIDT SIDT LLDT SLDT LTR STR LMSW SMSW CLTS INVLPG INVPCID INVD WBINVD
  WRMSR RDMSR RDTSC RDPMC IN OUT INS OUTS INT INT1 INT3 INTO IRET CALL_FAR JMP_FAR RETF SYSCALL SYSRET SYSENTER
  SYSEXIT SWAPGS HLT STI CLI POPF PUSHF XSETBV XSAVE XRSTOR FXSAVE FXRSTOR FRSTOR FNSAVE FLDENV LDMXCSR CLAC STAC
  VERR VERW LAR LSL ARPL ENTER LEAVE MOVS STOS CMPXCHG16B BOUND RDRAND MASKMOVDQU`.split(/\s+/),
);

const systemForms = (mode: number) =>
  formsOf(mode).filter((index) => SYSTEM.has(FORMS[index]?.operation ?? ""));
const FORMS_OF = [CODE_16, CODE_32, CODE_64].map((mode) => [formsOf(mode), systemForms(mode)]);

const MSRS = [
  0x10, 0x1b, 0x3a, 0x3b, 0x8b, 0xfe, 0x174, 0x175, 0x176, 0x179, 0x17a, 0x1a0, 0x1d9, 0x200, 0x201,
  0x250, 0x277, 0x2ff, 0x400, 0x6e0, 0x802, 0x808, 0x80b, 0x80f, 0x830, 0x832, 0x838, 0x83e, 0x83f,
  0xc000_0080, 0xc000_0081, 0xc000_0082, 0xc000_0083, 0xc000_0084, 0xc000_0100, 0xc000_0101,
  0xc000_0102, 0xc000_0103,
];
const PORTS = [
  0x20, 0x21, 0xa0, 0xa1, 0x40, 0x43, 0x61, 0x70, 0x71, 0x80, 0xf0, 0x3f8, 0x3f9, 0x3fa, 0x3fb,
  0x4d0, 0x600, 0x604, 0x608, 0xcf8, 0xcfc, 0xcf9, 0xc000,
];
/** Where devices, ROM, nothing, and the ends of things are. */
const PLACES = [
  0,
  0x9_fc00,
  0xa_0000,
  0xe_0000,
  0x10_0000,
  MEMORY,
  P.ECAM_BASE,
  P.ECAM_BASE + 0x1_0000,
  P.PCI_MEMORY_BASE,
  P.IOAPIC_BASE,
  P.HPET_BASE,
  P.IOMMU_BASE,
  P.LAPIC_BASE,
  0xffff_f000,
  2 ** 32,
  2 ** 36,
  P.PCI_HIGH_BASE,
];
const EDGES = [
  (1n << 46n) - 1n,
  1n << 47n,
  (1n << 47n) - 1n,
  1n << 48n,
  (1n << 52n) - 1n,
  1n << 63n,
  (1n << 64n) - 1n,
  0xffff_8000_0000_0000n,
  0xffff_ffff_8000_0000n,
];
const OWN = [
  L.CODE,
  L.DATA,
  L.GDT,
  L.IDT,
  L.TSS,
  L.PML4,
  L.PDPT,
  L.DIRECTORY,
  L.TABLE,
  L.STACK,
  L.NEXT_RECORD,
  L.DIRECTORY_32,
  L.TABLE_32,
];

/** A number that may hurt: an address of something, an edge, a small number, or any. */
export function drawNumber(random: Random): bigint {
  const pick = <T>(from: readonly T[]): T => from[random(from.length)] as T;
  switch (random(10)) {
    case 0:
      return BigInt(random(256));
    case 1:
      return BigInt(pick(MSRS));
    case 2:
      return BigInt(pick(PORTS) + random(2));
    case 3:
      return BigInt.asUintN(
        64,
        BigInt(pick(PLACES)) + BigInt(random(4097) - (random(2) ? 4096 : 8)),
      );
    case 4:
      return BigInt.asUintN(64, pick(EDGES) + BigInt(random(17) - 8));
    case 5:
      return (BigInt(random(2 ** 32)) << 32n) | BigInt(random(2 ** 32));
    case 6:
      return BigInt(MEMORY - random(18));
    case 7:
      return BigInt(random(MEMORY));
    default:
      return BigInt(pick(OWN) + random(0x400) * (random(2) ? 8 : 1));
  }
}

function drawCode(random: Random, mode: number, kind: (typeof CODES)[number]): Uint8Array {
  const code = new Uint8Array(L.CODE_BYTES);
  if (kind === "bytes") return code.map(() => random(256));
  const [all = [], system = []] = FORMS_OF[mode] ?? [];
  for (let at = 0; at < code.length; ) {
    const forms = kind === "system" && random(2) === 0 ? system : all;
    const noise = random(24) === 0;
    const bytes = noise
      ? Uint8Array.of(random(256))
      : drawInstruction(random, { mode, forms, memory: random(3) > 0 }).bytes;
    code.set(bytes.subarray(0, code.length - at), at);
    at += bytes.length;
  }
  return code;
}

/** Descriptors, gates, entries of page tables and addresses, as they come. */
function drawData(random: Random): Uint8Array {
  const view = new DataView(new ArrayBuffer(L.DATA_BYTES));
  for (let at = 0; at < L.DATA_BYTES; at += 8) view.setBigUint64(at, drawWord(random), true);
  return new Uint8Array(view.buffer);
}

/** A word that something of the processor's may be: a descriptor, a gate, an entry of a page table. */
export function drawWord(random: Random): bigint {
  const byte = () => BigInt(random(256));
  switch (random(4)) {
    case 0:
      return drawNumber(random);
    case 1: // an entry of a page table: flags, NX and reserved bits
      return (
        (drawNumber(random) & ~0xfffn) | BigInt(random(0x1000)) | (random(8) === 0 ? 1n << 63n : 0n)
      );
    case 2: // a segment or system descriptor
      return (
        (BigInt(random(2 ** 32)) << (random(2) ? 0n : 16n)) |
        ((0x80n | byte()) << 40n) |
        (byte() << 48n)
      );
    default: // a gate to somewhere in the code
      return (
        BigInt(L.CODE + random(0x4000)) | (BigInt(random(0x100)) << 16n) | ((0x80n | byte()) << 40n)
      );
  }
}

const INTERRUPTS = 0x200;
const FLAG_BITS = [
  0x1, 0x40, 0x100, 0x200, 0x400, 0x1000, 0x2000, 0x4000, 0x1_0000, 0x4_0000, 0x20_0000,
];
const SELECTORS = [
  L.CODE_32,
  L.CODE_64,
  L.CODE_16,
  L.USER_CODE_32,
  L.USER_CODE_64,
  L.DATA_32,
  L.TASK,
];

function drawRecord(random: Random, mode: L.Mode): Record {
  const wild = random(12) === 0;
  const user = mode.startsWith("user");
  const real = mode === "16" || mode === "v86";
  const usual: Readonly<{ [mode in L.Mode]: number }> = {
    "16": L.CODE >> 4,
    "32": L.CODE_32,
    "32-paged": L.CODE_32,
    "64": L.CODE_64,
    "user-32": L.USER_CODE_32,
    "user-64": L.USER_CODE_64,
    v86: L.CODE >> 4,
  };
  const offset = random(L.CODE_BYTES);
  const some = FLAG_BITS.filter(() => random(6) === 0).reduce((all, bit) => all | bit, 2);
  // What runs in a circle is interrupted, and goes on elsewhere.
  const flags = random(4) === 0 ? some : some | INTERRUPTS;
  return {
    ip: wild ? drawNumber(random) : BigInt(real ? offset : L.CODE + offset),
    flags: BigInt(flags),
    sp: random(4) === 0 ? drawNumber(random) : BigInt((real ? 0 : L.DATA) + 0x3ff0),
    cs: random(16) === 0 ? (SELECTORS[random(SELECTORS.length)] ?? 0) : usual[mode],
    ss: real ? L.DATA >> 4 : user ? L.USER_DATA : L.DATA_32,
    registers: Array.from({ length: 16 }, () => drawNumber(random)),
  };
}

/** mov [rdi], eax; ud2: the code's first bytes. */
const STORE_AND_FAULT = [0x89, 0x07, 0x0f, 0x0b];
/** Startup IPI to all others: they begin in real mode, in the middle of the code (Intel SDM 3A, 10.6.1). */
const STARTUP = 0xc_4600 | ((L.CODE + 0x1000) >> 12);

/** A record in ring 0 that starts the other processors, if there are any. */
function wakeOthers(width: 32 | 64): Record {
  const registers = Array.from({ length: 16 }, () => 0n);
  registers[0] = BigInt(STARTUP);
  registers[7] = BigInt(P.LAPIC_BASE + 0x300);
  return {
    ip: BigInt(L.CODE),
    flags: 2n,
    sp: BigInt(L.STACK),
    cs: width === 64 ? L.CODE_64 : L.CODE_32,
    ss: L.DATA_32,
    registers,
  };
}

const PATCHED = [
  L.GDT,
  L.GDT,
  L.IDT,
  L.TSS,
  L.PML4,
  L.PDPT,
  L.DIRECTORY,
  L.TABLE,
  L.DIRECTORY_32,
  L.TABLE_32,
];

/** Some words of the kernel's tables are something else. */
function drawPatches(random: Random): [number, bigint][] {
  const patches: [number, bigint][] = [];
  for (let at = L.DESCRIPTORS_OWN; at < L.DESCRIPTORS_END; at += 8)
    patches.push([L.GDT + at, drawWord(random)]);
  if (random(2) === 0) return patches;
  for (let n = random(6); n > 0; n--) {
    const at = PATCHED[random(PATCHED.length)] ?? L.TABLE;
    patches.push([at + random(512) * 8, drawWord(random)]);
  }
  return patches;
}

function drawKernel(random: Random): Kernel & { readonly kind: string } {
  const mode = L.MODES[random(L.MODES.length)] ?? "64";
  const kind = CODES[random(CODES.length)] ?? "bytes";
  const width = L.widthOf(mode);
  const codeMode = mode === "v86" || width === 16 ? CODE_16 : width === 32 ? CODE_32 : CODE_64;
  const count = Math.min(1 + random(RECORDS), recordsMax(mode));
  const code = drawCode(random, codeMode, kind);
  code.set(STORE_AND_FAULT);
  const records = Array.from({ length: count }, () => drawRecord(random, mode));
  return {
    mode,
    kind,
    code,
    data: drawData(random),
    records: width === 16 || mode === "v86" ? records : [wakeOthers(width), ...records],
    patches: drawPatches(random),
  };
}

export function drawGuest(seed: number): HostileGuest {
  const random = randomFrom(seed);
  const kernel = drawKernel(random);
  const protocol = random(2) === 0 ? "pvh" : "multiboot";
  const devices: MachineOptions = {
    drives: [
      { data: new Uint8Array(DRIVE_BYTES) },
      { data: new Uint8Array(DRIVE_BYTES), interface: "ahci" },
    ],
    nic: "52:54:00:12:34:56",
  };
  return {
    seed,
    what: `${kernel.kind} in mode ${kernel.mode}, ${kernel.records.length} records`,
    kernel,
    protocol,
    options: {
      cpus: 1 + random(3),
      memory: MEMORY,
      debugExit: L.DEBUG_EXIT,
      ...(random(4) === 0 ? devices : {}),
    },
  };
}
