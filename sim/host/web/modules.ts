/** Finds and compiles the WebAssembly modules in a browser, beside the packaged code. */

/** Literal URLs: bundlers follow them and copy the files along. */
const SOURCES: Readonly<Record<string, () => URL>> = {
  sim: () => new URL("./sim.wasm", import.meta.url),
  kernel: () => new URL("./kernel.wasm", import.meta.url),
};

const cache = new Map<string, Promise<WebAssembly.Module>>();

function compile(name: string): Promise<WebAssembly.Module> {
  const source = SOURCES[name];
  if (!source) return Promise.reject(new TypeError(`there is no module "${name}"`));
  return WebAssembly.compileStreaming(fetch(source()));
}

/** The module `name`, compiled once a page. */
export function loadModule(name: string): Promise<WebAssembly.Module> {
  const known = cache.get(name) ?? compile(name);
  cache.set(name, known);
  return known;
}
