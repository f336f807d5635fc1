/** Machines for the benchmarks, with the release modules. */
import { closeSync, ftruncateSync, openSync, writeSync } from "node:fs";
import { buildBootImage } from "../sdk/image/index.ts";
import { Machine, type MachineOptions } from "../sim/host/machine.ts";
import { loadModule, type Modules } from "../sim/host/modules.ts";

const MIB = 1024 * 1024;
/** What the boot bundle holds: a byte pattern, so that its digest has something to do. */
const BUNDLE_BYTES = 256 * 1024;

export async function bootImage(bytes?: number): Promise<Uint8Array> {
  const data = Uint8Array.from({ length: BUNDLE_BYTES }, (_, index) => index * 31);
  const size = bytes === undefined ? {} : { bytes };
  return buildBootImage({ entries: [{ name: "pattern", data }], ...size });
}

/** Writes an image of `bytes` to `path`: a boot drive, the rest of it not zero. */
export async function writeImage(path: string, bytes: number): Promise<void> {
  const image = await bootImage(bytes);
  const words = new Uint32Array(image.buffer, image.byteOffset, image.byteLength >>> 2);
  // Behind the bundle and before the backup table nothing is looked at by a boot.
  for (let at = (2 * MIB) >>> 2; at < words.length - (MIB >>> 2); at++) words[at] ||= at * 40503;
  const file = openSync(path, "w");
  ftruncateSync(file, bytes);
  for (let done = 0; done < bytes; ) done += writeSync(file, image, done);
  closeSync(file);
}

/** sim-testing.wasm, whose loops are exported, with the kernel `name`. */
export async function testingModules(name = "kernel"): Promise<Modules> {
  const [sim, kernel] = await Promise.all([loadModule("sim-testing"), loadModule(name)]);
  return { sim, kernel };
}

/** Runs until the kernel is idle. @throws Error when the boot ends otherwise */
export function bootToIdle(machine: Machine): void {
  const reason = machine.boot();
  if (!machine.kernel.idle) throw new Error(`boot: ${reason}\n${machine.consoleText}`);
}

/** A machine that has booted and is idle. */
export async function bootedMachine(options: MachineOptions): Promise<Machine> {
  const modules = await testingModules();
  const machine = await Machine.create({
    modules,
    drives: [{ data: await bootImage() }],
    ...options,
  });
  bootToIdle(machine);
  return machine;
}
