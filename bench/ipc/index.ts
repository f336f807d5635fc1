/**
 * Messages of the kernel, entry of the system call excluded, against the host's pipe and memory.copy;
 * and of TypeScript agents on a machine, against Node's MessageChannel.
 */
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { KIND_AGENT } from "../../kernel/object/kinds.ts";
import { BASE } from "../../kernel/testing/ipc-host.ts";
import type { KernelTesting } from "../../kernel/testing/module.ts";
import { stubMachine } from "../../kernel/testing/stub.ts";
import { memoryBytes, RAM_BASE } from "../../sim/host/core.ts";
import { loadModule } from "../../sim/host/modules.ts";
import { hasTool } from "../host.ts";
import {
  interleave,
  median,
  nsEach,
  type Progress,
  pairedRow,
  plainRow,
  type Results,
  warmUp,
} from "../measure.ts";
import { measureAgents } from "./agents.ts";

const RAM_BYTES = 256 << 20;
/** Where plain copies go from and to: RAM that the few agents don't reach. */
const FAR_BYTES = 64 << 20;
const FAR_FROM = RAM_BASE + RAM_BYTES - 2 * FAR_BYTES;
const FAR_TO = RAM_BASE + RAM_BYTES - FAR_BYTES;
const ALL_RIGHTS = 0x3fff_ffff;
const QUOTA = 4n << 20n;
const PAGES = 40;
const RUNS = 15;
const HEADER = BigInt(BASE + 36 * 4096);
const SIZES = [64, 1024, 4096, 8192, 16384, 32768, 65536] as const;

interface Agent {
  readonly id: bigint;
  readonly self: bigint;
}

/** Two agents with some memory each, who may send to each other. */
class Ours {
  private readonly kernel: KernelTesting;
  private readonly ann: Agent;
  private readonly bob: Agent;
  private readonly annToBob: bigint;
  private readonly bobToAnn: bigint;

  private constructor(kernel: KernelTesting) {
    this.kernel = kernel;
    if (kernel.worldCreate(1, RAM_BYTES) === 0n) throw new Error("no world");
    this.ann = this.agent();
    this.bob = this.agent();
    this.annToBob = this.capability(this.ann, this.bob);
    this.bobToAnn = this.capability(this.bob, this.ann);
  }

  static async create(): Promise<Ours> {
    const memory = new WebAssembly.Memory({ initial: memoryBytes(RAM_BYTES) / 65536 });
    const module = await loadModule("kernel-testing");
    const env = { memory, abort: () => undefined };
    const instance = new WebAssembly.Instance(module, { env, machine: stubMachine() });
    return new Ours(instance.exports as unknown as KernelTesting);
  }

  private agent(): Agent {
    const id = this.kernel.worldAgent(QUOTA);
    if (!this.kernel.worldPages(id, BigInt(BASE), PAGES)) throw new Error("no memory");
    return { id, self: this.kernel.worldCapability(id, KIND_AGENT, id, ALL_RIGHTS) };
  }

  private capability(from: Agent, to: Agent): bigint {
    return this.kernel.worldCapability(from.id, KIND_AGENT, to.id, ALL_RIGHTS);
  }

  /** ns of a send and its receive. */
  pairs(bytes: number, count: number, header = 0n): number {
    const { kernel, ann, bob } = this;
    return nsEach(count, () => {
      const statuses = kernel.ipcPairs(
        ann.id,
        this.annToBob,
        bob.id,
        bob.self,
        BigInt(BASE),
        bytes,
        header,
        count,
      );
      if (statuses !== 0) throw new Error("a message was refused");
    });
  }

  /** The same for pages that move; each of the `count` rounds is two messages. */
  moves(bytes: number, count: number): number {
    const { kernel, ann, bob } = this;
    return nsEach(2 * count, () => {
      const statuses = kernel.ipcMoves(
        ann.id,
        ann.self,
        this.annToBob,
        bob.id,
        bob.self,
        this.bobToAnn,
        BigInt(BASE),
        bytes,
        count,
      );
      if (statuses !== 0) throw new Error("a message was refused");
    });
  }

  /** ns of one plain copy of as many bytes, which are in the caches. */
  copies(bytes: number, count: number): number {
    const from = this.kernel.worldLinear(this.ann.id, BigInt(BASE));
    return nsEach(count, () => this.kernel.copyMany(FAR_TO, from, bytes, count));
  }

  /** The same of bytes that no one has used for long: their part of a copy of 64 MiB. */
  farCopy(bytes: number): number {
    return nsEach(FAR_BYTES / bytes, () => this.kernel.copyMany(FAR_TO, FAR_FROM, FAR_BYTES, 1));
  }
}

/** The host's pipe, as a C program sees it. */
class Pipe {
  private readonly folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers: AsyncIterator<string>;

  constructor() {
    const program = join(this.folder, "pipe");
    const source = fileURLToPath(new URL("pipe.c", import.meta.url));
    execFileSync("gcc", ["-O2", "-o", program, source], { stdio: "inherit" });
    this.child = spawn(program, { stdio: ["pipe", "pipe", "inherit"] });
    this.answers = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  async pairs(bytes: number, count: number): Promise<number> {
    this.child.stdin.write(`${bytes} ${count}\n`);
    return Number((await this.answers.next()).value);
  }

  stop(): void {
    this.child.stdin.end();
    rmSync(this.folder, { recursive: true });
  }
}

const PAIRS = 50_000;

async function measurePairs(ours: Ours, results: Results): Promise<void> {
  const pipe = hasTool("gcc") ? new Pipe() : null;
  const group = "ipc";
  for (const { name, bytes, header, aim } of [
    { name: "send + receive, 64 bytes", bytes: 64, header: 0n, aim: "30 ns, 60 at most" },
    { name: "the same with a header", bytes: 64, header: HEADER, aim: "" },
    { name: "send + receive, nothing", bytes: 0, header: 0n, aim: "" },
  ]) {
    const about = { group, name, unit: "ns", ...(aim ? { aim } : {}) } as const;
    await warmUp(() => ours.pairs(bytes, PAIRS, header));
    const sample = () => ours.pairs(bytes, PAIRS, header);
    if (pipe && bytes > 0) {
      const samples = await interleave(RUNS, sample, () => pipe.pairs(bytes, PAIRS / 10));
      results.rows.push(pairedRow({ ...about, peerName: "the host's pipe, C" }, samples));
    } else results.rows.push(plainRow(about, Array.from({ length: RUNS }, sample)));
  }
  pipe?.stop();
}

/** Pages that move, against a copy in and out, and against a single copy, hot and cold; median ns. */
async function measureMove(
  ours: Ours,
  bytes: number,
  count: number,
  results: Results,
): Promise<number> {
  const peers: [string, () => number][] = [
    ["sent and received by copy", () => ours.pairs(bytes, count)],
    ["one memory.copy, in the caches", () => ours.copies(bytes, count)],
    ["one memory.copy of 64 MiB, its part", () => ours.farCopy(bytes)],
  ];
  await warmUp(() => ours.moves(bytes, count / 4));
  const all: number[] = [];
  for (const [peerName, peer] of peers) {
    const moved = await interleave(RUNS, () => ours.moves(bytes, count), peer);
    all.push(...moved.ours);
    const name = `${bytes / 1024} KiB that move, send + receive`;
    const aim = bytes >= 8192 ? { aim: "< 1" } : {};
    results.rows.push(pairedRow({ group: "ipc", name, unit: "ns", peerName, ...aim }, moved));
  }
  return median(all);
}

async function measureSizes(ours: Ours, results: Results): Promise<void> {
  const lines = {
    moved: [] as [number, number][],
    copied: [] as [number, number][],
    once: [] as [number, number][],
  };
  for (const bytes of SIZES) {
    const count = bytes < 4096 ? PAIRS : 4000;
    await warmUp(() => [ours.pairs(bytes, count / 4), ours.copies(bytes, count / 4)]);
    const samples = await interleave(
      RUNS,
      () => ours.pairs(bytes, count),
      () => ours.copies(bytes, count),
    );
    lines.copied.push([bytes, median(samples.ours)]);
    lines.once.push([bytes, median(samples.peer)]);
    if (bytes >= 4096) lines.moved.push([bytes, await measureMove(ours, bytes, count, results)]);
  }
  results.series.push({
    file: "ipc-sizes",
    title: "A message, sent and received",
    x: "bytes",
    unit: "ns",
    lines: [
      { name: "its pages move", points: lines.moved },
      { name: "it is copied", points: lines.copied },
      { name: "one memory.copy alone", points: lines.once },
    ],
  });
}

export async function measureIpc(results: Results, progress: Progress): Promise<void> {
  const ours = await Ours.create();
  progress("messages");
  await measurePairs(ours, results);
  progress("messages that grow");
  await measureSizes(ours, results);
  await measureAgents(results, progress);
}
