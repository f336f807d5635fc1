/** A store on a disk that fails at one of the calls that write to it, and what is there afterwards. */
import { spawn, spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { requireTool } from "../../../sim/host/testing/tools.ts";
import { Store } from "../store.ts";
import { bundle } from "./bundle.ts";
import { keyOf, objectOf, PARTS, type Told, textOf } from "./store-child.ts";

const CHILD = new URL("store-child.ts", import.meta.url);
const SOURCE = fileURLToPath(new URL("fault.c", import.meta.url));

/** Programs that write until their disk fails, and after it. */
export class FaultTests {
  private readonly folder = mkdtempSync(join(tmpdir(), "aios-fault-"));
  private readonly library = join(this.folder, "fault.so");
  private program = { path: "", remove: () => {} };

  async begin(): Promise<void> {
    this.program = await bundle(CHILD);
  }

  end(): void {
    this.program.remove();
    rmSync(this.folder, { recursive: true });
  }

  /** The nth call that writes or syncs fails, once. To be called inside a test, which is skipped without a compiler. */
  async at(nth: number, errno: number): Promise<Told[]> {
    const library = this.compiled();
    return await this.run([process.execPath], {
      LD_PRELOAD: library,
      FAULT_AT: String(nth),
      FAULT_ERRNO: String(errno),
    });
  }

  /** No file may have more than so many blocks, whatever the shell takes for a block. */
  async withLimit(blocks: number): Promise<Told[]> {
    return await this.run(
      ["sh", "-c", `ulimit -f ${blocks}; exec "$@"`, "-", process.execPath],
      {},
    );
  }

  private compiled(): string {
    const flags = ["-shared", "-fPIC", "-Wall", "-Wextra", "-Werror", "-O1"];
    const { status, stderr } = spawnSync(
      requireTool("gcc"),
      [...flags, "-o", this.library, SOURCE, "-ldl"],
      { encoding: "utf8" },
    );
    if (status !== 0) throw new Error(stderr);
    return this.library;
  }

  private async run(command: readonly string[], more: NodeJS.ProcessEnv): Promise<Told[]> {
    const state = mkdtempSync(join(this.folder, "state-"));
    const [program = "", ...args] = [...command, this.program.path, state];
    const env = { ...process.env, ...more, FAULT_FOLDER: state };
    const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], env });
    const told: Told[] = [];
    let error = "";
    child.stderr.setEncoding("utf8").on("data", (text) => (error += text));
    createInterface({ input: child.stdout }).on("line", (line) => told.push(JSON.parse(line)));
    const status = await new Promise((resolve) => child.on("close", resolve));
    if (status !== 0) throw new Error(`it ended with ${status}: ${error}`);
    await judge(state, told);
    return told;
  }
}

/** @throws Error: something that was acknowledged isn't there, or a batch is there in part */
async function judge(state: string, told: readonly Told[]): Promise<void> {
  const store = await Store.open(state);
  try {
    for (const { round, kind, refused } of told) {
      if (kind === "open") continue;
      const isThere =
        kind === "object" ? await hasObject(store, round) : await hasBatch(store, round);
      if (refused === null && !isThere)
        throw new Error(`${kind} of round ${round}: acknowledged, and not there`);
    }
  } finally {
    await store.close();
  }
}

async function hasBatch(store: Store, round: number): Promise<boolean> {
  const found = await Promise.all(
    PARTS.map(async (part) => (await store.get(keyOf(part, round))) === textOf(part, round)),
  );
  if (new Set(found).size > 1) throw new Error(`the batch of round ${round} is there in part`);
  return found[0] === true;
}

async function hasObject(store: Store, round: number): Promise<boolean> {
  const objects = await store.objects();
  const found = await Promise.all(objects.map((digest) => store.getObject(digest)));
  return found.some((bytes) => Buffer.compare(bytes, objectOf(round)) === 0);
}
