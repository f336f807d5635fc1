/**
 * Builds sim.wasm and kernel.wasm and the typed views of their structures.
 *
 *   tsx sdk/build/build.ts            release modules in build/, then pkg/
 *   tsx sdk/build/build.ts --debug    modules with assertions in build/debug/, for the tests
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import asc from "assemblyscript/asc";
import { layoutsInto } from "./layouts.ts";
import { generateViews, type Layout } from "./views.ts";

interface Module {
  readonly name: string;
  readonly entry: string;
  /** Where the typed views of its structures go; none when another module has them all. */
  readonly views?: string;
  /** Only in the debug build. */
  readonly testing?: boolean;
}

const MODULES: readonly Module[] = [
  { name: "sim", entry: "sim/core/index.ts", views: "sim/host/views.generated.ts" },
  { name: "kernel", entry: "kernel/index.ts", views: "kernel/host/views.generated.ts" },
  {
    name: "hal-testing",
    entry: "hal/testing/index.ts",
    views: "hal/testing/views.generated.ts",
    testing: true,
  },
  { name: "sim-testing", entry: "sim/core/testing.ts", testing: true },
];

async function compile(module: Module, debug: boolean): Promise<void> {
  const target = debug ? `${module.name}-debug` : module.name;
  const layouts: Layout[] = [];
  const { error, stderr } = await asc.main([module.entry, "--target", target], {
    transforms: [layoutsInto(layouts)] as never, // typed as instances; classes are what it takes,
  });
  process.stderr.write(stderr.toString());
  if (error) {
    throw new Error(`${module.entry} does not compile: ${error.message}`);
  }
  if (!module.views) return;
  mkdirSync(dirname(module.views), { recursive: true });
  writeFileSync(module.views, generateViews(layouts));
}

const debug = process.argv.includes("--debug");
mkdirSync("build/debug", { recursive: true });
for (const module of MODULES) if (debug || !module.testing) await compile(module, debug);
if (!debug) await (await import("./package.ts")).makePackage();
