/**
 * Plain data as bytes: null, undefined, booleans, numbers, bigints, strings, Uint8Array, Uint32Array,
 * arrays, and objects of these. Equal data have equal bytes, whatever the order of their keys is and
 * whatever they share, so a hash of the bytes is a hash of the data.
 *
 * A value is a tag byte and what belongs to it; numbers are little-endian, counts u32:
 *
 *   number   f64                      string   count, UTF-8         array   count, values
 *   bigint   count, two's complement  bytes    count, bytes         object  count, (string, value)…
 *                                     words    count, u32 each      by code units of the keys
 */
import { MachineError } from "./errors.ts";

const TAGS = [
  "undefined",
  "null",
  "false",
  "true",
  "number",
  "bigint",
  "string",
  "bytes",
  "words",
  "array",
  "object",
] as const;
type Tag = (typeof TAGS)[number];
const NUMBERS = new Map<Tag, number>(TAGS.map((tag, number) => [tag, number]));
const FIRST_BYTES = 1024;
/** Deeper than anything that means to be data. */
const DEPTH_MAX = 64;
const encoder = new TextEncoder();

const refuse = (why: string) => new MachineError("bad-argument", `plain data: ${why}`);

class Writer {
  private bytes = new Uint8Array(FIRST_BYTES);
  private view = new DataView(this.bytes.buffer);
  private at = 0;

  private room(count: number): number {
    const { at } = this;
    this.at += count;
    if (this.at > this.bytes.length) {
      const larger = new Uint8Array(Math.max(this.at, 2 * this.bytes.length));
      larger.set(this.bytes);
      this.bytes = larger;
      this.view = new DataView(larger.buffer);
    }
    return at;
  }

  tag(tag: Tag): this {
    const at = this.room(1);
    this.bytes[at] = NUMBERS.get(tag) ?? 0;
    return this;
  }

  count(value: number): this {
    const at = this.room(4);
    this.view.setUint32(at, value, true);
    return this;
  }

  double(value: number): this {
    const at = this.room(8);
    this.view.setFloat64(at, value, true);
    return this;
  }

  run(bytes: Uint8Array): this {
    const at = this.count(bytes.length).room(bytes.length);
    this.bytes.set(bytes, at);
    return this;
  }

  words(words: Uint32Array): this {
    let at = this.count(words.length).room(4 * words.length);
    for (const word of words) {
      this.view.setUint32(at, word, true);
      at += 4;
    }
    return this;
  }

  get written(): Uint8Array {
    return this.bytes.subarray(0, this.at);
  }
}

/** @throws MachineError bad-argument for what is no plain data */
export function encodePlain(value: unknown): Uint8Array {
  const writer = new Writer();
  put(writer, value, 0);
  return writer.written;
}

function put(to: Writer, value: unknown, depth: number): void {
  if (depth > DEPTH_MAX) throw refuse("it is too deep, or contains itself");
  if (value === undefined) to.tag("undefined");
  else if (value === null) to.tag("null");
  else if (typeof value === "boolean") to.tag(value ? "true" : "false");
  else if (typeof value === "number") to.tag("number").double(value);
  else if (typeof value === "bigint") to.tag("bigint").run(bytesOf(value));
  else if (typeof value === "string") to.tag("string").run(encoder.encode(value));
  else if (value instanceof Uint8Array) to.tag("bytes").run(value);
  else if (value instanceof Uint32Array) to.tag("words").words(value);
  else if (Array.isArray(value)) {
    to.tag("array").count(value.length);
    for (const item of value) put(to, item, depth + 1);
  } else if (typeof value === "object" && isPlain(value)) {
    const keys = Object.keys(value).sort();
    to.tag("object").count(keys.length);
    for (const key of keys) {
      to.run(encoder.encode(key));
      put(to, (value as Record<string, unknown>)[key], depth + 1);
    }
  } else throw refuse(`a ${typeof value} can't be written`);
}

function isPlain(value: object): boolean {
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function bytesOf(value: bigint): Uint8Array {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>= 8n) {
    const byte = Number(rest & 0xffn);
    bytes.push(byte);
    // The last byte's sign is that of all that would follow.
    if (rest >> 8n === (byte < 128 ? 0n : -1n)) return Uint8Array.from(bytes);
  }
}

class Reader {
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private at = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  private take(count: number): number {
    const { at } = this;
    if (count > this.bytes.length - at) throw refuse("it ends too early");
    this.at += count;
    return at;
  }

  tag(): Tag {
    const tag = TAGS[this.bytes[this.take(1)] ?? TAGS.length];
    if (tag === undefined) throw refuse("there is no such tag");
    return tag;
  }

  count(): number {
    return this.view.getUint32(this.take(4), true);
  }

  double(): number {
    return this.view.getFloat64(this.take(8), true);
  }

  run(): Uint8Array {
    const length = this.count();
    const at = this.take(length);
    return this.bytes.slice(at, at + length);
  }

  text(): string {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(this.run());
  }

  words(): Uint32Array {
    const length = this.count();
    const at = this.take(4 * length);
    return Uint32Array.from({ length }, (_, n) => this.view.getUint32(at + 4 * n, true));
  }

  get isAtEnd(): boolean {
    return this.at === this.bytes.length;
  }
}

/** @throws MachineError bad-argument for bytes that are not those of data */
export function decodePlain(bytes: Uint8Array): unknown {
  const reader = new Reader(bytes);
  const value = get(reader, 0);
  if (!reader.isAtEnd) throw refuse("something follows its end");
  return value;
}

function get(from: Reader, depth: number): unknown {
  if (depth > DEPTH_MAX) throw refuse("it is too deep");
  const tag = from.tag();
  switch (tag) {
    case "undefined":
      return undefined;
    case "null":
      return null;
    case "false":
    case "true":
      return tag === "true";
    case "number":
      return from.double();
    case "bigint":
      return from.run().reduceRight((sum, byte, n, { length }) => {
        return (sum << 8n) | BigInt(n === length - 1 && byte > 127 ? byte - 256 : byte);
      }, 0n);
    case "string":
      return from.text();
    case "bytes":
      return from.run();
    case "words":
      return from.words();
    case "array":
    case "object":
      return getMany(from, tag, depth + 1);
  }
}

function getMany(from: Reader, tag: "array" | "object", depth: number): unknown {
  const count = from.count();
  const items: unknown[] = [];
  const fields: [string, unknown][] = [];
  for (let n = 0; n < count; n++)
    if (tag === "array") items.push(get(from, depth));
    else fields.push([from.text(), get(from, depth)]);
  return tag === "array" ? items : Object.fromEntries(fields);
}
