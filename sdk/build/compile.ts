/** Compiles one AssemblyScript module and reads the layouts of its structures off the compiler. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";
import asc from "assemblyscript/asc";
import { addBuildId } from "./build-id.ts";
import { layoutsInto } from "./layouts.ts";
import { generateViews, type Layout } from "./views.ts";

export interface Module {
  readonly name: string;
  readonly entry: string;
  /** Where the typed views of its structures go; none when another module has them all. */
  readonly views?: string;
  /** Only in the debug build. */
  readonly testing?: boolean;
}

/**
 * Compiles `module` with the target of its name in asconfig.json.
 * @param outFile somewhere else than the target says; views are then not written
 * @throws Error with the compiler's diagnostics on stderr
 */
export async function compile(module: Module, debug: boolean, outFile?: string): Promise<void> {
  const target = debug ? `${module.name}-debug` : module.name;
  const layouts: Layout[] = [];
  const elsewhere = outFile === undefined ? [] : ["--outFile", outFile];
  const { error, stderr } = await asc.main([module.entry, "--target", target, ...elsewhere], {
    transforms: [layoutsInto(layouts)] as never, // typed as instances; classes are what it takes
  });
  process.stderr.write(stderr.toString());
  if (error) throw new Error(`${module.entry} does not compile: ${error.message}`);
  addBuildId(outFile ?? `build/${debug ? "debug/" : ""}${module.name}.wasm`);
  if (module.views === undefined || outFile !== undefined) return;
  mkdirSync(dirname(module.views), { recursive: true });
  writeFileSync(module.views, generateViews(layouts));
}
