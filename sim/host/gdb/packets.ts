/**
 * Packets of the gdb remote serial protocol (gdb manual, E.1): $data#checksum, where } escapes the byte
 * behind it. What comes in may be anything.
 */

/** Bytes of a packet's data at most, in either direction; told to gdb as PacketSize. */
export const PACKET_BYTES_MAX = 0x4000;

export type Received =
  | { readonly kind: "packet"; readonly data: Uint8Array }
  /** A packet whose checksum is wrong, or that is too long: to be sent again. */
  | { readonly kind: "damaged" }
  /** The byte 0x03, by itself. */
  | { readonly kind: "interrupt" }
  | { readonly kind: "ack" | "nack" };

const DOLLAR = 0x24;
const HASH = 0x23;
const ESCAPE = 0x7d;
const STAR = 0x2a;
const ESCAPE_XOR = 0x20;
const INTERRUPT = 0x03;
const PLUS = 0x2b;
const MINUS = 0x2d;

/** Takes bytes as they come, in pieces of any size. */
export class PacketReader {
  /** "between" packets, in one's data, or at one of the two digits of its checksum. */
  private state: "between" | "data" | "high" | "low" = "between";
  private bytes: number[] = [];
  private tooLong = false;
  private sum = 0;
  private high = 0;

  /** What the bytes have completed. */
  take(input: Uint8Array): Received[] {
    const received: Received[] = [];
    for (const byte of input) {
      const item = this.byte(byte);
      if (item) received.push(item);
    }
    return received;
  }

  private byte(byte: number): Received | null {
    switch (this.state) {
      case "between":
        return this.between(byte);
      case "data":
        this.data(byte);
        return null;
      case "high":
        this.high = digit(byte);
        this.state = "low";
        return null;
      case "low":
        return this.end(digit(byte));
    }
  }

  private between(byte: number): Received | null {
    if (byte === DOLLAR) this.begin();
    if (byte === INTERRUPT) return { kind: "interrupt" };
    if (byte === PLUS) return { kind: "ack" };
    return byte === MINUS ? { kind: "nack" } : null;
  }

  private begin(): void {
    this.state = "data";
    this.bytes = [];
    this.tooLong = false;
    this.sum = 0;
  }

  private data(byte: number): void {
    if (byte === HASH) this.state = "high";
    else if (byte === DOLLAR) this.begin();
    else {
      this.sum = (this.sum + byte) & 0xff;
      if (this.bytes.length < PACKET_BYTES_MAX) this.bytes.push(byte);
      else this.tooLong = true;
    }
  }

  private end(low: number): Received {
    this.state = "between";
    if (this.tooLong || this.high < 0 || low < 0 || this.high * 16 + low !== this.sum)
      return { kind: "damaged" };
    return { kind: "packet", data: withoutEscapes(this.bytes) };
  }
}

function withoutEscapes(bytes: readonly number[]): Uint8Array {
  const data: number[] = [];
  for (let n = 0; n < bytes.length; n++) {
    const byte = bytes[n] ?? 0;
    if (byte !== ESCAPE) data.push(byte);
    else if (n + 1 < bytes.length) data.push((bytes[++n] ?? 0) ^ ESCAPE_XOR);
  }
  return Uint8Array.from(data);
}

/** The packet for `data`; each character is a byte. */
export function packet(data: string): Uint8Array {
  const bytes: number[] = [];
  for (const character of data) {
    const byte = character.charCodeAt(0) & 0xff;
    const special = byte === HASH || byte === DOLLAR || byte === ESCAPE || byte === STAR;
    if (special) bytes.push(ESCAPE, byte ^ ESCAPE_XOR);
    else bytes.push(byte);
  }
  const sum = bytes.reduce((total, byte) => (total + byte) & 0xff, 0);
  const end = sum.toString(16).padStart(2, "0");
  return Uint8Array.from([DOLLAR, ...bytes, HASH, end.charCodeAt(0), end.charCodeAt(1)]);
}

function digit(byte: number): number {
  const value = "0123456789abcdef".indexOf(String.fromCharCode(byte).toLowerCase());
  return value;
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** null when it isn't an even number of hexadecimal digits. */
export function fromHex(text: string): Uint8Array | null {
  if (!/^([0-9a-f]{2})*$/i.test(text)) return null;
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

/** A number of up to 16 hexadecimal digits; null when it isn't one. */
export function hexNumber(text: string | undefined): bigint | null {
  return text !== undefined && /^[0-9a-f]{1,16}$/i.test(text) ? BigInt(`0x${text}`) : null;
}
