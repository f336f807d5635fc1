/** The engine that the build has made. */
import { readFile } from "node:fs/promises";
import type { Code } from "../../wasm/agent.ts";
import { readPrepared } from "../../wasm/module/file.ts";

/** Set by the bundler of pkg/, where the file lies beside the code. */
declare const AIOS_PACKAGED: boolean | undefined;

export const ENGINE_FILE = "quickjs.bin";

function place(): URL {
  if (typeof AIOS_PACKAGED !== "undefined") return new URL(ENGINE_FILE, import.meta.url);
  return new URL(`../../../build/${ENGINE_FILE}`, import.meta.url);
}

let loaded: Promise<Code> | undefined;

async function load(): Promise<Code> {
  const prepared = readPrepared(await readFile(place()));
  return { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
}

/** The engine, read and compiled once a process. @throws Error ENOENT before `npm run build` */
export function loadEngine(): Promise<Code> {
  loaded ??= load();
  return loaded;
}
