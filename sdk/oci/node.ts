/** Images in files and from folders: the one part of this folder that needs Node. */
import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { readInputFile, withFile } from "../cli/image-file.ts";
import { type BuildInput, type BuiltImage, type Bundler, buildImage } from "./build.ts";
import { OciError } from "./errors.ts";
import { CODE_BYTES_MAX, DOCUMENT_BYTES_MAX } from "./media.ts";
import { type AgentImage, readImage, verifyImage } from "./read.ts";

export const AGENT_FILE = "agent.json";

/** @throws OciError; FileError when the file can't be read */
export const readImageFile = (path: string): Promise<AgentImage> => withFile(path, readImage);
/** As `readImageFile`, and refuses code that its runtime would refuse. */
export const verifyImageFile = (path: string): Promise<AgentImage> => withFile(path, verifyImage);

/**
 * Builds the image of a folder with an agent.json, or of such a file. Scripts are bundled: they may import what
 * lies in the folder, and packages from node_modules there or above.
 * @throws OciError; FileError when a file can't be read
 */
export async function buildImageFrom(
  path: string,
  options: Pick<BuildInput, "tools" | "tag" | "epoch">,
): Promise<BuiltImage> {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    ? join(path, AGENT_FILE)
    : path;
  const agentFile = readInputFile(file, DOCUMENT_BYTES_MAX);
  const folder = realpathSync(dirname(file));
  const readFile = (name: string) => {
    const bytes = readInputFile(join(folder, name), CODE_BYTES_MAX);
    // A link in the folder may not bring in what lies elsewhere.
    if (!liesIn(folder, join(folder, name)))
      throw new OciError("source", name, "leads out of the agent's folder by a link");
    return bytes;
  };
  const bundle = bundlerOf(folder);
  return buildImage({ ...options, name: basename(file), agentFile, readFile, bundle });
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
