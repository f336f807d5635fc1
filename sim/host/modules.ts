/** Finds and compiles the two WebAssembly modules, in Node and in a browser. */

/** sim.wasm and kernel.wasm, compiled once and instantiated for each machine. */
export interface Modules {
  readonly sim: WebAssembly.Module;
  readonly kernel: WebAssembly.Module;
}

/** Set by the bundler of pkg/, where the modules lie beside the code. */
declare const AIOS_PACKAGED: boolean | undefined;

const environment = (globalThis as { process?: { env: Record<string, string | undefined> } })
  .process?.env;

/** Directory of the modules: beside the packaged code, else the build folder of the source tree. */
function directory(): URL {
  if (typeof AIOS_PACKAGED !== "undefined") return new URL("./", import.meta.url);
  const build = environment?.["AIOS_BUILD"] === "debug" ? "debug/" : "";
  return new URL(`../../build/${build}`, import.meta.url);
}

async function compile(url: URL): Promise<WebAssembly.Module> {
  if (url.protocol !== "file:") return WebAssembly.compileStreaming(fetch(url));
  const { readFile } = await import("node:fs/promises");
  return WebAssembly.compile(new Uint8Array(await readFile(url)));
}

const cache = new Map<string, Promise<WebAssembly.Module>>();

/** Compiles the module `name` of the build, once a process. */
export function loadModule(name: string): Promise<WebAssembly.Module> {
  const url = new URL(`${name}.wasm`, directory());
  const known = cache.get(url.href) ?? compile(url);
  cache.set(url.href, known);
  return known;
}

export async function loadModules(kernel = "kernel"): Promise<Modules> {
  const [simModule, kernelModule] = await Promise.all([loadModule("sim"), loadModule(kernel)]);
  return { sim: simModule, kernel: kernelModule };
}
