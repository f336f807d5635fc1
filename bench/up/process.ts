/** `aios up` from the built command, in a process of its own. */
import { type ChildProcess, spawn } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

export const CLI = "pkg/cli.js";

export interface Started {
  readonly child: ChildProcess;
  /** Real time from the start of the process until it said that it is ready. */
  readonly ms: number;
}

export function up(state: string, ...options: readonly string[]): Promise<Started> {
  const start = performance.now();
  const port = options.includes("--port") ? [] : ["--no-port"];
  const child = spawn("node", [CLI, "up", ...port, "--json", "--state", state, ...options], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  return new Promise((resolve, reject) => {
    child.on("exit", () => reject(new Error("aios up has ended before it was ready")));
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      if (text.includes('"ready"')) resolve({ child, ms: performance.now() - start });
    });
  });
}

export function stop({ child }: Started): Promise<void> {
  child.removeAllListeners("exit");
  return new Promise((resolve) => {
    child.on("exit", () => resolve());
    child.kill("SIGTERM");
  });
}

/** CPU time of all threads of a process, ms; NaN where there is no /proc. */
export function cpuOf({ pid }: ChildProcess): number {
  const tasks = `/proc/${pid}/task`;
  try {
    const spent = readdirSync(tasks).map((task) => {
      const [ns = ""] = readFileSync(`${tasks}/${task}/schedstat`, "utf8").split(" ");
      return Number(ns) / 1e6;
    });
    return spent.reduce((sum, ms) => sum + ms, 0);
  } catch {
    return Number.NaN;
  }
}
