/**
 * Direct boot of an ELF kernel by the Xen x86/HVM ABI, "PVH" (xen/include/public/arch-x86/hvm/
 * start_info.h, elfnote.h): the entry is in a note, EBX points to the start info.
 */
import {
  START_INFO_BYTES,
  START_INFO_MAGIC,
  START_INFO_MAP_AT,
  START_INFO_MAP_ENTRIES_AT,
  START_INFO_RSDP_AT,
  START_INFO_VERSION,
} from "../../spec/handoff.ts";
import {
  GUEST_COMMAND_LINE_ADDRESS,
  GUEST_INFO_ADDRESS,
  MEMORY_MAP_ADDRESS,
} from "../../spec/platform.ts";
import { type Elf, readElf } from "./elf.ts";
import type { GuestLoad, LoaderInput } from "./guest.ts";
import type { Reader } from "./reader.ts";

const NOTE_OWNER = "Xen";
/** XEN_ELFNOTE_PHYS32_ENTRY */
const NOTE_ENTRY = 18;
const START_INFO_MODULES_AT = 12;
const START_INFO_MODULE_LIST_AT = 16;
const START_INFO_COMMAND_LINE_AT = 24;
/** hvm_modlist_entry: address, size, command line, reserved; 64 bits each. */
const MODULE_BYTES = 32;
const FOUR_GIB = 2 ** 32;

/** @throws MachineError bad-guest */
export function loadPvh(input: LoaderInput): GuestLoad {
  const { file, place, commandLine, initrd, firmware } = input;
  const elf = readElf(file);
  const rip = entryOf(file, elf);
  elf.segments.forEach((segment, n) => {
    if (segment.size > 0) place.put(`segment ${n}`, segment.physical, segment.bytes, segment.size);
  });
  if (!place.inRam(rip, 1)) throw file.bad(`its entry 0x${rip.toString(16)} is outside of RAM`);
  place.put("command line", GUEST_COMMAND_LINE_ADDRESS, commandLine);
  const module = initrd && place.putBelow(FOUR_GIB, "initrd", initrd).address;
  const bytes = new Uint8Array(START_INFO_BYTES + MODULE_BYTES);
  const info = new DataView(bytes.buffer);
  info.setUint32(0, START_INFO_MAGIC, true);
  info.setUint32(4, START_INFO_VERSION, true);
  info.setBigUint64(START_INFO_COMMAND_LINE_AT, BigInt(GUEST_COMMAND_LINE_ADDRESS), true);
  info.setBigUint64(START_INFO_RSDP_AT, BigInt(firmware.rsdp), true);
  info.setBigUint64(START_INFO_MAP_AT, BigInt(MEMORY_MAP_ADDRESS), true);
  info.setUint32(START_INFO_MAP_ENTRIES_AT, firmware.map.length, true);
  if (initrd && module !== undefined) {
    info.setUint32(START_INFO_MODULES_AT, 1, true);
    info.setBigUint64(
      START_INFO_MODULE_LIST_AT,
      BigInt(GUEST_INFO_ADDRESS + START_INFO_BYTES),
      true,
    );
    info.setBigUint64(START_INFO_BYTES, BigInt(module), true);
    info.setBigUint64(START_INFO_BYTES + 8, BigInt(initrd.length), true);
  }
  place.put("start info", GUEST_INFO_ADDRESS, bytes);
  return {
    pieces: place.pieces,
    rip,
    rax: 0,
    rbx: GUEST_INFO_ADDRESS,
    rsi: 0,
    cr3: 0,
  };
}

function entryOf(file: Reader, elf: Elf): number {
  const note = elf.notes.find(({ owner, type }) => owner === NOTE_OWNER && type === NOTE_ENTRY);
  if (!note) throw file.bad("an ELF file without a PVH entry (note XEN_ELFNOTE_PHYS32_ENTRY)");
  const { content } = note;
  if (content.length !== 4 && content.length !== 8)
    throw file.bad(`its PVH entry has ${content.length} bytes; 4 or 8 are right`);
  return new DataView(content.buffer, content.byteOffset, content.length).getUint32(0, true);
}
