/** Files that agents are started from, brought to the system as images. */
import { statSync } from "node:fs";
import { basename } from "node:path";
import type { Image } from "../../../services/messages/api.ts";
import type { Client } from "../../client/client.ts";
import { buildImage } from "../../oci/build.ts";
import { ARCHIVE_BYTES_MAX } from "../../oci/media.ts";
import { readInputFile } from "../image-file.ts";
import { version } from "../version.ts";

/** Code by itself: what runs it, by the end of the file's name. */
const CODE = /\.(wasm|elf)$/i;
const RUNTIMES = { wasm: "wasm", elf: "native" } as const;
const AGENT_FILE = "agent.json";

/**
 * Brings the file to the system if it is one; null for what is a reference to an image there.
 * @throws FileError, OciError, RequestError
 */
export async function bringImage(client: Client, image: string): Promise<Image | null> {
  const file = statSync(image, { throwIfNoEntry: false })?.isFile() ?? false;
  if (!file && !/[/\\]|\.(wasm|elf|tar)$/i.test(image)) return null;
  const bytes = readInputFile(image, ARCHIVE_BYTES_MAX);
  return await client.putImage(CODE.test(image) ? await imageOf(image, bytes) : bytes);
}

/** Code by itself as an image: it wants nothing, and what it may do is said when it is started. */
async function imageOf(file: string, code: Uint8Array): Promise<Uint8Array> {
  const name = basename(file).replace(CODE, "").toLowerCase();
  const kind = CODE.exec(file)?.[1]?.toLowerCase() === "elf" ? "elf" : "wasm";
  const agentFile = {
    name: name.replaceAll(/[^a-z0-9]+/g, "-").replaceAll(/^-+|-+$/g, "") || "module",
    version: "0.0.0",
    runtime: RUNTIMES[kind],
    entry: basename(file),
  };
  const { archive } = await buildImage({
    name: AGENT_FILE,
    agentFile: new TextEncoder().encode(JSON.stringify(agentFile)),
    readFile: () => code,
    tools: { aios: version() },
  });
  return archive;
}
