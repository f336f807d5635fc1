/** Makes the engine that agents run: linked, metered, suspendable, and with its prelude run. */
import { createHash } from "node:crypto";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import * as statuses from "../../../kernel/syscall/status.ts";
import type { Instance, Quick, Value } from "../../wasm/instance.ts";
import { begun } from "../../wasm/module/begun.ts";
import { writePrepared } from "../../wasm/module/file.ts";
import { prepare } from "../../wasm/module/prepare.ts";
import { ERRNO_BADF, ERRNO_SUCCESS } from "../../wasm/wasi_constants.ts";
import { TEXT_PRELUDE, TEXT_STATUSES } from "../guest/operations.ts";
import { putText } from "../personality.ts";
import { linkEngine } from "./link.ts";

const here = dirname(fileURLToPath(import.meta.url));
const ROOT = join(here, "../../..");
const PRELUDE = join(here, "../guest/prelude.ts");
const PREFIX = "STATUS_";

/** The prelude as one script. */
async function preludeText(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [PRELUDE],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2023",
    minifyWhitespace: true,
    logLevel: "silent",
  });
  return outputFiles[0]?.text ?? "";
}

function statusTable(): string {
  const named = Object.entries(statuses).map(([name, code]) => [name.slice(PREFIX.length), code]);
  return JSON.stringify(Object.fromEntries(named));
}

/** Of the host's stack: about half of it is taken by V8's frames in fact, and the rest is the machine's. */
const STACK = { stackBytes: 1 << 20 };

/** The engine in its common beginning: a clock that stands at 0, no chance, no streams. */
async function buildEngine(linked: Uint8Array, prelude: string): Promise<Uint8Array> {
  const texts = new Map([
    [TEXT_PRELUDE, new TextEncoder().encode(prelude)],
    [TEXT_STATUSES, new TextEncoder().encode(statusTable())],
  ]);
  const prepared = await begun(
    await prepare(linked, STACK),
    "prepare",
    (instance, { name }): Quick => {
      if (name === "text") return (...args) => putText(instance, texts, args);
      if (name === "clock_time_get") return (_clock, _precision, at) => zeroes(instance, at, 8);
      if (name === "random_get") return (at, bytes) => zeroes(instance, at, Number(bytes) >>> 0);
      return () => ERRNO_BADF;
    },
  );
  return writePrepared(prepared);
}

function zeroes(instance: Instance, at: Value | undefined, bytes: number): number {
  instance.view(Number(at), bytes)?.fill(0);
  return ERRNO_SUCCESS;
}

/** All that decides about the engine's bytes. */
function sources(): string[] {
  const ours = ["../guest", ".", "../../wasm/module"].flatMap((folder) =>
    readdirSync(join(here, folder))
      .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
      .sort()
      .map((name) => join(here, folder, name)),
  );
  const packages = ["quickjs-wasi", "binaryen", "assemblyscript", "esbuild"].map((name) =>
    join(ROOT, "node_modules", name, "package.json"),
  );
  return [...ours, ...packages, join(ROOT, "kernel/syscall/status.ts")];
}

/** Writes the engine to `file`. It is made once for the same sources: Binaryen takes half a minute. */
export async function makeEngine(file: string): Promise<void> {
  const hash = createHash("sha256");
  for (const source of sources()) hash.update(readFileSync(source));
  const kept = join(ROOT, "node_modules/.cache/aios", `quickjs-${hash.digest("hex")}.bin`);
  if (!existsSync(kept)) {
    process.stderr.write("quickjs: the engine is made, which takes a minute, once\n");
    const bytes = await buildEngine(await linkEngine(), await preludeText());
    mkdirSync(dirname(kept), { recursive: true });
    const part = `${kept}.${process.pid}`;
    writeFileSync(part, bytes);
    renameSync(part, kept);
  }
  copyFileSync(kept, file);
}
