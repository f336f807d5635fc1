/** `aios boot --agent`: a bundle whose first agent is an ELF file, and what its end means to a shell. */
import { basename } from "node:path";
import type { DriveOptions } from "../../sim/host/drives.ts";
import { MachineError } from "../../sim/host/errors.ts";
import type { Machine } from "../../sim/host/machine.ts";
import { type AgentArguments, argumentEntries } from "../image/arguments.ts";
import { checkElf } from "../image/elf.ts";
import { buildBootImage, ImageError } from "../image/index.ts";
import { EXIT_LIMIT } from "./exit.ts";
import { INPUT_BYTES_MAX, readInputFile } from "./image-file.ts";

/** Added to the vector of the fault that has ended the agent, as shells do with signals. */
const EXIT_FAULT = 128;
const VECTORS: Readonly<Record<number, string>> = {
  0: "#DE divide error",
  1: "#DB debug",
  3: "#BP breakpoint",
  6: "#UD invalid opcode",
  13: "#GP general protection",
  14: "#PF page fault",
  16: "#MF x87 floating-point error",
  17: "#AC alignment check",
  19: "#XM SIMD floating-point exception",
};

/** @throws MachineError bad-argument: the file can't be an agent, or have these arguments */
export async function agentDrive(file: string, given: AgentArguments): Promise<DriveOptions> {
  const data = readInputFile(file, INPUT_BYTES_MAX);
  try {
    checkElf(data, basename(file));
    const entries = [{ name: "init", data }, ...argumentEntries("init", given)];
    return { data: await buildBootImage({ entries }) };
  } catch (error) {
    if (error instanceof ImageError) throw new MachineError("bad-argument", error.message);
    throw error;
  }
}

/** The status with which the command ends once the machine is off, and a line about an end that is none. */
export function agentStatus(machine: Machine): { readonly status: number; readonly said: string } {
  const [init] = machine.kernel.agents;
  const end = init?.end ?? null;
  if (end === null) return { status: EXIT_LIMIT, said: "the agent waits for what never comes" };
  if (end.reason !== "fault") return { status: Number(end.code & 0xffn), said: "" };
  const vector = Number(end.code & 0xffn);
  const address = init?.block.faultAddress ?? 0n;
  const name = VECTORS[vector] ?? `exception ${vector}`;
  const code = Number(end.code >> 8n);
  const said = `the agent's fault: ${name}, error code ${code}, at 0x${address.toString(16)}`;
  return { status: EXIT_FAULT + vector, said };
}
