/**
 * The file of a snapshot. All numbers are little-endian.
 *
 *   0    8  "AIOSSNAP"
 *   8    4  version
 *   12   4  reserved, 0
 *   16   -  five sections (meta, state, pages, drives, agents): length (u64), SHA-256 (32 bytes)
 *   216  32 SHA-256 over bytes 0-215
 *   248  -  the sections, one behind the other, to the end of the file
 *
 *   meta    JSON: journal and host state
 *   state   the state arena
 *   pages   count (u32), page numbers (u32 each), 4096 bytes each
 *   drives  a change each: drive (u32), chunk (u32), length (u32), bytes
 *   agents  states of programs that the host runs, as plain data (plain-data.ts)
 */
import type { FrozenAgents } from "./agents.ts";
import { RAM_BASE, STATE_BASE } from "./core.ts";
import { fromHex, sha256, toHex } from "./digest.ts";
import { MachineError, type MachineErrorCode } from "./errors.ts";
import { Journal } from "./journal.ts";
import { decodePlain, encodePlain } from "./plain-data.ts";
import type { DriveChange, HostState, SnapshotFields } from "./snapshot.ts";

export const PAGE_BYTES = 4096;
const MAGIC = new TextEncoder().encode("AIOSSNAP");
const VERSION = 2;
const SECTIONS = ["meta", "state", "pages", "drives", "agents"] as const;
const SECTION_ENTRY_BYTES = 40;
const TABLE_OFFSET = 16;
const DIGEST_OFFSET = TABLE_OFFSET + SECTIONS.length * SECTION_ENTRY_BYTES;
const HEADER_BYTES = DIGEST_OFFSET + 32;
const CHANGE_HEADER_BYTES = 12;

const refuse = (code: MachineErrorCode, why: string, cause?: unknown) =>
  new MachineError(code, `snapshot: ${why}`, { cause });

function join(parts: readonly Uint8Array[]): Uint8Array {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function words(...values: readonly number[]): Uint8Array {
  const bytes = new Uint8Array(values.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [n, value] of values.entries()) view.setUint32(n * 4, value, true);
  return bytes;
}

function pageNumbers(pages: Uint32Array): Uint8Array {
  const bytes = new Uint8Array(pages.length * 4);
  const view = new DataView(bytes.buffer);
  for (const [n, page] of pages.entries()) view.setUint32(n * 4, page, true);
  return bytes;
}

export async function writeSnapshot(snapshot: SnapshotFields): Promise<Uint8Array> {
  const { host, pages, changes } = snapshot;
  const meta = {
    ...host,
    reached: `${host.reached}`,
    consoleBytes: toHex(host.consoleBytes),
    serial: toHex(host.serial),
    journal: new TextDecoder().decode(await snapshot.journal.toBytes()),
  };
  const sections = [
    new TextEncoder().encode(JSON.stringify(meta)),
    snapshot.state,
    join([words(pages.length), pageNumbers(pages), snapshot.contents]),
    join(changes.flatMap(({ drive, chunk, bytes }) => [words(drive, chunk, bytes.length), bytes])),
    encodePlain(snapshot.agents),
  ];
  const header = new Uint8Array(HEADER_BYTES);
  const view = new DataView(header.buffer);
  header.set(MAGIC);
  view.setUint32(8, VERSION, true);
  for (const [n, section] of sections.entries()) {
    const at = TABLE_OFFSET + n * SECTION_ENTRY_BYTES;
    view.setBigUint64(at, BigInt(section.length), true);
    header.set(await sha256(section), at + 8);
  }
  header.set(await sha256(header.subarray(0, DIGEST_OFFSET)), DIGEST_OFFSET);
  return join([header, ...sections]);
}

/** @throws MachineError snapshot-malformed, -version, -truncated or -altered */
export async function parseSnapshot(bytes: Uint8Array): Promise<SnapshotFields> {
  const [meta, state, pages, drives, agents] = await checkedSections(bytes);
  try {
    return {
      ...(await parseMeta(meta)),
      state: checkState(state),
      ...parsePages(pages),
      changes: parseChanges(drives),
      agents: decodePlain(agents) as FrozenAgents,
    };
  } catch (cause) {
    if (cause instanceof MachineError && cause.code.startsWith("snapshot")) throw cause;
    throw refuse("snapshot-malformed", cause instanceof Error ? cause.message : `${cause}`, cause);
  }
}

type Sections = [Uint8Array, Uint8Array, Uint8Array, Uint8Array, Uint8Array];

/** The sections, once magic, version, lengths and checksums are right. */
async function checkedSections(bytes: Uint8Array): Promise<Sections> {
  const magic = bytes.subarray(0, MAGIC.length);
  if (magic.some((byte, n) => byte !== MAGIC[n]))
    throw refuse("snapshot-malformed", 'this is no snapshot: it doesn\'t begin with "AIOSSNAP"');
  if (bytes.length < HEADER_BYTES)
    throw refuse("snapshot-truncated", `${bytes.length} bytes are less than its header`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const version = view.getUint32(8, true);
  if (version !== VERSION)
    throw refuse("snapshot-version", `version ${version}; this program reads ${VERSION}`);
  const digest = await sha256(bytes.subarray(0, DIGEST_OFFSET));
  if (toHex(digest) !== toHex(bytes.subarray(DIGEST_OFFSET, HEADER_BYTES)))
    throw refuse("snapshot-altered", "its header is not what was written");
  const sections: Uint8Array[] = [];
  let at = HEADER_BYTES;
  for (const [n, name] of SECTIONS.entries()) {
    const entry = TABLE_OFFSET + n * SECTION_ENTRY_BYTES;
    const length = Number(view.getBigUint64(entry, true));
    if (at + length > bytes.length)
      throw refuse("snapshot-truncated", `section "${name}" ends beyond the file's end`);
    const section = bytes.subarray(at, at + length);
    if (toHex(await sha256(section)) !== toHex(bytes.subarray(entry + 8, entry + 40)))
      throw refuse("snapshot-altered", `section "${name}" is not what was written`);
    sections.push(section);
    at += length;
  }
  if (at !== bytes.length)
    throw refuse("snapshot-altered", `${bytes.length - at} bytes follow its end`);
  return sections as Sections;
}

async function parseMeta(bytes: Uint8Array): Promise<{ host: HostState; journal: Journal }> {
  const meta = JSON.parse(new TextDecoder().decode(bytes)) as Record<string, unknown>;
  const consoleBytes = fromHex(String(meta.consoleBytes));
  const serial = fromHex(String(meta.serial));
  if (!consoleBytes || !serial) throw new TypeError("meta: bytes are not hexadecimal");
  const host: HostState = {
    modules: meta.modules as HostState["modules"],
    reached: BigInt(String(meta.reached)),
    consolePosition: Number(meta.consolePosition),
    consoleBytes,
    serial,
  };
  return {
    host,
    journal: await Journal.fromBytes(new TextEncoder().encode(String(meta.journal))),
  };
}

function checkState(state: Uint8Array): Uint8Array {
  if (state.length > RAM_BASE - STATE_BASE) throw new RangeError("state: larger than its arena");
  return state;
}

function parsePages(bytes: Uint8Array): { pages: Uint32Array; contents: Uint8Array } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(0, true);
  if (bytes.length !== 4 + count * (4 + PAGE_BYTES)) throw new RangeError("pages: wrong length");
  const pages = Uint32Array.from({ length: count }, (_, n) => view.getUint32(4 + n * 4, true));
  return { pages, contents: bytes.subarray(4 + count * 4) };
}

function parseChanges(bytes: Uint8Array): DriveChange[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const changes: DriveChange[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = view.getUint32(at + 8, true);
    const start = at + CHANGE_HEADER_BYTES;
    if (start + length > bytes.length) throw new RangeError("drives: wrong length");
    changes.push({
      drive: view.getUint32(at, true),
      chunk: view.getUint32(at + 4, true),
      bytes: bytes.subarray(start, start + length),
    });
    at = start + length;
  }
  return changes;
}
