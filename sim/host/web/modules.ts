/** Finds and compiles the WebAssembly modules in a browser, beside the packaged code. */
import { MachineError } from "../errors.ts";

/** Literal URLs: bundlers follow them and copy the files along. */
const SOURCES: Readonly<Record<string, () => URL>> = {
  sim: () => new URL("./sim.wasm", import.meta.url),
  kernel: () => new URL("./kernel.wasm", import.meta.url),
};

const cache = new Map<string, Promise<WebAssembly.Module>>();

async function compile(name: string): Promise<WebAssembly.Module> {
  const url = SOURCES[name]?.();
  if (!url) throw new TypeError(`there is no module "${name}"`);
  const refuse = (why: unknown) =>
    new MachineError("modules-unavailable", `${name}.wasm: ${url.href}: ${why}`, { cause: why });
  const response = await fetch(url).catch((cause) => Promise.reject(refuse(cause)));
  if (!response.ok) throw refuse(`HTTP status ${response.status}`);
  try {
    // Compiling while loading asks for the right MIME type, which not every server sends.
    return response.headers.get("content-type") === "application/wasm"
      ? await WebAssembly.compileStreaming(response)
      : await WebAssembly.compile(await response.arrayBuffer());
  } catch (cause) {
    throw refuse(cause);
  }
}

/**
 * The module `name`, compiled once a page; a load that failed is tried again.
 * @throws MachineError modules-unavailable, with the URL and why
 */
export function loadModule(name: string): Promise<WebAssembly.Module> {
  const known = cache.get(name);
  if (known) return known;
  const loading = compile(name);
  cache.set(name, loading);
  loading.catch(() => cache.delete(name));
  return loading;
}
