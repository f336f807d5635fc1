/** Who else runs the kernels: the host's processor, QEMU, Bochs and v86, each in a process of its own. */
import { execFile } from "node:child_process";
import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { BOCHS, bochsOptions } from "../../sim/host/testing/bare/bochs.ts";
import { hasTool } from "../host.ts";
import { compileStamp, type Target } from "./images.ts";
import type { Sample } from "./ours.ts";

const run = promisify(execFile);
const MEMORY_MIB = 64;
const MARKS = "/dev/fd/3";

export interface Peer {
  readonly name: string;
  readonly target: Target;
  readonly run: (image: string) => Promise<Sample>;
}

/** A program under stamp.c, from one mark to the other; a first mark of "" is its start. */
export async function runStamped(
  stamp: string,
  marks: readonly [begin: string, end: string],
  command: readonly string[],
): Promise<Sample> {
  const { stdout } = await run(stamp, [...marks, ...command]);
  const [cpu, , checksum = ""] = stdout.trim().split(" ");
  return { seconds: Number(cpu) / 1e9, checksum };
}

export const QEMU = "qemu-system-x86_64";

export const qemuOptions = (image: string, memoryMib = MEMORY_MIB) => [
  ...["-accel", "tcg", "-m", String(memoryMib), "-kernel", image, "-no-reboot"],
  ...["-chardev", `file,id=marks,path=${MARKS}`, "-serial", "chardev:marks"],
  ...["-display", "none", "-monitor", "none"],
];

/** v86's own process says what the marks were. */
async function runV86(image: string): Promise<Sample> {
  const child = fileURLToPath(new URL("v86-child.ts", import.meta.url));
  const { stdout } = await run(process.execPath, ["--import", "tsx", child, image]);
  return JSON.parse(stdout) as Sample;
}

/** Those that are installed. */
export function findPeers(directory: string): Peer[] {
  const stamp = compileStamp(directory);
  const stamped = (program: string, options: (image: string) => readonly string[]) => {
    return (image: string) => runStamped(stamp, ["<", ">"], [program, ...options(image)]);
  };
  const native = (image: string) => runStamped(stamp, ["<", ">"], [image]);
  const peers: Peer[] = [
    { name: "native, gcc -O2", target: "hosted", run: native },
    { name: "v86", target: "bare32", run: runV86 },
  ];
  const qemu = { name: "QEMU TCG", target: "bare64" } as const;
  if (hasTool(QEMU)) peers.push({ ...qemu, run: stamped(QEMU, qemuOptions) });
  const bochs = { name: "Bochs", target: "bare64" } as const;
  const start = { memoryMib: MEMORY_MIB, serial: MARKS };
  const onBochs = (image: string) => bochsOptions(image, { elf: readFileSync(image), ...start });
  if (hasTool(BOCHS, "--help")) peers.push({ ...bochs, run: stamped(BOCHS, onBochs) });
  return peers;
}
