/** What a user or a pipe gives a command, for an agent to read. */
import { on } from "node:events";
import type { Readable } from "node:stream";
import { INPUT_BYTES_MAX } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import type { Client } from "../../client/client.ts";
import type { named } from "./context.ts";

/** Seconds for which a request waits until the agent has taken something. */
const WAIT_S = 20;

/** Gives all of it to the agent, as fast as that reads, and then its end; until the agent is over, or `signal`. */
export async function feed(
  client: Client,
  agent: ReturnType<typeof named>,
  input: Readable,
  signal: AbortSignal,
): Promise<void> {
  const give = async (bytes: Buffer, end: boolean): Promise<void> => {
    let left = bytes;
    do {
      const part = left.subarray(0, INPUT_BYTES_MAX);
      const asked = { ...agent, data: part.toString("base64"), end, wait: WAIT_S };
      const { taken } = await client.call("agent.input", asked, signal);
      left = left.subarray(taken);
    } while (left.length > 0);
  };
  try {
    // One part at a time: what the agent has no room for stays where it comes from.
    const parts = on(input, "data", { close: ["end"], signal, highWaterMark: 1, lowWaterMark: 1 });
    for await (const [part] of parts) await give(part as Buffer, false);
    await give(Buffer.alloc(0), true);
  } catch (error) {
    const isOver = error instanceof RequestError && error.code === "wrong-state";
    if (!isOver && !signal.aborted) throw error;
  }
}
