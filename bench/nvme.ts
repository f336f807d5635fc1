/**
 * Random 4 KiB reads of a file through the whole machine (kernel-reads.wasm: driver, doorbell,
 * fetch, DMA through the IOMMU, MSI-X, local APIC, handler) against fs.readSync of the same file at
 * random offsets. The file is in the host's page cache on both sides.
 */
import { closeSync, mkdtempSync, openSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { RAM_BASE } from "../sim/host/core.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModules } from "../sim/host/modules.ts";
import { fileDrive } from "../sim/host/node/file.ts";
import { writeImage } from "./machines.ts";
import { interleave, type Paired, type Progress, pairedRow, type Results } from "./measure.ts";

const MIB = 1024 * 1024;
const IMAGE_BYTES = 64 * MIB;
const READ_BYTES = 4096;
const RUNS = 15;
/** Reads before the first sample: the drive's cache and V8's optimised code are then in place. */
const WARM_UP = 40_000;
/** Least time of a sample. */
const SAMPLE_MS = 60;
const STEPS = 20_000;
const DEPTHS = [1, 2, 4, 8, 16, 32];
const DEPTHS_IN_TABLE = [1, 32];
const ENDLESS = 0xffff_ffff;

/** Physical address and fields of the control block in kernel/testing/reads.ts. */
const CONTROL = 0x9000;
const DEPTH = 0;
const WANTED = 4;
const COMPLETED = 12;
const ERRORS = 16;
const RANDOM = 24;

/** A kernel that reads for ever. */
class Reader {
  private readonly machine: Machine;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  static async create(path: string, depth: number): Promise<Reader> {
    const modules = await loadModules("kernel-reads");
    const drives = [fileDrive(path, { readOnly: true })];
    const reader = new Reader(await Machine.create({ cpus: 1, modules, drives }));
    reader.set(DEPTH, depth);
    reader.set(WANTED, ENDLESS);
    reader.set(RANDOM, 0x9e37_79b9);
    return reader;
  }

  private set(field: number, value: number): void {
    this.machine.core.data.setUint32(RAM_BASE + CONTROL + field, value, true);
  }

  private get(field: number): number {
    return this.machine.core.data.getUint32(RAM_BASE + CONTROL + field, true);
  }

  /** Runs until at least `count` more reads are done. */
  warmUp(count: number): void {
    for (const goal = this.get(COMPLETED) + count; this.get(COMPLETED) < goal; this.slice());
  }

  private slice(): void {
    const reason = this.machine.run({ steps: STEPS });
    if (reason !== "steps" || this.get(ERRORS) > 0)
      throw new Error(`reads: ${reason}, ${this.get(ERRORS)} errors\n${this.machine.consoleText}`);
  }

  /** Nanoseconds a read. */
  sample(): number {
    const before = this.get(COMPLETED);
    const start = performance.now();
    while (performance.now() - start < SAMPLE_MS) this.slice();
    return ((performance.now() - start) * 1e6) / (this.get(COMPLETED) - before);
  }
}

/** Nanoseconds for one fs.readSync of 4 KiB at a random place. */
function sampleFile(file: number, buffer: Uint8Array): number {
  const blocks = IMAGE_BYTES / READ_BYTES;
  const start = performance.now();
  let count = 0;
  for (let random = 0x9e37_79b9; performance.now() - start < SAMPLE_MS; ) {
    for (let n = 0; n < 256; n++, count++) {
      random ^= random << 13;
      random ^= random >>> 17;
      random ^= random << 5;
      readSync(file, buffer, 0, READ_BYTES, ((random >>> 0) % blocks) * READ_BYTES);
    }
  }
  return ((performance.now() - start) * 1e6) / count;
}

export async function measureNvme(results: Results, progress: Progress): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  const path = join(folder, "drive.img");
  await writeImage(path, IMAGE_BYTES);
  const file = openSync(path, "r");
  const buffer = new Uint8Array(READ_BYTES);
  const rates: [number, number][] = [];
  const direct: [number, number][] = [];
  for (const depth of DEPTHS) {
    progress(`NVMe reads, ${depth} outstanding`);
    const reader = await Reader.create(path, depth);
    reader.warmUp(WARM_UP);
    const inTable = DEPTHS_IN_TABLE.includes(depth);
    const samples = await interleave(
      inTable ? RUNS : 3,
      () => reader.sample(),
      () => sampleFile(file, buffer),
    );
    const row = ratesRow(depth, samples);
    if (inTable) results.rows.push(row);
    rates.push([depth, row.ours]);
    direct.push([depth, row.peer ?? 0]);
  }
  closeSync(file);
  rmSync(folder, { recursive: true });
  results.series.push({
    file: "nvme-reads",
    title: "Random 4 KiB reads a second, by reads outstanding",
    x: "reads outstanding",
    unit: "/s",
    lines: [
      { name: "through the machine's NVMe drive", points: rates },
      { name: "fs.readSync", points: direct },
    ],
  });
}

/** Reads a second; the ratio is ours to the peer's, so more is better. */
function ratesRow(depth: number, samples: Paired) {
  const rate = (list: readonly number[]) => list.map((ns) => 1e9 / ns);
  const name = `NVMe reads, 4 KiB, depth ${depth}`;
  const about = { group: "nvme", name, unit: "/s", peerName: "fs.readSync", aim: ">= 1" } as const;
  return pairedRow(about, { ours: rate(samples.ours), peer: rate(samples.peer) });
}
