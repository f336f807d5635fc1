/** This machine, running an image of the kernels. */
import { readFileSync } from "node:fs";
import { Machine } from "../../sim/host/machine.ts";

const MEMORY = 64 * 2 ** 20;
/** Virtual time that no kernel comes near. */
const UNTIL = 600_000_000_000n;

export interface Sample {
  /** CPU time between the marks, of all threads of the side's process. */
  readonly seconds: number;
  readonly checksum: string;
}

/** CPU time of this process with all its threads, in seconds. */
export function cpuTime(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
}

/** Time between the marks, to a turn of the CPU; instructions as the CPU counts them. */
export async function runOurs(image: string): Promise<Sample & { instructions: number }> {
  const kernel = new Uint8Array(readFileSync(image));
  const machine = await Machine.create({ memory: MEMORY, guest: { kernel } });
  const reach = (mark: string) => {
    const condition = () => machine.consoleText.includes(mark);
    const reason = machine.run({ until: UNTIL, condition });
    if (!condition()) throw new Error(`cpu: the guest ended with ${reason}`);
    return { at: cpuTime(), retired: machine.sim.cpus[0]?.retired ?? 0n };
  };
  const start = reach("<");
  const end = reach(">");
  reach("\n");
  return {
    seconds: end.at - start.at,
    checksum: machine.consoleText.split(">")[1]?.trim() ?? "",
    instructions: Number(end.retired - start.retired),
  };
}
