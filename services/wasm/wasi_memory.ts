/** What WASI's calls read and write in a module's memory. */
import type { Instance, Value } from "./instance.ts";
import * as wasi from "./wasi_constants.ts";

/** Refused, with an errno: what the call answers. */
export class Refusal extends Error {
  override readonly name = "Refusal";
  readonly errno: number;

  constructor(errno: number) {
    super(`errno ${errno}`);
    this.errno = errno;
  }
}

/** Parameters of 32 bits. */
export const unsigned = (args: readonly Value[]): number[] =>
  args.map((value) => Number(value) >>> 0);

/** A parameter of 64 bits that a number can hold. @throws Refusal INVAL */
export function size64(value: Value | undefined): number {
  const size = BigInt.asUintN(64, BigInt(value ?? 0));
  if (size > BigInt(Number.MAX_SAFE_INTEGER)) throw new Refusal(wasi.ERRNO_INVAL);
  return Number(size);
}

/** @throws Refusal FAULT: it isn't all in memory */
export function bytesAt(instance: Instance, at: number, length: number): Uint8Array {
  const bytes = instance.view(at, length);
  if (!bytes) throw new Refusal(wasi.ERRNO_FAULT);
  return bytes;
}

export function viewAt(instance: Instance, at: number, length: number): DataView {
  const bytes = bytesAt(instance, at, length);
  return new DataView(bytes.buffer, bytes.byteOffset, length);
}

export const put32 = (instance: Instance, at: number, value: number): void =>
  viewAt(instance, at, 4).setUint32(0, value, true);

export const put64 = (instance: Instance, at: number, value: bigint): void =>
  viewAt(instance, at, 8).setBigUint64(0, value, true);

/** @throws Refusal FAULT, ILSEQ, NAMETOOLONG */
export function textAt(instance: Instance, at: number, length: number, most = 4096): string {
  const bytes = bytesAt(instance, at, length);
  if (length > most) throw new Refusal(wasi.ERRNO_NAMETOOLONG);
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Refusal(wasi.ERRNO_ILSEQ);
  }
}

/** Entries of a list in one call, as POSIX's IOV_MAX: what the host keeps of each is larger than the entry. */
const LISTED_MAX = 1024;

/** A list that a call is given. @throws Refusal INVAL: it is too long; FAULT */
export function listAt(instance: Instance, at: number, count: number, bytesEach: number): DataView {
  if (count > LISTED_MAX) throw new Refusal(wasi.ERRNO_INVAL);
  return viewAt(instance, at, count * bytesEach);
}

/** The buffers that a list of `iovec` names. @throws as `listAt` */
export function vectors(instance: Instance, list: number, count: number): Uint8Array[] {
  const view = listAt(instance, list, count, wasi.IOVEC_BYTES);
  return Array.from({ length: count }, (_, n) => {
    const at = n * wasi.IOVEC_BYTES;
    return bytesAt(instance, view.getUint32(at, true), view.getUint32(at + 4, true));
  });
}

export const roomOf = (buffers: readonly Uint8Array[]): number =>
  buffers.reduce((sum, { length }) => sum + length, 0);

/** The first bytes of them, as many as `most`. */
export function joined(buffers: readonly Uint8Array[], most: number): Uint8Array {
  const bytes = new Uint8Array(Math.min(roomOf(buffers), most));
  let at = 0;
  for (const buffer of buffers) {
    const part = buffer.subarray(0, bytes.length - at);
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

export function spread(bytes: Uint8Array, buffers: readonly Uint8Array[]): void {
  let done = 0;
  for (const buffer of buffers) {
    const part = bytes.subarray(done, done + buffer.length);
    buffer.set(part);
    done += part.length;
  }
}
