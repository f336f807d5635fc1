/** From Machine.create to the kernel's idle loop, and the memory that it touches. */
import { spawnSync } from "node:child_process";
import { buildBootImage } from "../sdk/image/index.ts";
import { Machine } from "../sim/host/machine.ts";
import { median, type Result } from "./measure.ts";

/** Firecracker's SPECIFICATION.md: from the start of the machine to the guest's init. */
const FIRECRACKER_MS = 125;
const MIB = 2 ** 20;
const RAM_BASE = 0x0200_0000;
const WARM_ROUNDS = 15;
const COLD_ROUNDS = 7;

async function bootOnce(
  data: Uint8Array,
  memory: number,
): Promise<{ ms: number; machine: Machine }> {
  const start = performance.now();
  const machine = await Machine.create({ cpus: 4, memory, drives: [{ data }] });
  machine.run({ condition: () => machine.kernel.idle });
  return { ms: performance.now() - start, machine };
}

/** MiB of RAM that are not all zeroes. */
function usedMib({ core }: Machine, memory: number): number {
  let pages = 0;
  const end = RAM_BASE + memory;
  for (
    let at = core.sim.nextUsedPage(RAM_BASE, end) >>> 0;
    at < end;
    at = core.sim.nextUsedPage(at + 4096, end) >>> 0
  )
    pages++;
  return (pages * 4096) / MIB;
}

function against(name: string, samples: readonly number[]): Result {
  const ratios = samples.map((ms) => ms / FIRECRACKER_MS);
  return {
    suite: "boot",
    name,
    ours: median(samples),
    peer: FIRECRACKER_MS,
    unit: "ms",
    ratio: median(ratios),
    spread: [Math.min(...ratios), Math.max(...ratios)],
    against: "Firecracker's 125 ms",
    goal: 1,
  };
}

/** In a process of its own the modules are compiled first, as at a user's first machine. */
function coldBoots(): number[] {
  const run = () =>
    Number(
      spawnSync(process.execPath, [...process.execArgv, "bench/boot-once.ts"], { encoding: "utf8" })
        .stdout,
    );
  return Array.from({ length: COLD_ROUNDS }, run);
}

export async function benchBoot(): Promise<Result[]> {
  const data = await buildBootImage({ entries: [] });
  const cold = coldBoots();
  await bootOnce(data, 256 * MIB);
  const warm: number[] = [];
  for (let round = 0; round < WARM_ROUNDS; round++) warm.push((await bootOnce(data, 256 * MIB)).ms);
  const results = [
    against("create to idle, 4 CPUs, 256 MiB, first machine of a process", cold),
    against("create to idle, 4 CPUs, 256 MiB, a further machine", warm),
  ];
  const small = usedMib((await bootOnce(data, 64 * MIB)).machine, 64 * MIB);
  for (const memory of [256 * MIB, 2048 * MIB]) {
    const used = usedMib((await bootOnce(data, memory)).machine, memory);
    const ratio = used / small;
    results.push({
      suite: "boot",
      name: `RAM touched by a boot with ${memory / MIB} MiB`,
      ours: used,
      peer: small,
      unit: "MiB",
      ratio,
      spread: [ratio, ratio],
      against: "a boot with 64 MiB",
    });
  }
  return results;
}
