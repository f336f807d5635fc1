/** Where in a module a byte lies (WebAssembly 2.0, 5.5.2), for people who have to find it. */

const NAMES =
  "custom type import function table memory global export start element code data".split(" ");
const DATA_COUNT = 12;
const HEADER_BYTES = 8;

/** Like "the import section"; null for a byte of the header or of what isn't in any section. */
export function sectionAt(bytes: Uint8Array, place: number): string | null {
  if (place < HEADER_BYTES) return null;
  for (let at = HEADER_BYTES; at < bytes.length; ) {
    const id = bytes[at] ?? 0;
    const length = unsigned(bytes, at + 1);
    const end = length.end + length.value;
    if (place < end) {
      const name = id === DATA_COUNT ? "data count" : NAMES[id];
      return name === undefined ? `a section of unknown kind ${id}` : `the ${name} section`;
    }
    at = end;
  }
  return null;
}

/** LEB128; a damaged module may end in it. */
function unsigned(
  bytes: Uint8Array,
  from: number,
): { readonly value: number; readonly end: number } {
  let value = 0;
  for (let at = from; at < from + 5 && at < bytes.length; at++) {
    const byte = bytes[at] ?? 0;
    value += (byte & 0x7f) * 2 ** (7 * (at - from));
    if (byte < 0x80) return { value, end: at + 1 };
  }
  return { value, end: bytes.length };
}
