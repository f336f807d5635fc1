/**
 * From Machine.create to the kernel's idle loop: 4 CPUs, 256 MiB, one NVMe drive.
 *
 * The peer is a published figure and not a measurement: Firecracker's SPECIFICATION.md promises at
 * most 125 ms from InstanceStart to a Linux guest's /sbin/init, with 1 CPU and 128 MiB on its own
 * reference computer. What is booted differs, so the ratio says how long a user waits and no more.
 *
 * Each sample is a process of its own, "first" its first machine, "later" one of those after.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeImage } from "./machines.ts";
import { type Progress, plainRow, type Results } from "./measure.ts";

const MIB = 1024 * 1024;
const IMAGE_BYTES = 16 * MIB;
const PROCESSES = 7;
const MEMORIES_MIB = [64, 128, 256, 512, 1024, 2048];
const FIRECRACKER_MS = 125;
const CPUS = [1, 2, 4, 8, 16, 32, 64];

/** What boot-child.ts prints. */
export interface BootTimes {
  /** Milliseconds. */
  readonly compile: number;
  readonly instantiate: number;
  readonly run: number;
  readonly later: number;
  /** Growth of the process's resident set while the first machine was made and booted. */
  readonly residentBytes: number;
  /** Pages of RAM that are not all zeroes. */
  readonly usedBytes: number;
}

function bootOnce(image: string, cpus: number, memoryMiB: number): BootTimes {
  const child = fileURLToPath(new URL("boot-child.ts", import.meta.url));
  const args = ["--expose-gc", "--import", "tsx", child, image, String(cpus), String(memoryMiB)];
  return JSON.parse(execFileSync(process.execPath, args, { encoding: "utf8" })) as BootTimes;
}

function timeRows(results: Results, image: string, progress: Progress): void {
  const samples: BootTimes[] = [];
  for (let n = 0; n < PROCESSES; n++) {
    progress(`boot, process ${n + 1} of ${PROCESSES}`);
    samples.push(bootOnce(image, 4, 256));
  }
  const row = (name: string, of: (times: BootTimes) => number, firecracker = false) => {
    const peer = { peer: FIRECRACKER_MS, peerName: "Firecracker's promise", aim: "< 1" } as const;
    const about = { group: "boot", name, unit: "ms", ...(firecracker ? peer : {}) } as const;
    results.rows.push(plainRow(about, samples.map(of)));
  };
  const first = (times: BootTimes) => times.compile + times.instantiate + times.run;
  row("to idle, first machine of a process", first, true);
  row("  of it: read and compile modules", (times) => times.compile);
  row("  of it: instantiate, power on", (times) => times.instantiate);
  row("  of it: run to idle", (times) => times.run);
  row("to idle, later machines", (times) => times.later, true);
}

function memoryRows(results: Results, image: string, progress: Progress): void {
  const [resident, used]: [number, number][][] = [[], []];
  for (const memory of MEMORIES_MIB) {
    progress(`memory touched with ${memory} MiB of RAM`);
    const times = bootOnce(image, 4, memory);
    resident?.push([memory, times.residentBytes / MIB]);
    used?.push([memory, times.usedBytes / MIB]);
    const about = { group: "boot", unit: "MiB" } as const;
    const name = `resident after boot, ${memory} MiB RAM`;
    results.rows.push(plainRow({ ...about, name }, [times.residentBytes / MIB]));
  }
  results.series.push({
    file: "boot-memory",
    title: "Host memory after a boot, by the machine's RAM",
    x: "RAM, MiB",
    unit: "MiB",
    lines: [
      { name: "resident set of the process grew by", points: resident ?? [] },
      { name: "pages of RAM not all zeroes", points: used ?? [] },
    ],
  });
}

function processorSeries(results: Results, image: string, progress: Progress): void {
  const points = (of: (times: BootTimes) => number, all: [number, BootTimes][]) =>
    all.map(([cpus, times]): [number, number] => [cpus, of(times)]);
  const all = CPUS.map((cpus): [number, BootTimes] => {
    progress(`boot of ${cpus} CPUs`);
    return [cpus, bootOnce(image, cpus, 256)];
  });
  results.series.push({
    file: "boot-cpus",
    title: "From Machine.create to idle, by processors",
    x: "CPUs",
    unit: "ms",
    lines: [
      {
        name: "first machine of a process",
        points: points((t) => t.compile + t.instantiate + t.run, all),
      },
      { name: "later machines", points: points((t) => t.later, all) },
    ],
  });
}

export async function measureBoot(results: Results, progress: Progress): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  try {
    const image = join(folder, "boot.img");
    await writeImage(image, IMAGE_BYTES);
    timeRows(results, image, progress);
    memoryRows(results, image, progress);
    processorSeries(results, image, progress);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
