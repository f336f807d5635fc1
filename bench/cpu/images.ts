/** The kernels, compiled: an image that boots bare metal, and the same source as a program of the host. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const SOURCE = fileURLToPath(new URL("kernels.c", import.meta.url));
const START = fileURLToPath(new URL("start.S", import.meta.url));
/** Loops stay loops: without builtins, none becomes a call of a library that bare metal hasn't. */
const SHARED = [
  "-O2",
  "-fno-builtin",
  "-fno-tree-loop-distribute-patterns",
  "-fcf-protection=none",
];
const BARE = [
  ...["-ffreestanding", "-nostdlib", "-static", "-no-pie", "-fno-pic", "-mno-red-zone"],
  ...["-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none"],
  ...["-Wl,-z,noseparate-code", "-Wl,-Ttext-segment=0x100000", "-Wl,-e,start"],
];

export interface Kernel {
  readonly name: string;
  /** So many that a sample takes this machine about a second. */
  readonly rounds: number;
}

/** In the order of their numbers in kernels.c. */
export const KERNELS: readonly Kernel[] = [
  { name: "CRC32 by table", rounds: 48 },
  { name: "sieve", rounds: 16 },
  { name: "quicksort", rounds: 20 },
  { name: "double matrix", rounds: 28 },
  { name: "memory copy", rounds: 60 },
  { name: "pointer chase", rounds: 12 },
  { name: "bytecode, recursive", rounds: 240 },
];

export interface Images {
  readonly bare: string;
  readonly hosted: string;
}

/** Compiles kernel `number` into the directory. */
export function compile(number: number, directory: string): Images {
  const defines = [`-DKERNEL=${number}`, `-DROUNDS=${KERNELS[number]?.rounds}`];
  const bare = join(directory, `${number}.elf`);
  const hosted = join(directory, `${number}.host`);
  execFileSync("gcc", [...SHARED, ...BARE, ...defines, START, SOURCE, "-o", bare]);
  execFileSync("gcc", [...SHARED, "-DHOSTED", ...defines, SOURCE, "-o", hosted]);
  return { bare, hosted };
}
