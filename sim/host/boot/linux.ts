/**
 * The Linux boot protocol, by its 64-bit entry (kernel documentation, x86/boot.rst): a bzImage's
 * setup header and its protected-mode code, the zero page, and the state in which it is entered.
 */
import {
  GUEST_COMMAND_LINE_ADDRESS,
  GUEST_GDT_ADDRESS,
  GUEST_GDT_BYTES,
  GUEST_INFO_ADDRESS,
  GUEST_TABLES_ADDRESS,
} from "../../spec/platform.ts";
import type { GuestLoad, LoaderInput } from "./guest.ts";
import { alignUp, PAGE } from "./placement.ts";
import type { Reader } from "./reader.ts";

/** Offsets in the file, which are those in the zero page too. */
const SETUP_SECTS = 0x1f1;
const BOOT_FLAG = 0x1fe;
const JUMP_OFFSET = 0x201;
const HEADER = 0x202;
const VERSION = 0x206;
const TYPE_OF_LOADER = 0x210;
const LOADFLAGS = 0x211;
const RAMDISK_IMAGE = 0x218;
const RAMDISK_SIZE = 0x21c;
const COMMAND_LINE_POINTER = 0x228;
const INITRD_ADDRESS_MAX = 0x22c;
const KERNEL_ALIGNMENT = 0x230;
const RELOCATABLE = 0x234;
const XLOADFLAGS = 0x236;
const COMMAND_LINE_SIZE = 0x238;
const PREFERRED_ADDRESS = 0x258;
const INIT_SIZE = 0x260;
/** Fields of the zero page alone (kernel documentation, x86/zero-page.rst). */
const ACPI_RSDP_ADDRESS = 0x70;
const E820_ENTRIES = 0x1e8;
const E820_TABLE = 0x2d0;
const E820_MAX = 128;
const E820_BYTES = 20;
const ZERO_PAGE_BYTES = 4096;

const MAGIC = 0x5372_6448; // "HdrS"
/** 2.12 brought XLF_KERNEL_64, the 64-bit entry. */
const VERSION_MIN = 0x20c;
const LOADED_HIGH = 1;
const XLF_KERNEL_64 = 1;
/** "A boot loader without an assigned number." */
const LOADER_UNDEFINED = 0xff;
const SECTOR = 512;
/** A setup_sects of 0 means 4. */
const SETUP_SECTS_DEFAULT = 4;
/** The 64-bit entry is behind the 32-bit one. */
const ENTRY_64 = 0x200;

const PML4_ADDRESS = GUEST_TABLES_ADDRESS;
const PDPT_ADDRESS = PML4_ADDRESS + PAGE;
const GIB = 2 ** 30;
const PRESENT_WRITABLE = 3n;
const LARGE = 0x80n;

export function isLinux(file: Reader): boolean {
  return file.bytes.length > HEADER + 4 && file.u32(HEADER, "header") === MAGIC;
}

/** @throws MachineError bad-guest */
export function loadLinux(input: LoaderInput): GuestLoad {
  const { file, place, commandLine, initrd } = input;
  checkHeader(file, commandLine.length);
  const sectors = file.u8(SETUP_SECTS, "setup_sects") || SETUP_SECTS_DEFAULT;
  const codeAt = (sectors + 1) * SECTOR;
  const code = file.span(codeAt, Math.max(file.bytes.length - codeAt, ENTRY_64 + 1), "its code");
  const address = kernelAddress(input);
  const initBytes = Math.max(file.u32(INIT_SIZE, "init_size"), code.length);
  place.put("kernel", address, code, alignUp(initBytes, PAGE));
  place.put("command line", GUEST_COMMAND_LINE_ADDRESS, commandLine);
  place.put("page tables", PML4_ADDRESS, pageTables());
  place.put("descriptor table", GUEST_GDT_ADDRESS, descriptors());
  const page = new DataView(zeroPage(input).buffer);
  page.setUint32(COMMAND_LINE_POINTER, GUEST_COMMAND_LINE_ADDRESS, true);
  if (initrd && initrd.length > 0) {
    const limit = file.u32(INITRD_ADDRESS_MAX, "initrd_addr_max") + 1;
    page.setUint32(RAMDISK_IMAGE, place.putBelow(limit, "initrd", initrd).address, true);
    page.setUint32(RAMDISK_SIZE, initrd.length, true);
  }
  place.put("zero page", GUEST_INFO_ADDRESS, new Uint8Array(page.buffer));
  return {
    pieces: place.pieces,
    rip: address + ENTRY_64,
    rax: 0,
    rbx: 0,
    rsi: GUEST_INFO_ADDRESS,
    cr3: PML4_ADDRESS,
  };
}

function checkHeader(file: Reader, commandLineBytes: number): void {
  const version = file.u16(VERSION, "version");
  const text = `${version >> 8}.${version & 0xff}`;
  if (file.u16(BOOT_FLAG, "boot_flag") !== 0xaa55) throw file.bad("boot_flag isn't 0xaa55");
  if (version < VERSION_MIN)
    throw file.bad(`boot protocol ${text}; the 64-bit entry came with 2.12`);
  file.span(0, INIT_SIZE + 4, "the setup header");
  if (!(file.u8(LOADFLAGS, "loadflags") & LOADED_HIGH))
    throw file.bad("a zImage; it must be a bzImage");
  if (!(file.u16(XLOADFLAGS, "xloadflags") & XLF_KERNEL_64))
    throw file.bad("a 32-bit kernel: it has no 64-bit entry");
  const limit = file.u32(COMMAND_LINE_SIZE, "cmdline_size");
  if (commandLineBytes - 1 > limit)
    throw file.bad(`command line of ${commandLineBytes - 1} bytes; this kernel takes ${limit}`);
}

/** Where the kernel wants to be; a relocatable one goes higher when something is there. */
function kernelAddress({ file, place }: LoaderInput): number {
  const wanted = file.u64(PREFERRED_ADDRESS, "pref_address");
  const bytes = file.u32(INIT_SIZE, "init_size");
  if (place.inRam(wanted, bytes)) return wanted;
  if (file.u8(RELOCATABLE, "relocatable_kernel") === 0) return wanted;
  const alignment = file.u32(KERNEL_ALIGNMENT, "kernel_alignment");
  if (alignment < PAGE || (alignment & (alignment - 1)) !== 0)
    throw file.bad(`kernel_alignment is ${alignment}; it must be a power of two`);
  const ram = place.map.map((entry) => alignUp(Math.max(entry.address, 0x10_0000), alignment));
  const free = ram.find((address) => place.inRam(address, bytes));
  if (free === undefined)
    throw file.bad(`it needs ${bytes} bytes of RAM in one piece, which the machine doesn't have`);
  return free;
}

/** The zero page: setup header, memory map, ACPI's root. */
function zeroPage({ file, firmware }: LoaderInput): Uint8Array {
  const bytes = new Uint8Array(ZERO_PAGE_BYTES);
  const page = new DataView(bytes.buffer);
  const headerEnd = HEADER + file.u8(JUMP_OFFSET, "jump");
  bytes.set(file.span(SETUP_SECTS, headerEnd - SETUP_SECTS, "the setup header"), SETUP_SECTS);
  page.setUint8(TYPE_OF_LOADER, LOADER_UNDEFINED);
  page.setBigUint64(ACPI_RSDP_ADDRESS, BigInt(firmware.rsdp), true);
  const entries = firmware.map.slice(0, E820_MAX);
  page.setUint8(E820_ENTRIES, entries.length);
  entries.forEach((entry, n) => {
    const at = E820_TABLE + n * E820_BYTES;
    page.setBigUint64(at, BigInt(entry.address), true);
    page.setBigUint64(at + 8, BigInt(entry.bytes), true);
    page.setUint32(at + 16, entry.type, true);
  });
  return bytes;
}

/** Maps the first 512 GiB to themselves, by pages of 1 GiB. */
function pageTables(): Uint8Array {
  const bytes = new Uint8Array(2 * PAGE);
  const entries = new BigUint64Array(bytes.buffer);
  entries[0] = BigInt(PDPT_ADDRESS) | PRESENT_WRITABLE;
  for (let n = 0; n < 512; n++) entries[512 + n] = BigInt(n * GIB) | PRESENT_WRITABLE | LARGE;
  return bytes;
}

/** Flat 4 GiB segments: code at 0x10 (__BOOT_CS), data at 0x18 (__BOOT_DS). */
function descriptors(): Uint8Array {
  const bytes = new Uint8Array(GUEST_GDT_BYTES);
  const entries = new BigUint64Array(bytes.buffer);
  entries[2] = 0x00af_9b00_0000_ffffn;
  entries[3] = 0x00cf_9300_0000_ffffn;
  return bytes;
}
