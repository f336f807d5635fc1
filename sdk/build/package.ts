/**
 * Makes pkg/ as wasm-pack would: the modules, an entry for Node, one for the web (no bundler
 * needed) and one for bundlers, their types, and the command-line tool; and what those use who write
 * agents: an entry for their tests, types of scripts, and bindings of other languages.
 */
import { copyFileSync, cpSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { build, type InlineConfig } from "tsdown";
import { ENGINE_FILE } from "../../services/quickjs/engine/load.ts";

const MODULES = ["sim.wasm", "kernel.wasm", ENGINE_FILE];
const DOCUMENTS = ["README.md", "LICENSE-APACHE", "LICENSE-MIT"];
/** What agents are written with; each is a source that its language's compiler reads. */
const BINDINGS: Readonly<Record<string, string>> = {
  "script/aios.d.ts": "services/quickjs/aios.d.ts",
  "script/tsconfig.json": "services/quickjs/tsconfig.script.json",
  "assemblyscript/agent.ts": "sdk/assemblyscript/agent.ts",
  "assemblyscript/aios.ts": "sdk/assemblyscript/aios.ts",
  "c/aios_wasm.h": "sdk/c/aios_wasm.h",
  "rust/aios.rs": "sdk/rust/wasm/aios.rs",
};

/**
 * Libraries that run in the command and are part of it. Their licences ask to be kept with copies: each
 * package, or scope of packages, with the one that has the text, for some of hono's have none of their own.
 */
const LICENSE_OF: Readonly<Record<string, string>> = {
  "@asteasolutions/zod-to-openapi": "@asteasolutions/zod-to-openapi",
  "@hono/node-server": "@hono/node-server",
  "@hono/zod-openapi": "hono",
  "@hono/zod-validator": "hono",
  "@opentelemetry": "@opentelemetry/api",
  commander: "commander",
  hono: "hono",
  "openapi3-ts": "openapi3-ts",
  picocolors: "picocolors",
  zod: "zod",
};
const BUNDLED = Object.keys(LICENSE_OF);
/** Those that the services need and that stay packages: native, large, or not ES modules. */
const EXTERNAL = ["binaryen", "classic-level", "esbuild", "prom-client", "ws"];

const TESTING = "sdk/testing/index.ts";

/** Where the engine comes from that runs scripts. */
const ENGINE_PACKAGE = "quickjs-wasi";

/** What the builds of all entries share. Names without hashes: a build of one tree is one pkg/. */
const COMMON: InlineConfig = {
  config: false,
  outDir: "pkg",
  format: "esm",
  target: "es2023",
  clean: false,
  sourcemap: false,
  logLevel: "error",
  define: { AIOS_PACKAGED: "true" },
  outExtensions: () => ({ js: ".js", dts: ".d.ts" }),
  deps: {
    neverBundle: [/^node:/, ...EXTERNAL],
    alwaysBundle: BUNDLED.map((name) => new RegExp(`^${name}(/|$)`)),
  },
};

/** Bundles `entry` to pkg/<name>.js for a platform, what it loads later to pkg/<name>-<part>.js. */
async function bundle(name: string, entry: string, platform: "node" | "browser"): Promise<void> {
  await build({
    ...COMMON,
    entry: { [name]: entry },
    platform,
    dts: false,
    // A library's ES modules where it has both: of those only what is used comes along.
    ...(platform === "node"
      ? { inputOptions: { resolve: { mainFields: ["module", "main"] } } }
      : {}),
    outputOptions: { chunkFileNames: `${name}-[name].js` },
  });
}

/** All entries at once, so that a `Machine` of one is a `Machine` of the other. */
async function bundleTypes(): Promise<void> {
  await build({
    ...COMMON,
    entry: { aios: "sdk/index.ts", "aios.node": "sdk/node.ts", "aios.testing": TESTING },
    platform: "neutral",
    dts: { emitDtsOnly: true },
    outputOptions: { chunkFileNames: "aios.shared.d.ts" },
  });
  // TypeScript has the types of WebAssembly in this library only, which a project for Node may lack.
  const shared = readFileSync("pkg/aios.shared.d.ts", "utf8");
  writeFileSync("pkg/aios.shared.d.ts", `/// <reference lib="dom" />\n${shared}`);
}

/** Writes pkg/package.json: exports by condition, as bundlers and Node choose them. */
function writeManifest(): void {
  const { name, version, description, license, engines, dependencies } = JSON.parse(
    readFileSync("package.json", "utf8"),
  ) as Record<string, unknown> & { dependencies: Record<string, string> };
  const portable = (file: string) => ({ types: "./aios.d.ts", default: file });
  const node = { types: "./aios.node.d.ts", default: "./aios.node.js" };
  const manifest = {
    name,
    version,
    description,
    license,
    engines,
    dependencies: Object.fromEntries(EXTERNAL.map((it) => [it, dependencies[it]])),
    type: "module",
    types: "./aios.d.ts",
    bin: { aios: "./cli.js" },
    sideEffects: ["./cli.js"],
    files: readdirSync("pkg").sort(),
    exports: {
      ".": { node, browser: portable("./aios.js"), default: portable("./aios.js") },
      "./node": node,
      "./web": portable("./aios.web.js"),
      "./testing": { types: "./aios.testing.d.ts", default: "./aios.testing.js" },
      "./script/tsconfig.json": "./script/tsconfig.json",
      "./assemblyscript/agent": "./assemblyscript/agent.ts",
      "./assemblyscript/aios": "./assemblyscript/aios.ts",
      "./sim.wasm": "./sim.wasm",
      "./kernel.wasm": "./kernel.wasm",
      "./package.json": "./package.json",
    },
  };
  writeFileSync("pkg/package.json", `${JSON.stringify(manifest, null, 2)}\n`);
}

/** Replaces pkg/; the modules have been built. */
export async function makePackage(): Promise<void> {
  rmSync("pkg", { recursive: true, force: true });
  await bundle("aios", "sdk/index.ts", "browser");
  await bundle("aios.node", "sdk/node.ts", "node");
  await bundle("aios.testing", TESTING, "node");
  await bundle("cli", "sdk/cli/main.ts", "node");
  await bundle("prepare-worker", "services/up/prepare-worker.ts", "node");
  await bundleTypes();
  // The browser build needs no bundler as it is: the web entry is the same code.
  copyFileSync("pkg/aios.js", "pkg/aios.web.js");
  for (const module of MODULES) copyFileSync(`build/${module}`, `pkg/${module}`);
  for (const document of DOCUMENTS) copyFileSync(document, `pkg/${document}`);
  for (const [file, source] of Object.entries(BINDINGS)) cpSync(source, `pkg/${file}`);
  cpSync("sdk/workload/suite", "pkg/workloads", { recursive: true });
  for (const library of new Set([...Object.values(LICENSE_OF), ENGINE_PACKAGE]))
    copyFileSync(`node_modules/${library}/LICENSE`, `pkg/LICENSE.${library.replace("/", "-")}`);
  copyFileSync("services/quickjs/engine/LICENSE.quickjs-ng", "pkg/LICENSE.quickjs-ng");
  writeManifest();
}
