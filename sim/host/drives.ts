/** Drives: the bytes behind NVMe namespaces and AHCI ports. */

/** Where a drive's image comes from. Offsets and lengths are in bytes and inside the image. */
export interface DriveBackend {
  readonly bytes: number;
  /** Fills `into` from `offset`. Throws when the medium can't be read. */
  read(offset: number, into: Uint8Array): void;
  /** Present when the image may be written. */
  write?(offset: number, from: Uint8Array): void;
  /** Makes writes durable. */
  flush?(): void;
  close?(): void;
}

export interface DriveOptions {
  /** The image: bytes that stay as they are, or a backend such as a file. */
  readonly data?: Uint8Array;
  readonly backend?: DriveBackend;
  /** Controller that shows the drive. Default "nvme". */
  readonly interface?: "nvme" | "ahci";
  /** Logical block: 512 (default) or 4096 bytes. */
  readonly blockBytes?: number;
  /** The guest's writes are refused. */
  readonly readOnly?: boolean;
  /** Writes stay in this machine and leave the image as it was. Always so for `data`. */
  readonly overlay?: boolean;
}

export const DEFAULT_BLOCK_BYTES = 512;
/** Bytes cached or overlaid at a time. */
export const CHUNK_BYTES = 64 * 1024;
/** Clean chunks kept: 256 MiB. */
const CLEAN_CHUNKS_MAX = 4096;

/** The bytes of every chunk that was zeroed whole. Never written. */
const ZEROES = new Uint8Array(CHUNK_BYTES);

/** A read-only backend over bytes in memory. */
function memoryBackend(data: Uint8Array): DriveBackend {
  return {
    bytes: data.length,
    read: (offset, into) => into.set(data.subarray(offset, offset + into.length)),
  };
}

interface Chunk {
  bytes: Uint8Array;
  /** Holds writes that the backend does not have. */
  dirty: boolean;
  /** Shared with a fork, or the zeroes of all: copied before it is written. */
  shared: boolean;
}

export class Drive {
  readonly options: DriveOptions;
  readonly backend: DriveBackend;
  /** Whether writes stay here instead of going to the backend. */
  readonly overlay: boolean;
  private readonly chunks = new Map<number, Chunk>();
  private clean = 0;

  constructor(options: DriveOptions) {
    const backend = options.backend ?? (options.data && memoryBackend(options.data));
    if (!backend) throw new TypeError("a drive needs `data` or a `backend`");
    this.options = options;
    this.backend = backend;
    this.overlay = options.overlay ?? backend.write === undefined;
  }

  get bytes(): number {
    return this.backend.bytes;
  }

  /** Whether the state of this drive is all in the machine, so that it can be copied. */
  get copyable(): boolean {
    return this.overlay || this.options.readOnly === true;
  }

  /** Copies `bytes` bytes from `offset` into `into`, to index `at` on. */
  read(offset: number, into: Uint8Array, at = 0, bytes = into.length - at): void {
    for (let done = 0; done < bytes; ) {
      const index = Math.floor((offset + done) / CHUNK_BYTES);
      const start = offset + done - index * CHUNK_BYTES;
      const span = Math.min(bytes - done, CHUNK_BYTES - start);
      // A view that lives for one copy is cheaper than one that is kept and looked up.
      into.set(this.chunk(index).bytes.subarray(start, start + span), at + done);
      done += span;
    }
  }

  write(offset: number, from: Uint8Array): void {
    if (!this.overlay) this.backend.write?.(offset, from);
    for (let done = 0; done < from.length; ) {
      const start = (offset + done) % CHUNK_BYTES;
      const span = Math.min(from.length - done, CHUNK_BYTES - start);
      const chunk = this.writable(Math.floor((offset + done) / CHUNK_BYTES));
      chunk.bytes.set(from.subarray(done, done + span), start);
      done += span;
    }
  }

  /** Makes a range read as zeroes. Whole chunks of an overlay take no memory for it. */
  zero(offset: number, bytes: number): void {
    for (let done = 0; done < bytes; ) {
      const at = offset + done;
      const index = Math.floor(at / CHUNK_BYTES);
      const span = Math.min(bytes - done, (index + 1) * CHUNK_BYTES - at);
      const size = Math.min(CHUNK_BYTES, this.bytes - index * CHUNK_BYTES);
      if (this.overlay && span === size) this.zeroChunk(index, size);
      else this.write(at, ZEROES.subarray(0, span));
      done += span;
    }
  }

  private zeroChunk(index: number, size: number): void {
    const known = this.chunks.get(index);
    if (known && !known.dirty) this.clean -= 1;
    this.chunks.set(index, {
      bytes: ZEROES.subarray(0, size),
      dirty: true,
      shared: true,
    });
  }

  flush(): void {
    if (!this.overlay) this.backend.flush?.();
  }

  /** The chunks that differ from the image, in order of their number. */
  changes(): [number, Uint8Array][] {
    return [...this.chunks]
      .filter(([, chunk]) => chunk.dirty)
      .sort(([a], [b]) => a - b)
      .map(([index, chunk]) => [index, chunk.bytes]);
  }

  /** Replaces what differs from the image, as a restore does. */
  setChanges(changes: Iterable<readonly [number, Uint8Array]>): void {
    this.chunks.clear();
    this.clean = 0;
    for (const [index, bytes] of changes)
      this.chunks.set(index, { bytes: bytes.slice(), dirty: true, shared: false });
  }

  /** A drive that goes on from here alone; chunks are shared until one side writes. */
  fork(): Drive {
    const copy = new Drive({ ...this.options, overlay: true });
    for (const [index, chunk] of this.chunks) {
      if (!chunk.dirty) continue;
      chunk.shared = true;
      copy.chunks.set(index, { ...chunk });
    }
    return copy;
  }

  /** The whole image as the guest sees it. */
  image(): Uint8Array {
    const image = new Uint8Array(this.bytes);
    this.read(0, image);
    return image;
  }

  private chunk(index: number): Chunk {
    const known = this.chunks.get(index);
    if (known) return known;
    if (this.clean === CLEAN_CHUNKS_MAX) this.dropClean();
    const start = index * CHUNK_BYTES;
    const bytes = new Uint8Array(Math.min(CHUNK_BYTES, this.bytes - start));
    this.backend.read(start, bytes);
    const chunk = { bytes, dirty: false, shared: false };
    this.chunks.set(index, chunk);
    this.clean += 1;
    return chunk;
  }

  private writable(index: number): Chunk {
    const chunk = this.chunk(index);
    if (chunk.shared) {
      chunk.bytes = chunk.bytes.slice();
      chunk.shared = false;
    }
    if (this.overlay && !chunk.dirty) {
      chunk.dirty = true;
      this.clean -= 1;
    }
    return chunk;
  }

  private dropClean(): void {
    for (const [index, chunk] of this.chunks) if (!chunk.dirty) this.chunks.delete(index);
    this.clean = 0;
  }
}
