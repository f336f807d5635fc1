/**
 * Loads through the TLB's fast lines against loads of WebAssembly memory by the same loops of the
 * same module. "in a row": address and sum only, as fast as the processor starts loads. "chained":
 * each load's address is what the one before found.
 */
import { RAM_BASE, type SimExports } from "../../sim/host/core.ts";
import { bootedMachine } from "../machines.ts";
import { interleave, nsEach, type Progress, pairedRow, type Results } from "../measure.ts";

interface Loops extends SimExports {
  loopTlb(base: bigint, mask: bigint, stride: bigint, count: number): bigint;
  loopPlain(at: bigint, mask: bigint, stride: bigint, count: number): bigint;
  loopTlbChain(start: bigint, count: number): bigint;
  loopPlainChain(start: bigint, distance: bigint, count: number): bigint;
}

const MIB = 1024 * 1024;
/** Physical address of what is read: RAM that the idle kernel has no use for any more. */
const DATA = 40 * MIB;
/** Where the kernel maps all RAM, with 2 MiB pages (kernel/mm/layout.ts). */
const DIRECT_MAP = 0xffff_8000_0000_0000n;
const LINEAR = DIRECT_MAP + BigInt(DATA);
const COUNT = 2_000_000;
const RUNS = 15;
/** Bytes that are read: within the fast lines, and within the processor's second-level cache. */
const SPAN = 256 * 1024;

/** Links the 64-byte lines of the span into one ring, in an order without a stride. */
function linkChain(data: DataView): void {
  const lines = SPAN / 64;
  for (let index = 0; index < lines; index++) {
    const [from, to] = [index, index + 1].map((n) => (Math.imul(n, 1597) >>> 0) % lines);
    data.setBigUint64(RAM_BASE + DATA + (from ?? 0) * 64, LINEAR + BigInt((to ?? 0) * 64), true);
  }
}

export async function measureTlb(results: Results, progress: Progress): Promise<void> {
  const machine = await bootedMachine({ cpus: 1, memory: 64 * MIB });
  const sim = machine.core.sim as Loops;
  linkChain(machine.core.data);
  const mask = BigInt(SPAN - 1);
  const plain = BigInt(RAM_BASE + DATA);
  const compare = async (name: string, ours: () => bigint, peer: () => bigint) => {
    progress(name);
    const found = [ours(), peer()];
    if (found[0] !== found[1]) throw new Error(`${name}: ${found.join(" and ")}`);
    const samples = await interleave(
      RUNS,
      () => nsEach(COUNT, ours),
      () => nsEach(COUNT, peer),
    );
    const about = { group: "mm", name, unit: "ns", peerName: "plain load", aim: "<= 2.5" } as const;
    results.rows.push(pairedRow(about, samples));
  };
  await compare(
    "TLB hit, in a row",
    () => sim.loopTlb(LINEAR, mask, 72n, COUNT),
    () => sim.loopPlain(plain, mask, 72n, COUNT),
  );
  await compare(
    "TLB hit, chained",
    () => sim.loopTlbChain(LINEAR, COUNT),
    () => sim.loopPlainChain(LINEAR, BigInt(RAM_BASE) - DIRECT_MAP, COUNT),
  );
}
