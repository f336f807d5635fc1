/** Page tables against the same structures in C, and the TLB against plain loads. */
import { execFileSync } from "node:child_process";
import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { loadKernelTesting } from "../kernel/testing/module.ts";
import { buildBootImage } from "../sdk/image/index.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModule } from "../sim/host/modules.ts";
import { findTool } from "../sim/host/testing/tools.ts";
import { paired, type Result, timed } from "./measure.ts";

const RAM = 64 * 2 ** 20;
const BASE = 0xffff_8000_0000_0000n;
const ROUNDS = 9;
const C_ROUNDS = 15;

/** Compiles the peer; null when there is no compiler. */
function compilePeer(): string | null {
  const gcc = findTool("gcc");
  if (gcc === null) return null;
  const program = join(mkdtempSync(join(tmpdir(), "aios-bench-")), "paging");
  execFileSync(gcc, ["-O2", "-o", program, "bench/mm/paging.c"]);
  return program;
}

async function pageTables(size: number, pages: number, program: string): Promise<Result[]> {
  const { exports } = await loadKernelTesting(RAM);
  exports.framesAdd(exports.setUpFrames(RAM / 4096), BigInt(RAM));
  const root = exports.setUpPaging();
  const step = 1n << BigInt(size);
  const peer = (index: number) =>
    Number(
      execFileSync(program, [`${size}`, `${pages}`, `${C_ROUNDS}`], { encoding: "utf8" }).split(
        " ",
      )[index],
    );
  const best = (act: () => number, after: () => void) => {
    const times = Array.from({ length: C_ROUNDS }, () => {
      const time = act();
      after();
      return time;
    }).sort((a, b) => a - b);
    return times[C_ROUNDS >> 1] ?? Number.NaN;
  };
  const map = () => timed(pages, () => exports.mapMany(root, BASE, 0n, size, pages));
  const unmap = () => timed(pages, () => exports.unmapMany(root, BASE, size, pages));
  const translate = () => timed(pages, () => exports.translateMany(root, BASE, step, pages));
  const line = (name: string) => ({
    suite: "mm",
    name: `${name}, pages of ${size === 12 ? "4 KiB" : "2 MiB"}`,
    against: "C, gcc -O2",
    unit: "ns" as const,
    goal: 1.5,
  });
  const mapped = await paired(
    line("map"),
    ROUNDS,
    () => best(map, unmap),
    () => peer(0),
  );
  const unmapped = await paired(
    line("unmap"),
    ROUNDS,
    () =>
      best(
        () => (map(), unmap()),
        () => undefined,
      ),
    () => peer(1),
  );
  map();
  const translated = await paired(
    line("translate"),
    ROUNDS,
    () => best(translate, () => undefined),
    () => peer(2),
  );
  return [mapped, unmapped, translated];
}

interface Loops {
  loadVirtualMany(cpu: number, va: bigint, stride: bigint, span: bigint, count: number): bigint;
  loadPlainMany(at: number, stride: bigint, span: bigint, count: number): bigint;
}

/** A booted machine whose processor runs with the kernel's page tables. */
async function tlb(): Promise<Result> {
  const data = await buildBootImage({ entries: [] });
  const modules = { sim: await loadModule("sim-testing"), kernel: await loadModule("kernel") };
  const machine = await Machine.create({ drives: [{ data }], modules });
  machine.boot();
  const loops = machine.core.sim as unknown as Loops;
  const [stride, span, count] = [4096n + 64n, 2n ** 19n, 2_000_000];
  const at = 0x40_0000;
  return paired(
    {
      suite: "mm",
      name: "load that hits the TLB",
      against: "plain WebAssembly load",
      unit: "ns",
      goal: 2.5,
    },
    ROUNDS,
    () => timed(count, () => loops.loadVirtualMany(0, BASE + BigInt(at), stride, span, count)),
    () => timed(count, () => loops.loadPlainMany(0x0200_0000 + at, stride, span, count)),
  );
}

export async function benchMm(): Promise<Result[]> {
  const program = compilePeer();
  const tables =
    program === null
      ? []
      : [...(await pageTables(12, 8192, program)), ...(await pageTables(21, 8192, program))];
  if (program === null) process.stderr.write("bench: no gcc, so page tables have no peer\n");
  return [...tables, await tlb()];
}
