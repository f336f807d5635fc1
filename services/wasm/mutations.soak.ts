/** Thousands of mutations of a module, of which hostile.test.ts tries dozens. */
import { once } from "node:events";
import { Worker } from "node:worker_threads";
import { expect, test } from "vitest";
import { SOURCE } from "../../bench/wasm/kernels.ts";
import { compileSource } from "./testing/compile.ts";
import type { Mutation, MutationOutcome } from "./testing/mutations-worker.ts";

/** AIOS_SEED begins elsewhere, AIOS_MUTATIONS sets how many there are. */
const SEED = Number(process.env.AIOS_SEED ?? 1);
const MUTATIONS = Number(process.env.AIOS_MUTATIONS ?? 5000);
/** Real time for one; those that are refused or run take some tens of milliseconds. */
const LIMIT_MS = 60_000;
const PROGRESS_EVERY = 500;
const WORKER = new URL("testing/mutations-worker.ts", import.meta.url).href;

function startWorker(): Worker {
  const load = `(async () => {
    await import("binaryen");
    const { register } = await import("tsx/esm/api");
    register();
    await import(${JSON.stringify(WORKER)});
  })();`;
  return new Worker(load, { eval: true });
}

test("mutations of a module are refused with a reason, or run within what they are given", async () => {
  const bytes = await compileSource(`${SOURCE} export function main(): void { interpreter(); }`);
  const worker = startWorker();
  const seen = { refused: 0, ran: 0 };
  try {
    for (let seed = SEED; seed < SEED + MUTATIONS; seed++) {
      const again = `again: AIOS_SEED=${seed} AIOS_MUTATIONS=1 npm run soak -- mutations`;
      worker.postMessage({ bytes, seed } satisfies Mutation);
      const signal = AbortSignal.timeout(LIMIT_MS);
      const [answer] = (await once(worker, "message", { signal }).catch((cause: unknown) => {
        throw new Error(`it hasn't come to an end after ${LIMIT_MS / 1000} s; ${again}`, { cause });
      })) as [MutationOutcome];
      if ("error" in answer) throw new Error(`${answer.error}; ${again}`);
      seen[answer.outcome]++;
      const done = seed - SEED + 1;
      if (done % PROGRESS_EVERY === 0)
        console.log(`${done} of ${MUTATIONS}: ${seen.refused} refused, ${seen.ran} ran`);
    }
  } finally {
    await worker.terminate();
  }
  if (MUTATIONS < 100) return;
  expect(seen.ran).toBeGreaterThan(MUTATIONS / 20);
  expect(seen.refused).toBeGreaterThan(MUTATIONS / 20);
});
