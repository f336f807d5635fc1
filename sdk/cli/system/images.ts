/** Files that agents are started from, brought to the system as images. */
import { statSync } from "node:fs";
import { basename } from "node:path";
import type { Image } from "../../../services/messages/api.ts";
import type { Client } from "../../client/client.ts";
import { buildImage } from "../../oci/build.ts";
import { ARCHIVE_BYTES_MAX } from "../../oci/media.ts";
import { readInputFile } from "../image-file.ts";
import { version } from "../version.ts";

const MODULE = /\.wasm$/i;
const AGENT_FILE = "agent.json";

/**
 * Brings the file to the system if it is one; null for what is a reference to an image there.
 * @throws FileError, OciError, RequestError
 */
export async function bringImage(client: Client, image: string): Promise<Image | null> {
  const file = statSync(image, { throwIfNoEntry: false })?.isFile() ?? false;
  if (!file && !/[/\\]|\.(wasm|tar)$/i.test(image)) return null;
  const bytes = readInputFile(image, ARCHIVE_BYTES_MAX);
  return await client.putImage(MODULE.test(image) ? await imageOf(image, bytes) : bytes);
}

/** A module by itself as an image: it wants nothing, and what it may do is said when it is started. */
async function imageOf(file: string, module: Uint8Array): Promise<Uint8Array> {
  const name = basename(file).replace(MODULE, "").toLowerCase();
  const agentFile = {
    name: name.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "") || "module",
    version: "0.0.0",
    runtime: "wasm",
    entry: basename(file),
  };
  const { archive } = await buildImage({
    name: AGENT_FILE,
    agentFile: new TextEncoder().encode(JSON.stringify(agentFile)),
    readFile: () => module,
    tools: { aios: version() },
  });
  return archive;
}
