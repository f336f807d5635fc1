/** Scheduling of a workload's agents as the kernel takes it (kernel/syscall/layouts.ts). */
import {
  AGENT_FOREGROUND,
  CLASS_FAIR,
  CLASS_IDLE,
  CLASS_REALTIME,
} from "../../kernel/agent/states.ts";
import * as Layout from "../../kernel/syscall/layouts.ts";
import type { Scheduling, Workload } from "./model.ts";

/** The heaviest weight that the kernel takes. */
export const KERNEL_WEIGHT_MAX = 65_536;

const CLASSES = { fair: CLASS_FAIR, realtime: CLASS_REALTIME, idle: CLASS_IDLE } as const;

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

export function kernelWeight(weight: number, divisor: number): number {
  return weight === 0 ? 0 : Math.max(1, Math.round(weight / divisor));
}

/** Bits of processors; 0 is all. */
export function affinity(cpus: readonly number[] | null): bigint {
  return (cpus ?? []).reduce((mask, cpu) => mask | (1n << BigInt(cpu)), 0n);
}

/** The structure that AgentSpawn and AgentSchedule read, SCHEDULE_BYTES long. */
export function encodeSchedule(
  { class: kind, weight, budget, foreground }: Scheduling,
  cpus: readonly number[] | null,
  divisor: number,
  flags = 0,
): Uint8Array {
  const bytes = new Uint8Array(Layout.SCHEDULE_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint32(Layout.SCHEDULE_CLASS, CLASSES[kind], true);
  view.setUint32(Layout.SCHEDULE_WEIGHT, kernelWeight(weight, divisor), true);
  view.setBigUint64(Layout.SCHEDULE_BUDGET, BigInt(budget?.runtime ?? 0), true);
  view.setBigUint64(Layout.SCHEDULE_PERIOD, BigInt(budget?.period ?? 0), true);
  view.setBigUint64(Layout.SCHEDULE_DEADLINE, BigInt(budget?.deadline ?? 0), true);
  view.setBigUint64(Layout.SCHEDULE_AFFINITY, affinity(cpus), true);
  view.setUint32(Layout.SCHEDULE_FLAGS, flags | (foreground ? AGENT_FOREGROUND : 0), true);
  return bytes;
}
