/** A script as an agent: the engine's module, with the script for its data. */
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import type { Code, WasmHost } from "../wasm/agent.ts";
import type { Personality } from "../wasm/personality.ts";
import { wasiPersonality } from "../wasm/wasi.ts";
import { ERRNO_BADF } from "../wasm/wasi_constants.ts";
import { keepFramesSmall } from "./frames.ts";
import { type QuickjsOptions, quickjsPersonality } from "./personality.ts";

export type { QuickjsOptions } from "./personality.ts";

/** What its parent has told it; the identifier is known. */
export type Told = Omit<QuickjsOptions, "id">;

/**
 * @param engine from `loadEngine`: any number of agents share it
 * @param script an ES module in UTF-8, in one piece
 * @param birth the agent's first steps
 */
export function quickjsHost(
  engine: Code,
  script: Uint8Array,
  birth: (sys: Sys) => Step<Told>,
): WasmHost<QuickjsOptions> {
  keepFramesSmall();
  return {
    code: engine,
    *birth(sys) {
      return { ...(yield* birth(sys)), id: sys.id };
    },
    personalities: (options) => scriptPersonalities(script, options),
  };
}

/** Who answers the engine's imports for a script. */
export function scriptPersonalities(script: Uint8Array, options: QuickjsOptions): Personality[] {
  return [standardStreams(options.streams ?? []), quickjsPersonality(script, options)];
}

/** WASI as far as the engine has to do with it; its C library could close files, but opens none. */
function standardStreams(streams: readonly (number | null)[]): Personality {
  const wasi = wasiPersonality({ streams });
  return { ...wasi, quick: new Map([...wasi.quick, ["fd_close", () => ERRNO_BADF]]) };
}
