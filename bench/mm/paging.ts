/** Map, unmap and translate of kernel-testing.wasm against paging.c, compiled by `gcc -O2`. */
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import type { KernelTesting } from "../../kernel/testing/module.ts";
import { stubMachine } from "../../kernel/testing/stub.ts";
import { memoryBytes } from "../../sim/host/core.ts";
import { loadModule } from "../../sim/host/modules.ts";
import { hasTool } from "../host.ts";
import {
  interleave,
  nsEach,
  type Progress,
  pairedRow,
  plainRow,
  type Results,
} from "../measure.ts";

const MIB = 1024 * 1024;
const RAM_BYTES = 64 * MIB;
const FIRST_FRAME = 1024;
const END_FRAME = RAM_BYTES / 4096;
const BASE = 1n << 40n;
const PAGES = 8192;
const ROUNDS = 15;
/** Times that the pages are mapped, translated and unmapped in one sample. */
const REPEATS = 12;
/** Page sizes as log2 of their bytes. */
const SIZES = [
  { size: 12, text: "4 KiB" },
  { size: 21, text: "2 MiB" },
] as const;

const OPERATIONS = ["map", "translate", "unmap"] as const;
type Operation = (typeof OPERATIONS)[number];
type Times = Record<Operation, number>;

interface Side {
  /** Does the operation for PAGES pages; ns, and a sum that both sides must have. */
  run(operation: Operation, size: number): Promise<{ ns: number; sum: bigint; free: number }>;
}

/** The kernel's memory management over a memory of its own. */
async function ours(): Promise<Side> {
  const memory = new WebAssembly.Memory({ initial: memoryBytes(RAM_BYTES) / 65536 });
  const module = await loadModule("kernel-testing");
  const env = { memory, abort: () => undefined };
  const instance = new WebAssembly.Instance(module, { env, machine: stubMachine() });
  const kernel = instance.exports as unknown as KernelTesting;
  kernel.setUpFrames(END_FRAME);
  kernel.framesAdd(BigInt(FIRST_FRAME * 4096), BigInt(RAM_BYTES));
  const root = kernel.setUpPaging();
  const work: Record<Operation, (size: number) => number | bigint> = {
    map: (size) => kernel.mapMany(root, BASE, 0n, size, PAGES),
    translate: (size) => kernel.translateMany(root, BASE + 123n, 1n << BigInt(size), PAGES),
    unmap: (size) => kernel.unmapMany(root, BASE, size, PAGES),
  };
  return {
    run: async (operation, size) => {
      let sum: number | bigint = 0;
      const ns = nsEach(1, () => {
        sum = work[operation](size);
      });
      return { ns, sum: BigInt(sum), free: kernel.framesFree() };
    },
  };
}

/** The C program, asked over its standard input. */
class Peer implements Side {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers: AsyncIterator<string>;

  constructor(program: string) {
    const args = [RAM_BYTES, FIRST_FRAME, END_FRAME, BASE].map(String);
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.answers = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  async run(operation: Operation, size: number) {
    this.child.stdin.write(`${operation} ${size} ${PAGES}\n`);
    const [ns = "", sum = "0", free = ""] = String((await this.answers.next()).value).split(" ");
    return { ns: Number(ns), sum: BigInt(sum), free: Number(free) };
  }

  stop(): void {
    this.child.stdin.end();
  }
}

/** Nanoseconds a page of each operation: the sum of REPEATS rounds. */
async function sample(side: Side, size: number): Promise<Times> {
  const times: Times = { map: 0, translate: 0, unmap: 0 };
  for (let repeat = 0; repeat < REPEATS; repeat++)
    for (const operation of OPERATIONS)
      times[operation] += (await side.run(operation, size)).ns / (PAGES * REPEATS);
  return times;
}

async function requireSameResults(a: Side, b: Side, size: number): Promise<void> {
  for (const operation of OPERATIONS) {
    const [left, right] = [await a.run(operation, size), await b.run(operation, size)];
    if (left.sum !== right.sum || left.free !== right.free)
      throw new Error(
        `${operation}: ${left.sum}, ${left.free} free; C: ${right.sum}, ${right.free}`,
      );
  }
}

/** Starts the C program; null without a compiler. */
function startPeer(): { peer: Peer; stop: () => void } | null {
  if (!hasTool("gcc")) return null;
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  const program = join(folder, "paging");
  const source = fileURLToPath(new URL("paging.c", import.meta.url));
  execFileSync("gcc", ["-O2", "-o", program, source], { stdio: "inherit" });
  const peer = new Peer(program);
  const stop = () => {
    peer.stop();
    rmSync(folder, { recursive: true });
  };
  return { peer, stop };
}

export async function measurePaging(results: Results, progress: Progress): Promise<void> {
  const started = startPeer();
  const kernel = await ours();
  for (const { size, text } of SIZES) {
    progress(`page tables, ${text}`);
    const about = (name: Operation) =>
      ({ group: "mm", name: `page ${name}, ${text}`, unit: "ns", aim: "<= 1.5" }) as const;
    const times: { ours: Times[]; peer: Times[] } = { ours: [], peer: [] };
    const keep = (list: Times[], side: Side) => async () => {
      list.push(await sample(side, size));
      return 0;
    };
    const nobody = async () => 0;
    if (started) await requireSameResults(kernel, started.peer, size);
    const peer = started ? keep(times.peer, started.peer) : nobody;
    await interleave(ROUNDS, keep(times.ours, kernel), peer);
    for (const name of OPERATIONS) {
      // The first of each side was for warming up.
      const side = (list: Times[]) => list.slice(1).map((time) => time[name]);
      const samples = { ours: side(times.ours), peer: side(times.peer) };
      if (started)
        results.rows.push(pairedRow({ ...about(name), peerName: "C, gcc -O2" }, samples));
      else results.rows.push(plainRow({ ...about(name), peerName: "no gcc" }, samples.ours));
    }
  }
  started?.stop();
}
