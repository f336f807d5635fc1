/** The system that is killed: agents with states, lines and files, in a directory that is made once and copied. */
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { agentFile, build } from "../../../sdk/oci/testing.ts";
import { putImage } from "../../up/images.ts";
import { System } from "../../up/system.ts";
import type { Subject } from "./driver.ts";

const MIB = 1024 * 1024;
/** Bytes of RAM. */
export const MEMORY = 256 * MIB;
/** Where agents' files are, in the state directory. */
export const FOLDER = join("files", "projects", "demo");
/** Bytes of a line that the counter writes. */
export const LINE_BYTES = 7;

/** What the driver's agents do: the counter writes each number to a file of its name before it says it. */
export const SOURCE = `
@external("wasi_snapshot_preview1", "args_get") declare function args_get(list: usize, text: usize): i32;
@external("wasi_snapshot_preview1", "fd_write") declare function fd_write(fd: i32, list: usize, n: i32, done: usize): i32;
@external("wasi_snapshot_preview1", "poll_oneoff") declare function poll(list: usize, events: usize, n: i32, done: usize): i32;
@external("wasi_snapshot_preview1", "path_open") declare function path_open(
  fd: i32, follow: i32, path: usize, bytes: i32, create: i32, rights: u64, inherit: u64, flags: i32, opened: usize): i32;
@external("wasi_snapshot_preview1", "proc_exit") declare function proc_exit(code: i32): void;
const list = memory.data(64), text = memory.data(256), clock = memory.data(48), event = memory.data(32), line = memory.data(8);
const WRITE: u64 = 1 << 6, CREATE = 1, APPEND = 1;
function pause(ns: u64): void {
  store<i32>(clock + 16, 1);
  store<u64>(clock + 24, ns);
  poll(clock, event, 1, list + 40);
}
function put(fd: i32): void {
  store<usize>(list + 16, line);
  store<i32>(list + 20, ${LINE_BYTES});
  if (fd_write(fd, list + 16, 1, list + 24) != 0) proc_exit(2);
}
export function sleeper(): void { while (true) pause(1000000000); }
export function ender(): void { proc_exit(0); }
export function counter(): void {
  args_get(list, text);
  const path = load<usize>(list);
  let bytes = 0;
  while (load<u8>(path + bytes) != 0) bytes++;
  if (path_open(3, 0, path, bytes, CREATE, WRITE, 0, APPEND, list + 32) != 0) proc_exit(3);
  const file = load<i32>(list + 32);
  store<u8>(line + 6, 10);
  for (let n = 0; ; n++) {
    for (let at = 5, rest = n; at >= 0; at--, rest /= 10) store<u8>(line + at, 48 + rest % 10);
    put(file);
    put(1);
    pause(2000000);
  }
}`;

export const subjectOf = (system: System): Subject => ({
  call: (method, params) => system.access.owner.call(method, params) as never,
  putImage: (archive) => putImage(archive, system),
});

/** Makes a state directory with images of these agents, ready to run, and nothing else. */
export async function makeDirectory(state: string, code: Uint8Array): Promise<void> {
  const system = await System.start({ state, memory: MEMORY });
  const running = system.run();
  mkdirSync(join(state, FOLDER), { recursive: true });
  for (const name of ["sleeper", "ender", "counter"]) {
    const file = agentFile({ name, export: name });
    const archive = await putImage((await build(file, { "agent.wasm": code })).archive, system);
    await system.access.owner.call("image.register", { archive });
  }
  await system.stop();
  await running;
}
