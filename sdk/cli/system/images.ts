/** Files that agents are started from, brought to the system as images. */
import { type Stats, statSync } from "node:fs";
import { basename } from "node:path";
import type { Image } from "../../../services/messages/api.ts";
import { RequestError } from "../../../services/messages/errors.ts";
import type { Client } from "../../client/client.ts";
import { ARCHIVE_BYTES_MAX } from "../../oci/media.ts";
import { AGENT_FILE, buildImageFrom, buildImageOf, isCode } from "../../oci/node.ts";
import { readInputFile } from "../image-file.ts";
import { version } from "../version.ts";
import type { Context } from "./context.ts";
import { underWay } from "./progress.ts";

const ARCHIVE = /\.tar$/i;
/** A path, and no name of an image that the system has. */
const PATH = /[/\\]|^\.\.?$/;

/** As `bringImage`; on a terminal with a word while it takes. */
export const bring = ({ client, err }: Context, image: string): Promise<Image | null> =>
  underWay(err, `the system makes ${image} ready`, bringImage(client, image));

/**
 * Brings what a path names to the system, built if it isn't an image yet; null for a reference to an image there.
 * @throws FileError, OciError, RequestError
 */
export async function bringImage(client: Client, image: string): Promise<Image | null> {
  const found = statSync(image, { throwIfNoEntry: false });
  const isPath = PATH.test(image) || ARCHIVE.test(image) || isCode(image);
  if (!isPath && !found?.isFile()) return null;
  return await client.putImage(await archiveOf(image, found)).catch((error: Error) => {
    const isWrong = error instanceof RequestError && error.code === "bad-request";
    throw isWrong ? new RequestError(error.code, `${image}: ${error.message}`) : error;
  });
}

async function archiveOf(path: string, found: Stats | undefined): Promise<Uint8Array> {
  const tools = { aios: version() };
  if (found?.isDirectory() || basename(path) === AGENT_FILE)
    return (await buildImageFrom(path, { tools })).archive;
  if (isCode(path)) return (await buildImageOf(path, { tools })).archive;
  const bytes = readInputFile(path, ARCHIVE_BYTES_MAX);
  if (ARCHIVE.test(path) || looksLikeTar(bytes)) return bytes;
  const known =
    "an image (.tar), .wasm, .elf, .js, .mjs, .ts, .mts, or a folder with an agent.json";
  throw new RequestError("bad-request", `${path}: is nothing that can run: ${known}`);
}

/** POSIX.1-2017, pax: ustar Interchange Format. */
const MAGIC = { at: 257, text: "ustar" };

function looksLikeTar(bytes: Uint8Array): boolean {
  const { at, text } = MAGIC;
  return Buffer.from(bytes.subarray(at, at + text.length)).toString("latin1") === text;
}
