/** Runs guests in another process, so that one that hangs or kills it is found and named. */
import { spawn } from "node:child_process";
import { createInterface } from "node:readline";

export interface Apart {
  /** What failed, with its seed. */
  readonly failures: readonly string[];
  /** Resident bytes of that process at its end. */
  readonly memory: number;
}

/** Real time after which a guest counts as one that hangs the host. */
const SILENCE_MS = 60_000;
const REPLAY = "npx tsx sim/host/hostile/cli.ts --shrink case.bin --seed";

export async function runApart(
  seed: number,
  count: number,
  { build = "debug", until = 200_000, drivers = false } = {},
): Promise<Apart> {
  const kind = drivers ? ["--drivers"] : [];
  const child = spawn(
    process.execPath,
    ["--import", "tsx", "sim/host/hostile/cli.ts"].concat([
      "--seed",
      `${seed}`,
      "--count",
      `${count}`,
      "--until",
      `${until}`,
    ]),
    { env: { ...process.env, AIOS_BUILD: build }, stdio: ["ignore", "pipe", "pipe"] },
  );
  let last = "";
  let memory = 0;
  let said = "";
  const failures: string[] = [];
  const fail = (what: string) =>
    failures.push(`${what}; again: AIOS_BUILD=${build} ${[REPLAY, last, ...kind].join(" ")}`);
  let silence: NodeJS.Timeout | undefined;
  const listen = () => {
    clearTimeout(silence);
    silence = setTimeout(() => {
      fail(`seed ${last} hangs the host`);
      child.kill("SIGKILL");
    }, SILENCE_MS);
  };
  listen();
  child.stderr.on("data", (text) => {
    said = `${said}${text}`.slice(-2000);
  });
  createInterface({ input: child.stdout }).on("line", (line) => {
    listen();
    const [word, rest] = line.split(" ", 2);
    if (word === "seed") last = rest ?? "";
    else if (word === "failed") fail(line);
    else if (word === "memory") memory = Number(rest);
  });
  const [status, signal] = await new Promise<[number | null, string | null]>((resolve) =>
    child.on("close", (...end) => resolve(end)),
  );
  clearTimeout(silence);
  if (memory === 0 && failures.length === 0)
    fail(`seed ${last} ended the host with ${signal ?? `status ${status}`}: ${said}`);
  return { failures, memory };
}
