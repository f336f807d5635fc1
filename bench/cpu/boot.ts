/**
 * Debian's own kernel: to its init, beside QEMU with the same kernel, initial RAM disk and command line;
 * host memory beyond what it touched; and from a snapshot at its prompt to an answer there.
 */
import { execFile, execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { cpioEntry, writeCpio } from "../../sdk/image/cpio.ts";
import { hasTool } from "../host.ts";
import { type Progress, pairedRow, plainRow, type Results } from "../measure.ts";
import { compileStamp } from "./images.ts";
import { QEMU, qemuOptions, runStamped } from "./peers.ts";

export const MEMORY_MIB = 512;
export const COMMAND_LINE = "console=ttyS0 panic=-1";
/** What init says first. */
export const MARK = "init has begun";
export const PROMPT = "guest> ";

/** What boot-child.ts prints. Seconds are CPU time, of all threads. */
export interface Booted {
  /** To the mark, from reading the modules. */
  readonly seconds: number;
  readonly instructions: number;
  /** At the prompt: growth of the resident set, without the pages that are not all zeroes. */
  readonly beyondBytes: number;
  readonly usedBytes: number;
}

export interface Restored {
  readonly seconds: number;
}

const RUNS = 3;
const MIB = 1024 * 1024;
const GROUP = "cpu";
/** Where .ci/run unpacks the package, and where apt installs it. */
const FOLDERS = ["build/judges/linux/boot", "/boot"];

const INIT = `#!/bin/busybox sh
echo ${MARK}
/bin/busybox mkdir -p /dev /proc
/bin/busybox --install -s /bin
export PATH=/bin PS1='${PROMPT}'
mount -t proc proc /proc
mount -t devtmpfs dev /dev 2>/dev/null
dmesg -n 1
exec setsid cttyhack sh
`;

function findKernel(): string | undefined {
  const files = FOLDERS.flatMap((folder) => {
    try {
      return readdirSync(folder).map((name) => join(folder, name));
    } catch {
      return [];
    }
  });
  return files.find((path) => /\/vmlinuz-.*-cloud-amd64$/.test(path));
}

function makeInitrd(directory: string): string {
  const busybox = execFileSync("sh", ["-c", "command -v busybox"], { encoding: "utf8" }).trim();
  const path = join(directory, "initrd");
  const archive = writeCpio([
    cpioEntry("bin", new Uint8Array(), { mode: 0o40755 }),
    cpioEntry("bin/busybox", readFileSync(busybox), { mode: 0o100755 }),
    cpioEntry("init", new TextEncoder().encode(INIT), { mode: 0o100755 }),
  ]);
  writeFileSync(path, archive);
  return path;
}

async function child<T>(...args: string[]): Promise<T> {
  const script = fileURLToPath(new URL("boot-child.ts", import.meta.url));
  const options = ["--expose-gc", "--import", "tsx", script, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, options);
  return JSON.parse(stdout) as T;
}

function addRows(results: Results, boots: readonly Booted[], qemu: readonly number[]): void {
  const ours = boots.map(({ seconds }) => seconds * 1000);
  const billions = ((boots[0]?.instructions ?? 0) / 1e9).toFixed(2);
  const about = {
    group: GROUP,
    name: `Debian's kernel to init, ${billions} G instructions`,
    unit: "ms",
    aim: "16,000 at most, 8,000",
  } as const;
  results.rows.push(
    qemu.length === 0
      ? plainRow(about, ours)
      : pairedRow({ ...about, peerName: "QEMU TCG" }, { ours, peer: [...qemu] }),
  );
  const used = Math.round((boots[0]?.usedBytes ?? 0) / MIB);
  const memory = {
    group: GROUP,
    name: `host memory beyond the ${used} MiB that Debian touched`,
    unit: "MiB",
    aim: "128 at most, 64",
  } as const;
  results.rows.push(
    plainRow(
      memory,
      boots.map(({ beyondBytes }) => beyondBytes / MIB),
    ),
  );
}

/** Nothing without the kernel's package and a busybox. */
export async function measureBoot(results: Results, progress: Progress): Promise<void> {
  const kernel = findKernel();
  if (kernel === undefined || !hasTool("busybox", "--help")) {
    const name = "Debian's kernel to init";
    const about = { group: GROUP, name, unit: "ms", peerName: "no kernel or busybox" } as const;
    results.rows.push(plainRow(about, [Number.NaN]));
    return;
  }
  const directory = mkdtempSync(join(tmpdir(), "bench-debian-"));
  try {
    const initrd = makeInitrd(directory);
    const snapshot = join(directory, "snapshot");
    const stamp = hasTool(QEMU) && hasTool("gcc") ? compileStamp(directory) : null;
    const options = ["-initrd", initrd, "-append", COMMAND_LINE];
    const command = [QEMU, ...qemuOptions(kernel, MEMORY_MIB), ...options];
    const [boots, qemu, restored]: [Booted[], number[], number[]] = [[], [], []];
    for (let run = 0; run < RUNS; run++) {
      progress(`Debian's kernel, boot ${run + 1} of ${RUNS}`);
      boots.push(await child<Booted>("boot", kernel, initrd, snapshot));
      if (stamp !== null) qemu.push((await runStamped(stamp, ["", MARK], command)).seconds * 1000);
      restored.push((await child<Restored>("restore", snapshot)).seconds * 1000);
    }
    addRows(results, boots, qemu);
    const about = {
      name: "Debian restored to a working prompt",
      aim: "1,000 at most, 300",
    } as const;
    results.rows.push(plainRow({ group: GROUP, unit: "ms", ...about }, restored));
  } finally {
    rmSync(directory, { recursive: true });
  }
}
