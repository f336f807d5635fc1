/**
 * Cases of the comparison with the real processor, and what comes of them, as records of 1024 bytes that
 * isa-native.c has as structures.
 *
 *   case                                          outcome
 *     0  general registers, in encoding order       0  the same, afterwards
 *   128  RIP, RFLAGS                              128  RIP, RFLAGS
 *   144  size of code (CODE_…), SS, bytes of code 144  vector, or how it ended; error code; CR2
 *   152  DS, ES, FS, GS                           160  changed data: first and last byte, hash; hash of changed code
 *   160  code, up to 96 bytes                     176  FS base, GS base; DS, ES, FS, GS, SS, CS
 *   256  the window of data, 256 bytes            204  52 bytes from the first changed
 *   512  FXSAVE image; in the part for software   256  the window
 *        (976) data that may have any value       512  the FXSAVE image
 *
 * The addresses are the same for both processors: code in two pages that may also be written, data in
 * two pages with one that is read-only behind them; nothing is mapped next to these. Around the code
 * there is HLT, which ring 3 may not execute. A case is in ring 3 and ends when its code jumps to EXIT, or
 * by an exception.
 */
import { CODE_16, CODE_64 } from "../decoder.ts";
import type { Drawn } from "./isa-draw.ts";

export const RECORD_BYTES = 1024;

/** Where a case ends, and from where isa-native.c enters it: the machine has nothing in these pages. */
export const EXIT = 0x1000_0000;
export const EXIT_32 = EXIT + 0x100;
export const ENTRY = EXIT + 0x8000;
export const CODE = 0x60_2000;
export const CODE_BYTES = 0x2000;
export const DATA = 0x60_5000;
export const DATA_BYTES = 0x2000;
export const READ_ONLY = DATA + DATA_BYTES;
export const DATA_END = READ_ONLY + 0x1000;
export const WINDOW_BYTES = 256;
/** Half of it is on either side of the border between the two pages. */
export const WINDOW = DATA + 0x1000 - WINDOW_BYTES / 2;
export const FS_BASE = 0x30_0000n;
export const GS_BASE = 0xffff_ffff_fffe_0010n;

/** Selectors of ring 3: 32-bit code, data, 64-bit code; as Linux has them. */
export const USER_32 = 0x23;
export const USER_DATA = 0x2b;
export const USER_64 = 0x33;

/**
 * In the place of a vector: the code has come to EXIT; it never ends; it has reached for what isn't its
 * own, the pages of EXIT and ENTRY, or come to EXIT in code of another size.
 */
export const ENDED = 0x100;
export const ENDLESS = 0x101;
export const OUTSIDE = 0x102;

export const REGISTERS_AT = 0;
export const RSP_AT = 32;
export const RIP_AT = 128;
export const RFLAGS_AT = 136;
export const MODE_AT = 144;
export const STACK_SELECTOR_AT = 146;
export const LENGTH_AT = 148;
export const DATA_SELECTORS_AT = 152;
export const CODE_AT = 160;
export const CODE_ROOM = 96;
export const WINDOW_AT = 256;
export const IMAGE_AT = 512;
export const IMAGE_BYTES = 512;
/** What a signal's frame has of it: up to XMM15. */
export const IMAGE_KNOWN = 416;
/** Address and number of bytes that aren't compared. */
export const IGNORED_AT = IMAGE_AT + 464;

export const VECTOR_AT = 144;
export const ERROR_AT = 148;
export const ADDRESS_AT = 152;
export const FIRST_AT = 160;
export const LAST_AT = 164;
export const HASH_AT = 168;
export const CODE_HASH_AT = 172;
export const FS_BASE_AT = 176;
export const GS_BASE_AT = 184;
export const SELECTORS_AT = 192;
export const CHANGED_AT = 204;
export const CHANGED_BYTES = 52;
/** In the machine's outcomes: 1 + row of the instruction at RIP if the case has changed its code, or 0. */
export const MADE_AT = IMAGE_AT + IMAGE_KNOWN;

/** One instruction of a case. */
export interface Step {
  readonly drawn: Drawn;
  /** Where it begins, counted from RIP. */
  readonly at: number;
}

export interface Case {
  /** `RECORD_BYTES` bytes. */
  readonly record: Buffer;
  readonly steps: readonly Step[];
  /** FLAG_… that may have any value when all instructions have ended. */
  readonly undefinedFlags: number;
  /** The same when not all have. */
  readonly undefinedBetween: number;
  /** Whether it is meant to change the pages of its code; else nobody knows which flags the new code leaves undefined. */
  readonly patches?: boolean;
}

/** What both processors' pages have in them before a case's window is put there. */
export const BACKGROUND: Buffer = background();

function background(): Buffer {
  const bytes = Buffer.alloc(DATA_END - DATA);
  for (let index = 0; index < bytes.length / 4; index++) {
    let word = Math.imul(index + 1, 0x9e37_79b9);
    word = Math.imul(word ^ (word >>> 16), 0x85eb_ca6b);
    word = Math.imul(word ^ (word >>> 13), 0xc2b2_ae35);
    bytes.writeUInt32LE((word ^ (word >>> 16)) >>> 0, index * 4);
  }
  return bytes;
}

/** FNV-1a over 32-bit words. */
export function hashOf(bytes: Buffer): number {
  let hash = 0x811c_9dc5;
  for (let at = 0; at < bytes.length; at += 4)
    hash = Math.imul(hash ^ bytes.readInt32LE(at), 0x0100_0193);
  return hash >>> 0;
}

/** The jump to where a case ends, for code of which it is at `at`. */
export function exitJump(at: number, mode: number): Buffer {
  if (mode === CODE_16) return Buffer.from([0x66, 0xea, 0, 0, 0, EXIT >> 24, USER_64, 0]);
  const jump = Buffer.alloc(5, 0xe9);
  jump.writeInt32LE((mode === CODE_64 ? EXIT : EXIT_32) - (at + 5), 1);
  return jump;
}
