/** Numbers as people read and write them at a terminal. */
import { InvalidArgumentError } from "commander";
import type { Mount as HostFolder } from "../../../services/files/tree.ts";
import type { Result } from "../../../services/messages/api.ts";
import type { Mount } from "../../../services/messages/mounts.ts";

const SPANS: readonly [unit: string, seconds: number, upTo: number][] = [
  ["s", 1, 120],
  ["m", 60, 120 * 60],
  ["h", 3600, 48 * 3600],
  ["d", 86_400, Number.POSITIVE_INFINITY],
];

/** "90s", "5m", "30h", "12d": seconds, in the unit that needs few digits. */
export function span(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const [unit, each] = SPANS.find(([, , upTo]) => whole < upTo) ?? ["s", 1];
  return `${Math.floor(whole / each)}${unit}`;
}

const BYTES = ["B", "KiB", "MiB", "GiB", "TiB"];

/** "0B", "12.3MiB": three digits and a unit. */
export function bytes(count: number): string {
  let [value, unit] = [count, 0];
  for (; value >= 1000 && unit < BYTES.length - 1; unit++) value /= 1024;
  const digits = unit === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return `${value.toFixed(digits)}${BYTES[unit]}`;
}

/** What is promised to agents is theirs, used or not. */
export const memoryText = ({ memory }: Pick<Result<"system.status">, "memory">): string =>
  `memory ${bytes(memory.used)} promised of ${bytes(memory.total)}, ${bytes(memory.free)} not in use`;

/** "12.3%" of a share of 1. */
export const percent = (share: number): string => `${(share * 100).toFixed(1)}%`;

/** "20%" or "0.2": a share of one CPU, more than 0, at most 1. */
export function parseShare(text: string): number {
  const [, number = "", sign = ""] = /^(\d+(?:\.\d+)?|\.\d+)(%?)$/.exec(text) ?? [];
  const share = Number(number) / (sign ? 100 : 1);
  if (number === "" || share <= 0 || share > 1)
    throw new InvalidArgumentError(`"${text}" is no share of a CPU like 20% or 0.2, at most 100%.`);
  return share;
}

/** A whole number within bounds; serves as commander's parser of an option's argument. */
export const parseWhole =
  (low: number, high: number) =>
  (text: string): number => {
    const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= low && value <= high))
      throw new InvalidArgumentError(`"${text}" is not a whole number from ${low} to ${high}.`);
    return value;
  };

/** Options that can be given several times. */
export const collect = (text: string, before: readonly string[] = []): string[] => [
  ...before,
  text,
];

/**
 * "/projects/demo/in:/data:ro", as docker's -v: a folder, its name for the agent, and whether that may only read.
 * What the folders may be called the system says.
 */
export function parseMount(text: string, before: readonly Mount[] = []): Mount[] {
  const [, source = "", target = "", mode] = /^(\/[^:]*):(\/[^:]*?)(?::(ro|rw))?$/.exec(text) ?? [];
  if (source === "")
    throw new InvalidArgumentError(`"${text}" is no mount like /projects/demo/in:/data:ro.`);
  return [...before, { source, target, readOnly: mode === "ro" }];
}

/** "./data:/projects/demo:ro": a folder of the host, its place in the system's files, and whether it may only be read. */
export function parseHostFolder(text: string, before: readonly HostFolder[] = []): HostFolder[] {
  const [, host = "", at = "", mode] = /^(.+?):(\/[^:]*)(?::(ro|rw))?$/.exec(text) ?? [];
  if (host === "")
    throw new InvalidArgumentError(`"${text}" is no mount like ./data:/projects/demo:ro.`);
  return [...before, { host, at, readOnly: mode === "ro" }];
}

const SPAN = /^(\d+(?:\.\d+)?)([smhd])$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

/** "90s", "1h", "30d": seconds, as commander's parser of an option's argument. */
export function parseSpan(text: string): number {
  const [, number = "", unit = ""] = SPAN.exec(text) ?? [];
  if (number === "")
    throw new InvalidArgumentError(`"${text}" is no time like 90s, 10m, 1h or 30d.`);
  return Number(number) * (SECONDS[unit] ?? 1);
}

/** A time: "10m" ago, or as RFC 3339 has it; seconds since 1970. */
export function parseMoment(text: string): number {
  if (SPAN.test(text)) return Date.now() / 1000 - parseSpan(text);
  const at = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(at))
    throw new InvalidArgumentError(`"${text}" is no time like 10m (ago) or 2026-01-31T12:00:00Z.`);
  return at / 1000;
}
