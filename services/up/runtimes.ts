/** What runs the code of agents, by the kind of their images: modules, and scripts with the engine. */

import type { Store } from "../host/store.ts";
import { scriptPersonalities } from "../quickjs/agent.ts";
import { loadEngine } from "../quickjs/engine/load.ts";
import { keepFramesSmall } from "../quickjs/frames.ts";
import type { Code } from "../wasm/agent.ts";
import { aiosPersonality } from "../wasm/aios.ts";
import type { WasmParts } from "../wasm/program.ts";
import { wasiPersonality } from "../wasm/wasi.ts";
import type { Preparer } from "./preparer.ts";

/** A kind of code: `prepare` before an agent starts, `runnable` when it does. */
export interface Runtime extends Pick<WasmParts, "runnable"> {
  /** @param digest object of the store. @throws RequestError */
  prepare(digest: string): Promise<unknown>;
}

/** Modules; `epoch`: seconds since 1970 at which the machine was turned on. */
export function moduleRuntime(preparer: Preparer, epoch: number): Runtime {
  return {
    prepare: (digest) => preparer.prepare(digest),
    runnable(birth) {
      const code = preparer.codes.get(birth.code ?? "");
      return (
        code && {
          code,
          personalities: (told) => [wasiPersonality({ ...told, epoch }), aiosPersonality(told)],
        }
      );
    },
  };
}

/** Scripts: the engine is read when the first one is started. */
export function scriptRuntime(store: Store): Runtime {
  const scripts = new Map<string, Uint8Array>();
  let engine: Code | null = null;
  return {
    async prepare(digest) {
      engine ??= await loadEngine();
      keepFramesSmall();
      scripts.set(digest, await store.getObject(digest));
    },
    runnable(birth, id) {
      const script = scripts.get(birth.code ?? "");
      if (!engine || !script) return undefined;
      return {
        code: engine,
        personalities: ({ args, env, streams, capabilities }) => {
          const named = capabilities.map(({ text, handle }) => [text, handle]);
          return scriptPersonalities(script, {
            ...{ id, args, env, streams },
            capabilities: Object.fromEntries(named),
          });
        },
      };
    },
  };
}
