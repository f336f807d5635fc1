/**
 * Guests: operating systems that bring their own code. A loader makes of their files what stands in
 * RAM at power-on and the state in which the first processor begins; by which boot protocol, the
 * file says.
 */
import { MachineError } from "../errors.ts";
import { isElf } from "./elf.ts";
import { isLinux, loadLinux } from "./linux.ts";
import { isMultiboot, loadMultiboot } from "./multiboot.ts";
import type { MapEntry, Piece } from "./placement.ts";
import { Placement } from "./placement.ts";
import { loadPvh } from "./pvh.ts";
import { Reader } from "./reader.ts";

export interface GuestOptions {
  /** A Linux bzImage, an ELF file with a PVH entry, or a Multiboot image. */
  readonly kernel: Uint8Array;
  /** Given to the kernel as initial RAM disk, or as its first module. */
  readonly initrd?: Uint8Array;
  readonly commandLine?: string;
}

/** The firmware's tables, as the machine has them. */
export interface Firmware {
  readonly map: readonly MapEntry[];
  /** Physical address of ACPI's root pointer. */
  readonly rsdp: number;
}

export interface GuestLoad {
  readonly pieces: readonly Piece[];
  /** Physical address of the PML4 of a 64-bit entry; 0: 32 bits, flat segments, no paging. */
  readonly cr3: number;
  readonly rip: number;
  readonly rax: number;
  readonly rbx: number;
  readonly rsi: number;
}

/** What each loader gets. */
export interface LoaderInput {
  readonly file: Reader;
  readonly initrd: Uint8Array | undefined;
  /** With its terminating zero. */
  readonly commandLine: Uint8Array;
  readonly firmware: Firmware;
  readonly place: Placement;
}

/** Linux takes 2,048 bytes; other kernels as much as there is room. */
const COMMAND_LINE_MAX = 0x1_0000;

/** @throws MachineError bad-guest that names the file, the field and the reason */
export function loadGuest(options: GuestOptions, firmware: Firmware): GuestLoad {
  const file = new Reader(options.kernel, "kernel");
  const input: LoaderInput = {
    file,
    initrd: options.initrd,
    commandLine: commandLineBytes(options.commandLine ?? ""),
    firmware,
    place: new Placement(firmware.map),
  };
  if (isLinux(file)) return loadLinux(input);
  if (isMultiboot(file)) return loadMultiboot(input);
  if (isElf(options.kernel)) return loadPvh(input);
  throw file.bad("neither a Linux bzImage, nor an ELF file with a PVH entry, nor Multiboot");
}

function commandLineBytes(text: string): Uint8Array {
  if (text.includes("\0"))
    throw new MachineError("bad-guest", "command line: it has a zero character in it");
  const bytes = new TextEncoder().encode(`${text}\0`);
  if (bytes.length > COMMAND_LINE_MAX)
    throw new MachineError(
      "bad-guest",
      `command line: ${bytes.length - 1} bytes; at most ${COMMAND_LINE_MAX - 1}`,
    );
  return bytes;
}
