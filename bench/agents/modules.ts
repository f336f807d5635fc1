/** The module whose agents are measured, compiled and prepared once, as a file for other processes. */
import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { assemblyScriptBindings } from "../../sdk/build/aios-bindings.ts";
import { writePrepared } from "../../services/wasm/module/file.ts";
import { prepare } from "../../services/wasm/module/prepare.ts";
import { compileSource } from "../../services/wasm/testing/compile.ts";

/** Says that it is there, then waits: each message has a number of pages that it writes to, and answers. */
const SOURCE = `${assemblyScriptBindings().replaceAll("export ", "")}
const AREA: usize = 8192;
const told = memory.data(64), name = memory.data(8), room = memory.data(256);
export function _start(): void {
  store<u8>(name, 112);
  aios_capability(name, 1, told);
  const parent = load<i64>(told);
  aios_send(parent, room, 1, 0);
  for (;;) {
    if (aios_receive(0, AIOS_NEVER, room, 8, told) != AIOS_STATUS_OK) aios_exit(1);
    for (let n: usize = 0, end = <usize>load<u32>(room); n < end; n++) {
      const at = AREA + n * 4096;
      store<u32>(at, load<u32>(at) + 1);
    }
    if (aios_send(parent, room, 1, 0) != AIOS_STATUS_OK) aios_exit(2);
  }
}
`;
export interface ModuleFiles {
  readonly folder: string;
  /** As it came from the compiler. */
  readonly plain: string;
  readonly prepared: string;
}

/** With so many pages of 64 KiB; the folder is the caller's to remove. */
export async function makeModule(pages: number): Promise<ModuleFiles> {
  const folder = mkdtempSync(join(tmpdir(), "aios-bench-"));
  const size = String(pages);
  const bytes = await compileSource(SOURCE, "--initialMemory", size, "--maximumMemory", size);
  const files = { folder, plain: join(folder, "plain.wasm"), prepared: join(folder, "prepared") };
  writeFileSync(files.plain, bytes);
  writeFileSync(files.prepared, writePrepared(await prepare(bytes)));
  return files;
}
