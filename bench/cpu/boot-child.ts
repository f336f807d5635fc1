/**
 * A process that boots Debian's kernel, or goes on from its snapshot, and prints how that went:
 * boot KERNEL INITRD SNAPSHOT, or restore SNAPSHOT.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { RAM_BASE } from "../../sim/host/core.ts";
import { Machine } from "../../sim/host/machine.ts";
import { loadModules } from "../../sim/host/modules.ts";
import { Snapshot } from "../../sim/host/snapshot.ts";
import { type Booted, COMMAND_LINE, MARK, MEMORY_MIB, PROMPT, type Restored } from "./boot.ts";

const MIB = 1024 * 1024;
const PAGE_BYTES = 4096;
const UNTIL = 60_000_000_000n;
const QUESTION = "echo $((6 * 7))\r";
const ANSWER = "42\r\n";

/** Runs until the guest has said `text`. */
function hear(machine: Machine, text: string): void {
  let heard = "";
  const watch = machine.onConsole((byte) => {
    heard = (heard + String.fromCharCode(byte)).slice(-text.length);
    done ||= heard === text;
  });
  let done = false;
  const reason = machine.run({ until: machine.time + UNTIL, condition: () => done });
  watch.remove();
  if (!done)
    throw new Error(`cpu: ${reason} before "${text}"\n${machine.consoleText.slice(-2000)}`);
}

/** What the guest has used of its RAM: pages that are not all zeroes. */
function usedBytes(machine: Machine): number {
  const { sim } = machine.core;
  const end = RAM_BASE + MEMORY_MIB * MIB;
  for (let at = RAM_BASE, pages = 0; ; at += PAGE_BYTES, pages++) {
    at = sim.nextUsedPage(at | 0, end | 0) >>> 0;
    if (at >= end) return pages * PAGE_BYTES;
  }
}

async function boot(kernelPath: string, initrdPath: string, snapshotPath: string): Promise<Booted> {
  const [kernel, initrd] = [kernelPath, initrdPath].map(
    (path) => new Uint8Array(readFileSync(path)),
  );
  if (kernel === undefined || initrd === undefined) throw new Error("boot KERNEL INITRD SNAPSHOT");
  for (let n = 0; n < 3; n++) globalThis.gc?.();
  const before = process.memoryUsage.rss();
  const start = process.cpuUsage();
  const modules = await loadModules();
  const guest = { kernel, initrd, commandLine: COMMAND_LINE };
  const machine = await Machine.create({ memory: MEMORY_MIB * MIB, modules, guest });
  hear(machine, MARK);
  const { user, system } = process.cpuUsage(start);
  const instructions = Number(machine.sim.cpus[0]?.retired ?? 0n);
  hear(machine, PROMPT);
  const grown = process.memoryUsage.rss() - before;
  const used = usedBytes(machine);
  writeFileSync(snapshotPath, await machine.snapshot().toBytes());
  return {
    seconds: (user + system) / 1e6,
    instructions,
    beyondBytes: grown - used,
    usedBytes: used,
  };
}

/** From the file to an answer at the prompt. */
async function restore(snapshotPath: string): Promise<Restored> {
  const start = process.cpuUsage();
  const snapshot = await Snapshot.fromBytes(new Uint8Array(readFileSync(snapshotPath)));
  const machine = await Machine.restore(snapshot);
  machine.input.serial(QUESTION);
  hear(machine, ANSWER);
  const { user, system } = process.cpuUsage(start);
  return { seconds: (user + system) / 1e6 };
}

const [what, ...paths] = process.argv.slice(2);
const [first = "", second = "", third = ""] = paths;
console.log(
  JSON.stringify(what === "boot" ? await boot(first, second, third) : await restore(first)),
);
