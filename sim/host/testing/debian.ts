/**
 * Debian's own kernel as a guest, with a user space of one busybox: what `.ci/run` has fetched with
 * apt. A test that needs them is skipped without, or fails where CI=true.
 */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { cpioEntry, writeCpio } from "../../../sdk/image/cpio.ts";
import { Machine } from "../machine.ts";
import type { Modules } from "../modules.ts";
import type { MachineOptions } from "../options.ts";
import type { StopReason } from "../reasons.ts";
import { findTool, stayAway } from "./tools.ts";

/** Packages are unpacked there, not installed: see .ci/run. */
const UNPACKED = "build/judges/linux/boot";

const files = (folder: string): string[] => {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
};

/** The path of a vmlinuz of package linux-image-cloud-amd64. To be called inside a test. */
export function debianKernel(): string {
  const found = [...files(UNPACKED), ...files("/boot")].find((path) =>
    /\/vmlinuz-.*-cloud-amd64$/.test(path),
  );
  return found ?? stayAway("Debian's package linux-image-cloud-amd64");
}

const PREPARE = `#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev /tmp /mnt
/bin/busybox --install -s /bin
export PATH=/bin
mount -t proc proc /proc
mount -t sysfs sys /sys
mount -t devtmpfs dev /dev 2>/dev/null
`;

const folderEntry = (path: string) => cpioEntry(path, new Uint8Array(), { mode: 0o40755 });

/**
 * An initial RAM disk whose init prepares a busybox and then runs the script.
 * @param tools programs of the host that come along, with their libraries
 */
export function busyboxInitrd(script: string, tools: readonly string[] = []): Uint8Array {
  const busybox = findTool("busybox") ?? stayAway("busybox");
  const found = tools.map((name) => findTool(name) ?? stayAway(name));
  const files = new Set(found.flatMap((path) => [path, ...librariesOf(path)]));
  const folders = new Set([...files].flatMap(foldersOf).filter((path) => path !== "bin"));
  return writeCpio([
    folderEntry("bin"),
    cpioEntry("bin/busybox", readFileSync(busybox), { mode: 0o100755 }),
    cpioEntry("init", new TextEncoder().encode(PREPARE + script), { mode: 0o100755 }),
    ...[...folders].sort().map(folderEntry),
    ...[...files].map((path) => cpioEntry(path.slice(1), readFileSync(path), { mode: 0o100755 })),
  ]);
}

/** Absolute paths of the libraries that a dynamic executable needs, and of what loads them. */
function librariesOf(path: string): string[] {
  const listed = execFileSync("ldd", [path], { encoding: "utf8" });
  return [...listed.matchAll(/(\/\S+) \(0x/g)].map(([, library]) => library ?? "");
}

/** The folders above a file: "usr", "usr/bin". */
function foldersOf(path: string): string[] {
  const parts = path.slice(1).split("/").slice(0, -1);
  return parts.map((_, n) => parts.slice(0, n + 1).join("/"));
}

/** The modules as they are shipped: a guest boots ten times slower in the debug build. */
async function releaseModules(): Promise<Modules> {
  const compile = (name: string) =>
    WebAssembly.compile(readFileSync(join("build", `${name}.wasm`)) as Uint8Array<ArrayBuffer>);
  const [sim, kernel] = await Promise.all([compile("sim"), compile("kernel")]);
  return { sim, kernel };
}

export interface DebianOptions extends Omit<MachineOptions, "guest" | "modules"> {
  /** What init does; it should end with `poweroff -f`. */
  readonly script: string;
  /** Programs of the host, with which it does it. */
  readonly tools?: readonly string[];
  /** Added to the command line. */
  readonly append?: string;
}

/** What such a machine is made of. */
export async function debianOptions({
  script,
  tools = [],
  append = "",
  ...options
}: DebianOptions): Promise<MachineOptions> {
  const kernel = new Uint8Array(readFileSync(debianKernel()));
  const commandLine = `console=ttyS0 panic=-1 ${append}`.trim();
  return {
    memory: 512 * 1024 * 1024,
    ...options,
    modules: await releaseModules(),
    guest: { kernel, initrd: busyboxInitrd(script, tools), commandLine },
  };
}

/** A machine with Debian's kernel on it, at power-on. */
export const debian = async (options: DebianOptions): Promise<Machine> =>
  Machine.create(await debianOptions(options));

export const PROMPT = "guest> ";
/** Its line editor then asks the terminal where the cursor is, and reads. */
const ASKS = `${PROMPT}\x1b[6n`;

/** A shell that is typed at. Init waits until the clock is calibrated and the log says no more. */
export const SHELL = `
sleep 1
dmesg -n 1
export PS1='${PROMPT}'
exec setsid cttyhack sh
`;

/** Types at the shell; what it has printed when its prompt is there again. */
export function command(machine: Machine, text: string): string {
  const from = machine.consoleText.length;
  machine.input.serial(`${text}\n`);
  const until = machine.time + 100_000_000_000n;
  const printed = () => machine.consoleText.slice(from);
  let reason: StopReason;
  do reason = machine.run({ until, steps: 20 });
  while (reason === "steps" && !printed().includes(ASKS));
  if (!printed().includes(ASKS)) throw new Error(`${reason}: "${printed()}"`);
  return printed().slice(text.length, printed().indexOf(PROMPT)).replaceAll("\r", "").trim();
}
