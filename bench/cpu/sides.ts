/** Who runs the kernels: this machine, QEMU, the host's own processor. */
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { Machine } from "../../sim/host/machine.ts";

const MEMORY = 64 * 2 ** 20;
const DEBUG_EXIT = 0xf4;
/** Virtual time that no kernel comes near. */
const UNTIL = 60_000_000_000n;

export interface Sample {
  /** Of the measured rounds. */
  readonly seconds: number;
  readonly checksum: string;
}

/** Host time between the marks, to a turn of the CPU; instructions as the CPU counts them. */
export async function runOurs(image: string): Promise<Sample & { instructions: number }> {
  const kernel = new Uint8Array(readFileSync(image));
  const machine = await Machine.create({
    memory: MEMORY,
    debugExit: DEBUG_EXIT,
    guest: { kernel },
  });
  const reach = (mark: string) => {
    const condition = () => machine.consoleText.includes(mark);
    const reason = machine.run({ until: UNTIL, condition });
    if (!condition()) throw new Error(`cpu: the guest ended with ${reason}`);
    return { at: performance.now(), retired: machine.sim.cpus[0]?.retired ?? 0n };
  };
  const start = reach("<");
  const end = reach(">");
  machine.run({ until: UNTIL });
  return {
    seconds: (end.at - start.at) / 1000,
    checksum: machine.consoleText.split(">")[1]?.trim() ?? "",
    instructions: Number(end.retired - start.retired),
  };
}

/** Runs a program that writes marks and checksum to its output; times the marks as they come. */
function runProgram(program: string, args: readonly string[]): Promise<Sample> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "inherit"] });
    let text = "";
    let start = 0;
    let end = 0;
    child.stdout.setEncoding("latin1").on("data", (part: string) => {
      text += part;
      if (start === 0 && text.includes("<")) start = performance.now();
      if (end === 0 && text.includes(">")) end = performance.now();
    });
    child.on("error", reject);
    child.on("close", () =>
      resolve({ seconds: (end - start) / 1000, checksum: text.split(">")[1]?.trim() ?? "" }),
    );
  });
}

/** The program prints its checksum, then the ns that it measured itself. */
export async function runNative(image: string): Promise<Sample> {
  const { checksum } = await runProgram(image, []);
  const [sum = "", ns] = checksum.split("\n");
  return { seconds: Number(ns) / 1e9, checksum: sum };
}

export const QEMU = "qemu-system-x86_64";

export const runQemu = (image: string): Promise<Sample> =>
  runProgram(QEMU, [
    ...["-accel", "tcg", "-m", "64", "-kernel", image, "-serial", "stdio", "-display", "none"],
    ...[
      "-monitor",
      "none",
      "-no-reboot",
      "-device",
      `isa-debug-exit,iobase=${DEBUG_EXIT},iosize=4`,
    ],
  ]);
