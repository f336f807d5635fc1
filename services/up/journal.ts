/**
 * What came into the machine, kept for whoever looks for what went wrong. Of a long run these are its last
 * inputs; of a short one all of them, with which it can be replayed.
 */
import { chmodSync, mkdirSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Machine } from "../../sim/host/machine.ts";

/** Bytes that the machine notes inputs in; when they are full it begins anew. As text it is three times as much. */
export const JOURNAL_BYTES = 16 * 1024 * 1024;
const FOLDER = "journal";
const FILE = "last.journal";

/** Writes the journal of a machine that has come to an end: its path. One is kept, the last that found room. @throws Error */
export async function keepJournal(state: string, machine: Machine): Promise<string> {
  const folder = join(state, FOLDER);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  chmodSync(folder, 0o700);
  const path = join(folder, FILE);
  const draft = join(state, `${FILE}.new`);
  const bytes = await machine.journal.toBytes();
  try {
    writeFileSync(draft, bytes, { mode: 0o600 });
    renameSync(draft, path);
  } catch (error) {
    rmSync(draft, { force: true });
    throw error;
  }
  return path;
}
