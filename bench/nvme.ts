/** 4 KiB random reads through the whole path, against reads of the same file by the host. */
import { closeSync, mkdtempSync, openSync, readSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { buildBootImage } from "../sdk/image/index.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModules } from "../sim/host/modules.ts";
import { fileDrive } from "../sim/host/node/file.ts";
import { paired, type Result, timed } from "./measure.ts";

const IMAGE_BYTES = 64 * 2 ** 20;
const READ_BYTES = 4096;
const READS = 40_000;
const ROUNDS = 9;
/** The control block of kernel/testing/reads.ts, in linear memory. */
const CONTROL = 0x0200_9000;
const DEPTH = CONTROL;
const WANTED = CONTROL + 4;
const COMPLETED = CONTROL + 12;
const ERRORS = CONTROL + 16;
const RANDOM = CONTROL + 24;
const SEED = 88_172_645_463_325_252n;
const NEVER = 2n ** 62n;

/** A machine that reads and reads; the returned function runs it for READS more. */
async function reader(path: string, depth: number, cpus: number): Promise<() => void> {
  const modules = await loadModules("kernel-reads");
  const machine = await Machine.create({
    cpus,
    drives: [fileDrive(path, { overlay: true })],
    modules,
  });
  const { data, sim } = machine.core;
  data.setUint32(DEPTH, depth, true);
  data.setUint32(WANTED, 0xffff_ffff, true);
  data.setBigUint64(RANDOM, SEED, true);
  return () => {
    const goal = data.getUint32(COMPLETED, true) + READS;
    while (data.getUint32(COMPLETED, true) < goal) sim.run(NEVER, 1000);
    if (data.getUint32(ERRORS, true) !== 0) throw new Error("a read of the benchmark failed");
  };
}

export async function benchNvme(): Promise<Result[]> {
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  const path = join(folder, "disk.img");
  writeFileSync(path, await buildBootImage({ entries: [], bytes: IMAGE_BYTES }));
  const file = openSync(path, "r");
  const into = Buffer.alloc(READ_BYTES);
  let state = SEED;
  const peer = () => {
    for (let n = 0; n < READS; n++) {
      state = (state * 6_364_136_223_846_793_005n + 1n) & 0xffff_ffff_ffff_ffffn;
      offsets[n] = Number((state >> 33n) % BigInt(IMAGE_BYTES / READ_BYTES)) * READ_BYTES;
    }
    return timed(READS, () => {
      for (let n = 0; n < READS; n++) readSync(file, into, 0, READ_BYTES, offsets[n] ?? 0);
    });
  };
  const offsets = new Float64Array(READS);
  try {
    const results: Result[] = [];
    for (const [depth, cpus] of [
      [1, 1],
      [8, 1],
      [32, 1],
      [32, 4],
    ] as const) {
      const run = await reader(path, depth, cpus);
      const line = {
        suite: "nvme",
        name: `4 KiB read, ${depth} outstanding, ${cpus} CPU`,
        unit: "ns" as const,
      };
      for (let warm = 0; warm < 2; warm++) run();
      results.push(
        await paired(
          { ...line, against: "fs.readSync", goal: 1 },
          ROUNDS,
          () => timed(READS, run),
          peer,
        ),
      );
    }
    return results;
  } finally {
    closeSync(file);
    rmSync(folder, { recursive: true });
  }
}
