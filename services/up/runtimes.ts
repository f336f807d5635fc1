/**
 * What runs the code of agents that are no machine code, by the kind of their images: modules, and scripts with
 * the engine. The kernel says which image an agent runs: what has been prepared is found by that digest.
 */
import type { Store } from "../host/store.ts";
import type { Birth } from "../messages/birth.ts";
import { RequestError } from "../messages/errors.ts";
import type { Runnable as Image } from "../orchestrator/images.ts";
import { scriptPersonalities } from "../quickjs/agent.ts";
import { loadEngine } from "../quickjs/engine/load.ts";
import { keepFramesSmall } from "../quickjs/frames.ts";
import { type Code, entriesOf } from "../wasm/agent.ts";
import { importProblem } from "../wasm/imports.ts";
import { WasmError } from "../wasm/module/errors.ts";
import { modulePersonalities } from "../wasm/personalities.ts";
import type { Runnable, WasmParts } from "../wasm/program.ts";
import type { Preparer } from "./preparer.ts";

/** A kind of code: `prepare` before an agent starts, `runnable` when it does. */
export interface Runtime extends Pick<WasmParts, "runnable"> {
  /** @throws RequestError */
  prepare(image: Image): Promise<void>;
  /** Nothing is started from an image with this code any more. */
  forget(image: Pick<Image, "code" | "codeDigest">): Promise<void>;
}

/** Modules; `epoch`: seconds since 1970 at which the machine was turned on. */
export function moduleRuntime(preparer: Preparer, epoch: number): Runtime {
  const personalities = (told: Birth) => modulePersonalities(told, epoch);
  const known = new Map<string, Runnable>();
  return {
    async prepare({ code, codeDigest, entry }) {
      const prepared = await preparer.prepare(code);
      const entered = { code: prepared, ...(entry !== null && { entry }) };
      requireRunnable(entered);
      known.set(codeDigest, { ...entered, personalities });
    },
    async forget({ code, codeDigest }) {
      known.delete(codeDigest);
      // With another entry it is another image.
      const isUsed = [...known.values()].some((it) => it.code === preparer.codes.get(code));
      if (!isUsed) await preparer.forget(code);
    },
    runnable: (digest) => known.get(digest),
  };
}

/** What an agent would end of at its birth. @throws RequestError bad-request */
function requireRunnable(entered: Parameters<typeof entriesOf>[0]): void {
  const problem = importProblem(entered.code.prepared.imports);
  if (problem !== null) throw new RequestError("bad-request", `the module ${problem}`);
  try {
    entriesOf(entered);
  } catch (error) {
    if (!(error instanceof WasmError)) throw error;
    throw new RequestError("bad-request", `the module: ${error.message}`);
  }
}

/** Scripts: the engine is read when the first one is started; `epoch` as above. */
export function scriptRuntime(store: Store, epoch: number): Runtime {
  const scripts = new Map<string, Uint8Array>();
  let engine: Code | null = null;
  return {
    async prepare({ code, codeDigest }) {
      engine ??= await loadEngine();
      keepFramesSmall();
      if (!scripts.has(codeDigest)) scripts.set(codeDigest, await store.getObject(code));
    },
    async forget({ codeDigest }) {
      scripts.delete(codeDigest);
    },
    runnable(digest, id) {
      const script = scripts.get(digest);
      if (!engine || !script) return undefined;
      return {
        code: engine,
        personalities: (told) => scriptPersonalities(script, id, told, epoch),
      };
    },
  };
}
