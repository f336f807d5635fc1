/**
 * Machine code: seven kernels as bare-metal images, warm, against the same images under QEMU's TCG and
 * the same source on the host's processor. All sides print the same checksum, or the run fails.
 */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasTool } from "../host.ts";
import { type Paired, type Progress, pairedRow, plainRow, type Results } from "../measure.ts";
import { compile, KERNELS } from "./images.ts";
import { QEMU, runNative, runOurs, runQemu, type Sample } from "./sides.ts";

const RUNS = 3;
const GROUP = "cpu";
type Peer = "QEMU TCG" | "native, gcc -O2";
type Run = (image: string) => Promise<Sample>;

interface Measured {
  readonly instructions: number;
  /** ns an instruction, of each run. */
  readonly ours: number[];
  readonly peers: Map<Peer, number[]>;
}

/** Samples of all sides in turn; a peer's time is divided by the instructions that ours retired. */
async function measure(images: { bare: string; hosted: string }, qemu: boolean): Promise<Measured> {
  const sides: [Peer, Run, string][] = [["native, gcc -O2", runNative, images.hosted]];
  if (qemu) sides.push(["QEMU TCG", runQemu, images.bare]);
  const ours: number[] = [];
  const peers = new Map<Peer, number[]>(sides.map(([name]) => [name, []]));
  let instructions = 0;
  for (let run = 0; run < RUNS; run++) {
    const mine = await runOurs(images.bare);
    instructions = mine.instructions;
    ours.push((mine.seconds * 1e9) / instructions);
    for (const [name, execute, image] of sides) {
      const { seconds, checksum } = await execute(image);
      if (checksum !== mine.checksum)
        throw new Error(`cpu: ${name} answers ${checksum}, not ${mine.checksum}`);
      peers.get(name)?.push((seconds * 1e9) / instructions);
    }
  }
  return { instructions, ours, peers };
}

/** Geometric means over the kernels, run by run. */
function means(all: readonly (readonly number[])[]): number[] {
  const runs = Array.from({ length: RUNS }, (_, run) => all.map((one) => one[run] ?? Number.NaN));
  return runs.map((of) => Math.exp(of.reduce((sum, ns) => sum + Math.log(ns), 0) / of.length));
}

function addRows(results: Results, name: string, ours: number[], peers: Map<Peer, number[]>): void {
  const about = { group: GROUP, name, unit: "ns" } as const;
  for (const [peerName, peer] of peers) {
    const samples: Paired = { ours, peer };
    results.rows.push(pairedRow({ ...about, peerName }, samples));
  }
}

export async function measureCpu(results: Results, progress: Progress): Promise<void> {
  if (!hasTool("gcc")) {
    const about = { group: GROUP, name: "kernels", unit: "ns", peerName: "no gcc" } as const;
    results.rows.push(plainRow(about, [Number.NaN]));
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "bench-cpu-"));
  const measured: Measured[] = [];
  try {
    for (const [number, { name }] of KERNELS.entries()) {
      progress(`machine code, ${name}`);
      const one = await measure(compile(number, directory), hasTool(QEMU));
      measured.push(one);
      const millions = Math.round(one.instructions / 1e6);
      addRows(results, `an instruction of ${name}, ${millions} million`, one.ours, one.peers);
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
  const names = [...(measured[0]?.peers.keys() ?? [])];
  const peers = new Map(
    names.map((name) => [name, means(measured.map((one) => one.peers.get(name) ?? []))]),
  );
  const ours = means(measured.map((one) => one.ours));
  addRows(results, "an instruction, geometric mean", ours, peers);
}
