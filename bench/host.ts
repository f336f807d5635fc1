/** The computer on which a benchmark runs. */
import { execFileSync } from "node:child_process";
import { cpus, totalmem } from "node:os";

export interface Host {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGiB: number;
  readonly node: string;
  readonly v8: string;
  readonly gcc: string;
}

/** First line of what `tool --version` prints; null when there is no such tool. */
function version(tool: string, option = "--version"): string | null {
  try {
    const text = execFileSync(tool, [option], { encoding: "utf8", stdio: "pipe" });
    return text.split("\n")[0] ?? "";
  } catch {
    return null;
  }
}

/** Whether `tool` runs, asked with an option with which it ends by itself. */
export const hasTool = (tool: string, option?: string): boolean => version(tool, option) !== null;

export function describeHost(): Host {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    v8: process.versions.v8,
    gcc: version("gcc") ?? "none",
  };
}
