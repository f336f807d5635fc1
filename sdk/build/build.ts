/**
 * Builds the WebAssembly modules and the typed views of their structures; before that, the
 * interpreter of micro-ops, which is written by a generator. Then the engine of scripts.
 *
 *   tsx sdk/build/build.ts            release modules in build/, then pkg/
 *   tsx sdk/build/build.ts --debug    modules with assertions in build/debug/, for the tests
 *   tsx sdk/build/build.ts --bench    release builds of the testing modules as well
 */
import { mkdirSync } from "node:fs";
import { makeEngine } from "../../services/quickjs/engine/build.ts";
import { ENGINE_FILE } from "../../services/quickjs/engine/load.ts";
import { compile } from "./compile.ts";
import { writeInterpreter } from "./engine/generate.ts";
import { MODULES } from "./modules.ts";
import { makePackage } from "./package.ts";

const debug = process.argv.includes("--debug");
const testing = debug || process.argv.includes("--bench");
mkdirSync("build/debug", { recursive: true });
writeInterpreter();
for (const module of MODULES) if (testing || !module.testing) await compile(module, debug);
await makeEngine(`build/${ENGINE_FILE}`);
if (!debug) await makePackage();
