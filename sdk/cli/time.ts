import { InvalidArgumentError } from "commander";

/** Nanoseconds of each unit of virtual time. */
const UNITS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
};

/**
 * Parses a span of virtual time like "2s", "1.5ms" or "300us"; a plain number counts seconds.
 * @returns nanoseconds
 * @throws InvalidArgumentError that says what was wrong
 */
export function parseTime(text: string): bigint {
  const match = /^(\d+)(?:\.(\d{1,9}))?(ns|us|ms|s|m)?$/.exec(text);
  if (!match) throw new InvalidArgumentError(`"${text}" is not a time like 2s, 1.5ms or 300us`);
  const [, whole = "0", fraction = "", unit = "s"] = match;
  const scale = UNITS[unit] ?? 1n;
  const part = fraction === "" ? 0n : (BigInt(fraction) * scale) / 10n ** BigInt(fraction.length);
  return BigInt(whole) * scale + part;
}
