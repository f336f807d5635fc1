import { elfFile } from "../image/elf-write.ts";
import { type BuildInput, type BuiltImage, buildImage } from "./build.ts";
import { OciError } from "./errors.ts";
import type { RuntimeKind } from "./media.ts";

const text = (value: string) => new TextEncoder().encode(value);

/** The least module that can run: `_start`, which does nothing (WebAssembly 2.0, 5.5). */
export const MODULE = Uint8Array.from([
  ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
  ...[0x01, 0x04, 0x01, 0x60, 0x00, 0x00],
  ...[0x03, 0x02, 0x01, 0x00],
  ...[0x07, 0x0a, 0x01, 0x06, ...text("_start"), 0x00, 0x00],
  ...[0x0a, 0x04, 0x01, 0x02, 0x00, 0x0b],
]);

export const CODE: Readonly<Record<Exclude<RuntimeKind, "host">, Uint8Array>> = {
  wasm: MODULE,
  quickjs: text('console.log("hello");\n'),
  native: elfFile({ segments: [{ address: 0x40_0000, bytes: Uint8Array.of(0xf4) }] }),
};

/** An agent.json with these members beside the usual ones. */
export function agentFile(more: Readonly<Record<string, unknown>> = {}): Uint8Array {
  const usual = { name: "demo", version: "1.0.0", runtime: "wasm", entry: "agent.wasm" };
  return text(JSON.stringify({ ...usual, ...more }));
}

/** Builds an agent whose files are given; any that is read and isn't there fails the test. */
export function build(
  file: Uint8Array,
  files: Readonly<Record<string, Uint8Array>> = { "agent.wasm": MODULE },
  more: Partial<BuildInput> = {},
): Promise<BuiltImage> {
  const readFile = (path: string) => {
    const found = files[path];
    if (!found) throw new Error(`${path} was read`);
    return found;
  };
  return buildImage({ name: "agent.json", agentFile: file, readFile, ...more });
}

/** The OciError that `work` ends with; any other outcome fails the test. */
export async function ociErrorOf(work: () => unknown): Promise<OciError> {
  try {
    await work();
  } catch (error) {
    if (error instanceof OciError) return error;
    throw error;
  }
  throw new Error("no error was thrown");
}
