/** Samples of the seven kernels, and the rows that they become. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { hasTool } from "../host.ts";
import { type Progress, pairedRow, plainRow, type Results } from "../measure.ts";
import { compile, KERNELS, type Kernel, type Target } from "./images.ts";
import { cpuTime, runOurs, type Sample } from "./ours.ts";
import { findPeers, type Peer } from "./peers.ts";

const RUNS = 3;
/** What a sample takes at least: marks are late by microseconds, by some milliseconds on a busy host. */
const SAMPLE_SECONDS = 0.3;
const CALIBRATION_STEP = 10;
const GROUP = "cpu";

type Run = (image: string) => Promise<Sample>;

interface Side {
  readonly name: string;
  readonly target: Target;
  readonly run: Run;
}

/** Which of ours a side's time is divided by, and shown beside. */
type Width = "64 bits" | "32 bits";
const widthOf = (target: Target): Width => (target === "bare32" ? "32 bits" : "64 bits");
const OURS: readonly Side[] = [
  { name: "64 bits", target: "bare64", run: runOurs },
  { name: "32 bits", target: "bare32", run: runOurs },
];

/** Of one kernel. */
export interface Measured {
  readonly kernel: Kernel;
  /** ns an instruction, of each run, by side. */
  readonly ns: ReadonlyMap<string, readonly number[]>;
  /** Instructions of all rounds, done once. */
  readonly instructions: Readonly<Record<Width, number>>;
}

/** Takes samples of one kernel on all sides; all must answer the same. */
class Sampler {
  private checksum = "";
  private readonly number: number;
  private readonly kernel: Kernel;
  private readonly directory: string;

  constructor(number: number, kernel: Kernel, directory: string) {
    this.number = number;
    this.kernel = kernel;
    this.directory = directory;
  }

  compile(target: Target, repeat: number): string {
    const work = { kernel: this.number, rounds: this.kernel.rounds, repeat };
    return compile(target, work, this.directory);
  }

  async sample(side: Side, image: string): Promise<Sample> {
    const sample = await side.run(image);
    if (this.checksum === "") this.checksum = sample.checksum;
    if (sample.checksum !== this.checksum || sample.checksum === "")
      throw new Error(
        `cpu: ${this.kernel.name}: ${side.name} answers ${sample.checksum}, not ${this.checksum}`,
      );
    return sample;
  }

  /** How often the rounds are repeated for a sample of that length, by some that don't count. */
  async calibrate(side: Side): Promise<number> {
    for (let repeat = 1; ; repeat *= CALIBRATION_STEP) {
      const { seconds } = await this.sample(side, this.compile(side.target, repeat));
      if (seconds * CALIBRATION_STEP >= SAMPLE_SECONDS)
        return Math.ceil((repeat * SAMPLE_SECONDS) / seconds);
    }
  }

  async count(target: Target): Promise<number> {
    return (await runOurs(this.compile(target, 1))).instructions;
  }
}

async function measure(number: number, directory: string, peers: readonly Peer[]) {
  const kernel = KERNELS[number] as Kernel;
  const sampler = new Sampler(number, kernel, directory);
  const instructions: Record<Width, number> = {
    "64 bits": await sampler.count("bare64"),
    "32 bits": await sampler.count("bare32"),
  };
  const sides: { side: Side; image: string; instructions: number; ns: number[] }[] = [];
  for (const side of [...OURS, ...peers]) {
    const repeat = await sampler.calibrate(side);
    const image = sampler.compile(side.target, repeat);
    const count = instructions[widthOf(side.target)] * repeat;
    sides.push({ side, image, instructions: count, ns: [] });
  }
  for (let run = 0; run < RUNS; run++) {
    for (const { side, image, instructions, ns } of sides) {
      const { seconds } = await sampler.sample(side, image);
      ns.push((seconds * 1e9) / instructions);
    }
  }
  const ns = new Map(sides.map((one) => [one.side.name, one.ns]));
  return { kernel, ns, instructions } satisfies Measured;
}

/** Geometric means over the kernels, run by run. */
function means(all: readonly Measured[], side: string): number[] {
  return Array.from({ length: RUNS }, (_, run) => {
    const logs = all.map(({ ns }) => Math.log(ns.get(side)?.[run] ?? Number.NaN));
    return Math.exp(logs.reduce((sum, log) => sum + log, 0) / logs.length);
  });
}

const mips = (ns: readonly number[]): number[] => ns.map((each) => 1000 / each);
const AIMS: Readonly<Record<string, string>> = { Bochs: ">= 1.5" };
const MIPS_AIM = "300 MIPS";

function meanRows(results: Results, measured: readonly Measured[], peers: readonly Peer[]): void {
  const name = "an instruction, geometric mean";
  for (const peer of peers) {
    const width = widthOf(peer.target);
    const [ours, theirs] = [means(measured, width), means(measured, peer.name)];
    const about = { group: GROUP, peerName: peer.name };
    const paired = { ours, peer: theirs };
    results.rows.push(pairedRow({ ...about, name: `${name}, ${width}`, unit: "ns" }, paired));
    const rates = { ours: mips(ours), peer: mips(theirs) };
    const aim = AIMS[peer.name] === undefined ? {} : { aim: AIMS[peer.name] as string };
    results.rows.push(
      pairedRow({ ...about, name: `the same as a rate, ${width}`, unit: "MIPS", ...aim }, rates),
    );
  }
  const about = { group: GROUP, unit: "MIPS", aim: MIPS_AIM } as const;
  const own = { ...about, name: "geometric mean, 64 bits" };
  results.rows.push(plainRow(own, mips(means(measured, "64 bits"))));
}

function kernelRows(
  results: Results,
  { kernel, ns, instructions }: Measured,
  peers: readonly Peer[],
) {
  for (const peer of peers) {
    const width = widthOf(peer.target);
    const millions = Math.round(instructions[width] / 1e6);
    const name = `an instruction of ${kernel.name}, ${width}, ${millions} million`;
    const samples = { ours: [...(ns.get(width) ?? [])], peer: [...(ns.get(peer.name) ?? [])] };
    results.rows.push(pairedRow({ group: GROUP, name, unit: "ns", peerName: peer.name }, samples));
  }
}

/** What a round of "memory copy" copies, as kernels.c has it: passes of so many KiB. */
const COPY_PASSES = 64;
const COPY_KIB = 512;

/** The copying kernel beside what a host can do at best: the same number of bytes at once. */
function copyRow(results: Results, { kernel, ns, instructions }: Measured): void {
  const scale = instructions["64 bits"] / (kernel.rounds * COPY_PASSES * COPY_KIB);
  const ours = (ns.get("64 bits") ?? []).map((each) => each * scale);
  const [from, to] = [new Uint8Array(COPY_KIB * 1024).fill(1), new Uint8Array(COPY_KIB * 1024)];
  const calls = 1000;
  const copies = () => {
    for (let call = 0; call < calls; call++) to.set(from);
  };
  copies();
  const peer = ours.map(() => {
    const start = cpuTime();
    copies();
    return ((cpuTime() - start) * 1e9) / (calls * COPY_KIB);
  });
  const name = "a KiB copied by a loop, 8 bytes each time";
  const about = { group: GROUP, name, unit: "ns", peerName: "memmove, 512 KiB" } as const;
  results.rows.push(pairedRow(about, { ours, peer }));
}

function addDots(results: Results, measured: readonly Measured[], peers: readonly Peer[]): void {
  const sides = ["64 bits", "32 bits", ...peers.map(({ name }) => name)];
  results.dots.push({
    file: "cpu-kernels",
    title: "An instruction of seven kernels",
    unit: "ns",
    sides: sides.map((name) => (name.endsWith("bits") ? `ours, ${name}` : name)),
    rows: measured.map(({ kernel, ns }) => ({
      name: kernel.name,
      values: sides.map((side) => ns.get(side) ?? []),
    })),
  });
}

/** Rows and a plot of all kernels, beside the peers that are installed. */
export async function measureKernels(results: Results, progress: Progress): Promise<void> {
  if (!hasTool("gcc")) {
    const about = { group: GROUP, name: "kernels", unit: "ns", peerName: "no gcc" } as const;
    results.rows.push(plainRow(about, [Number.NaN]));
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "bench-cpu-"));
  try {
    const peers = findPeers(directory);
    const measured: Measured[] = [];
    for (const [number, { name }] of KERNELS.entries()) {
      progress(`machine code, ${name}`);
      measured.push(await measure(number, directory, peers));
    }
    for (const one of measured) kernelRows(results, one, peers);
    for (const one of measured) if (one.kernel.name === "memory copy") copyRow(results, one);
    meanRows(results, measured, peers);
    addDots(results, measured, peers);
  } finally {
    rmSync(directory, { recursive: true });
  }
}
