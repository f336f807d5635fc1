/** Images in files and from folders: the one part of this folder that needs Node. */
import { realpathSync, statSync } from "node:fs";
import { basename, dirname, join, sep } from "node:path";
import { readInputFile, withFile } from "../cli/image-file.ts";
import { type BuildInput, type BuiltImage, buildImage } from "./build.ts";
import { OciError } from "./errors.ts";
import { CODE_BYTES_MAX, DOCUMENT_BYTES_MAX } from "./media.ts";
import { type AgentImage, readImage, verifyImage } from "./read.ts";

export const AGENT_FILE = "agent.json";

/** @throws OciError; FileError when the file can't be read */
export const readImageFile = (path: string): Promise<AgentImage> => withFile(path, readImage);
/** As `readImageFile`, and refuses code that its runtime would refuse. */
export const verifyImageFile = (path: string): Promise<AgentImage> => withFile(path, verifyImage);

/**
 * Builds the image of a folder with an agent.json, or of such a file.
 * @throws OciError; FileError when a file can't be read
 */
export async function buildImageFrom(
  path: string,
  options: Pick<BuildInput, "bundle" | "tools" | "tag" | "epoch">,
): Promise<BuiltImage> {
  const file = statSync(path, { throwIfNoEntry: false })?.isDirectory()
    ? join(path, AGENT_FILE)
    : path;
  const agentFile = readInputFile(file, DOCUMENT_BYTES_MAX);
  const folder = realpathSync(dirname(file));
  const readFile = (name: string) => {
    const bytes = readInputFile(join(folder, name), CODE_BYTES_MAX);
    // A link in the folder may not bring in what lies elsewhere.
    if (!realpathSync(join(folder, name)).startsWith(folder + (folder === sep ? "" : sep)))
      throw new OciError("source", name, "leads out of the agent's folder by a link");
    return bytes;
  };
  return buildImage({ ...options, name: basename(file), agentFile, readFile });
}
