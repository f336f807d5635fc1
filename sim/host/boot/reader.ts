/** Little-endian fields of a file: what lies beyond its end is an error that names the field. */
import { MachineError } from "../errors.ts";

export class Reader {
  readonly bytes: Uint8Array;
  /** What the file is, for messages. */
  readonly what: string;
  private readonly view: DataView;

  constructor(bytes: Uint8Array, what: string) {
    this.bytes = bytes;
    this.what = what;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  u8(at: number, field: string): number {
    return this.view.getUint8(this.check(at, 1, field));
  }

  u16(at: number, field: string): number {
    return this.view.getUint16(this.check(at, 2, field), true);
  }

  u32(at: number, field: string): number {
    return this.view.getUint32(this.check(at, 4, field), true);
  }

  /** A 64-bit field whose value must be below 2^53. */
  u64(at: number, field: string): number {
    const value = this.view.getBigUint64(this.check(at, 8, field), true);
    if (value > BigInt(Number.MAX_SAFE_INTEGER))
      throw this.bad(`${field} is 0x${value.toString(16)}, which no address or size here can be`);
    return Number(value);
  }

  span(at: number, length: number, field: string): Uint8Array {
    return this.bytes.subarray(this.check(at, length, field), at + length);
  }

  bad(why: string): MachineError {
    return new MachineError("bad-guest", `${this.what}: ${why}`);
  }

  private check(at: number, length: number, field: string): number {
    if (at + length <= this.bytes.length) return at;
    throw this.bad(
      `truncated: ${field} would end at byte ${at + length}, the file has ${this.bytes.length}`,
    );
  }
}
