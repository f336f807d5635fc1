/** Bytes of a module, read and written: LEB128 and vectors (WebAssembly 2.0, 5.1 and 5.2). */
import { WasmError } from "./errors.ts";

const TEXT = new TextDecoder("utf-8", { fatal: true });

export class Reader {
  readonly bytes: Uint8Array;
  at: number;
  readonly end: number;

  constructor(bytes: Uint8Array, at = 0, end = bytes.length) {
    this.bytes = bytes;
    this.at = at;
    this.end = end;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.at >= this.end)
      throw new WasmError("wasm-truncated", this.at, "the module ends early");
    return this.bytes[this.at++] ?? 0;
  }

  skip(count: number): void {
    if (count > this.end - this.at)
      throw new WasmError("wasm-truncated", this.at, "the module ends early");
    this.at += count;
  }

  /** Unsigned, of 32 bits. */
  u32(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
    throw new WasmError("wasm-invalid", this.at, "a number is longer than its type");
  }

  /** Signed, of 33 bits at most: block types, i32 constants. */
  s33(): number {
    let value = 0;
    for (let shift = 0; shift < 35; shift += 7) {
      const byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return byte & 0x40 ? value - 2 ** (shift + 7) : value;
    }
    throw new WasmError("wasm-invalid", this.at, "a number is longer than its type");
  }

  skipLeb(): void {
    while (this.byte() >= 0x80);
  }

  text(): string {
    const length = this.u32();
    const at = this.at;
    this.skip(length);
    try {
      return TEXT.decode(this.bytes.subarray(at, this.at));
    } catch {
      throw new WasmError("wasm-invalid", at, "a name is not UTF-8");
    }
  }

  slice(length: number): Uint8Array {
    const at = this.at;
    this.skip(length);
    return this.bytes.subarray(at, this.at);
  }
}

/** A buffer that grows. */
export class Writer {
  private buffer: Uint8Array;
  length = 0;

  constructor(room = 256) {
    this.buffer = new Uint8Array(room);
  }

  get bytes(): Uint8Array {
    return this.buffer.subarray(0, this.length);
  }

  private reserve(count: number): void {
    const needed = this.length + count;
    if (needed <= this.buffer.length) return;
    const larger = new Uint8Array(Math.max(needed, 2 * this.buffer.length));
    larger.set(this.bytes);
    this.buffer = larger;
  }

  byte(value: number): this {
    this.reserve(1);
    this.buffer[this.length++] = value;
    return this;
  }

  raw(bytes: Uint8Array | readonly number[]): this {
    this.reserve(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
    return this;
  }

  u32(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.byte((rest % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.byte(rest);
  }

  /** Signed; exact for 53 bits. */
  signed(value: number): this {
    let rest = value;
    while (rest < -0x40 || rest > 0x3f) {
      this.byte((((rest % 0x80) + 0x80) % 0x80) | 0x80);
      rest = Math.floor(rest / 0x80);
    }
    return this.byte(rest & 0x7f);
  }

  text(value: string): this {
    return this.vector(new TextEncoder().encode(value));
  }

  /** Length and bytes. */
  vector(bytes: Uint8Array): this {
    return this.u32(bytes.length).raw(bytes);
  }
}
