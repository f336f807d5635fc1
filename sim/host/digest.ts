/** SHA-256 by WebCrypto, which Node and browsers (on HTTPS or localhost) share. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  const copy = bytes.buffer instanceof ArrayBuffer ? bytes : bytes.slice();
  return new Uint8Array(
    await globalThis.crypto.subtle.digest("SHA-256", copy as Uint8Array<ArrayBuffer>),
  );
}

export function toHex(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** Bytes of an even number of hexadecimal digits, or null for anything else. */
export function fromHex(text: string): Uint8Array | null {
  if (text.length % 2 !== 0 || !/^[0-9a-f]*$/.test(text)) return null;
  return Uint8Array.from({ length: text.length / 2 }, (_, n) =>
    Number.parseInt(text.slice(n * 2, n * 2 + 2), 16),
  );
}

/**
 * The `build_id` section of a module (WebAssembly tool conventions, BuildId): a digest of its
 * bytes, put there by the build. "unidentified" when it has none.
 */
export function buildId(module: WebAssembly.Module): string {
  const section = WebAssembly.Module.customSections(module, "build_id")[0];
  // The digest stands behind its length in one byte.
  return section ? toHex(new Uint8Array(section, 1)) : "unidentified";
}
