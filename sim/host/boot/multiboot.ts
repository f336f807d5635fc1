/**
 * Multiboot 1 (Multiboot Specification 0.6.96): a header in the first 8 KiB says how the image is
 * loaded, as ELF or by addresses of its own; EAX has a magic number, EBX points to the information.
 */

import { MEMORY_RAM } from "../../spec/handoff.ts";
import { GUEST_COMMAND_LINE_ADDRESS, GUEST_INFO_ADDRESS } from "../../spec/platform.ts";
import { isElf, readElf } from "./elf.ts";
import type { GuestLoad, LoaderInput } from "./guest.ts";
import type { Placement } from "./placement.ts";
import type { Reader } from "./reader.ts";

const HEADER_MAGIC = 0x1bad_b002;
const BOOT_MAGIC = 0x2bad_b002;
/** The header lies in this much of the file, on a multiple of four bytes (3.1). */
const SEARCH_BYTES = 8192;
/** Bits of the header's flags; unknown ones below 16 must be refused (3.1.2). */
const PAGE_ALIGNED = 1 << 0;
const WANTS_MEMORY = 1 << 1;
const WANTS_VIDEO = 1 << 2;
const ADDRESSES = 1 << 16;
const REQUIRED_KNOWN = PAGE_ALIGNED | WANTS_MEMORY | WANTS_VIDEO;

/** Bits of the information's flags (3.3). */
const HAS_MEMORY = 1 << 0;
const HAS_COMMAND_LINE = 1 << 2;
const HAS_MODULES = 1 << 3;
const HAS_MAP = 1 << 6;
const HAS_LOADER_NAME = 1 << 9;
const INFO_BYTES = 88;
const MODULE_AT = INFO_BYTES;
const MODULE_BYTES = 16;
const MAP_AT = MODULE_AT + MODULE_BYTES;
/** Its size field doesn't count itself. */
const MAP_ENTRY_SIZE = 20;
const MAP_ENTRY_BYTES = MAP_ENTRY_SIZE + 4;
const LOADER_NAME = "AIOS\0";
const MIB = 0x10_0000;
const LOW_END = 0xa_0000;
const FOUR_GIB = 2 ** 32;

/** Offset of the header in the file, or -1. */
function headerAt(file: Reader): number {
  const end = Math.min(file.bytes.length, SEARCH_BYTES) - 12;
  for (let at = 0; at <= end; at += 4) {
    if (file.u32(at, "magic") !== HEADER_MAGIC) continue;
    const sum = HEADER_MAGIC + file.u32(at + 4, "flags") + file.u32(at + 8, "checksum");
    if (sum % FOUR_GIB === 0) return at;
  }
  return -1;
}

export function isMultiboot(file: Reader): boolean {
  return headerAt(file) >= 0;
}

/** @throws MachineError bad-guest */
export function loadMultiboot(input: LoaderInput): GuestLoad {
  const { file, place, commandLine } = input;
  const at = headerAt(file);
  const flags = file.u32(at + 4, "flags");
  if ((flags & 0xffff & ~REQUIRED_KNOWN) !== 0)
    throw file.bad(
      `its Multiboot header requires 0x${(flags & 0xffff).toString(16)}, which nobody knows`,
    );
  const rip = flags & ADDRESSES ? loadByAddresses(file, place, at) : loadElf(file, place);
  if (!place.inRam(rip, 1)) throw file.bad(`its entry 0x${rip.toString(16)} is outside of RAM`);
  place.put("command line", GUEST_COMMAND_LINE_ADDRESS, commandLine);
  place.put("boot information", GUEST_INFO_ADDRESS, information(input));
  return {
    pieces: place.pieces,
    rip,
    rax: BOOT_MAGIC,
    rbx: GUEST_INFO_ADDRESS,
    rsi: 0,
    cr3: 0,
  };
}

function loadElf(file: Reader, place: Placement): number {
  if (!isElf(file.bytes))
    throw file.bad("a Multiboot image that is neither ELF nor tells its addresses");
  const { segments, entry } = readElf(file);
  segments.forEach((segment, n) => {
    if (segment.size > 0) place.put(`segment ${n}`, segment.physical, segment.bytes, segment.size);
  });
  return entry;
}

/** The header's own addresses (3.1.3): load_end 0 is the file's end, bss_end 0 no bss. */
function loadByAddresses(file: Reader, place: Placement, at: number): number {
  const header = file.u32(at + 12, "header_addr");
  const load = file.u32(at + 16, "load_addr");
  const loadEnd = file.u32(at + 20, "load_end_addr");
  const bssEnd = file.u32(at + 24, "bss_end_addr");
  const from = at - (header - load);
  if (load > header || from < 0)
    throw file.bad("load_addr is above header_addr, or before the file's first byte");
  const bytes = loadEnd === 0 ? file.bytes.length - from : loadEnd - load;
  if (bytes <= 0) throw file.bad("load_end_addr is below load_addr");
  const size = bssEnd === 0 ? bytes : bssEnd - load;
  if (size < bytes) throw file.bad("bss_end_addr is below the end of what is loaded");
  place.put("kernel", load, file.span(from, bytes, "the image"), size);
  return file.u32(at + 28, "entry_addr");
}

/** The information structure with its module and its memory map behind it. */
function information({ place, initrd, firmware, commandLine }: LoaderInput): Uint8Array {
  const mapBytes = firmware.map.length * MAP_ENTRY_BYTES;
  const nameAt = MAP_AT + mapBytes;
  const bytes = new Uint8Array(nameAt + LOADER_NAME.length);
  const info = new DataView(bytes.buffer);
  const module = initrd && place.putBelow(FOUR_GIB, "module", initrd).address;
  const base = firmware.map.find(
    ({ address, type }) => address === MIB || (type === MEMORY_RAM && address > LOW_END),
  );
  const above = base ? base.address + base.bytes - MIB : 0;
  info.setUint32(4, LOW_END / 1024, true);
  info.setUint32(8, above / 1024, true);
  info.setUint32(16, GUEST_COMMAND_LINE_ADDRESS, true);
  if (initrd && module !== undefined) {
    info.setUint32(20, 1, true);
    info.setUint32(24, GUEST_INFO_ADDRESS + MODULE_AT, true);
    info.setUint32(MODULE_AT, module, true);
    info.setUint32(MODULE_AT + 4, module + initrd.length, true);
    info.setUint32(MODULE_AT + 8, GUEST_COMMAND_LINE_ADDRESS + commandLine.length - 1, true);
  }
  info.setUint32(44, mapBytes, true);
  info.setUint32(48, GUEST_INFO_ADDRESS + MAP_AT, true);
  firmware.map.forEach((entry, n) => {
    const at = MAP_AT + n * MAP_ENTRY_BYTES;
    info.setUint32(at, MAP_ENTRY_SIZE, true);
    info.setBigUint64(at + 4, BigInt(entry.address), true);
    info.setBigUint64(at + 12, BigInt(entry.bytes), true);
    info.setUint32(at + 20, entry.type, true);
  });
  bytes.set(new TextEncoder().encode(LOADER_NAME), nameAt);
  info.setUint32(64, GUEST_INFO_ADDRESS + nameAt, true);
  const modules = module === undefined ? 0 : HAS_MODULES;
  info.setUint32(0, HAS_MEMORY | HAS_COMMAND_LINE | modules | HAS_MAP | HAS_LOADER_NAME, true);
  return bytes;
}
