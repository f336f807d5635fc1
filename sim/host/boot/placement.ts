/** Where in RAM the pieces of a guest lie: inside of it, and none on top of another. */
import { MEMORY_RAM } from "../../spec/handoff.ts";
import { MachineError } from "../errors.ts";

/** An entry of the firmware's memory map. */
export interface MapEntry {
  readonly address: number;
  readonly bytes: number;
  /** Address range type: sim/spec/handoff.ts. */
  readonly type: number;
}

/** Bytes that stand in RAM when the guest begins; what is behind them up to `size` is zero. */
export interface Piece {
  readonly name: string;
  readonly address: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

export const PAGE = 4096;

/** `value` up to the next multiple of `unit`, a power of two. */
export const alignUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

const hex = (value: number): string => `0x${value.toString(16)}`;

export class Placement {
  readonly map: readonly MapEntry[];
  readonly pieces: Piece[] = [];

  constructor(map: readonly MapEntry[]) {
    this.map = map;
  }

  /**
   * Puts a piece at a fixed address.
   * @param size bytes that it takes in RAM, at least those it brings
   * @throws MachineError bad-guest when it isn't in RAM or overlaps another piece
   */
  put(name: string, address: number, bytes: Uint8Array, size = bytes.length): Piece {
    const piece = { name, address, size, bytes };
    const span = `${name} at ${hex(address)} to ${hex(address + size)}`;
    if (!this.inRam(address, size))
      throw new MachineError("bad-guest", `${span}: not in the machine's RAM`);
    const other = this.pieces.find((placed) => overlap(placed, piece));
    if (other)
      throw new MachineError(
        "bad-guest",
        `${span}: overlaps ${other.name} at ${hex(other.address)} to ${hex(other.address + other.size)}`,
      );
    this.pieces.push(piece);
    return piece;
  }

  /**
   * Puts a piece as high as it fits below `limit`, on a page of its own.
   * @throws MachineError bad-guest when there is no room
   */
  putBelow(limit: number, name: string, bytes: Uint8Array): Piece {
    const size = alignUp(Math.max(bytes.length, 1), PAGE);
    let best = -1;
    for (const { address, bytes: length, type } of this.map)
      if (type === MEMORY_RAM) best = Math.max(best, this.highest(address, length, limit, size));
    if (best < 0)
      throw new MachineError(
        "bad-guest",
        `${name}: no room for its ${bytes.length} bytes in RAM below ${hex(limit)}`,
      );
    return this.put(name, best, bytes, size);
  }

  /** Whether RAM has all bytes of the span. */
  inRam(address: number, size: number): boolean {
    return this.map.some(
      (entry) =>
        entry.type === MEMORY_RAM &&
        address >= entry.address &&
        address + size <= entry.address + entry.bytes,
    );
  }

  /** The highest page in a range of RAM from which `size` bytes are free below `limit`, or -1. */
  private highest(from: number, bytes: number, limit: number, size: number): number {
    const floor = (value: number) => Math.floor(value / PAGE) * PAGE;
    let address = floor(Math.min(from + bytes, limit) - size);
    for (;;) {
      if (address < from) return -1;
      const taken = this.pieces.find((piece) => overlap(piece, { address, size }));
      if (!taken) return address;
      address = floor(taken.address - size);
    }
  }
}

function overlap(
  a: { readonly address: number; readonly size: number },
  b: { readonly address: number; readonly size: number },
): boolean {
  return a.address < b.address + b.size && b.address < a.address + a.size;
}
