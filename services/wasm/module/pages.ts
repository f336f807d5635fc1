/** The contents of a linear memory, in pages of 4 KiB that states share as long as they are the same. */

export const PAGE_BYTES = 4096;
export const WASM_PAGE_BYTES = 65_536;
const ZERO = new Uint8Array(PAGE_BYTES);

/** A page that is null holds zeroes; what is in it never changes. */
export type Pages = readonly (Uint8Array | null)[];

/** What is in `bytes`, sharing pages with `before` where they are the same. */
export function takePages(bytes: Uint8Array, before: Pages): Pages {
  const pages: (Uint8Array | null)[] = [];
  for (let at = 0; at < bytes.length; at += PAGE_BYTES) {
    const page = bytes.subarray(at, at + PAGE_BYTES);
    const known = before[pages.length] ?? null;
    if (same(page, known ?? ZERO)) pages.push(known);
    else pages.push(same(page, ZERO) ? null : page.slice());
  }
  return pages;
}

/** Puts pages into a memory that is all zeroes. */
export function putPages(bytes: Uint8Array, pages: Pages): void {
  for (const [index, page] of pages.entries()) if (page) bytes.set(page, index * PAGE_BYTES);
}

/** Bytes that are kept for these pages and not for those. */
export function bytesBeyond(pages: Pages, shared: Pages): number {
  return pages.filter((page, n) => page && page !== shared[n]).length * PAGE_BYTES;
}

/** Node compares by memcmp; elsewhere it is done by words. */
const native = (globalThis as { Buffer?: { compare(a: Uint8Array, b: Uint8Array): number } })
  .Buffer;

function same(a: Uint8Array, b: Uint8Array): boolean {
  if (native) return native.compare(a, b) === 0;
  const length = PAGE_BYTES / 8;
  const left = new BigUint64Array(a.buffer, a.byteOffset, length);
  const right = new BigUint64Array(b.buffer, b.byteOffset, length);
  for (let n = 0; n < length; n++) if (left[n] !== right[n]) return false;
  return true;
}
