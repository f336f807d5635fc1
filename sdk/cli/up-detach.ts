/** `aios up --detach` and `aios down`: a system without a terminal. */
import { spawn } from "node:child_process";
import { openSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { readInstance } from "../../services/up/instance.ts";
import { makeStateFolder } from "../../services/up/state-folder.ts";
import { Client } from "../client/client.ts";
import { stateDirectory } from "../client/place.ts";
import { EXIT_OFF, EXIT_REFUSED, EXIT_UNAVAILABLE } from "./exit.ts";

const LOG_FILE = "up.log";
const LOOK_MS = 20;
const STOP_MS = 15_000;

/** Starts this command again in the background; once its system answers, 0, or the status with which it ends. */
export async function detach(state: string): Promise<number> {
  makeStateFolder(state);
  const file = join(state, LOG_FILE);
  const log = openSync(file, "w", 0o600);
  const args = process.argv.slice(1).filter((it) => it !== "--detach" && it !== "-d");
  const child = spawn(process.execPath, [...process.execArgv, ...args], {
    detached: true,
    stdio: ["ignore", log, log],
  });
  let status: number | null = null;
  child.on("exit", (code) => {
    status = code ?? EXIT_REFUSED;
  });
  child.unref();
  while (status === null) {
    if (readInstance(state)?.pid === child.pid && (await answers(state))) {
      process.stdout.write(`${child.pid}\n`);
      return EXIT_OFF;
    }
    await sleep(LOOK_MS);
  }
  process.stderr.write(readFileSync(file, "utf8"));
  return status;
}

/** Whether a system answers that has this directory. */
async function answers(state: string): Promise<boolean> {
  const client = Client.at({ state }, {});
  try {
    await client.call("agent.list", {});
    return true;
  } catch {
    return false;
  } finally {
    client.close();
  }
}

export async function runDown(given: string | undefined): Promise<number> {
  const state = stateDirectory(given, process.env);
  const instance = readInstance(state);
  if (!instance || !(await answers(state))) {
    process.stderr.write(`error: no system runs on ${state}\n`);
    return EXIT_UNAVAILABLE;
  }
  process.kill(instance.pid, "SIGTERM");
  for (const end = Date.now() + STOP_MS; Date.now() < end; await sleep(LOOK_MS))
    if (!isAlive(instance.pid)) return EXIT_OFF;
  process.stderr.write(
    `error: process ${instance.pid} hasn't stopped within ${STOP_MS / 1000} s\n`,
  );
  return EXIT_REFUSED;
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
