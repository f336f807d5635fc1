/** The kernels, compiled: images that boot bare metal, and the same source as a program of the host. */
import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

const source = (name: string) => fileURLToPath(new URL(name, import.meta.url));
/** Loops stay loops: without builtins, none becomes a call of a library that bare metal hasn't. */
const SHARED = [
  ...["-O2", "-fno-builtin", "-fno-tree-loop-distribute-patterns", "-fcf-protection=none"],
];
const BARE = [
  ...["-ffreestanding", "-nostdlib", "-static", "-no-pie", "-fno-pic", "-s"],
  ...["-fno-stack-protector", "-fno-asynchronous-unwind-tables", "-Wl,--build-id=none"],
  ...["-Wl,-z,noseparate-code", "-Wl,-Ttext-segment=0x100000", "-Wl,-e,start"],
];

export interface Kernel {
  readonly name: string;
  /** So many that they are 10 to 40 million instructions. */
  readonly rounds: number;
}

/** In the order of their numbers in kernels.c. */
export const KERNELS: readonly Kernel[] = [
  { name: "CRC32 by table", rounds: 6 },
  { name: "sieve", rounds: 2 },
  { name: "quicksort", rounds: 2 },
  { name: "double matrix", rounds: 5 },
  { name: "memory copy", rounds: 2 },
  { name: "pointer chase", rounds: 4 },
  { name: "bytecode, recursive", rounds: 25 },
];

/** bare64 has a PVH entry, bare32 one of Multiboot. */
export type Target = "bare64" | "bare32" | "hosted";

const TARGETS: Readonly<Record<Target, readonly string[]>> = {
  bare64: [...BARE, "-mno-red-zone", source("start.S")],
  bare32: [...BARE, "-m32", "-msse2", "-mfpmath=sse", source("start.S")],
  hosted: ["-DHOSTED"],
};

export interface Work {
  readonly kernel: number;
  readonly rounds: number;
  /** How often the rounds are done over again between the marks. */
  readonly repeat: number;
  /** Less of everything, for tests. */
  readonly small?: boolean;
}

/** Compiles into the directory. @returns the file's path */
export function compile(target: Target, work: Work, directory: string): string {
  const path = join(directory, `${work.kernel}-${work.repeat}.${target}`);
  const defines = [
    `-DKERNEL=${work.kernel}`,
    `-DROUNDS=${work.rounds}`,
    `-DREPEAT=${work.repeat}`,
    ...(work.small ? ["-DSMALL"] : []),
  ];
  execFileSync("gcc", [
    ...[...SHARED, ...defines, ...TARGETS[target], source("kernels.c")],
    ...["-o", path],
  ]);
  return path;
}

/** The timer of programs, stamp.c. @returns the program's path */
export function compileStamp(directory: string): string {
  const path = join(directory, "stamp");
  execFileSync("gcc", ["-O2", source("stamp.c"), "-o", path]);
  return path;
}
