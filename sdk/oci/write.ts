/** Writes an agent's image: an OCI image layout in one tar archive, the same bytes for the same agent. */
import { sha256Hex } from "../image/sha256.ts";
import { canonicalJson } from "./json.ts";
import * as media from "./media.ts";
import type { AgentConfig } from "./schema.ts";
import { writeTar } from "./tar-write.ts";

export interface WriteOptions {
  readonly config: AgentConfig;
  readonly code: Uint8Array;
  /** Name of the image in its index. */
  readonly tag?: string | undefined;
  /** Seconds since 1970 (SOURCE_DATE_EPOCH); without, the image has no time. */
  readonly epoch?: number | undefined;
}

export interface WrittenImage {
  readonly archive: Uint8Array;
  /** Of the manifest: the image's identity. */
  readonly digest: string;
}

const encode = (value: unknown) => new TextEncoder().encode(canonicalJson(value));

export const digestOf = async (bytes: Uint8Array): Promise<string> =>
  `sha256:${await sha256Hex(bytes)}`;

/** The blob's name in the archive. */
export const blobPath = (digest: string): string =>
  `${media.BLOBS_FOLDER}/${digest.slice("sha256:".length)}`;

/** `config` and `code` have been checked. */
export async function writeImage({
  config,
  code,
  tag,
  epoch,
}: WriteOptions): Promise<WrittenImage> {
  const files = new Map<string, Uint8Array>();
  const addBlob = async (mediaType: string, bytes: Uint8Array) => {
    const digest = await digestOf(bytes);
    files.set(blobPath(digest), bytes);
    return { mediaType, digest, size: bytes.length };
  };
  const manifest = await addBlob(
    media.MANIFEST_TYPE,
    encode({
      schemaVersion: 2,
      mediaType: media.MANIFEST_TYPE,
      artifactType: media.ARTIFACT_TYPE,
      config: await addBlob(media.CONFIG_TYPE, encode(config)),
      layers: [await addBlob(media.CODE_TYPES[config.runtime], code)],
      annotations: {
        [media.ANNOTATION_TITLE]: config.name,
        [media.ANNOTATION_VERSION]: config.version,
        ...(epoch === undefined ? {} : { [media.ANNOTATION_CREATED]: rfc3339(epoch) }),
      },
    }),
  );
  const index = {
    schemaVersion: 2,
    mediaType: media.INDEX_TYPE,
    manifests: [
      {
        ...manifest,
        artifactType: media.ARTIFACT_TYPE,
        ...(tag === undefined ? {} : { annotations: { [media.ANNOTATION_REF]: tag } }),
      },
    ],
  };
  files.set(media.INDEX_FILE, encode(index));
  files.set(media.LAYOUT_FILE, encode({ imageLayoutVersion: media.LAYOUT_VERSION }));
  return { archive: writeTar(files, epoch), digest: manifest.digest };
}

const rfc3339 = (epoch: number) => new Date(epoch * 1000).toISOString().replace(".000Z", "Z");
