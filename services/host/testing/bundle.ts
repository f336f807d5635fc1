/** Processes of tests that are started often: loading what they consist of would take most of their time. */
import { rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { build, type Plugin } from "esbuild";

const FOLDER = new URL("../../../build/", import.meta.url);
/** They are found from the source tree. */
const PACKAGES = ["binaryen", "classic-level", "commander", "esbuild", "prom-client", "ws"];

/** What looks for files beside itself finds them from the bundle as well. */
const inPlace: Plugin = {
  name: "in-place",
  setup(build) {
    build.onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      const place = JSON.stringify(pathToFileURL(path).href);
      const text = await readFile(path, "utf8");
      return { loader: "ts", contents: text.replaceAll("import.meta.url", place) };
    });
  },
};

/** One file of a program and all that it imports, for Node; it is there until `remove`. */
export async function bundle(program: URL): Promise<{ path: string; remove(): void }> {
  const entry = fileURLToPath(program);
  const path = fileURLToPath(new URL(`${basename(entry, ".ts")}-${process.pid}.mjs`, FOLDER));
  await build({
    entryPoints: [entry],
    outfile: path,
    ...{ bundle: true, platform: "node", format: "esm", logLevel: "warning" },
    external: PACKAGES,
    plugins: [inPlace],
  });
  return { path, remove: () => rmSync(path, { force: true }) };
}
