/** Memory operands of random instructions. */
import type { Random } from "./isa-draw.ts";

export interface DrawnMemory {
  readonly addressBytes: number;
  /** ES, CS, SS, DS, FS, GS: 0 to 5. */
  readonly segment: number;
  /** Numbers of the registers; "rip" is the next instruction's address. */
  readonly base: number | "rip" | null;
  readonly index: number | null;
  readonly scale: number;
  /** Signed; the unsigned offset when there is neither base nor index by an O operand. */
  readonly displacement: bigint;
}

interface DrawnAddress {
  readonly memory: DrawnMemory;
  /** SIB and displacement. */
  readonly bytes: readonly number[];
}

const RSP = 4;
const RBP = 5;
const SEGMENT_SS = 2;
const SEGMENT_DS = 3;

/** Displacements at which something may go wrong, cut to the width that there is. */
const EDGES = [0n, 1n, -1n, 8n, -8n, 0x7fn, -0x80n, 0x7fffn, -0x8000n, 0x7fff_ffffn, -0x8000_0000n];

function drawDisplacement(random: Random, bytes: number): bigint {
  if (bytes === 0) return 0n;
  const edge = EDGES[random(EDGES.length * 2)];
  let value = edge ?? 0n;
  if (edge === undefined) {
    for (let byte = 0; byte < bytes; byte++) value = (value << 8n) | BigInt(random(256));
  }
  return BigInt.asIntN(bytes * 8, value);
}

/** `value` in `bytes` bytes, least significant first. */
export function littleEndian(value: bigint, bytes: number): number[] {
  return Array.from({ length: bytes }, (_, byte) => Number((value >> BigInt(8 * byte)) & 0xffn));
}

/** Segment that a prefix names; DS without one. */
export function segmentOf(prefix: number, stack = false): number {
  const named = [0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65].indexOf(prefix);
  return named >= 0 ? named : stack ? SEGMENT_SS : SEGMENT_DS;
}

export function drawOffset(random: Random, addressBytes: number, segment: number): DrawnAddress {
  const signed = drawDisplacement(random, addressBytes);
  const displacement = addressBytes === 8 ? signed : BigInt.asUintN(addressBytes * 8, signed);
  return {
    memory: { addressBytes, segment, base: null, index: null, scale: 0, displacement },
    bytes: littleEndian(signed, addressBytes),
  };
}

/** Base and index of 16-bit addresses, by r/m (Intel SDM 2A, table 2-1). */
const FORMS_16: readonly (readonly [number, number | null])[] = [
  [3, 6],
  [3, 7],
  [5, 6],
  [5, 7],
  [6, null],
  [7, null],
  [5, null],
  [3, null],
];

function drawAddress16(random: Random, modrm: number, prefix: number): DrawnAddress {
  const mod = modrm >> 6;
  const plain = mod === 0 && (modrm & 7) === 6;
  const [form, index] = FORMS_16[modrm & 7] ?? [0, null];
  const base = plain ? null : form;
  const bytes = plain ? 2 : mod;
  const displacement = drawDisplacement(random, bytes);
  const segment = segmentOf(prefix, base === RBP);
  return {
    memory: { addressBytes: 2, segment, base, index, scale: 0, displacement },
    bytes: littleEndian(displacement, bytes),
  };
}

/** What follows a ModR/M byte that names memory (Intel SDM 2A, tables 2-1 to 2-3). */
export function drawAddress(
  random: Random,
  modrm: number,
  addressBytes: number,
  mode64: boolean,
  rex: number,
  prefix: number,
): DrawnAddress {
  if (addressBytes === 2) return drawAddress16(random, modrm, prefix);
  const mod = modrm >> 6;
  const high = (bit: number) => ((rex & bit) !== 0 ? 8 : 0);
  let base: number | "rip" | null = (modrm & 7) + high(1);
  let index: number | null = null;
  let scale = 0;
  let bytes = mod === 1 ? 1 : mod === 2 ? 4 : 0;
  const sib: number[] = [];
  if ((modrm & 7) === RSP) {
    const byte = random(256);
    sib.push(byte);
    scale = byte >> 6;
    index = ((byte >> 3) & 7) + high(2);
    base = (byte & 7) + high(1);
    if (index === RSP) [index, scale] = [null, 0];
    if ((byte & 7) === RBP && mod === 0) [base, bytes] = [null, 4];
  } else if ((modrm & 7) === RBP && mod === 0) {
    [base, bytes] = [mode64 ? "rip" : null, 4];
  }
  const displacement = drawDisplacement(random, bytes);
  const segment = segmentOf(prefix, base === RSP || base === RBP);
  return {
    memory: { addressBytes, segment, base, index, scale, displacement },
    bytes: [...sib, ...littleEndian(displacement, bytes)],
  };
}
