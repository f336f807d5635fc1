/** A script as an agent: the engine's module, with the script for its data. */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Birth } from "../messages/birth.ts";
import type { Code, WasmHost } from "../wasm/agent.ts";
import { modulePersonalities } from "../wasm/personalities.ts";
import type { Personality } from "../wasm/personality.ts";
import { keepFramesSmall } from "./frames.ts";
import { quickjsPersonality } from "./personality.ts";

/** What its parent has told it, and its identifier. */
export interface Born {
  readonly told: Birth;
  readonly id: number;
}

/**
 * @param engine from `loadEngine`: any number of agents share it
 * @param script an ES module in UTF-8, in one piece
 * @param birth the agent's first steps
 */
export function quickjsHost(
  engine: Code,
  script: Uint8Array,
  birth: (sys: Sys) => Step<Birth>,
): WasmHost<Born> {
  keepFramesSmall();
  return {
    code: engine,
    *birth(sys) {
      return { told: yield* birth(sys), id: sys.id };
    },
    personalities: ({ told, id }) => scriptPersonalities(script, id, told),
  };
}

/**
 * Who answers the engine's imports for a script.
 * @param epoch seconds since 1970 at which the machine was turned on
 */
export function scriptPersonalities(
  script: Uint8Array,
  id: number,
  told: Birth,
  epoch = 0,
): Personality[] {
  return [...modulePersonalities(told, epoch), quickjsPersonality(script, id, told)];
}
