/** Scheduling of a workload's agents as the kernel takes it. */

import { SCHEDULE_BYTES } from "../../kernel/syscall/layouts.ts";
import { type Schedule, writeSchedule } from "../agent/births.ts";
import { Structure } from "../agent/calls.ts";
import type { Scheduling, Workload } from "./model.ts";

/** The heaviest weight that the kernel takes. */
export const KERNEL_WEIGHT_MAX = 65_536;

/**
 * By how much all weights of a workload are divided, so that the heaviest is one that the kernel
 * takes and their ratios stay: 2 where nice -20 or -19 occurs, else 1.
 */
export function weightDivisor({ tasks, groups }: Workload): number {
  const weights = tasks.flatMap((task) => [
    task.scheduling.weight,
    ...task.phases.map((phase) => phase.scheduling?.weight ?? 0),
  ]);
  const most = Math.max(...weights, ...groups.map(({ weight }) => weight));
  return most > KERNEL_WEIGHT_MAX ? 2 : 1;
}

/** Bits of processors; 0 is all. */
function affinityOf(cpus: readonly number[] | null): bigint {
  return (cpus ?? []).reduce((mask, cpu) => mask | (1n << BigInt(cpu)), 0n);
}

export function scheduleOf(
  { class: kind, weight, budget, foreground }: Scheduling,
  cpus: readonly number[] | null,
  divisor: number,
): Schedule {
  return {
    class: kind,
    weight: kind === "fair" ? Math.max(1, Math.round(weight / divisor)) : 0,
    budget: budget?.runtime ?? 0,
    period: budget?.period ?? 0,
    deadline: budget?.deadline ?? 0,
    affinity: affinityOf(cpus),
    foreground,
  };
}

/** The structure that AgentSchedule reads. */
export function encodeSchedule(schedule: Schedule): Uint8Array {
  const structure = new Structure(SCHEDULE_BYTES);
  writeSchedule(structure, 0, schedule);
  return structure.bytes;
}
