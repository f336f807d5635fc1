/** Requests that change nothing are asked again when a service's end has cut them off. */
import { setTimeout as sleep } from "node:timers/promises";
import { RequestError } from "../../services/messages/errors.ts";
import { NoSystem } from "./client.ts";

/** Pauses double: a service is there again long before the last, some seconds after the first. */
const TRIES = 8;
const FIRST_PAUSE_MS = 25;

/** @throws RequestError as the system refuses; NoSystem at once, for there is nobody to wait for */
export async function askAgain<T>(ask: () => Promise<T>, signal?: AbortSignal): Promise<T> {
  for (let tried = 0; ; tried++)
    try {
      return await ask();
    } catch (error) {
      const isCutOff = error instanceof RequestError && error.code === "unavailable";
      if (!isCutOff || error instanceof NoSystem || tried === TRIES) throw error;
      await sleep(FIRST_PAUSE_MS << tried, undefined, signal ? { signal } : {});
    }
}
