/** Prepares modules in a thread of its own: what is hostile or large there takes nobody else's time. */
import { parentPort } from "node:worker_threads";
import { type Prepared, prepare } from "../wasm/module/prepare.ts";

export type PrepareAnswer = { readonly prepared: Prepared } | { readonly refused: string };

parentPort?.on("message", async (bytes: Uint8Array) => {
  let answer: PrepareAnswer;
  try {
    answer = { prepared: await prepare(bytes) };
  } catch (error) {
    // What Binaryen throws is no Error, and may have no message.
    const { message = "its compiler can't make it suspendable" } = error as Partial<Error>;
    answer = { refused: message };
  }
  parentPort?.postMessage(answer);
});
