/** The two WebAssembly modules of a machine; where they come from depends on the platform. */
import { loadModule } from "#modules";

export { loadModule };

/** sim.wasm and kernel.wasm, compiled once and instantiated for each machine. */
export interface Modules {
  readonly sim: WebAssembly.Module;
  readonly kernel: WebAssembly.Module;
}

/** Loads sim.wasm and a kernel: the project's own, or another module of the build. */
export async function loadModules(kernelName = "kernel"): Promise<Modules> {
  const [sim, kernel] = await Promise.all([loadModule("sim"), loadModule(kernelName)]);
  return { sim, kernel };
}
