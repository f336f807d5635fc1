/**
 * SHA-256 (FIPS 180-4) in lower-case hex, by WebCrypto, which Node and browsers share. A browser
 * offers it to secure contexts only (HTTPS or localhost).
 */
export async function sha256Hex(bytes: Uint8Array): Promise<string> {
  return Array.from(await sha256(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/** SHA-256 as its 32 bytes. */
export async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await globalThis.crypto.subtle.digest("SHA-256", unshared(bytes)));
}

/** WebCrypto refuses views of shared memory, which a machine's RAM may be: copy those. */
function unshared(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return bytes.buffer instanceof ArrayBuffer
    ? new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : new Uint8Array(bytes);
}
