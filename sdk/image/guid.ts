import { ImageError } from "./errors.ts";

export const GUID_BYTES = 16;
export const ZERO_GUID = "00000000-0000-0000-0000-000000000000";

const GUID_TEXT = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i;

/*
 * Text:   aabbccdd-eeff-gghh-iijj-kkllmmnnoopp
 * Bytes:  dd cc bb aa  ff ee  hh gg  ii jj  kk ll mm nn oo pp
 *
 * The first three fields are little-endian numbers, the rest is a string of bytes
 * (UEFI 2.10, appendix A). For each byte in memory: its position in the text's bytes.
 */
const TEXT_BYTE_OF = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15] as const;

/**
 * The 16 bytes that stand for a GUID in memory and on disk.
 *
 * @throws ImageError `guid-text` unless the text has the form 8-4-4-4-12 of hex digits, in
 *   either case and without braces.
 */
export function guidToBytes(text: string): Uint8Array<ArrayBuffer> {
  if (!GUID_TEXT.test(text)) {
    throw new ImageError("guid-text", null, `not a GUID: ${JSON.stringify(text)}`);
  }
  const digits = text.replaceAll("-", "");
  return Uint8Array.from(TEXT_BYTE_OF, (at) =>
    Number.parseInt(digits.slice(2 * at, 2 * at + 2), 16),
  );
}

/**
 * The text of the GUID in the first 16 bytes, in lower case.
 *
 * @throws ImageError `guid-text` when there are fewer than 16 bytes.
 */
export function guidFromBytes(bytes: Uint8Array): string {
  if (bytes.length < GUID_BYTES) {
    throw new ImageError("guid-text", null, `a GUID has 16 bytes, not ${bytes.length}`);
  }
  const ordered = new Uint8Array(GUID_BYTES);
  for (const [at, textByte] of TEXT_BYTE_OF.entries()) ordered[textByte] = bytes[at] ?? 0;
  return formatUuid(ordered);
}

/**
 * A UUID of version 8, "custom" (RFC 9562, 5.8), from the first 16 bytes of a digest: version
 * and variant take six bits, the digest keeps 122.
 */
export function uuidV8(digest: Uint8Array): string {
  const bytes = digest.slice(0, GUID_BYTES);
  bytes[6] = ((bytes[6] ?? 0) & 0x0f) | 0x80;
  bytes[8] = ((bytes[8] ?? 0) & 0x3f) | 0x80;
  return formatUuid(bytes);
}

/** Bytes in the order of the text, which is RFC 9562's order and not the one on disk. */
function formatUuid(bytes: Uint8Array): string {
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  return [8, 12, 16, 20, 32]
    .map((end, group, ends) => hex.slice(group === 0 ? 0 : ends[group - 1], end))
    .join("-");
}
