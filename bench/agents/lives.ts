/** WebAssembly agents on a kernel: spawn, clone, freeze; and what ten thousand of them take that wait. */
import { execFileSync } from "node:child_process";
import { rmSync } from "node:fs";
import { fileURLToPath } from "node:url";
import {
  interleave,
  median,
  type Paired,
  type Progress,
  pairedRow,
  plainRow,
  type Results,
} from "../measure.ts";
import type { IdleBytes } from "./idle-child.ts";
import type { Cost, LifeSamples } from "./lives-child.ts";
import { type ModuleFiles, makeModule } from "./modules.ts";
import { PEERS } from "./peers.ts";

const RUNS = 15;
const PEER_RUNS = 9;
const IDLE_AGENTS = 10_000;
const IDLE_RUNS = 3;
const KIB = 1024;

const group = "agents";
const AIM_SPAWN = "2 ms, better 0.5";
const AIM_CLONE = "1 ms and the pages";

/** Sizes of memory, in pages of 64 KiB, and how many pages of 4 KiB are dirty when one is cloned. */
const SIZES = [
  { pages: 1, dirty: [1, 8] },
  { pages: 32, dirty: [1, 16, 256] },
] as const;

function child<T>(program: string, ...args: readonly (string | number)[]): T {
  const file = fileURLToPath(new URL(program, import.meta.url));
  const flags = ["--expose-gc", "--import", "tsx", file, ...args.map(String)];
  return JSON.parse(execFileSync(process.execPath, flags, { encoding: "utf8" })) as T;
}

const samplesOf = (of: keyof Cost, ours: readonly Cost[], peer: readonly Cost[]): Paired => ({
  ours: ours.map((cost) => cost[of]),
  peer: peer.map((cost) => cost[of]),
});
const sizeOf = (pages: number) => (pages < 16 ? `${pages * 64} KiB` : `${pages / 16} MiB`);

function livesRows(
  { rows }: Results,
  { prepared, plain }: ModuleFiles,
  size: (typeof SIZES)[number],
) {
  const { pages, dirty } = size;
  const it = child<LifeSamples>("lives-child.ts", prepared, plain, RUNS, ...dirty);
  const memory = sizeOf(pages);
  const peerName = "an instance of the same module";
  const row = (name: string, cost: readonly Cost[], aim = "") => {
    const about = { group, unit: "ms" as const, peerName, ...(aim && { aim }) };
    rows.push(
      pairedRow({ ...about, name: `${name}, ${memory}` }, samplesOf("wall", cost, it.instance)),
    );
    rows.push(
      pairedRow(
        { ...about, name: `${name}, ${memory}, CPU time` },
        samplesOf("cpu", cost, it.instance),
      ),
    );
  };
  row("WebAssembly agent: spawn to its first message", it.spawn, AIM_SPAWN);
  row("WebAssembly agent: spawn, message, kill, reaping", it.life);
  for (const [count, cost] of Object.entries(it.clones))
    row(`WebAssembly agent: clone to its first message, ${count} dirty pages`, cost, AIM_CLONE);
  row(`WebAssembly agent: state taken out, ${Math.max(...dirty)} dirty pages`, it.freeze);
  row(`WebAssembly agent: instance made of a state, ${Math.max(...dirty)} dirty pages`, it.thaw);
  return median(it.spawn.map(({ wall }) => wall));
}

/** Other ways to have code run by itself take longer: how many times. */
async function peerRows({ rows }: Results, spawn: number): Promise<void> {
  const name = "WebAssembly agent: spawn to its first message";
  for (const [peerName, peer] of Object.entries(PEERS)) {
    const samples = await interleave(PEER_RUNS, () => spawn, peer);
    rows.push(pairedRow({ group, name, unit: "ms", peerName }, samples));
  }
}

function idleRows({ rows }: Results, { prepared }: ModuleFiles): void {
  const runs = Array.from({ length: IDLE_RUNS }, () =>
    child<IdleBytes>("idle-child.ts", prepared, IDLE_AGENTS),
  );
  const kinds = {
    resident: "resident memory",
    heap: "V8's heap and buffers",
    ram: "simulated RAM",
  };
  for (const [kind, name] of Object.entries(kinds))
    rows.push(
      plainRow(
        {
          group,
          name: `10,000 idle WebAssembly agents, each: ${name}`,
          unit: "KiB",
          ...(kind === "resident" && { aim: "64 KiB" }),
        },
        runs.map((bytes) => bytes[kind as keyof IdleBytes] / KIB),
      ),
    );
}

export async function measureLives(results: Results, progress: Progress): Promise<void> {
  for (const size of SIZES) {
    const files = await makeModule(size.pages);
    try {
      progress(`WebAssembly agents of ${sizeOf(size.pages)}`);
      const spawn = livesRows(results, files, size);
      if (size.pages > 1) continue;
      await peerRows(results, spawn);
      progress(`${IDLE_AGENTS} idle agents`);
      idleRows(results, files);
    } finally {
      rmSync(files.folder, { recursive: true });
    }
  }
}
