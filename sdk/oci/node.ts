/** Images in files and from folders: the one part of this folder that needs Node. */
import { realpathSync, statSync } from "node:fs";
import { basename, dirname, extname, join, sep } from "node:path";
import { readInputFile, withFile } from "../cli/image-file.ts";
import { type BuildInput, type BuiltImage, type Bundler, buildImage } from "./build.ts";
import { OciError } from "./errors.ts";
import { CODE_BYTES_MAX, DOCUMENT_BYTES_MAX, type RuntimeKind } from "./media.ts";
import { type AgentImage, readImage, verifyImage } from "./read.ts";

export const AGENT_FILE = "agent.json";

/** @throws OciError; FileError when the file can't be read */
export const readImageFile = (path: string): Promise<AgentImage> => withFile(path, readImage);
/** As `readImageFile`, and refuses code that its runtime would refuse. */
export const verifyImageFile = (path: string): Promise<AgentImage> => withFile(path, verifyImage);

type Options = Pick<BuildInput, "tools" | "tag" | "epoch">;

/**
 * Builds the image of a folder with an agent.json, or of such a file. Scripts are bundled: they may import what
 * lies in the folder, and packages from node_modules there or above.
 * @throws OciError; FileError when a file can't be read
 */
export async function buildImageFrom(path: string, options: Options): Promise<BuiltImage> {
  const isFolder = statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
  const file = isFolder ? join(path, AGENT_FILE) : path;
  const agentFile = readInputFile(file, DOCUMENT_BYTES_MAX);
  const folder = dirname(file);
  return await buildImage({ ...options, ...sourcesIn(folder), name: basename(file), agentFile });
}

/** What runs a file of code by itself, by the end of its name. */
const RUNTIMES: Readonly<Record<string, RuntimeKind>> = {
  ...{ ".wasm": "wasm", ".elf": "native" },
  ...{ ".js": "quickjs", ".mjs": "quickjs", ".ts": "quickjs", ".mts": "quickjs" },
};

/** Whether the end of a file's name says what runs it. */
export const isCode = (file: string): boolean => Object.hasOwn(RUNTIMES, endOf(file));

const endOf = (file: string): string => extname(file).toLowerCase();

/**
 * Builds the image of a file of code by itself: it wants nothing, and what it may do is said when it is started.
 * Scripts are bundled as those of a folder with an agent.json are.
 * @throws OciError; FileError when a file can't be read
 */
export async function buildImageOf(file: string, options: Options): Promise<BuiltImage> {
  // Says in words what is wrong with the file.
  readInputFile(file, CODE_BYTES_MAX);
  const stem = basename(file, extname(file)).toLowerCase();
  // It may be a link: it has been named by whoever builds, not by the agent's author.
  const path = realpathSync(file);
  const agentFile = {
    name: stem.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "") || "agent",
    version: "0.0.0",
    runtime: RUNTIMES[endOf(file)],
    entry: basename(path),
  };
  return await buildImage({
    ...{ ...options, ...sourcesIn(dirname(path)), name: AGENT_FILE },
    agentFile: new TextEncoder().encode(JSON.stringify(agentFile)),
  });
}

/** An agent's folder. @throws FileError */
function sourcesIn(given: string): Pick<BuildInput, "readFile" | "bundle"> {
  const folder = realpathSync(given);
  const readFile = (name: string) => {
    const bytes = readInputFile(join(folder, name), CODE_BYTES_MAX);
    // A link in the folder may not bring in what lies elsewhere.
    if (!liesIn(folder, join(folder, name)))
      throw new OciError("source", name, "leads out of the agent's folder by a link");
    return bytes;
  };
  return { readFile, bundle: bundlerOf(folder) };
}

/** Whether a file, where links lead to, lies in a folder, which is a real path. */
const liesIn = (folder: string, file: string): boolean =>
  realpathSync(file).startsWith(folder + (folder === sep ? "" : sep));

/** With esbuild, which is loaded when there is a script. */
function bundlerOf(folder: string): Bundler {
  return async (entry) => {
    const { BUNDLER, BundleError, bundleScript } = await import("../../services/quickjs/bundle.ts");
    const { code, files } = await bundleScript(join(folder, entry)).catch((error: unknown) => {
      if (!(error instanceof BundleError)) throw error;
      throw new OciError("source", entry, error.mistakes.join("; "));
    });
    const sources = new Map(files.map((file) => [file, sourceOf(folder, file)]));
    return { code, sources, tools: BUNDLER };
  };
}

const PACKAGES = "node_modules";

function sourceOf(folder: string, file: string): Uint8Array {
  const path = join(folder, file);
  if (!liesIn(folder, path) && !realpathSync(path).split(sep).includes(PACKAGES))
    throw new OciError("source", file, "lies outside of the agent's folder, and in no package");
  return readInputFile(path, CODE_BYTES_MAX);
}
