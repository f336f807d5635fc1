/**
 * Makes one WebAssembly module of QuickJS, as the package quickjs-wasi has it, and the driver. Needs the
 * compiler of AssemblyScript and Node: it is part of the build.
 */
import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import binaryen from "binaryen";
import { guardStack } from "./stack.ts";

const require = createRequire(import.meta.url);
const here = dirname(fileURLToPath(import.meta.url));
const DRIVER = join(here, "../driver/driver.ts");
const OPTIONS = [
  "--runtime",
  "stub",
  "--importMemory",
  "--noExportMemory",
  "--use",
  "abort=",
  "-O2",
];
const EXPORTED = new Set(["prepare", "_start", "memory"]);
/** The name under which a compiled driver imports its memory, and the one of the engine that has it. */
const MEMORY_IMPORT = /\(import "env" "memory"/;

const { BulkMemory, BulkMemoryOpt, Multivalue, MutableGlobals, NontrappingFPToInt, SignExt } =
  binaryen.Features;
/** What its compiler has used, and what code may have then. */
const FEATURES =
  BulkMemory | BulkMemoryOpt | Multivalue | MutableGlobals | NontrappingFPToInt | SignExt;
/** Sizes in Binaryen's measure, nodes of its trees: inlined wherever they are called; and where that is for speed. */
const SMALL_SIZE = 20;
const INLINED_SIZE_MAX = 60;

/** Of the host's stack: about half of it is taken by V8's frames in fact, and the rest is the machine's. */
export const STACK = { stackBytes: 1 << 20 };

/** The engine as it is published. */
export const engineBytes = (): Uint8Array =>
  readFileSync(require.resolve("quickjs-wasi/quickjs.wasm"));

/**
 * The module that runs scripts: exports `prepare`, `_start` and the memory.
 * @param inlined small functions are in place of their calls; else its code is the published one
 */
export async function linkEngine(inlined = true): Promise<Uint8Array> {
  const folder = mkdtempSync(join(tmpdir(), "aios-quickjs-"));
  try {
    const file = (name: string) => join(folder, `${name}.wasm`);
    writeFileSync(file("engine"), engineBytes());
    writeFileSync(file("driver"), await compileDriver());
    const merge = join(dirname(require.resolve("binaryen")), "bin/wasm-merge");
    const modules = [file("engine"), "engine", file("driver"), "env"];
    const options = ["--all-features", "--skip-export-conflicts", "-o", file("linked")];
    execFileSync(process.execPath, [merge, ...modules, ...options], { stdio: "pipe" });
    return onlyWhatRuns(guardStack(readFileSync(file("linked"))), inlined);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function compileDriver(): Promise<Uint8Array> {
  const { default: asc } = await import("assemblyscript/asc");
  let text = "";
  const { error, stderr } = await asc.main(
    [DRIVER, ...OPTIONS, "--textFile", "driver.wat", "--baseDir", "/"],
    {
      readFile: (name) => {
        try {
          return readFileSync(join("/", name), "utf8");
        } catch {
          return null;
        }
      },
      writeFile: (_name, contents) => {
        text = contents as string;
      },
      listFiles: () => [],
    },
  );
  if (error) throw new Error(`${DRIVER} does not compile: ${stderr.toString()}`);
  if (text.includes("(data "))
    throw new Error(`${DRIVER} has data, which the engine's memory has no place for`);
  const module = binaryen.parseText(text.replace(MEMORY_IMPORT, '(import "engine" "memory"'));
  try {
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/** Without what the engine exports to others, and what only these need. */
function onlyWhatRuns(linked: Uint8Array, inlined: boolean): Uint8Array {
  const module = binaryen.readBinary(linked);
  try {
    module.setFeatures(FEATURES);
    for (let index = module.getNumExports() - 1; index >= 0; index--) {
      const { name } = binaryen.getExportInfo(module.getExportByIndex(index));
      if (!EXPORTED.has(name)) module.removeExport(name);
    }
    if (inlined) inline(module);
    module.runPasses(["remove-unused-module-elements"]);
    return module.emitBinary();
  } finally {
    module.dispose();
  }
}

/**
 * Small functions in place of their calls. A call has a price here that it hasn't elsewhere: cycles are counted
 * before and behind it, and behind it the code may be left.
 */
function inline(module: binaryen.Module): void {
  const [small, most] = [binaryen.getAlwaysInlineMaxSize(), binaryen.getFlexibleInlineMaxSize()];
  binaryen.setOptimizeLevel(3);
  binaryen.setShrinkLevel(0);
  binaryen.setOneCallerInlineMaxSize(0);
  binaryen.setAlwaysInlineMaxSize(SMALL_SIZE);
  binaryen.setFlexibleInlineMaxSize(INLINED_SIZE_MAX);
  module.runPasses(["inlining-optimizing"]);
  // They hold for all of the process.
  binaryen.setAlwaysInlineMaxSize(small);
  binaryen.setFlexibleInlineMaxSize(most);
}
