import { accessSync, constants, existsSync, readFileSync, statSync } from "node:fs";
import { delimiter, join } from "node:path";
import { TestRunner } from "vitest";

/** Where Debian keeps administrators' tools, which an ordinary user's PATH leaves out. */
const ADMINISTRATION_FOLDERS = ["/usr/local/sbin", "/usr/sbin", "/sbin"];

/**
 * The path of an outside tool that a test uses as its judge. To be called inside a test. When
 * the tool is missing the test is skipped, or fails if the environment has CI=true: there, a
 * judge that stays away must be noticed.
 *
 * @throws Error when the tool is missing and CI is "true", or outside of a test
 */
export function requireTool(name: string): string {
  const path = findTool(name);
  return path ?? stayAway(name);
}

/** The text of a file that an outside tool has installed and a test judges by; as `requireTool`. */
export function requireFile(path: string): string {
  return existsSync(path) ? readFileSync(path, "latin1") : stayAway(path);
}

export function stayAway(name: string): never {
  if (process.env.CI === "true")
    throw new Error(`${name} is not installed, and with CI=true no test may be skipped`);
  const test = TestRunner.getCurrentTest();
  if (test === undefined) throw new Error(`a judge, "${name}", was asked for outside of a test`);
  return test.context.skip(`${name} is not installed`);
}

/** The first executable of that name on the PATH or in an administrators' folder, or null. */
export function findTool(name: string): string | null {
  const folders = (process.env.PATH ?? "").split(delimiter).filter((folder) => folder !== "");
  for (const folder of [...folders, ...ADMINISTRATION_FOLDERS]) {
    const path = join(folder, name);
    try {
      accessSync(path, constants.X_OK);
      // A folder passes for executable, too.
      if (statSync(path).isFile()) return path;
    } catch {
      // Not in this folder, or not ours to run.
    }
  }
  return null;
}
