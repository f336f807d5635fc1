/** `aios up` and what its users wait for: from the built command in processes of its own, as they do. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Client } from "../../sdk/client/client.ts";
import { compileSource } from "../../services/wasm/testing/compile.ts";
import { interleave, type Progress, pairedRow, plainRow, type Results } from "../measure.ts";
import { CLI, stop, up } from "./process.ts";

const UP_RUNS = 7;
const COMMAND_RUNS = 9;
const CALL_RUNS = 60;
const AIM_UP = 1000;
const AIM_SPAWN = 2;

/** Does nothing, to its end. */
const NOTHING = "export function _start(): void {}";

const ms = async (work: () => Promise<unknown>): Promise<number> => {
  const start = performance.now();
  await work();
  return performance.now() - start;
};

/** A command in a process of its own. */
const aios = (state: string, ...args: string[]): Promise<number> =>
  ms(
    () =>
      new Promise<void>((resolve, reject) => {
        const child = spawn("node", [CLI, ...args, "--state", state], { stdio: "ignore" });
        child.on("exit", (status) =>
          status === 0 ? resolve() : reject(new Error(args.join(" "))),
        );
      }),
  );

const node = (): Promise<number> =>
  ms(() => new Promise((resolve) => spawn("node", ["-e", "0"]).on("exit", resolve)));

async function repeat(runs: number, sample: () => Promise<number>): Promise<number[]> {
  const samples: number[] = [];
  for (let run = 0; run < runs; run++) samples.push(await sample());
  return samples;
}

/** Until the system is ready, on a state directory that is new, and on one that isn't. */
async function measureStart({ rows }: Results, folder: string): Promise<void> {
  const warm = join(folder, "warm");
  const once = (state: string) => async () => {
    const started = await up(state);
    await stop(started);
    return started.ms;
  };
  await once(warm)();
  let fresh = 0;
  const group = "up";
  const cold = await repeat(UP_RUNS, () => once(join(folder, `new-${fresh++}`))());
  rows.push(plainRow({ group, name: "to ready, new state directory", unit: "ms" }, cold));
  const again = await repeat(UP_RUNS, once(warm));
  rows.push(
    plainRow(
      { group, name: "to ready, again", unit: "ms", peer: AIM_UP, peerName: "asked", aim: "< 1" },
      again,
    ),
  );
}

/** What a user waits for at a system that runs. */
async function measureCommands({ rows }: Results, folder: string): Promise<void> {
  const group = "up";
  const state = join(folder, "warm");
  const started = await up(state);
  const client = new Client({ socket: join(state, "aios.sock") });
  const file = join(folder, "nothing.wasm");
  writeFileSync(file, await compileSource(NOTHING));
  try {
    await aios(state, "run", file, "--name", "first");
    const ps = await interleave(COMMAND_RUNS, () => aios(state, "ps"), node);
    const peerName = "node -e 0";
    rows.push(pairedRow({ group, name: "aios ps", unit: "ms", peerName }, ps));
    const run = await repeat(COMMAND_RUNS, () => aios(state, "run", file));
    rows.push(plainRow({ group, name: "aios run of a cached module", unit: "ms" }, run));
    const list = () => ms(() => client.call("agent.list", {}));
    await list();
    rows.push(
      plainRow(
        { group, name: "agent.list by a client", unit: "ms" },
        await repeat(CALL_RUNS, list),
      ),
    );
    const image = (await client.call("image.list", {}))[0]?.digest ?? "";
    const begin = () => ms(() => client.call("agent.run", { image }));
    await begin();
    rows.push(
      plainRow(
        {
          group,
          name: "agent.run of a cached image by a client",
          unit: "ms",
          peer: AIM_SPAWN,
          peerName: "asked of a spawn",
          aim: "< 1",
        },
        await repeat(CALL_RUNS, begin),
      ),
    );
  } finally {
    client.close();
    await stop(started);
  }
}

export async function measureUp(results: Results, progress: Progress): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  try {
    progress("up: to ready");
    await measureStart(results, folder);
    progress("up: commands");
    await measureCommands(results, folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
