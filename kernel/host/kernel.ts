/** The kernel's structures in RAM, as typed views: what a test or a debugger looks at. */
import { KERNEL_ADDRESS, KERNEL_BYTES } from "../../sim/spec/platform.ts";
import * as stages from "../boot/stage_numbers.ts";
import * as errors from "../errors.ts";
import {
  Boot,
  Bundle,
  type BundleEntry,
  Frames,
  Kernel,
  KernelCpu,
  type KernelRecord,
  KernelTrace,
  Paging,
  Panic,
  type Partition,
  Partitions,
} from "./views.generated.ts";

/** Where RAM begins in linear memory (sim/core/memory.ts). */
const RAM_BASE = 0x0200_0000;
const ROOT = RAM_BASE + KERNEL_ADDRESS + KERNEL_BYTES / 2;

/** "ERROR_NOT_GPT" becomes "not-gpt". */
function names(constants: Readonly<Record<string, unknown>>, prefix: string): Map<number, string> {
  return new Map(
    Object.entries(constants).map(([key, value]) => [
      Number(value),
      key.slice(prefix.length).toLowerCase().replaceAll("_", "-"),
    ]),
  );
}

const ERROR_NAMES = names(errors, "ERROR_");
const STAGE_NAMES = names(stages, "STAGE_");

/** Why the kernel gave up. */
export interface KernelPanic {
  /** The error's name, as the console has it. */
  readonly error: string;
  readonly detail: number;
  readonly place: bigint;
  readonly cpu: number;
}

/** A file of the boot bundle that has been verified. */
export interface BundleFile {
  readonly name: string;
  /** The file itself, in RAM: no copy. */
  readonly bytes: Uint8Array;
  /** SHA-256, hexadecimal. */
  readonly digest: string;
}

export class KernelViews {
  private readonly data: DataView;

  constructor(data: DataView) {
    this.data = data;
  }

  get root(): Kernel {
    return new Kernel(this.data, ROOT);
  }

  /** The boot's progress; null until the kernel has run. */
  get boot(): Boot | null {
    return this.follow(this.root.boot, Boot);
  }

  /** Name of the stage that the boot is in; "idle" once all is up. */
  get stage(): string {
    return STAGE_NAMES.get(this.boot?.stage ?? 0) ?? "unknown";
  }

  /** Whether the boot is over and the kernel waits for the power button. */
  get idle(): boolean {
    const boot = this.boot;
    return boot !== null && boot.stage === stages.STAGE_IDLE && boot.phase !== 0;
  }

  /** Null while all is well. */
  get panic(): KernelPanic | null {
    const panic = this.follow(this.root.panic, Panic);
    if (!panic || panic.error === 0) return null;
    const { detail, place, cpu } = panic;
    return { error: ERROR_NAMES.get(panic.error) ?? "unknown", detail, place, cpu };
  }

  get cpus(): KernelCpu[] {
    const { cpus, cpuCount } = this.root;
    const at = (index: number) => new KernelCpu(this.data, cpus + index * KernelCpu.size);
    return cpus === 0 ? [] : Array.from({ length: cpuCount }, (_, index) => at(index));
  }

  /** The frame allocator; null until memory is up. */
  get frames(): Frames | null {
    return this.follow(this.root.frames, Frames);
  }

  get paging(): Paging | null {
    return this.follow(this.root.paging, Paging);
  }

  /** Partitions of all drives, in the order in which they were found. */
  get partitions(): Partition[] {
    const table = this.follow(this.boot?.partitions ?? 0, Partitions);
    return Array.from({ length: table?.count ?? 0 }, (_, index) => table?.entriesAt(index)).filter(
      (partition) => partition !== undefined,
    );
  }

  /** Verified files of the boot bundle, in the archive's order. */
  get bundle(): BundleFile[] {
    const bundle = this.follow(this.boot?.bundle ?? 0, Bundle);
    if (!bundle) return [];
    return Array.from({ length: bundle.entryCount }, (_, index) =>
      this.file(bundle.entriesAt(index)),
    );
  }

  /** The kernel's own trace from record `from` on, as far as the ring still has it. */
  *trace(from = 0n): Generator<KernelRecord> {
    const ring = this.follow(this.root.trace, KernelTrace);
    if (!ring) return;
    const { written, capacity } = ring;
    const oldest = written > BigInt(capacity) ? written - BigInt(capacity) : 0n;
    for (let record = from > oldest ? from : oldest; record < written; record++)
      yield ring.recordsAt(Number(record % BigInt(capacity)));
  }

  private file(entry: BundleEntry): BundleFile {
    const digest = this.bytes(entry.digest, 32);
    return {
      name: new TextDecoder().decode(this.bytes(entry.name, entry.nameBytes)),
      bytes: this.bytes(entry.content, entry.dataBytes),
      digest: Array.from(digest, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    };
  }

  private bytes(at: number, length: number): Uint8Array {
    return new Uint8Array(this.data.buffer as ArrayBuffer, at, length);
  }

  private follow<T>(at: number, View: new (data: DataView, address: number) => T): T | null {
    return at === 0 ? null : new View(this.data, at);
  }
}
