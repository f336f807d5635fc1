/**
 * Makes pkg/ as wasm-pack would: the modules, an entry for Node, one for the web (no bundler
 * needed) and one for bundlers, their types, and the command-line tool.
 */
import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { build } from "tsdown";

const MODULES = ["sim.wasm", "kernel.wasm"];

/** Bundles `entry` to pkg/<name>.js for a platform. */
async function bundle(name: string, entry: string, platform: "node" | "browser", types: boolean) {
  await build({
    config: false,
    entry: { [name]: entry },
    outDir: "pkg",
    platform,
    format: "esm",
    target: "es2023",
    dts: types,
    clean: false,
    sourcemap: false,
    logLevel: "error",
    define: { AIOS_PACKAGED: "true" },
    outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
    deps: { neverBundle: [/^node:/] },
  });
}

/** Writes pkg/package.json: exports by condition, as bundlers and Node choose them. */
function writeManifest(): void {
  const { name, version, description, license, engines } = JSON.parse(
    readFileSync("package.json", "utf8"),
  ) as Record<string, unknown>;
  const entry = (file: string) => ({ types: "./aios.d.ts", default: file });
  const manifest = {
    name,
    version,
    description,
    license,
    engines,
    type: "module",
    types: "./aios.d.ts",
    bin: { aios: "./cli.js" },
    exports: {
      ".": {
        node: entry("./aios.node.js"),
        browser: entry("./aios.js"),
        default: entry("./aios.js"),
      },
      "./web": entry("./aios.web.js"),
      "./sim.wasm": "./sim.wasm",
      "./kernel.wasm": "./kernel.wasm",
    },
  };
  writeFileSync("pkg/package.json", `${JSON.stringify(manifest, null, 2)}\n`);
}

export async function makePackage(): Promise<void> {
  await bundle("aios", "sim/host/index.ts", "browser", true);
  await bundle("aios.node", "sim/host/node/index.ts", "node", false);
  await bundle("cli", "sdk/cli/main.ts", "node", false);
  // The browser build needs no bundler as it is: the web entry is the same code.
  copyFileSync("pkg/aios.js", "pkg/aios.web.js");
  for (const module of MODULES) copyFileSync(`build/${module}`, `pkg/${module}`);
  writeManifest();
}
