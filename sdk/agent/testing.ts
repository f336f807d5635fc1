/** Machines whose agents are a test's own programs. */

import { Machine } from "../../sim/host/machine.ts";
import type { ProgramForms, ProgramFunction } from "../../sim/host/programs.ts";
import { agentImage } from "../image/agent-image.ts";
import { buildBootImage } from "../image/index.ts";
import type { Step } from "./calls.ts";
import { agent, type Sys } from "./sys.ts";

export type Run = (sys: Sys) => Step<unknown>;

export interface TestOptions {
  readonly cpus?: number;
  /** Virtual time after which the test gives up; ns. */
  readonly until?: bigint;
  /** Programs of other kinds than `Run`; each has an image of its name. */
  readonly programs?: Readonly<Record<string, ProgramFunction | [ProgramFunction, ProgramForms]>>;
  /** MAC address of a network controller; default none. */
  readonly nic?: readonly number[];
  /** Further entries of the bundle. */
  readonly images?: Readonly<Record<string, Uint8Array>>;
}

const UNTIL = 60_000_000_000n;

/** A machine that has booted a bundle with one image a program; "init" is the first agent. */
export async function machineWith(
  programs: Readonly<Record<string, Run>>,
  options: TestOptions = {},
): Promise<Machine> {
  const others = options.programs ?? {};
  const images = [...Object.keys(programs), ...Object.keys(others)].map((name) => ({
    name,
    data: agentImage({ runtime: "host", program: name }),
  }));
  const more = Object.entries(options.images ?? {}).map(([name, data]) => ({ name, data }));
  const drive = await buildBootImage({ entries: [...images, ...more] });
  const machine = await Machine.create({
    cpus: options.cpus ?? 1,
    memory: 64 << 20,
    drives: [{ data: drive }],
    ...(options.nic ? { nic: options.nic } : {}),
  });
  for (const [name, run] of Object.entries(programs)) machine.agents.program(name, agent(run));
  for (const [name, program] of Object.entries(others)) {
    const [start, forms] = Array.isArray(program) ? program : [program];
    machine.agents.program(name, start, forms);
  }
  return machine;
}

/** Runs the programs until the machine idles; throws what any of them has thrown. */
export async function runAgents(
  programs: Readonly<Record<string, Run>>,
  options: TestOptions = {},
): Promise<Machine> {
  const machine = await machineWith(programs, options);
  const reason = machine.boot({ until: options.until ?? UNTIL });
  const [failure] = machine.agents.failures;
  if (failure) throw failure.error.cause ?? failure.error;
  if (reason !== "idle")
    throw new Error(`the machine ended with ${reason}: ${machine.consoleText}`);
  return machine;
}
