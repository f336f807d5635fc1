/**
 * What memory costs agents: a page fault, a copy-on-write, a clone, and the kernel's way to their
 * memory. The peer of each is the work that nobody is spared: filling or copying the page, by the
 * same instructions of the same module, without the kernel around it.
 */
import type { KernelTesting } from "../../kernel/testing/module.ts";
import { stubMachine } from "../../kernel/testing/stub.ts";
import { memoryBytes } from "../../sim/host/core.ts";
import { loadModule } from "../../sim/host/modules.ts";
import {
  interleave,
  nsEach,
  type Progress,
  pairedRow,
  plainRow,
  type Results,
} from "../measure.ts";

const MIB = 1024 * 1024;
const RAM_BYTES = 512 * MIB;
const PAGE = 4096;
/** Pages of one sample. */
const PAGES = 4096;
const RUNS = 15;
/** A page fault's error code: a write of ring 3. */
const FAULT_WRITE = 6;
const ADDRESS = 0x4000_0000n;
const QUOTA = 1n << 30n;

/** A kernel without a machine, with `bytes` of scratch memory behind its RAM. */
async function load(): Promise<{ kernel: KernelTesting; scratch: number }> {
  const memory = new WebAssembly.Memory({
    initial: memoryBytes(RAM_BYTES) / 65536 + (2 * PAGES * PAGE) / 65536,
  });
  const env = { memory, abort: () => undefined };
  const module = await loadModule("kernel-testing");
  const instance = new WebAssembly.Instance(module, { env, machine: stubMachine() });
  const kernel = instance.exports as unknown as KernelTesting;
  if (kernel.worldCreate(1, RAM_BYTES) === 0n) throw new Error("no world");
  return { kernel, scratch: memoryBytes(RAM_BYTES) };
}

/** A new agent with `pages` pages of memory at ADDRESS. */
function withMemory(kernel: KernelTesting, pages: number): bigint {
  const agent = kernel.worldAgent(QUOTA);
  if (agent === 0n || !kernel.worldAllocate(agent, ADDRESS, pages)) throw new Error("no memory");
  return agent;
}

export async function measureAgents(results: Results, progress: Progress): Promise<void> {
  const { kernel, scratch } = await load();
  const row = { group: "mm", unit: "ns" } as const;
  /** Prepares, and measures only what comes then: ns a page. */
  const each = (pages: number, prepare: () => bigint, work: (agent: bigint) => unknown) => () => {
    const agent = prepare();
    const ns = nsEach(pages, () => work(agent));
    kernel.worldDestroy(agent);
    return ns;
  };
  const touched = () => {
    const agent = withMemory(kernel, PAGES);
    kernel.faultMany(agent, ADDRESS, PAGES, FAULT_WRITE);
    return agent;
  };

  progress("page faults");
  const fault = each(
    PAGES,
    () => withMemory(kernel, PAGES),
    (agent) => kernel.faultMany(agent, ADDRESS, PAGES, FAULT_WRITE),
  );
  const fill = () => nsEach(PAGES, () => kernel.fillPagesMany(scratch, PAGE, PAGE, PAGES));
  const faults = await interleave(RUNS, fault, fill);
  results.rows.push(
    pairedRow({ ...row, name: "first touch of a page", peerName: "memory.fill of 4 KiB" }, faults),
  );

  progress("copy-on-write");
  const parent = touched();
  const copy = each(
    PAGES,
    () => {
      const agent = kernel.worldAgent(QUOTA);
      kernel.worldClone(parent, agent);
      return agent;
    },
    (agent) => kernel.faultMany(agent, ADDRESS, PAGES, FAULT_WRITE),
  );
  const plainCopy = () =>
    nsEach(PAGES, () => kernel.copyPagesMany(scratch, scratch + PAGES * PAGE, PAGE, PAGE, PAGES));
  const copies = await interleave(RUNS, copy, plainCopy);
  results.rows.push(
    pairedRow(
      { ...row, name: "copy-on-write of a page", peerName: "memory.copy of 4 KiB" },
      copies,
    ),
  );

  await measureClones(kernel, results, progress);

  for (const bytes of [64, PAGE, 16 * PAGE]) {
    progress(`copies of ${bytes} bytes`);
    const count = Math.ceil((4 * MIB) / (bytes + 512));
    const ours = () =>
      nsEach(count, () => kernel.copyToUserMany(parent, ADDRESS + 128n, scratch, bytes, count));
    const peer = () =>
      nsEach(count, () => kernel.copyPagesMany(scratch, scratch + 128 * 1024, bytes, 0, count));
    const samples = await interleave(RUNS, ours, peer);
    const name = `copy to an agent, ${bytes < 1024 ? `${bytes} B` : `${bytes / 1024} KiB`}`;
    results.rows.push(pairedRow({ ...row, name, peerName: "memory.copy" }, samples));
  }
}

/** What a clone costs a page of its parent's, and how that grows. */
async function measureClones(
  kernel: KernelTesting,
  results: Results,
  progress: Progress,
): Promise<void> {
  const points: [number, number][] = [];
  for (const pages of [16, 256, 4096, 32768]) {
    progress(`clones of ${pages} pages`);
    const parent = withMemory(kernel, pages);
    kernel.faultMany(parent, ADDRESS, pages, FAULT_WRITE);
    const samples: number[] = [];
    for (let run = 0; run < RUNS + 2; run++) {
      const agent = kernel.worldAgent(QUOTA);
      const ns = nsEach(pages, () => kernel.worldClone(parent, agent));
      if (run >= 2) samples.push(ns);
      kernel.worldDestroy(agent);
    }
    kernel.worldDestroy(parent);
    const row = plainRow({ group: "mm", unit: "ns", name: `clone, a page of ${pages}` }, samples);
    results.rows.push(row);
    points.push([pages, row.ours]);
  }
  results.series.push({
    file: "clone",
    title: "Copy-on-write clone: time a page of the parent's memory",
    x: "pages",
    unit: "ns",
    lines: [{ name: "spaceCloneCow", points }],
  });
}
