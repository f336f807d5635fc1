/** The capabilities of kernel-testing.wasm against cap.c, compiled by `gcc -O2`. */
import { type ChildProcessByStdio, execFileSync, spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { RIGHT_INFO } from "../../kernel/cap/rights.ts";
import { KIND_AGENT } from "../../kernel/object/kinds.ts";
import type { KernelTesting } from "../../kernel/testing/module.ts";
import { stubMachine } from "../../kernel/testing/stub.ts";
import { memoryBytes, RAM_BASE } from "../../sim/host/core.ts";
import { loadModule } from "../../sim/host/modules.ts";
import { hasTool } from "../host.ts";
import {
  interleave,
  nsEach,
  type Progress,
  pairedRow,
  plainRow,
  type Results,
  type Row,
  warmUp,
} from "../measure.ts";

const RAM_BYTES = 64 << 20;
/** Where the list of identifiers is that authorizeMany goes through. */
const IDS = RAM_BASE + RAM_BYTES - (1 << 20);
const ALL_RIGHTS = 0x3fff_ffff;
const RUNS = 15;
const CHECKS = 2_000_000;
/** Per agent, below the limit of its table. */
const TABLE = 1000;
const TREE = 10_000;
const MACS = 200_000;
const TOKEN_BYTES = 88;

interface Answer {
  readonly ns: number;
  readonly sum: bigint;
}

/** Depth of the capabilities that are checked, and how many take turns. */
const CHECKED = [
  { depth: 0, table: 1 },
  { depth: 0, table: TABLE },
  { depth: 3, table: 16 },
  { depth: 15, table: 16 },
] as const;

class Ours {
  private readonly kernel: KernelTesting;
  private readonly data: DataView;
  private readonly init: bigint;

  private constructor(kernel: KernelTesting, data: DataView) {
    this.kernel = kernel;
    this.data = data;
    this.init = kernel.worldCreate(1, RAM_BYTES);
    kernel.worldTime(1n);
  }

  static async create(): Promise<Ours> {
    const memory = new WebAssembly.Memory({ initial: memoryBytes(RAM_BYTES) / 65536 });
    const module = await loadModule("kernel-testing");
    const env = { memory, abort: () => undefined };
    const instance = new WebAssembly.Instance(module, { env, machine: stubMachine() });
    const kernel = instance.exports as unknown as KernelTesting;
    return new Ours(kernel, new DataView(memory.buffer));
  }

  private agent(): bigint {
    return this.kernel.worldAgent(1n << 20n);
  }

  private root(agent: bigint): bigint {
    return this.kernel.worldCapability(agent, KIND_AGENT, agent, ALL_RIGHTS);
  }

  /** Makes the capabilities once; what follows checks them again and again. */
  authorize(depth: number, table: number): () => Answer {
    const agent = this.agent();
    for (let index = 0; index < table; index++) {
      const root = this.root(agent);
      const id = depth === 0 ? root : this.kernel.deriveMany(root, agent, depth, true);
      this.data.setBigUint64(IDS + index * 8, id, true);
    }
    return () => {
      let sum = 0;
      const ns = nsEach(CHECKS, () => {
        sum = this.kernel.authorizeMany(agent, IDS, table, 1 << KIND_AGENT, RIGHT_INFO, CHECKS);
      });
      return { ns, sum: BigInt(sum) };
    };
  }

  private readonly takers: bigint[] = [];

  /** Derives a tree of TREE from one capability, into the tables of several agents. */
  derive(): Answer & { readonly root: bigint } {
    while (this.takers.length < TREE / TABLE) this.takers.push(this.agent());
    const root = this.root(this.init);
    const ns = nsEach(TREE, () => {
      for (const taker of this.takers) this.kernel.deriveMany(root, taker, TABLE, false);
    });
    return { ns, sum: BigInt(TREE), root };
  }

  clear(root: bigint): void {
    for (const taker of this.takers) this.kernel.worldDrop(taker, TABLE);
    this.kernel.worldDelete(root);
  }

  revoke(): Answer {
    const { root } = this.derive();
    let sum = 0;
    const ns = nsEach(1, () => {
      sum = this.kernel.worldRevoke(root);
    });
    this.clear(root);
    return { ns, sum: BigInt(sum) };
  }

  mac(): Answer {
    let sum = 0n;
    const ns = nsEach(MACS, () => {
      sum = this.kernel.sipHashMany(IDS - 4096, TOKEN_BYTES, MACS);
    });
    return { ns, sum: BigInt.asUintN(64, sum) };
  }
}

/** The C program, asked over its standard input. */
class Peer {
  private readonly child: ChildProcessByStdio<Writable, Readable, null>;
  private readonly answers: AsyncIterator<string>;
  private readonly folder = mkdtempSync(join(tmpdir(), "aios-bench-"));

  constructor() {
    const program = join(this.folder, "cap");
    const source = fileURLToPath(new URL("cap.c", import.meta.url));
    execFileSync("gcc", ["-O2", "-o", program, source], { stdio: "inherit" });
    this.child = spawn(program, [String(RAM_BYTES)], { stdio: ["pipe", "pipe", "inherit"] });
    this.answers = createInterface(this.child.stdout)[Symbol.asyncIterator]();
  }

  async run(line: string, count: number): Promise<Answer> {
    this.child.stdin.write(`${line}\n`);
    const [ns = "", sum = ""] = String((await this.answers.next()).value).split(" ");
    return { ns: Number(ns) / count, sum: BigInt(sum) };
  }

  stop(): void {
    this.child.stdin.end();
    rmSync(this.folder, { recursive: true });
  }
}

type Work = () => Answer | Promise<Answer>;

/** Measures `ours` and, where there is a compiler, `theirs`; both must come to the same sum. */
async function compare(
  results: Results,
  about: Pick<Row, "name" | "aim" | "peerName">,
  ours: () => Answer,
  theirs: Work | null,
): Promise<void> {
  const row = { group: "cap", unit: "ns", ...about } as const;
  if (theirs !== null) {
    const [left, right] = [await ours(), await theirs()];
    if (left.sum !== right.sum) throw new Error(`${about.name}: ${left.sum}, C: ${right.sum}`);
  }
  await warmUp(ours);
  const sample = (work: Work) => async () => (await work()).ns;
  const samples = await interleave(RUNS, sample(ours), sample(theirs ?? ours));
  if (theirs === null) results.rows.push(plainRow({ ...row, peerName: "no gcc" }, samples.ours));
  else results.rows.push(pairedRow(row, samples));
}

export async function measureCapabilities(results: Results, progress: Progress): Promise<void> {
  const ours = await Ours.create();
  const peer = hasTool("gcc") ? new Peer() : null;
  const c = (line: string, count: number) => (peer === null ? null : () => peer.run(line, count));
  const peerName = "C, gcc -O2";
  for (const { depth, table } of CHECKED) {
    progress(`authorize, depth ${depth}`);
    const name = `authorize, one of ${table}${depth === 0 ? "" : `, ${depth} levels down`}`;
    const check = ours.authorize(depth, table);
    const line = `authorize ${depth} ${table} ${CHECKS}`;
    await compare(
      results,
      { name, peerName, aim: depth === 0 ? "< 6 ns" : "" },
      check,
      c(line, CHECKS),
    );
  }
  progress("derive");
  const derive = () => {
    const answer = ours.derive();
    ours.clear(answer.root);
    return answer;
  };
  const derived = { name: `derive, ${TREE} from one`, peerName, aim: "<= 1.5" };
  await compare(results, derived, derive, c(`derive ${TREE} 0 0`, TREE));
  progress("revoke");
  const revoked = {
    name: `revoke ${TREE} descendants`,
    peerName: "C, marks each",
    aim: "one step",
  };
  await compare(results, revoked, () => ours.revoke(), c(`walk ${TREE} 0 0`, 1));
  progress("MAC");
  const mac = { name: "SipHash-2-4 of a token", peerName, aim: "<= 1.5" };
  const line = `mac ${TOKEN_BYTES} 0 ${MACS}`;
  await compare(results, mac, () => ours.mac(), c(line, MACS));
  peer?.stop();
}
