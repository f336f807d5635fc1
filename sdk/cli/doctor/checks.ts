/** What `aios doctor` looks at. Each check says what it found, and if that is wrong, what to do. */
import { accessSync, constants, lstatSync, readdirSync, type Stats, statfsSync } from "node:fs";
import { connect } from "node:net";
import { totalmem } from "node:os";
import { dirname, join } from "node:path";
import { loadModule } from "../../../sim/host/node/modules.ts";
import { missingFeatures } from "./wasm-features.ts";

export interface Finding {
  readonly name: string;
  readonly ok: boolean;
  readonly detail: string;
  /** What to do; empty when nothing is wrong. */
  readonly advice: string;
}

/** Of this package's manifest: engines.node. */
const NODE_MIN = [20, 19] as const;
/** RAM of the machine that `aios up` makes, and the least that the kernel's pools go round with. */
const MEMORY_BYTES_MIN = 1024 ** 3;
const DISK_BYTES_MIN = 256 * 1024 ** 2;
const MODULES = ["sim", "kernel"];
/** Permissions of the group and of others. */
const OTHERS = 0o077;
const CONNECT_MS = 1000;

const good = (name: string, detail: string): Finding => ({ name, ok: true, detail, advice: "" });
const bad = (name: string, detail: string, advice: string): Finding => ({
  name,
  ok: false,
  detail,
  advice,
});

/** All findings, for the state directory at this path. */
export async function findings(state: string): Promise<Finding[]> {
  return [
    checkNode(process.versions.node),
    checkMemory(),
    checkFeatures(),
    await checkModules(),
    ...(await checkState(state)),
    checkDisk(state),
  ];
}

export function checkNode(version: string): Finding {
  const [major = 0, minor = 0] = version.split(".").map(Number);
  const [leastMajor, leastMinor] = NODE_MIN;
  if (major > leastMajor || (major === leastMajor && minor >= leastMinor))
    return good("node", version);
  return bad("node", `${version} is too old`, `install Node ${NODE_MIN.join(".")} or newer`);
}

/** A container's limit counts as well. */
export function checkMemory(
  total = Math.min(totalmem(), process.constrainedMemory() || Infinity),
): Finding {
  const detail = `${Math.floor(total / 1024 ** 2)} MiB`;
  if (total >= MEMORY_BYTES_MIN) return good("memory", detail);
  return bad(
    "memory",
    `${detail} in all`,
    "a machine of 1 GiB doesn't fit; give aios up a smaller --memory",
  );
}

export function checkFeatures(missing = missingFeatures()): Finding {
  if (missing.length === 0)
    return good("webassembly", `V8 ${process.versions.v8}, all that is needed`);
  return bad("webassembly", `the engine has no ${missing.join(", ")}`, "use a newer Node");
}

async function checkModules(): Promise<Finding> {
  for (const name of MODULES)
    try {
      await loadModule(name);
    } catch (error) {
      return bad("modules", `${name}.wasm: ${firstLine(error)}`, "npm run build");
    }
  return good("modules", `${MODULES.map((name) => `${name}.wasm`).join(", ")} compile`);
}

/** The directory, and what in it must be nobody else's. */
export async function checkState(state: string): Promise<Finding[]> {
  const stats = lstatSync(state, { throwIfNoEntry: false });
  if (stats === undefined) return [good("state", `none yet at ${state}`)];
  if (!stats.isDirectory())
    return [bad("state", `${state} is no folder`, "name another with --state")];
  const wrong = ownership(state, stats) ?? access(state);
  if (wrong !== null) return [wrong];
  const found: Finding[] = [good("state", state)];
  for (const name of readdirSync(state)) {
    const path = join(state, name);
    const entry = lstatSync(path);
    if (entry.isSocket()) found.push(await checkSocket(path, entry));
    else if (/token|secret|key/i.test(name) && entry.isFile() && entry.mode & OTHERS)
      found.push(bad("secrets", `others may read ${path}`, `chmod 600 ${path}`));
  }
  return found;
}

function ownership(path: string, { uid, mode }: Stats): Finding | null {
  const own = process.geteuid?.() ?? uid;
  if (uid !== own)
    return bad("state", `${path} belongs to user ${uid}, not ${own}`, "name your own with --state");
  if (mode & OTHERS)
    return bad("state", `others may enter ${path} (mode ${octal(mode)})`, `chmod 700 ${path}`);
  return null;
}

function access(path: string): Finding | null {
  try {
    accessSync(path, constants.R_OK | constants.W_OK | constants.X_OK);
    return null;
  } catch (error) {
    return bad("state", firstLine(error), `chmod 700 ${path}`);
  }
}

async function checkSocket(path: string, { mode }: Stats): Promise<Finding> {
  if (mode & OTHERS)
    return bad("socket", `others may use ${path} (mode ${octal(mode)})`, `chmod 600 ${path}`);
  const answer = await connected(path);
  if (answer === "connect") return good("socket", `${path} answers: aios up is running`);
  // A process that was killed leaves it behind; the next one takes its place.
  if (answer === "ECONNREFUSED") return good("socket", `nobody listens at ${path}`);
  return bad("socket", `${path}: ${answer}`, "aios up doesn't answer: end it and start it again");
}

/** "connect", or the name of the error. */
function connected(path: string): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(path);
    const end = (answer: string) => {
      socket.destroy();
      resolve(answer);
    };
    socket.setTimeout(CONNECT_MS, () => end("no answer within a second"));
    socket.once("connect", () => end("connect"));
    socket.once("error", (error) => end("code" in error ? String(error.code) : error.message));
  });
}

/** Of the directory, or of the nearest one above that is there. */
export function checkDisk(state: string, least = DISK_BYTES_MIN): Finding {
  let path = state;
  while (lstatSync(path, { throwIfNoEntry: false }) === undefined) path = dirname(path);
  const { bavail, bsize } = statfsSync(path);
  const detail = `${Math.floor((bavail * bsize) / 1024 ** 2)} MiB free at ${path}`;
  if (bavail * bsize >= least) return good("disk", detail);
  return bad("disk", detail, "free some, or name another folder with --state");
}

const octal = (mode: number) => (mode & 0o777).toString(8).padStart(4, "0");
const firstLine = (error: unknown) =>
  (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
