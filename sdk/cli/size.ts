import { InvalidArgumentError } from "commander";

const UNITS = "KMGT";
const SIZE = /^(\d+)(?:\.(\d+))?([kmgt])?$/i;

/**
 * A size in bytes from text as QEMU's tools take it: a whole number of bytes, or a number,
 * possibly with a decimal fraction, and one of K, M, G, T in either case, which multiply by
 * powers of 1024. Serves as commander's parser of an option's argument.
 *
 * @returns bytes, a whole number up to 2^53 - 1
 * @throws InvalidArgumentError which says what is wrong with the text
 */
export function parseSize(text: string): number {
  const [matched, whole = "", fraction = "", suffix = ""] = SIZE.exec(text) ?? [];
  if (matched === undefined) throw new InvalidArgumentError(complaint(text));
  const unitBytes = suffix === "" ? 1 : 1024 ** (UNITS.indexOf(suffix.toUpperCase()) + 1);
  const bytes = Number(`${whole}.${fraction}`) * unitBytes;
  if (!Number.isInteger(bytes)) {
    throw new InvalidArgumentError(`${quote(text)} is not a whole number of bytes.`);
  }
  if (bytes > Number.MAX_SAFE_INTEGER) {
    throw new InvalidArgumentError(`${quote(text)} is more than 2^53 - 1 bytes.`);
  }
  return bytes;
}

/** As QEMU's `-m`: a number without a suffix counts MiB. Otherwise like `parseSize`. */
export function parseMemorySize(text: string): number {
  return parseSize(/^\d+(\.\d+)?$/.test(text) ? `${text}M` : text);
}

function complaint(text: string): string {
  if (text === "") return "A size is missing.";
  if (text.startsWith("-")) return `${quote(text)} is negative.`;
  const suffix = /^[\d.]*\d(\D+)$/.exec(text)?.[1];
  if (suffix !== undefined) return `${quote(suffix)} is no unit; K, M, G and T are.`;
  return `${quote(text)} is not a number with an optional K, M, G or T.`;
}

function quote(text: string): string {
  return JSON.stringify(text);
}
