/**
 * "A refusal changes nothing": memory before and after a call that was refused, word by word. What
 * isn't anybody's state is left out:
 *
 *   the audit ring, and where the kernel keeps the running call and copies of its arguments
 *   free frames and free slots of tables, and in what order they will be handed out
 *   where a search for an address begins (Agent.mappingFinger)
 *
 * A call that has made a table of the kernel grow, has brought a page of its caller in, or has made
 * room in a pool by discarding what may be discarded, is not looked at: that much stays, whatever the
 * call answers.
 */
import * as Views from "../host/views.generated.ts";
import { KernelViews, viewInRam } from "../host/views.ts";
import * as kinds from "../object/kinds.ts";
import { KINDS } from "../object/kinds.ts";
import { RAM_BASE } from "../testing/module.ts";

const PAGE = 4096;
/** Compared as a whole first. */
const BLOCK = 64 * PAGE;
/** kernel/mm/frames.ts: a block's state. */
const FRAME_INSIDE = 0;
const FRAME_FREE = 1;
const FRAME_ORDERS = 19;
const OWNER_KERNEL = 2;
/** kernel/object/slab.ts: entries of a page of the directory; a shard is two words. */
const ENTRIES = 1024;
const SHARD_BYTES = 8;
const KIND_SHIFT = 22;
const KIND_MASK = 15;
/** kernel/cap/authority.ts: behind the object, room for structures. */
const CAP_SCRATCH = 16;
const CAP_SCRATCH_BYTES = 256;
/** Of IpcState: a list of 16 identifiers, and what they name. */
const LIST_BYTES = 16 * 8;
const TARGETS_BYTES = 16 * 4;

interface Span {
  readonly start: number;
  readonly bytes: number;
}

/** Where a field is: which bytes its accessor reads. */
function offsetOf(read: (data: DataView) => unknown): number {
  const asked: number[] = [];
  const note = (at: number): number => asked.push(at);
  read({ getUint32: note, getBigUint64: note } as unknown as DataView);
  return asked[0] ?? 0;
}

const FINGER_AT = offsetOf((data) => new Views.Agent(data, 0).mappingFinger);
const FAULTS_AT = offsetOf((data) => new Views.AddressSpace(data, 0).faults);
const SPARE_AT = offsetOf((data) => new Views.Pool(data, 0).spare);
const ALLOCATIONS_AT = offsetOf((data) => new Views.Frames(data, 0).allocations);

/** A chunk of a table: where it begins and ends, and the size of its slots. */
interface Chunk {
  readonly start: number;
  readonly end: number;
  readonly bytes: number;
}

const hex = (value: number): string => value.toString(16);

/** Where the slot begins that the address is in; null when it is in none. */
function slotOf(address: number, chunks: readonly Chunk[]): number | null {
  const chunk = chunks.find(({ start, end }) => address >= start && address < end);
  return chunk === undefined ? null : chunk.start + chunk.bytes * Math.floor((address - chunk.start) / chunk.bytes);
}

/** "pool", of an identifier's kind. */
function kindOf(id: bigint): string {
  const kind = Number(id >> BigInt(KIND_SHIFT)) & KIND_MASK;
  const name = Object.entries(kinds).find(([, value]) => value === kind)?.[0] ?? "KIND_NONE";
  return name.slice("KIND_".length).toLowerCase();
}

export class Refusals {
  private readonly data: DataView;
  private readonly now: Buffer;
  private readonly before: Buffer;
  private readonly kernel: KernelViews;

  constructor(data: DataView) {
    this.data = data;
    this.now = Buffer.from(data.buffer as ArrayBuffer, RAM_BASE);
    this.before = Buffer.alloc(this.now.length);
    this.kernel = new KernelViews(data);
  }

  /** Remembers how it is. */
  remember(): void {
    for (const at of this.changedPages()) this.now.copy(this.before, at, at, at + PAGE);
  }

  /** Words that have changed since, and should not have by a refused call of `agent`: where, and how. */
  changes(agent: Views.Agent): string[] {
    const pages = this.changedPages();
    if (pages.length === 0 || this.hasGrown() || this.hasFaulted(agent)) return [];
    const exempt = this.exempt();
    const words = pages.flatMap((page) => this.changedWords(page));
    const found = words.filter((at) => !exempt.some(({ start, bytes }) => at >= start && at < start + bytes));
    if (found.length === 0) return [];
    const slots = this.chunks();
    if (found.some((at) => this.isSpare(at, slots))) return [];
    return found
      .filter((at) => !this.isFrameOfNobody(at) && !this.isFreeSlot(at, slots) && !this.isInsideEntry(at))
      .map((at) => `${this.place(at, slots)}: ${hex(this.was(at))} > ${hex(this.data.getUint32(at, true))}`);
  }

  /** Whether the address is that of a pool's count of the pages which can be discarded. */
  private isSpare(address: number, slots: readonly Chunk[]): boolean {
    const slot = slotOf(address, slots);
    return slot !== null && address - slot === SPARE_AT && kindOf(this.data.getBigUint64(slot, true)) === "pool";
  }

  /** "16 of agent 4400007", the offset in bytes, or the address alone when it isn't in a table's slot. */
  private place(address: number, slots: readonly Chunk[]): string {
    const slot = slotOf(address, slots);
    if (slot === null) return hex(address);
    const id = this.data.getBigUint64(slot, true);
    return `${address - slot} of ${kindOf(id)} ${id.toString(16)}`;
  }

  /** Offsets into RAM. */
  private changedPages(): number[] {
    const { now, before } = this;
    const found: number[] = [];
    for (let block = 0; block < now.length; block += BLOCK) {
      const end = Math.min(block + BLOCK, now.length);
      if (now.compare(before, block, end, block, end) === 0) continue;
      for (let at = block; at < end; at += PAGE)
        if (now.compare(before, at, at + PAGE, at, at + PAGE) !== 0) found.push(at);
    }
    return found;
  }

  private changedWords(page: number): number[] {
    const found: number[] = [];
    for (let at = page; at < page + PAGE; at += 4)
      if (this.now.readInt32LE(at) !== this.before.readInt32LE(at)) found.push(RAM_BASE + at);
    return found;
  }

  /** A word as it was. */
  private was(address: number): number {
    return this.before.readUInt32LE(address - RAM_BASE);
  }

  private slab(kind: number): Views.Slab {
    return new Views.Slab(this.data, this.kernel.root.slabs + kind * Views.Slab.size);
  }

  /** Whether the kernel has more frames for itself, or a table has more of those. */
  private hasGrown(): boolean {
    const at = (this.kernel.frames?.owned ?? RAM_BASE) + 4 * OWNER_KERNEL;
    const { slabArena } = this.kernel.root;
    return [at, slabArena].some((word) => this.data.getUint32(word, true) !== this.was(word));
  }

  private hasFaulted(agent: Views.Agent): boolean {
    if (agent.space === 0) return false;
    const faults = agent.space + FAULTS_AT;
    return this.data.getUint32(faults, true) !== this.was(faults);
  }

  private exempt(): Span[] {
    const { kernel, data } = this;
    const { root } = kernel;
    const ring = viewInRam(Views.Audit, data, root.audit);
    const ipc = viewInRam(Views.IpcState, data, root.ipc);
    const frames = kernel.frames;
    const spans: Span[] = [
      { start: root.audit, bytes: Views.Audit.size },
      { start: ring?.records ?? 0, bytes: (ring?.capacity ?? 0) * Views.AuditRecord.size },
      { start: root.authority + CAP_SCRATCH, bytes: CAP_SCRATCH_BYTES },
      { start: ipc?.list ?? 0, bytes: LIST_BYTES },
      { start: ipc?.targets ?? 0, bytes: TARGETS_BYTES },
      // What the allocator counts for whoever is curious.
      { start: (frames?.address ?? 0) + ALLOCATIONS_AT, bytes: 16 },
    ];
    for (const { block } of kernel.agents) spans.push({ start: block.address + FINGER_AT, bytes: 4 });
    for (const cpu of kernel.cpus)
      spans.push({ start: cpu.call, bytes: Views.Call.size }, { start: cpu.scratch, bytes: PAGE });
    for (let kind = 0; kind < KINDS; kind++) {
      const slab = this.slab(kind);
      spans.push({ start: slab.shards, bytes: slab.shardCount * SHARD_BYTES });
    }
    return spans;
  }

  /** Whether the address is in a frame that is free, and was. */
  private isFrameOfNobody(address: number): boolean {
    const { frames } = this.kernel;
    if (frames === null) return false;
    const frame = Math.floor((address - RAM_BASE) / PAGE);
    for (let order = 0; order < FRAME_ORDERS; order++) {
      const head = frame - (frame % 2 ** order);
      const entry = frames.entriesAt(head);
      if (entry.state === FRAME_INSIDE || entry.order < order) continue;
      return entry.state === FRAME_FREE;
    }
    return false;
  }

  /** Whether the address is in the allocator's entry of a frame that is, and was, inside of a block. */
  private isInsideEntry(address: number): boolean {
    const { frames } = this.kernel;
    if (frames === null || address < frames.entries) return false;
    const index = Math.floor((address - frames.entries) / Views.Frame.size);
    if (index >= frames.count) return false;
    // The last byte of an entry is its state.
    const last = frames.entries + index * Views.Frame.size + Views.Frame.size - 4;
    return this.data.getUint32(last, true) >>> 24 === FRAME_INSIDE && this.was(last) >>> 24 === FRAME_INSIDE;
  }

  /** All chunks of all tables. */
  private chunks(): Chunk[] {
    const found: Chunk[] = [];
    for (let kind = 0; kind < KINDS; kind++) {
      const { directory, bytes, chunkShift } = this.slab(kind);
      if (directory === 0) continue;
      for (const page of this.pointers(directory))
        for (const start of this.pointers(page)) found.push({ start, end: start + bytes * 2 ** chunkShift, bytes });
    }
    return found;
  }

  /** A page of the directory, up to its first empty entry. */
  private *pointers(page: number): Generator<number> {
    for (let index = 0; index < ENTRIES; index++) {
      const at = this.data.getUint32(page + 4 * index, true);
      if (at === 0) return;
      yield at;
    }
  }

  private isFreeSlot(address: number, slots: readonly Chunk[]): boolean {
    const slot = slotOf(address, slots);
    if (slot === null) return false;
    const kind = (id: number) => (id >>> KIND_SHIFT) & KIND_MASK;
    return kind(this.data.getUint32(slot, true)) === 0 && kind(this.was(slot)) === 0;
  }
}
