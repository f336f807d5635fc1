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
import { readPrepared, writePrepared } from "../../wasm/module/file.ts";
import { type Prepared, prepare } from "../../wasm/module/prepare.ts";
import { ERRNO_BADF, ERRNO_NAMES, ERRNO_SUCCESS } from "../../wasm/wasi_constants.ts";
import { TEXT_NAMES, TEXT_PRELUDE } from "../guest/operations.ts";
import { putText } from "../personality.ts";
import { linkEngine, STACK } from "./link.ts";

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

/** Names of what can be refused. */
function namesOfRefusals(): string {
  const named = Object.entries(statuses).map(([name, code]) => [name.slice(PREFIX.length), code]);
  return JSON.stringify({ statuses: Object.fromEntries(named), errnos: ERRNO_NAMES });
}

/** The texts that the engine asks for in its common beginning. */
export async function engineTexts(): Promise<ReadonlyMap<number, Uint8Array>> {
  return new Map([
    [TEXT_PRELUDE, new TextEncoder().encode(await preludeText())],
    [TEXT_NAMES, new TextEncoder().encode(namesOfRefusals())],
  ]);
}

/** The engine in its common beginning: a clock that stands at 0, no chance, no streams. */
async function withPrelude(
  engine: Prepared,
  texts: ReadonlyMap<number, Uint8Array>,
): Promise<Prepared> {
  return await begun(engine, "prepare", (instance, { name }): Quick => {
    if (name === "text") return (...args) => putText(instance, texts, args);
    if (name === "clock_time_get") return (_clock, _precision, at) => zeroes(instance, at, 8);
    if (name === "random_get") return (at, bytes) => zeroes(instance, at, Number(bytes) >>> 0);
    return () => ERRNO_BADF;
  });
}

function zeroes(instance: Instance, at: Value | undefined, bytes: number): number {
  instance.view(Number(at), bytes)?.fill(0);
  return ERRNO_SUCCESS;
}

const PACKAGES = ["quickjs-wasi", "binaryen", "assemblyscript", "esbuild"];
const BINDINGS = join(ROOT, "sdk/assemblyscript/aios.ts");

/** All that decides about the code: folders of this project, and packages. */
function sourcesOfCode(): string[] {
  const ours = ["../driver", "../../wasm/module"].flatMap(sourcesIn);
  const packages = PACKAGES.map((name) => join(ROOT, "node_modules", name, "package.json"));
  const others = ["link.ts", "stack.ts", "../guest/operations.ts"].map((file) => join(here, file));
  return [...ours, ...packages, ...others, BINDINGS];
}

const sourcesIn = (folder: string): string[] =>
  readdirSync(join(here, folder))
    .filter((name) => name.endsWith(".ts") && !name.endsWith(".test.ts"))
    .sort()
    .map((name) => join(here, folder, name));

/** What `make` gives for these sources, which is kept. */
async function kept(
  what: string,
  sources: readonly (string | Uint8Array)[],
  make: () => Promise<Prepared>,
): Promise<string> {
  const hash = createHash("sha256");
  for (const source of sources)
    hash.update(typeof source === "string" ? readFileSync(source) : source);
  const file = join(ROOT, "node_modules/.cache/aios", `${what}-${hash.digest("hex")}.bin`);
  if (existsSync(file)) return file;
  const bytes = writePrepared(await make());
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.${process.pid}`;
  writeFileSync(part, bytes);
  renameSync(part, file);
  return file;
}

/** Writes the engine to `file`. Its code is made once for the same sources: Binaryen takes a minute. */
export async function makeEngine(file: string): Promise<void> {
  const code = await kept("quickjs-code", sourcesOfCode(), async () => {
    process.stderr.write("quickjs: the engine's code is made, which takes a minute, once\n");
    return await prepare(await linkEngine(), STACK);
  });
  const texts = await engineTexts();
  const engine = await kept("quickjs", [code, ...texts.values()], () =>
    withPrelude(readPrepared(readFileSync(code)), texts),
  );
  copyFileSync(engine, file);
}
