/** A system that dies in the midst of its work, and what is there when it is started again. */
import { spawn } from "node:child_process";
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";
import { System } from "../../up/system.ts";
import { compileSource } from "../../wasm/testing/compile.ts";
import { putImage } from "../images.ts";
import type { Point } from "./crash-points.ts";
import { FOLDER, LINE_BYTES, MEMORY, makeDirectory, SOURCE, subjectOf } from "./crash-system.ts";
import { drive, type Note, type Subject } from "./driver.ts";
import { type Crashed, judge } from "./judge.ts";
import { PROGRAMS } from "./programs.ts";
import { TestSystem } from "./system.ts";

const CHILD = fileURLToPath(new URL("crash-child.ts", import.meta.url));
/** In the source tree, where the packages are found that aren't part of it. */
const BUNDLE = fileURLToPath(
  new URL(`../../../build/crash-child-${process.pid}.mjs`, import.meta.url),
);
const NEVER = new Promise<never>(() => {});

export interface Outcome {
  /** Acts that were acknowledged. */
  readonly acknowledged: number;
  readonly wrong: readonly string[];
}

const outcomeOf = (notes: readonly Note[], wrong: readonly string[]): Outcome => ({
  acknowledged: notes.filter(({ done }) => done).length,
  wrong,
});

/** Processes that are killed by SIGKILL around one of their writes, each in a copy of one state directory. */
export class CrashTests {
  private readonly folder = mkdtempSync(join(tmpdir(), "aios-crash-"));

  /** Compiles the agents, and makes of the process one file: loading what it consists of would take the most time. */
  async begin(): Promise<void> {
    await makeDirectory(join(this.folder, "new"), await compileSource(SOURCE));
    await build({
      entryPoints: [CHILD],
      outfile: BUNDLE,
      ...{ bundle: true, platform: "node", format: "esm", logLevel: "warning" },
      external: ["binaryen", "classic-level", "esbuild", "ws", "prom-client"],
      plugins: [inPlace],
    });
  }

  end(): void {
    rmSync(this.folder, { recursive: true });
    rmSync(BUNDLE, { force: true });
  }

  async crash(seed: number): Promise<Outcome & { readonly killed: Point }> {
    const state = join(this.folder, String(seed));
    cpSync(join(this.folder, "new"), state, { recursive: true });
    try {
      const { notes, killed } = await run(state, seed);
      const system = await System.start({ state, memory: MEMORY });
      const running = system.run();
      try {
        const files = { folder: join(state, FOLDER), lineBytes: LINE_BYTES };
        const { store, access } = system;
        const crashed: Crashed = { subject: subjectOf(system), store, access, files };
        return { ...outcomeOf(notes, await judge(crashed, notes)), killed };
      } finally {
        await system.stop();
        await running;
      }
    } finally {
      rmSync(state, { recursive: true });
    }
  }
}

/** What looks for files beside itself finds them from the bundle as well. */
const inPlace: Plugin = {
  name: "in-place",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const place = JSON.stringify(pathToFileURL(path).href);
      const text = await readFile(path, "utf8");
      return { loader: "ts", contents: text.replaceAll("import.meta.url", place) };
    });
  },
};

/** What a process has acknowledged until it was killed, and where that was. */
async function run(state: string, seed: number): Promise<{ notes: Note[]; killed: Point }> {
  const args = [BUNDLE, state, String(seed)];
  const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
  const notes: Note[] = [];
  let killed: Point | null = null;
  createInterface({ input: child.stdout }).on("line", (line) => {
    const said = JSON.parse(line) as Note | { killed: Point };
    if ("killed" in said) killed = said.killed;
    else notes.push(said);
  });
  const signal = await new Promise((resolve) => child.on("close", (_, how) => resolve(how)));
  if (signal !== "SIGKILL" || !killed)
    throw new Error(`the process ended by ${signal}, not by SIGKILL`);
  return { notes, killed };
}

/**
 * The system stops at one of its writes in this process: `isWritten` says whether that has come to the disk.
 * A batch is there whole or not at all (services/host/store.test.ts), so this is what a kill between two writes leaves.
 */
export async function crashHere(
  seed: number,
  writes: number,
  isWritten: boolean,
): Promise<Outcome> {
  const state = mkdtempSync(join(tmpdir(), "aios-crash-"));
  try {
    const system = await TestSystem.start(PROGRAMS, { state });
    const { store } = system;
    const write = store.write.bind(store);
    const put = store.putObject.bind(store);
    const notes: Note[] = [];
    const objects: Promise<unknown>[] = [];
    let left = writes;
    // What is dead puts nothing into the directory of the one that comes after it.
    store.putObject = (bytes) => {
      if (left <= 0) return NEVER;
      const digest = put(bytes);
      objects.push(digest);
      return digest;
    };
    await new Promise<void>((dead) => {
      store.write = (batch) => {
        if (--left > 0) return write(batch);
        if (left < 0) return NEVER;
        void (isWritten ? write(batch) : Promise.resolve()).then(dead);
        return NEVER;
      };
      void drive(inProcess(system), seed, (note) => void (left > 0 && notes.push(note)));
    });
    await system.stop();
    await Promise.allSettled(objects);
    const again = await TestSystem.start(PROGRAMS, { state });
    try {
      const { access, store } = again;
      return outcomeOf(notes, await judge({ subject: inProcess(again), store, access }, notes));
    } finally {
      await again.stop();
    }
  } finally {
    rmSync(state, { recursive: true });
  }
}

const inProcess = (system: TestSystem): Subject => ({
  call: (method, params) => system.call(method, params),
  putImage: (archive) => putImage(system.store, archive),
});
