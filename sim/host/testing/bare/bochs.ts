/** How an image starts on Bochs: the files that make it a PC with one ROM, ours. */
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

/** Debian's other program, "bochs", is a shell script that looks for a configuration. */
export const BOCHS = "bochs-bin";

const ROM_SOURCE = fileURLToPath(new URL("rom.S", import.meta.url));
const LAYOUT = ["-Wl,--build-id=none", "-Wl,-Ttext=0", "-Wl,-e,0", "-Wl,--oformat=binary"];
const IMAGE_BYTES = 0xfe00;
/** In the ROM: the command line, the entry, bytes of memory. */
const PARAMETERS = 0xffe0;
const COMMAND_LINE_BYTES = 7;
const LOAD = 0x10_0000;
const LOADABLE = 1;
/** Bytes of an option ROM that does nothing: Bochs has no screen without one. */
const VGA_ROM_BYTES = 512;

/** The loadable segments of an ELF file of either class as they lie from 1 MiB on, its entry and its end. */
function laidOut(elf: Uint8Array): { bytes: Uint8Array; entry: number; end: number } {
  const view = new DataView(elf.buffer, elf.byteOffset, elf.length);
  const wide = elf[4] === 2;
  const word = (at: number) => view.getUint32(at, true);
  const bytes = new Uint8Array(IMAGE_BYTES);
  let end = 0;
  const count = view.getUint16(wide ? 56 : 44, true);
  for (let n = 0; n < count; n++) {
    const row = word(wide ? 32 : 28) + n * view.getUint16(wide ? 54 : 42, true);
    if (word(row) !== LOADABLE) continue;
    const [offset, address, fileBytes, memoryBytes] = wide ? [8, 24, 32, 40] : [4, 12, 16, 20];
    const [from, at] = [word(row + offset), word(row + address) - LOAD];
    const size = word(row + fileBytes);
    if (at < 0 || at + size > IMAGE_BYTES) throw new Error("the image doesn't fit into the ROM");
    bytes.set(elf.subarray(from, from + size), at);
    end = Math.max(end, at + word(row + memoryBytes));
  }
  return { bytes, entry: word(24), end };
}

function makeRom(path: string, elf: Uint8Array, commandLine: string): void {
  if (commandLine.length > COMMAND_LINE_BYTES) throw new Error("the command line is too long");
  const flags = ["-m32", "-nostdlib", "-static", "-no-pie", ...LAYOUT];
  execFileSync("gcc", [...flags, ROM_SOURCE, "-o", path]);
  const rom = readFileSync(path);
  const { bytes, entry, end } = laidOut(elf);
  rom.set(bytes);
  rom.write(commandLine, PARAMETERS, "latin1");
  rom.writeUInt32LE(entry, PARAMETERS + 8);
  rom.writeUInt32LE(end, PARAMETERS + 12);
  writeFileSync(path, rom);
}

/** Signature, blocks of 512 bytes, RETF; the last byte makes the sum 0. */
function makeVgaRom(path: string): void {
  const rom = new Uint8Array(VGA_ROM_BYTES);
  rom.set([0x55, 0xaa, 1, 0xcb]);
  rom[VGA_ROM_BYTES - 1] = -(0x55 + 0xaa + 1 + 0xcb);
  writeFileSync(path, rom);
}

export interface Start {
  readonly elf: Uint8Array;
  readonly commandLine?: string;
  readonly memoryMib: number;
  /** The file that COM1 writes to. */
  readonly serial: string;
}

/**
 * Writes what Bochs needs for it into files whose names begin with `prefix`. A ROM of ours is all of its
 * firmware, the model one that has SMEP, SMAP, PCID and pages of 1 GiB. Its screen goes to a VNC server that
 * waits for nobody. Debian's Bochs has the debugger, which has to be told to continue.
 *
 * @returns its arguments
 */
export function bochsOptions(prefix: string, start: Start): string[] {
  const name = (suffix: string) => `${prefix}.${suffix}`;
  makeRom(name("rom"), start.elf, start.commandLine ?? "");
  makeVgaRom(name("vga"));
  writeFileSync(name("commands"), "continue\n");
  const configuration = [
    'display_library: rfb, options="timeout=0"',
    `romimage: file="${name("rom")}"`,
    `vgaromimage: file="${name("vga")}"`,
    "cpu: model=broadwell_ult, ips=100000000, reset_on_triple_fault=0, ignore_bad_msrs=0",
    `memory: guest=${start.memoryMib}, host=${start.memoryMib}`,
    `com1: enabled=1, mode=file, dev=${start.serial}`,
    "sound: driver=dummy",
    "panic: action=fatal",
    `log: ${name("log")}`,
  ];
  writeFileSync(name("bochsrc"), `${configuration.join("\n")}\n`);
  return ["-q", "-f", name("bochsrc"), "-rc", name("commands")];
}
