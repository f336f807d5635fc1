import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { requireTool } from "../../sim/host/testing/tools.ts";
import { ImageError } from "./errors.ts";

/** An empty folder that goes away with the test. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), "aios-image-"));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs an outside tool; it throws unless the status is 0. Returns what it printed. */
export function runTool(
  name: string,
  args: readonly string[],
  options: { readonly input?: string | Uint8Array; readonly cwd?: string } = {},
): Buffer {
  const path = requireTool(name);
  const env = { ...process.env, LC_ALL: "C", TZ: "UTC" };
  return execFileSync(path, args, { ...options, env, stdio: ["pipe", "pipe", "pipe"] });
}

/** The ImageError that `work` ends with; any other outcome fails the test. */
export async function imageErrorOf(work: () => unknown): Promise<ImageError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof ImageError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}
