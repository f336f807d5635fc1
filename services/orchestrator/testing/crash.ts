/** A system that dies in the midst of its work, and what is there when it is started again. */
import { spawn } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { drive, type Note } from "./driver.ts";
import { judge } from "./judge.ts";
import { PROGRAMS } from "./programs.ts";
import { TestSystem } from "./system.ts";

const CHILD = fileURLToPath(new URL("crash-child.ts", import.meta.url));
const NEVER = new Promise<never>(() => {});

export interface Outcome {
  /** Acts that were acknowledged. */
  readonly acknowledged: number;
  readonly wrong: readonly string[];
}

/** What comes of a state directory after `work` has been killed. */
async function outcomeOf(work: (state: string) => Promise<Note[]>): Promise<Outcome> {
  const state = mkdtempSync(join(tmpdir(), "aios-crash-"));
  try {
    const notes = await work(state);
    const system = await TestSystem.start(PROGRAMS, { state });
    try {
      const wrong = await judge(system, notes);
      return { acknowledged: notes.filter(({ done }) => done).length, wrong };
    } finally {
      await system.stop();
    }
  } finally {
    rmSync(state, { recursive: true });
  }
}

/** A process of its own is killed by SIGKILL around one of its writes. */
export function crashProcess(seed: number, writes: number): Promise<Outcome> {
  return outcomeOf(async (state) => {
    const args = ["--import", "tsx", CHILD, state, String(seed), String(writes)];
    const child = spawn(process.execPath, args, { stdio: ["ignore", "pipe", "inherit"] });
    const notes: Note[] = [];
    createInterface({ input: child.stdout }).on("line", (line) => notes.push(JSON.parse(line)));
    const signal = await new Promise((resolve) => child.on("close", (_, how) => resolve(how)));
    if (signal !== "SIGKILL") throw new Error(`the process ended by ${signal}, not by SIGKILL`);
    return notes;
  });
}

/**
 * The system stops at one of its writes in this process: `isWritten` says whether that has come to the disk.
 * A batch is there whole or not at all (LevelDB's log), so this is what a kill between two writes leaves.
 */
export function crashHere(seed: number, writes: number, isWritten: boolean): Promise<Outcome> {
  return outcomeOf(async (state) => {
    const system = await TestSystem.start(PROGRAMS, { state });
    const { store } = system;
    const write = store.write.bind(store);
    const notes: Note[] = [];
    let left = writes;
    await new Promise<void>((dead) => {
      store.write = (batch) => {
        if (--left > 0) return write(batch);
        if (left < 0) return NEVER;
        void (isWritten ? write(batch) : Promise.resolve()).then(dead);
        return NEVER;
      };
      void drive(system, seed, (note) => void (left > 0 && notes.push(note)));
    });
    await system.stop();
    return notes;
  });
}
