/** Tries mutations of a module in a thread of its own, which can be ended whatever they do. */
import { parentPort } from "node:worker_threads";
import { mutated, outcomeOf } from "./mutations.ts";

/** A mutation that is to be tried. */
export interface Mutation {
  readonly bytes: Uint8Array;
  readonly seed: number;
}
export type MutationOutcome = { readonly outcome: "refused" | "ran" } | { readonly error: string };

parentPort?.on("message", async ({ bytes, seed }: Mutation) => {
  const answer: MutationOutcome = await outcomeOf(mutated(bytes, seed)).then(
    (outcome) => ({ outcome }),
    (error: unknown) => ({ error: error instanceof Error ? String(error.stack) : String(error) }),
  );
  parentPort?.postMessage(answer);
});
