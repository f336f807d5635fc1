/** Who runs on a state directory, for those who find it taken: a hint, LevelDB's lock is what counts. */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { z } from "zod";

const FILE = "instance.json";

const instance = z.object({
  pid: z.int().positive(),
  /** Seconds since 1970. */
  started: z.number(),
  /** Of the gateway on loopback; null for none. */
  port: z.int().nullable(),
});
export type Instance = z.infer<typeof instance>;

export function writeInstance(state: string, it: Instance): void {
  writeFileSync(join(state, FILE), `${JSON.stringify(it)}\n`, { mode: 0o600 });
}

/** Null when there is no such file, or it was cut off. */
export function readInstance(state: string): Instance | null {
  try {
    return instance.parse(JSON.parse(readFileSync(join(state, FILE), "utf8")));
  } catch {
    return null;
  }
}
