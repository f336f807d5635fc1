/**
 * The journal's file: lines of JSON.
 *
 *   {"format":"aios-journal","version":1,"machine":{…},"drives":[…]}
 *   [steps,time,"kind",{…}]          an input a line; 64-bit numbers and bytes are strings
 *   {"sha256":"…"}                   over all bytes before this line
 */
import { CALL_ARGUMENTS_MAX } from "./agent-port.ts";
import { fromHex, sha256, toHex } from "./digest.ts";
import { MachineError } from "./errors.ts";
import type { Input } from "./inputs.ts";
import type { DriveShape, Journal, JournalEntry } from "./journal.ts";
import { type Configuration, checkOptions, type GuestShape, macText } from "./options.ts";
import type { Integer } from "./programs.ts";

const FORMAT = "aios-journal";
const VERSION = 1;
const CHECKSUM_LINE = /\{"sha256":"([0-9a-f]{64})"\}\n$/;

/** "integer": a number, or a string of digits beyond 2^53; "integers": a list of them. */
type FieldType = "number" | "bigint" | "bytes" | "integer" | "integers";
/** Fields of each kind of input, in the order in which they stand. */
const FIELDS: { readonly [K in Input["kind"]]: Readonly<Record<string, FieldType>> } = {
  serial: { byte: "number" },
  frame: { bytes: "bytes" },
  "power-button": {},
  fault: { fault: "number", source: "number", skip: "number", argument: "bigint" },
  "bus-read": { address: "bigint", width: "number" },
  "bus-write": { address: "bigint", width: "number", value: "bigint" },
  "port-read": { port: "number", width: "number" },
  "port-write": { port: "number", width: "number", value: "number" },
  agent: { cpu: "number", cycles: "number", call: "integer", args: "integers" },
  "agent-store": { cpu: "number", address: "integer", bytes: "bytes" },
  "agent-load": { cpu: "number", address: "integer", length: "number" },
  "agent-chain": {
    cpu: "number",
    cycles: "number",
    chain: "number",
    to: "number",
    bytes: "bytes",
    from: "number",
    length: "number",
  },
  "agent-fault": { cpu: "number" },
  memory: { at: "number", bytes: "bytes" },
  debug: { cpu: "number", clock: "bigint", at: "number", bytes: "bytes" },
};

export async function writeJournal(journal: Journal): Promise<Uint8Array> {
  const { seed, nic, ...rest } = journal.configuration;
  const machine = { ...rest, seed: toHex(seed), ...(nic === 0n ? {} : { nic: macText(nic) }) };
  const lines = [
    JSON.stringify({ format: FORMAT, version: VERSION, machine, drives: journal.drives }),
    ...journal.entries.map(entryLine),
    "",
  ];
  const body = new TextEncoder().encode(lines.join("\n"));
  const end = new TextEncoder().encode(`{"sha256":"${toHex(await sha256(body))}"}\n`);
  const bytes = new Uint8Array(body.length + end.length);
  bytes.set(body);
  bytes.set(end, body.length);
  return bytes;
}

function entryLine({ steps, time, input }: JournalEntry): string {
  const fields: Record<string, unknown> = {};
  for (const name of Object.keys(FIELDS[input.kind]))
    fields[name] = plain(input[name as keyof Input] as unknown);
  return JSON.stringify([`${steps}`, `${time}`, input.kind, fields]);
}

function plain(value: unknown): unknown {
  if (value instanceof Uint8Array) return toHex(value);
  if (Array.isArray(value)) return value.map(plain);
  return typeof value === "bigint" ? `${value}` : value;
}

export interface ParsedJournal {
  readonly configuration: Configuration;
  readonly drives: readonly DriveShape[];
  readonly entries: readonly JournalEntry[];
}

/** @throws MachineError journal-malformed, -version, -truncated or -altered */
export async function parseJournal(bytes: Uint8Array): Promise<ParsedJournal> {
  const text = new TextDecoder().decode(bytes);
  if (!text.startsWith(`{"format":"${FORMAT}","version":`))
    throw malformed("this is not a journal: its first line doesn't begin as one");
  const version = Number.parseInt(text.slice(text.indexOf('"version":') + 10), 10);
  if (version !== VERSION)
    throw new MachineError("journal-version", `journal: version ${version}; this is ${VERSION}`);
  const end = CHECKSUM_LINE.exec(text);
  if (!end)
    throw new MachineError("journal-truncated", "journal: it ends before the line of its checksum");
  const body = new TextEncoder().encode(text.slice(0, end.index));
  if (toHex(await sha256(body)) !== end[1])
    throw new MachineError("journal-altered", "journal: its SHA-256 is not the one it names");
  const [header, ...lines] = text.slice(0, end.index).split("\n").slice(0, -1);
  return { ...parseHeader(header ?? ""), entries: parseEntries(lines) };
}

function malformed(why: string, cause?: unknown): MachineError {
  return new MachineError("journal-malformed", `journal: ${why}`, { cause });
}

function parseHeader(line: string): Omit<ParsedJournal, "entries"> {
  try {
    const { machine, drives } = JSON.parse(line) as {
      machine: { seed: string; guest?: GuestShape };
      drives: DriveShape[];
    };
    const seed = fromHex(machine.seed) ?? new Uint8Array();
    const configuration = checkOptions({ ...machine, seed }, machine.guest);
    if (!Array.isArray(drives)) throw new TypeError("drives is not a list");
    return { configuration, drives };
  } catch (cause) {
    throw malformed(`line 1: ${cause instanceof Error ? cause.message : cause}`, cause);
  }
}

function parseEntries(lines: readonly string[]): JournalEntry[] {
  const entries = lines.map((line, n) => {
    try {
      return parseEntry(line);
    } catch (cause) {
      throw malformed(`line ${n + 2}: ${cause instanceof Error ? cause.message : cause}`, cause);
    }
  });
  entries.forEach((entry, n) => {
    const last = entries[n - 1];
    if (last && (entry.steps < last.steps || entry.time < last.time))
      throw malformed(`line ${n + 2}: comes before the input of the line above`);
  });
  return entries;
}

function parseEntry(line: string): JournalEntry {
  const [steps, time, kind, fields] = JSON.parse(line) as [string, string, string, object];
  if (!Object.hasOwn(FIELDS, kind)) throw new TypeError(`unknown kind of input "${kind}"`);
  const shape = FIELDS[kind as Input["kind"]];
  const given = fields as Record<string, unknown>;
  const input: Record<string, unknown> = { kind };
  for (const [name, type] of Object.entries(shape))
    input[name] = parseField(given[name], name, type);
  return { steps: natural(steps, "steps"), time: natural(time, "time"), input: input as Input };
}

function parseField(value: unknown, name: string, type: FieldType): unknown {
  if (type === "number" && Number.isSafeInteger(value) && (value as number) >= 0) return value;
  if (type === "bigint") return natural(value, name);
  if (type === "integer") return integer(value, name);
  if (type === "integers" && Array.isArray(value) && value.length <= CALL_ARGUMENTS_MAX)
    return value.map((item) => integer(item, name));
  const bytes = type === "bytes" && typeof value === "string" ? fromHex(value) : null;
  if (bytes) return bytes;
  throw new TypeError(`${name} is no ${type}`);
}

function integer(value: unknown, name: string): Integer {
  if (Number.isSafeInteger(value)) return value as number;
  if (typeof value === "string" && /^-?[0-9]{1,20}$/.test(value)) return BigInt(value);
  throw new TypeError(`${name} is no integer`);
}

function natural(value: unknown, name: string): bigint {
  if (typeof value !== "string" || !/^[0-9]{1,20}$/.test(value))
    throw new TypeError(`${name} is no number in decimal digits`);
  return BigInt.asUintN(64, BigInt(value));
}
