/** The sections "global", "resources" and "groups" of a workload file. */
import { WEIGHT_DEFAULT } from "../../kernel/sched/defaults.ts";
import type { Value } from "./json.ts";
import type { Group, SchedulingClass } from "./model.ts";
import { WEIGHT_MAX } from "./nice.ts";
import { readPolicy } from "./scheduling.ts";
import { BYTES_MAX } from "./steps.ts";

/** Depth of groups that the kernel nests. */
export const GROUP_DEPTH_MAX = 4;
/** As many as rt-app's own build has. */
export const GROUPS_MAX = 32;

const DURATION_SECONDS_MAX = 86_400;
const BUFFER_BYTES_DEFAULT = 4 * 1024 * 1024;

const GLOBAL_KEYS = [
  "duration",
  "default_policy",
  "pi_enabled",
  "mem_buffer_size",
  "io_device",
  // About logs and about the machine underneath; here they change nothing.
  "calibration",
  "lock_pages",
  "logdir",
  "log_basename",
  "log_size",
  "ftrace",
  "gnuplot",
  "cumulative_slack",
  "frag",
] as const;

export interface Global {
  readonly duration: number | null;
  readonly policy: SchedulingClass;
  readonly inheritance: boolean;
  readonly bufferBytes: number;
}

function durationOf(value: Value | undefined): number | null {
  const seconds = value?.integer(-1, DURATION_SECONDS_MAX) ?? -1;
  if (seconds === 0) value?.refuse("nothing runs in no time; -1 is until all tasks have ended");
  return seconds < 0 ? null : seconds * 1_000_000_000;
}

export function readGlobal(value: Value | undefined): Global {
  const fields = value?.fields(GLOBAL_KEYS) ?? new Map<(typeof GLOBAL_KEYS)[number], Value>();
  const device = fields.get("io_device");
  if (device && device.string() !== "/dev/null")
    device.refuse("there are no files to write to; /dev/null is the one device");
  const policy = fields.get("default_policy");
  return {
    duration: durationOf(fields.get("duration")),
    policy: policy ? readPolicy(policy) : "fair",
    inheritance: fields.get("pi_enabled")?.boolean() ?? false,
    bufferBytes: fields.get("mem_buffer_size")?.integer(64, BYTES_MAX) ?? BUFFER_BYTES_DEFAULT,
  };
}

/** Resources exist because steps name them; the section is only checked for what it may say. */
export function checkResources(value: Value | undefined): void {
  for (const { value: resource } of value?.members() ?? [])
    resource.fields(["type"]).get("type")?.string();
}

/** A group's path as rt-app's "taskgroup" has it: "" is none. */
export function readGroupPath(value: Value): string {
  const path = value.string();
  if (path !== "" && !/^(\/[^/]+)+$/.test(path))
    value.refuse('a group is a path like "/db/readers"');
  const depth = path.split("/").length - 1;
  if (depth > GROUP_DEPTH_MAX) value.refuse(`groups nest at most ${GROUP_DEPTH_MAX} deep`);
  return path;
}

/** Our section "groups": { "/db": { "weight": 2048 } }; others weigh as much as nice 0. */
export function readGroupWeights(value: Value | undefined): ReadonlyMap<string, number> {
  const weights = new Map<string, number>();
  for (const { key, value: group } of value?.members() ?? []) {
    if (!/^(\/[^/]+)+$/.test(key)) group.refuse('a group is a path like "/db/readers"');
    if (weights.has(key)) group.refuse("the key is given twice");
    const weight = group.fields(["weight"]).get("weight");
    weights.set(key, weight?.integer(1, WEIGHT_MAX) ?? WEIGHT_DEFAULT);
  }
  return weights;
}

/** The groups that tasks are in, with those around them: parents first, then by path. */
export function groupsOf(
  paths: Iterable<string>,
  weights: ReadonlyMap<string, number>,
  section: Value | undefined,
): Group[] {
  const all = new Set<string>();
  for (const path of paths)
    for (let at = path.indexOf("/", 1); path !== ""; at = path.indexOf("/", at + 1)) {
      all.add(at < 0 ? path : path.slice(0, at));
      if (at < 0) break;
    }
  for (const [path] of weights)
    if (!all.has(path)) section?.refuse(`no task is in the group "${path}"`);
  if (all.size > GROUPS_MAX) section?.refuse(`more than ${GROUPS_MAX} groups`);
  return [...all].sort().map((path) => ({ path, weight: weights.get(path) ?? WEIGHT_DEFAULT }));
}
