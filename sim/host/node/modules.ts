/** Finds and compiles the WebAssembly modules in Node. */
import { readFile } from "node:fs/promises";

/** Set by the bundler of pkg/, where the modules lie beside the code. */
declare const AIOS_PACKAGED: boolean | undefined;

/** Directory of the modules: beside the packaged code, else the build folder of the source tree. */
function directory(): URL {
  if (typeof AIOS_PACKAGED !== "undefined") return new URL("./", import.meta.url);
  const build = process.env.AIOS_BUILD === "debug" ? "debug/" : "";
  return new URL(`../../../build/${build}`, import.meta.url);
}

const cache = new Map<string, Promise<WebAssembly.Module>>();

async function compile(name: string): Promise<WebAssembly.Module> {
  return WebAssembly.compile(new Uint8Array(await readFile(new URL(`${name}.wasm`, directory()))));
}

/** The module `name` of the build, compiled once a process. */
export function loadModule(name: string): Promise<WebAssembly.Module> {
  const known = cache.get(name) ?? compile(name);
  cache.set(name, known);
  return known;
}
