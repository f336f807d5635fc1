/** A test's hands on a machine with agents: what init and its children run, and what they have run. */
import { agent, type Step, type Sys } from "../../../sdk/agent/index.ts";
import { agentImage } from "../../../sdk/image/agent-image.ts";
import { buildBootImage } from "../../../sdk/image/index.ts";
import { Machine } from "../../../sim/host/machine.ts";
import { INSTRUCTION_BYTES, OP_JUMP, OP_RUN } from "../../../sim/spec/synthetic.ts";
import * as Views from "../views.generated.ts";

/** One synthetic instruction. */
function instruction(opcode: number, x: bigint): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(INSTRUCTION_BYTES));
  bytes.setUint16(0, opcode, true);
  bytes.setBigInt64(8, x, true);
  return new Uint8Array(bytes.buffer);
}

/** The image of an agent that runs for ever. */
export const SPINNER: Uint8Array = agentImage({
  runtime: "synthetic",
  text: Buffer.concat([instruction(OP_RUN, 1_000_000n), instruction(OP_JUMP, -1n)]),
});

export interface AgentMachineOptions {
  readonly cpus?: number;
  readonly images?: Readonly<Record<string, Uint8Array>>;
}

/** A machine, off, with an image for each program; "init" is the first agent's. */
export async function agentMachine(
  programs: Readonly<Record<string, (sys: Sys) => Step<unknown>>>,
  { cpus = 1, images = {} }: AgentMachineOptions = {},
): Promise<Machine> {
  const entries = [
    ...Object.keys(programs).map((name) => ({
      name,
      data: agentImage({ runtime: "host", program: name }),
    })),
    ...Object.entries(images).map(([name, data]) => ({ name, data })),
  ];
  const drives = [{ data: await buildBootImage({ entries }) }];
  const machine = await Machine.create({ cpus, memory: 64 << 20, drives });
  for (const [name, run] of Object.entries(programs)) machine.agents.program(name, agent(run));
  return machine;
}

/** The control block of agent `id`: kind 1 in the kernel's tables (kernel/object/slab.ts). */
export function agentView(machine: Machine, id: number): Views.Agent {
  const { data } = machine.core;
  const slab = new Views.Slab(data, machine.kernel.root.slabs + Views.Slab.size);
  const index = id % 2 ** 22;
  const chunk = Math.floor(index / 2 ** slab.chunkShift);
  const page = data.getUint32(slab.directory + Math.floor(chunk / 1024) * 4, true);
  const base = data.getUint32(page + (chunk % 1024) * 4, true);
  const view = new Views.Agent(data, base + (index % 2 ** slab.chunkShift) * slab.bytes);
  if (Number(view.id) !== id) throw new RangeError(`there is no agent ${id}`);
  return view;
}
