/** Bare-metal programs: a bzImage with nothing but code, which begins in 64-bit mode. */
import { Machine } from "../machine.ts";
import type { MachineOptions } from "../options.ts";
import { bytesOf } from "./code.ts";

/** Where the code begins (Linux boot protocol 2.15, 64-bit entry: 0x200 behind the load address). */
export const GUEST_CODE = 0x100_0200;
const FILE_CODE = 0x600;
const MIB = 0x10_0000;

/** Offset, bytes and value of the header's fields that the loader asks for. */
const HEADER: readonly (readonly [number, 1 | 2 | 4 | 8, number])[] = [
  [0x1f1, 1, 1],
  [0x1fe, 2, 0xaa55],
  [0x201, 1, 0x6a],
  [0x202, 4, 0x5372_6448],
  [0x206, 2, 0x20f],
  [0x211, 1, 1],
  [0x22c, 4, 0x7fff_ffff],
  [0x230, 4, 0x20_0000],
  [0x234, 1, 1],
  [0x236, 2, 0x3f],
  [0x238, 4, 2047],
  [0x258, 8, GUEST_CODE - 0x200],
  [0x260, 4, 0x20_0000],
];

/** The image of a program in hexadecimal digits. */
export function guestImage(code: string): Uint8Array {
  const program = bytesOf(code);
  const bytes = new Uint8Array(FILE_CODE + program.length);
  const data = new DataView(bytes.buffer);
  for (const [at, width, value] of HEADER) {
    if (width === 1) data.setUint8(at, value);
    else if (width === 2) data.setUint16(at, value, true);
    else if (width === 4) data.setUint32(at, value, true);
    else data.setBigUint64(at, BigInt(value), true);
  }
  bytes.set(program, FILE_CODE);
  return bytes;
}

export function guestMachine(code: string, options: MachineOptions = {}): Promise<Machine> {
  return Machine.create({ memory: 32 * MIB, ...options, guest: { kernel: guestImage(code) } });
}
