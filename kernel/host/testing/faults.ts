/** Seeded scenarios of device faults, and what each must come to. */
import { FAULTS, type FaultName } from "../../../sim/host/inputs.ts";
import { Machine } from "../../../sim/host/machine.ts";
import { type Outcome, pressButton, runBoot } from "./boot.ts";

/** PCI functions of the storage controllers, by the interface of their drives. */
export const CONTROLLERS = { nvme: 0x0100, ahci: 0x00fa } as const;
export type Interface = keyof typeof CONTROLLERS;

export interface ArmedFault {
  readonly fault: FaultName;
  readonly controller: Interface;
  readonly skip: number;
  readonly argument: bigint;
  /** At power-on, or when the boot is done and the power button is about to be pressed. */
  readonly when: "boot" | "shutdown";
}

export interface Scenario {
  readonly seed: number;
  readonly cpus: number;
  readonly interfaces: readonly Interface[];
  readonly faults: readonly ArmedFault[];
}

/** Numbers below 2^32 from a seed (mulberry32). */
export function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below;
  };
}

function pick<T>(random: (below: number) => number, from: readonly [T, ...T[]]): T {
  return from[random(from.length)] ?? from[0];
}

const KINDS = Object.keys(FAULTS) as [FaultName, ...FaultName[]];
const DRIVES: [Interface[], ...Interface[][]] = [["nvme"], ["ahci"], ["nvme", "ahci"]];

/** Number `seed` of all scenarios. */
export function scenario(seed: number): Scenario {
  const random = generator(seed);
  const interfaces = pick(random, DRIVES);
  const fault = (): ArmedFault => ({
    fault: pick(random, KINDS),
    controller: pick(random, interfaces as [Interface, ...Interface[]]),
    skip: random(pick(random, [2, 8, 32, 128])),
    argument: argument(random),
    when: random(5) === 0 ? "shutdown" : "boot",
  });
  return {
    seed,
    cpus: pick(random, [1, 1, 2, 3, 4, 8]),
    interfaces,
    faults: Array.from({ length: 1 + random(pick(random, [1, 2, 6])) }, fault),
  };
}

/**
 * A status for "error", an address for "dma-stray": in the kernel, in the firmware's memory, or
 * nowhere. The device's own mappings are above the frame table and not among them.
 */
function argument(random: (below: number) => number): bigint {
  const anywhere = (BigInt(random(2 ** 31)) << 32n) | BigInt(random(2 ** 31));
  return pick(random, [
    0n,
    BigInt(1 + random(0x7fff)),
    0x18_0000n,
    BigInt(random(0x20_0000)),
    anywhere,
  ]);
}

/** Errors that a fault of a storage controller may bring a boot to. */
const NAMED = new Set(["no-drive", "controller", "read", "timeout", "vanished", "dma-fault"]);

/**
 * Runs a scenario to its end. Each must end in a boot with a whole bundle that the power button
 * ends, or in a named error.
 * @returns what was wrong, or null, and how it came out
 */
export async function runScenario(
  scenario: Scenario,
  image: Uint8Array,
): Promise<{ defect: string | null; outcome: Outcome; end: string }> {
  const machine = await Machine.create({
    memory: 64 << 20,
    cpus: scenario.cpus,
    drives: scenario.interfaces.map((kind) => ({ data: image, interface: kind })),
  });
  arm(machine, scenario, "boot");
  const outcome = runBoot(machine);
  if (outcome.result !== "booted") {
    const defect = NAMED.has(outcome.result) ? null : outcome.result;
    return { defect, outcome, end: outcome.result };
  }
  arm(machine, scenario, "shutdown");
  const end = pressButton(machine);
  return { defect: end === "power-off" ? null : `the power button led to ${end}`, outcome, end };
}

function arm(machine: Machine, { faults }: Scenario, when: ArmedFault["when"]): void {
  for (const { fault, controller, skip, argument, when: at } of faults)
    if (at === when)
      machine.core.sim.armFault(FAULTS[fault], CONTROLLERS[controller], skip, argument);
}

/** Environment variable with the number of the one scenario to run again. */
const SEED_VARIABLE = "AIOS_FAULT_SEED";

/**
 * Runs `count` scenarios from number `first` on; how often each result came.
 * @param command runs the caller again
 * @throws Error that names the first scenario with a defect and how to replay it
 */
export async function sweep(
  first: number,
  count: number,
  image: Uint8Array,
  command: string,
): Promise<Map<string, number>> {
  const wanted = process.env[SEED_VARIABLE];
  const seeds = wanted ? [Number(wanted)] : Array.from({ length: count }, (_, n) => first + n);
  const results = new Map<string, number>();
  for (const seed of seeds) {
    const drawn = scenario(seed);
    const replay = `replay: ${SEED_VARIABLE}=${seed} ${command}\n${describe(drawn)}`;
    const { defect, outcome } = await runScenario(drawn, image).catch((cause) => {
      throw new Error(`scenario ${seed} threw ${cause}\n${replay}`, { cause });
    });
    if (defect) throw new Error(`scenario ${seed}: ${defect}\n${replay}\n${outcome.console}`);
    results.set(outcome.result, (results.get(outcome.result) ?? 0) + 1);
  }
  return results;
}

function describe(scenario: Scenario): string {
  const hex = (_key: string, value: unknown) =>
    typeof value === "bigint" ? `0x${value.toString(16)}` : value;
  return JSON.stringify(scenario, hex);
}
