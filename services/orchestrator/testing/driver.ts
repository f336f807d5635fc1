/**
 * What a client does to a system that is to be killed: acts in a random order, some at the same time. Each
 * act is noted before it is asked for and when it has been acknowledged; so it is known what must be there
 * afterwards, what must not, and what may.
 */
import { RequestError } from "../../messages/errors.ts";
import type { TestSystem } from "./system.ts";

export interface Note {
  readonly name: string;
  readonly act: "run" | "kill" | "remove" | "update" | "grant" | "logs" | "pause";
  readonly done: boolean;
  /** Of logs: how many lines were seen; of updates: the weight. */
  readonly value?: number;
}

/** Numbers from 0 below 1, the same for the same seed (mulberry32). */
export function randomOf(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const WORKERS = 3;
const CAPABILITY = "FS_READ:/projects/demo";
const LIMITS = { memory: 256 * 1024 };
export const ARGUMENTS = ["0"];

/** Runs until the system is gone; `note` has to keep what it is told whatever happens next. */
export async function drive(system: TestSystem, seed: number, note: (note: Note) => void) {
  const worker = async (number: number): Promise<void> => {
    const random = randomOf(seed * WORKERS + number);
    const mine: { name: string; image: string }[] = [];
    for (let count = 0; ; count++) {
      const pick = mine[Math.floor(random() * mine.length)];
      const act = async (
        act: Note["act"],
        name: string,
        work: () => Promise<number | undefined>,
        value?: number,
      ): Promise<void> => {
        const said = { name, act, ...(value !== undefined && { value }) };
        note({ ...said, done: false });
        try {
          const result = await work();
          note({ ...said, done: true, ...(result !== undefined && { value: result }) });
        } catch (error) {
          // Refused: an agent that isn't in the state for it.
          if (!(error instanceof RequestError)) throw error;
        }
      };
      const drawn = random();
      if (!pick || drawn < 0.35) {
        const name = `w${number}-${count}`;
        const kind = ["sleeper", "ender", "counter"][Math.floor(random() * 3)] ?? "sleeper";
        const image = `${kind}:1.0.0`;
        const restart = kind === "ender" || random() < 0.5 ? "no" : "always";
        const run = { image, name, args: ARGUMENTS, limits: LIMITS, restart };
        await act("run", name, async () => {
          await system.call("agent.run", run);
          mine.push({ name, image });
          return restart === "always" ? 1 : 0;
        });
      } else if (drawn < 0.5) {
        const weight = 1 + Math.floor(random() * 1000);
        const change = { name: pick.name, limits: { weight } };
        await act("update", pick.name, () => done(system.call("agent.update", change)), weight);
      } else if (drawn < 0.6) {
        const given = { name: pick.name, capability: CAPABILITY };
        await act("grant", pick.name, () => done(system.call("agent.grant", given)));
      } else if (drawn < 0.7) {
        await act("pause", pick.name, () => done(system.call("agent.pause", { name: pick.name })));
      } else if (drawn < 0.8) {
        await act("kill", pick.name, () => done(system.call("agent.kill", { name: pick.name })));
      } else if (drawn < 0.9) {
        mine.splice(mine.indexOf(pick), 1);
        const asked = { name: pick.name, force: true };
        await act("remove", pick.name, () => done(system.call("agent.remove", asked)));
      } else {
        await act("logs", pick.name, async () => {
          const { lines } = await system.call("agent.logs", { name: pick.name });
          return lines.length;
        });
      }
    }
  };
  await Promise.all(Array.from({ length: WORKERS }, (_, number) => worker(number)));
}

const done = async (work: Promise<unknown>): Promise<undefined> => {
  await work;
};
