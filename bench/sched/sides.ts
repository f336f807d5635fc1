/** The three that are compared: the kernel's queues, the same in C, the same in TypeScript. */
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { ENTITY_STRIDE, type SchedTesting } from "../../kernel/testing/sched-host.ts";
import { stubMachine } from "../../kernel/testing/stub.ts";
import { memoryBytes } from "../../sim/host/core.ts";
import { loadModule } from "../../sim/host/modules.ts";
import { hasTool } from "../host.ts";
import { periods, SLICE, weights } from "./entities.ts";
import { TypedEdf, TypedFair } from "./typed_arrays.ts";

export interface Load {
  readonly queue: "fair" | "edf";
  readonly weights: "equal" | "random";
  readonly count: number;
}

export interface Side {
  /** Makes `decisions`; ns, and a digest of who was chosen, in order. */
  run(decisions: number): Promise<{ ns: number; digest: number }>;
  stop(): void;
}

/** A side in this process. */
function here(work: (decisions: number) => number): Side {
  return {
    run: async (decisions) => {
      const start = performance.now();
      const digest = work(decisions) >>> 0;
      return { ns: (performance.now() - start) * 1e6, digest };
    },
    stop: () => undefined,
  };
}

export function typedArrays({ queue, count, weights: kind }: Load): Side {
  const made =
    queue === "fair" ? new TypedFair(weights(count, kind), SLICE) : new TypedEdf(periods(count));
  return here((decisions) => made.run(decisions));
}

interface Kernel extends SchedTesting {
  setUpFrames(frameCount: number): bigint;
  framesAdd(start: bigint, end: bigint): void;
}

export async function kernelQueue({ queue, count, weights: kind }: Load): Promise<Side> {
  const ram = 2 ** Math.ceil(Math.log2(16 * 2 ** 20 + count * 512));
  const memory = new WebAssembly.Memory({ initial: memoryBytes(ram) / 65536 });
  const module = await loadModule("kernel-testing");
  const env = { memory, abort: () => undefined };
  const kernel = new WebAssembly.Instance(module, { env, machine: stubMachine() })
    .exports as unknown as Kernel;
  kernel.framesAdd(kernel.setUpFrames(ram / 4096), BigInt(ram));
  const entities = kernel.newEntities(count);
  const address = queue === "fair" ? kernel.newFairQueue() : kernel.newHeap();
  if (entities === 0 || address === 0) throw new Error("sched: not enough memory");
  const at = (index: number) => entities + index * ENTITY_STRIDE;
  if (queue === "fair") {
    kernel.fairInit(address);
    weights(count, kind).forEach((weight, index) => {
      kernel.setEntity(at(index), BigInt(index + 1), weight, SLICE);
      if (kernel.fairJoin(address, at(index)) === 0) throw new Error("sched: no nodes");
    });
    return here((decisions) => kernel.fairLoop(address, decisions));
  }
  kernel.edfInit(address);
  if (kernel.heapReserve(address, count) === 0) throw new Error("sched: no heap");
  periods(count).forEach((period, index) => {
    kernel.setEntity(at(index), BigInt(index + 1), 1, period);
    kernel.edfSetDeadline(at(index), BigInt(period));
    kernel.edfJoin(address, at(index));
  });
  return here((decisions) => kernel.edfLoop(address, decisions));
}

/** The C program, asked over its standard input. */
class Peer implements Side {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers: AsyncIterator<string>;

  constructor(program: string, { queue, count, weights: kind }: Load) {
    const args = [queue, String(count), kind];
    this.child = spawn(program, args, { stdio: ["pipe", "pipe", "inherit"] });
    this.answers = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  async run(decisions: number) {
    this.child.stdin.write(`${decisions}\n`);
    const [ns = "", digest = ""] = String((await this.answers.next()).value).split(" ");
    return { ns: Number(ns), digest: Number(digest) };
  }

  stop(): void {
    this.child.stdin.end();
  }
}

export interface Compiler {
  start(load: Load): Side;
  remove(): void;
}

/** Compiles queues.c; null without a compiler. */
export function compilePeer(): Compiler | null {
  if (!hasTool("gcc")) return null;
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  const program = join(folder, "queues");
  const source = fileURLToPath(new URL("queues.c", import.meta.url));
  execFileSync("gcc", ["-O2", "-o", program, source], { stdio: "inherit" });
  return {
    start: (load) => new Peer(program, load),
    remove: () => rmSync(folder, { recursive: true }),
  };
}
