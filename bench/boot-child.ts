/** A process that boots machines and prints how long that took: IMAGE CPUS MEBIBYTES. */

import { RAM_BASE } from "../sim/host/core.ts";
import { Machine } from "../sim/host/machine.ts";
import { loadModules } from "../sim/host/modules.ts";
import { fileDrive } from "../sim/host/node/file.ts";
import type { BootTimes } from "./boot.ts";
import { bootToIdle } from "./machines.ts";
import { median } from "./measure.ts";

const LATER = 9;
const PAGE_BYTES = 4096;
const [image = "", cpus = "", mebibytes = ""] = process.argv.slice(2);
const memory = Number(mebibytes) * 1024 * 1024;
const options = () => ({
  cpus: Number(cpus),
  memory,
  drives: [fileDrive(image, { overlay: true })],
});

function usedBytes(machine: Machine): number {
  const { sim } = machine.core;
  const end = RAM_BASE + memory;
  let pages = 0;
  for (let at = RAM_BASE; ; at += PAGE_BYTES) {
    at = sim.nextUsedPage(at | 0, end | 0) >>> 0;
    if (at >= end) return pages * PAGE_BYTES;
    pages += 1;
  }
}

// What loading this program left behind is given back first, as far as V8 does so.
for (let n = 0; n < 3; n++) globalThis.gc?.();
const before = process.memoryUsage.rss();
const begin = performance.now();
const modules = await loadModules();
const compiled = performance.now();
const machine = await Machine.create({ ...options(), modules });
const created = performance.now();
bootToIdle(machine);
const idle = performance.now();
// No collection here: it would give back what was there before the machine.
const residentBytes = process.memoryUsage.rss() - before;

const later: number[] = [];
for (let n = 0; n < LATER; n++) {
  const start = performance.now();
  bootToIdle(await Machine.create(options()));
  later.push(performance.now() - start);
}
const times: BootTimes = {
  compile: compiled - begin,
  instantiate: created - compiled,
  run: idle - created,
  later: median(later),
  residentBytes,
  usedBytes: usedBytes(machine),
};
console.log(JSON.stringify(times));
