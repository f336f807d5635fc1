/**
 * Agents in machine code: what the kernel's help costs them, against a program on the host's Linux that does
 * the same. A figure is the difference of a long and a short run, so that boot and ends are not in it.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { compileC } from "../../sdk/c/testing/programs.ts";
import { argumentEntries } from "../../sdk/image/arguments.ts";
import { buildBootImage } from "../../sdk/image/index.ts";
import { Machine } from "../../sim/host/machine.ts";
import { hasTool } from "../host.ts";
import { interleave, median, type Progress, pairedRow, type Results } from "../measure.ts";

const RUNS = 3;
const PAGES = 2048;
const UNTIL = 60_000_000_000n;
const sourceOf = (name: string) => fileURLToPath(new URL(name, import.meta.url));

interface Task {
  readonly mode: "calls" | "faults" | "writes" | "yields";
  readonly name: string;
  /** Turns of the long and of the short run, and operations in a turn. */
  readonly turns: readonly [number, number];
  readonly each: number;
}

const TASKS: readonly Task[] = [
  { mode: "calls", name: "a system call and back", turns: [1_100_000, 100_000], each: 1 },
  { mode: "faults", name: "a page of zeroes, and its end", turns: [45, 5], each: PAGES },
  { mode: "writes", name: "a page copied on write", turns: [22, 2], each: PAGES },
  { mode: "yields", name: "a switch to another agent", turns: [220_000, 20_000], each: 2 },
];

interface Took {
  readonly ns: number;
  /** Cycles that the agent has counted. */
  readonly cycles: number;
}

/** CPU time from the begin of a machine's agent to its end. */
async function runOurs(program: Uint8Array, task: Task, turns: number): Promise<Took> {
  const words = argumentEntries("init", { arguments: [task.mode, `${turns}`, `${PAGES}`] });
  const entries = [{ name: "init", data: program }, ...words];
  const drives = [{ data: await buildBootImage({ entries }) }];
  const machine = await Machine.create({ memory: 256 << 20, drives });
  machine.run({ until: UNTIL, condition: () => machine.kernel.idle });
  const start = process.cpuUsage();
  machine.run({ until: UNTIL });
  const { user, system } = process.cpuUsage(start);
  const end = machine.kernel.agents[0]?.end;
  if (end?.reason !== "exited") throw new Error(`cpu: the agent ended with ${end?.reason}`);
  return { ns: (user + system) * 1000, cycles: Number(end.code) };
}

function runPeer(program: string, task: Task, turns: number): number {
  return Number(execFileSync(program, [task.mode, `${turns}`, `${PAGES}`], { encoding: "utf8" }));
}

export async function measureNativeAgents(results: Results, progress: Progress): Promise<void> {
  if (!hasTool("gcc")) return;
  const directory = mkdtempSync(join(tmpdir(), "bench-agent-"));
  try {
    const peer = join(directory, "peer");
    execFileSync("gcc", ["-O2", "-o", peer, sourceOf("agent-host.c")]);
    const program = compileC(sourceOf("agent.c"));
    for (const task of TASKS) {
      progress(`native agents, ${task.name}`);
      results.rows.push(await rowOf(task, program, peer));
    }
  } finally {
    rmSync(directory, { recursive: true });
  }
}

async function rowOf(task: Task, program: Uint8Array, peer: string) {
  const [long, short] = task.turns;
  const operations = (long - short) * task.each;
  const cycles: number[] = [];
  const ours = async () => {
    const [more, less] = [await runOurs(program, task, long), await runOurs(program, task, short)];
    cycles.push((more.cycles - less.cycles) / operations);
    return (more.ns - less.ns) / operations;
  };
  const theirs = () => (runPeer(peer, task, long) - runPeer(peer, task, short)) / operations;
  const samples = await interleave(RUNS, ours, theirs);
  const name = `agent: ${task.name}, ${median(cycles).toFixed(1)} cycles`;
  return pairedRow({ group: "cpu", name, unit: "ns", peerName: "the host's Linux" }, samples);
}
