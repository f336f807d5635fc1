/** Runs a guest that misbehaves, and holds the machine to what must be true whatever it does. */
import { STATE_BASE } from "../core.ts";
import { Machine } from "../machine.ts";
import type { Modules } from "../modules.ts";
import type { StopReason } from "../reasons.ts";
import { randomFrom } from "../testing/random.ts";
import { type HostileGuest, imageOf } from "./draw.ts";
import { Guard } from "./guard.ts";

/** Virtual time that a guest has, in ns: on each CPU about as many instructions. */
export const UNTIL = 200_000n;

export interface Outcome {
  readonly reason: StopReason;
  /** Instructions that have ended, of all CPUs. */
  readonly instructions: bigint;
  /** Interrupts and faults. */
  readonly interrupts: bigint;
}

/** How a machine may come back from a run that is bounded in time. */
export const ENDS: readonly StopReason[] = [
  "limit",
  "idle",
  "power-off",
  "reset",
  "triple-fault",
  "panic",
  "debug-exit",
];

const create = (guest: HostileGuest, modules: Modules) =>
  Machine.create({ ...guest.options, modules, guest: { kernel: imageOf(guest) } });

/**
 * Runs the guest to its end, and once more in pieces, of which one is another machine's that has
 * nothing cached: both must be in the same state afterwards.
 * @throws Error what isn't as it must be
 */
export async function runHostile(
  guest: HostileGuest,
  modules: Modules,
  until = UNTIL,
): Promise<Outcome> {
  const machine = await create(guest, modules);
  const guard = new Guard(machine);
  const reason = machine.run({ until });
  if (!ENDS.includes(reason)) throw new Error(`the run ended with "${reason}"`);
  guard.check();
  const again = await create(guest, modules);
  compare(machine, reason, ...inPieces(again, guest.seed, until));
  const { cpus } = machine.sim;
  const sum = (of: (cpu: (typeof cpus)[number]) => bigint) =>
    cpus.reduce((total, cpu) => total + of(cpu), 0n);
  return {
    reason,
    instructions: sum(({ retired }) => retired),
    interrupts: sum(({ interruptCount }) => interruptCount),
  };
}

function inPieces(machine: Machine, seed: number, until: bigint): [Machine, StopReason] {
  const random = randomFrom(seed + 1);
  let current = machine;
  let forked = false;
  for (;;) {
    const reason = current.run({ until, steps: 1 + random(6) });
    if (reason !== "steps") return [current, reason];
    if (forked || random(3) !== 0) continue;
    current = current.fork();
    forked = true;
  }
}

function compare(one: Machine, reason: StopReason, other: Machine, otherReason: StopReason): void {
  if (reason !== otherReason)
    throw new Error(`ended with "${reason}", in pieces with "${otherReason}"`);
  const state = ({ core, state: { arenaTop } }: Machine) =>
    core.bytes.subarray(STATE_BASE, arenaTop);
  // A fork's RAM is there when it is asked for.
  const ram = ({ physical }: Machine) => physical.bytes(0, physical.size);
  for (const [what, of] of [
    ["state", state],
    ["RAM", ram],
  ] as const) {
    const [a, b] = [of(one), of(other)];
    if (Buffer.compare(a, b) === 0) continue;
    const at = a.findIndex((byte, n) => byte !== b[n]);
    throw new Error(`${what} is another in pieces, first at byte 0x${at.toString(16)}`);
  }
}
