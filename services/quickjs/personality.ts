/**
 * What the engine's driver asks its host beside WASI and "aios": the script, what the agent was told as text, and
 * who it is, which a clone finds out by that.
 */
import type { Birth } from "../messages/birth.ts";
import type { Instance, Value } from "../wasm/instance.ts";
import type { Personality, QuickAnswer } from "../wasm/personality.ts";
import { TEXT_SCRIPT, TEXT_TOLD } from "./guest/operations.ts";

const MODULE = "quickjs";

/** Parameters of `text`: which, where it goes, how much room there is. Its length. */
export function putText(
  instance: Instance,
  texts: ReadonlyMap<number, Uint8Array>,
  [which, at, room]: readonly Value[],
): number {
  const text = texts.get(Number(which)) ?? new Uint8Array();
  const part = text.subarray(0, Number(room) >>> 0);
  instance.view(Number(at), part.length)?.set(part);
  return text.length;
}

/** @param id the agent's identifier: of a clone, its own */
export function quickjsPersonality(script: Uint8Array, id: number, told: Birth): Personality {
  // A script's arguments are without its name.
  const [, ...args] = told.args;
  const capabilities = told.capabilities.map(({ text }) => text);
  const text = JSON.stringify({ args, env: told.env, capabilities });
  const texts = new Map([
    [TEXT_SCRIPT, script],
    [TEXT_TOLD, new TextEncoder().encode(text)],
  ]);
  const quick = new Map<string, QuickAnswer>([
    ["text", (instance, args) => putText(instance, texts, args)],
    ["who", () => BigInt(id)],
  ]);
  return { module: MODULE, quick, steps: new Map() };
}
