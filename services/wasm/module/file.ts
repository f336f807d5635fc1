/**
 * A prepared module as a file: Binaryen takes seconds for what is then read in a millisecond.
 *
 *   0   "AIOSWASM"
 *   8   length of the header, 4 bytes, little-endian
 *   12  header: JSON
 *       code
 *       pages of 4 KiB that aren't all zeroes, in the order of their numbers in the header
 */
import { WasmError } from "./errors.ts";
import { PAGE_BYTES } from "./pages.ts";
import type { Prepared, PreparedImport } from "./prepare.ts";

const MAGIC = "AIOSWASM";
const HEADER_AT = MAGIC.length + 4;

interface Header {
  readonly codeBytes: number;
  readonly imports: readonly PreparedImport[];
  readonly exports: readonly (readonly [string, PreparedImport["type"]])[];
  readonly hasStart: boolean;
  readonly globals: readonly number[];
  /** A bigint is a text. */
  readonly values: readonly (number | string)[];
  readonly initial: number;
  readonly maximum: number;
  readonly stackBytes: number;
  readonly pageCount: number;
  readonly pages: readonly number[];
}

export function writePrepared(prepared: Prepared): Uint8Array {
  const { code, birth, exports, values, ...same } = prepared;
  const pages = birth.flatMap((page, number) => (page ? [number] : []));
  const header: Header = {
    ...same,
    codeBytes: code.length,
    exports: [...exports],
    values: values.map((value) => (typeof value === "bigint" ? `${value}` : value)),
    pageCount: birth.length,
    pages,
  };
  const text = new TextEncoder().encode(JSON.stringify(header));
  const codeAt = HEADER_AT + text.length;
  const bytes = new Uint8Array(codeAt + code.length + pages.length * PAGE_BYTES);
  bytes.set(new TextEncoder().encode(MAGIC));
  new DataView(bytes.buffer).setUint32(MAGIC.length, text.length, true);
  bytes.set(text, HEADER_AT);
  bytes.set(code, codeAt);
  for (const [n, number] of pages.entries()) {
    const page = birth[number];
    if (page) bytes.set(page, codeAt + code.length + n * PAGE_BYTES);
  }
  return bytes;
}

/** @throws WasmError wasm-state when it is no such file, or not a whole one */
export function readPrepared(bytes: Uint8Array): Prepared {
  const wrong = (what: string) => new WasmError("wasm-state", null, `prepared module: ${what}`);
  if (bytes.length < HEADER_AT) throw wrong("too short");
  if (new TextDecoder().decode(bytes.subarray(0, MAGIC.length)) !== MAGIC)
    throw wrong("no such file");
  const headerBytes = new DataView(bytes.buffer, bytes.byteOffset).getUint32(MAGIC.length, true);
  const codeAt = HEADER_AT + headerBytes;
  if (codeAt > bytes.length) throw wrong("its header isn't all there");
  const text = new TextDecoder().decode(bytes.subarray(HEADER_AT, codeAt));
  const { codeBytes, exports, values, pageCount, pages, ...same } = JSON.parse(text) as Header;
  const pagesAt = codeAt + codeBytes;
  if (pagesAt + pages.length * PAGE_BYTES !== bytes.length) throw wrong("it has another length");
  const birth = new Array<Uint8Array | null>(pageCount).fill(null);
  for (const [n, number] of pages.entries()) {
    const at = pagesAt + n * PAGE_BYTES;
    birth[number] = bytes.slice(at, at + PAGE_BYTES);
  }
  return {
    ...same,
    code: bytes.slice(codeAt, pagesAt),
    exports: new Map(exports),
    values: values.map((value) => (typeof value === "string" ? BigInt(value) : value)),
    birth,
  };
}
