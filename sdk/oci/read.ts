/**
 * Reads an agent's image and believes none of it: each size is bounded before anything is read, each blob
 * has the digest by which it is named, and nothing is in the archive that nobody names.
 */
import { type ImageSource, imageSource } from "../image/source.ts";
import { checkCode, kernelImage } from "./code.ts";
import { OciError } from "./errors.ts";
import { canonicalJson } from "./json.ts";
import * as media from "./media.ts";
import {
  type AgentConfig,
  configSchema,
  type Descriptor,
  indexSchema,
  layoutSchema,
  manifestSchema,
  type OciManifest,
  readDocument,
} from "./schema.ts";
import { readTar, type TarFile } from "./tar-read.ts";
import { blobPath, digestOf } from "./write.ts";

export interface AgentImage {
  /** "sha256:…" of the manifest: the image's identity. */
  readonly digest: string;
  /** Name in the index, if it has one. */
  readonly tag: string | null;
  readonly manifest: OciManifest;
  readonly config: AgentConfig;
  /** The layer: a module, a script or an executable; nothing for a program of the host. */
  readonly code: Uint8Array;
  /** What the kernel makes its image from, and the digest that it records of it. */
  readonly kernelImage: Uint8Array;
  readonly codeDigest: string;
}

const FILE = new RegExp(
  `^(${media.LAYOUT_FILE}|${media.INDEX_FILE}|${media.BLOBS_FOLDER}/[0-9a-f]{64})$`,
);
const LIMITS = { bytes: media.ARCHIVE_BYTES_MAX, entries: media.ARCHIVE_ENTRIES_MAX };

/**
 * @param image the archive, in memory or read piece by piece
 * @throws OciError which names place and reason
 */
export async function readImage(image: Uint8Array | ImageSource): Promise<AgentImage> {
  const archive = new Archive(imageSource(image));
  readDocument(archive.file(media.LAYOUT_FILE), media.LAYOUT_FILE, layoutSchema);
  const index = readDocument(archive.file(media.INDEX_FILE), media.INDEX_FILE, indexSchema);
  const [entry] = index.manifests;
  if (!entry) throw new OciError("missing", media.INDEX_FILE, "there is no manifest");
  requireType(entry, media.MANIFEST_TYPE, `${media.INDEX_FILE}: manifests.0`);
  const manifestAt = blobPath(entry.digest);
  const bytes = await archive.blob(entry, media.DOCUMENT_BYTES_MAX, "the manifest");
  const manifest = readDocument(bytes, manifestAt, manifestSchema);
  const config = await readConfig(archive, manifest.config);
  const [layer] = manifest.layers;
  if (!layer) throw new OciError("missing", manifestAt, "there is no layer");
  requireType(layer, media.CODE_TYPES[config.runtime], `${manifestAt}: layers.0`);
  const code = await archive.blob(layer, media.CODE_BYTES_MAX, "the code");
  archive.requireNothingElse();
  const { runtime, entry: begins } = config;
  const forKernel = await kernelImage({ runtime, entry: begins, code: layer.digest }, code);
  const codeDigest = await digestOf(forKernel);
  if (codeDigest !== config.codeDigest)
    throw new OciError(
      "digest",
      blobPath(manifest.config.digest),
      `codeDigest: says ${config.codeDigest}; the kernel will record ${codeDigest}`,
    );
  const tag = entry.annotations?.[media.ANNOTATION_REF] ?? null;
  return { digest: entry.digest, tag, manifest, config, code, kernelImage: forKernel, codeDigest };
}

/** Reads an image, and refuses code that its runtime would refuse. @throws OciError */
export async function verifyImage(image: Uint8Array | ImageSource): Promise<AgentImage> {
  const read = await readImage(image);
  const [layer] = read.manifest.layers;
  checkCode(read.code, read.config, layer ? blobPath(layer.digest) : "");
  return read;
}

/** One agent has one configuration: another spelling of it is refused. */
async function readConfig(archive: Archive, descriptor: Descriptor): Promise<AgentConfig> {
  const name = blobPath(descriptor.digest);
  const bytes = await archive.blob(descriptor, media.DOCUMENT_BYTES_MAX, "the configuration");
  const config = readDocument(bytes, name, configSchema);
  if (canonicalJson(config) !== new TextDecoder().decode(bytes))
    throw new OciError("json", name, "not in canonical form: keys in order, no spaces");
  return config;
}

function requireType({ mediaType }: Descriptor, wanted: string, place: string): void {
  if (mediaType === wanted) return;
  const packed = /[+.](gzip|zstd)$/.test(mediaType) ? "; code isn't compressed" : "";
  throw new OciError("media-type", place, `${JSON.stringify(mediaType)}, not ${wanted}${packed}`);
}

class Archive {
  private readonly source: ImageSource;
  private readonly files: ReadonlyMap<string, TarFile>;
  private readonly named = new Set<string>();

  constructor(source: ImageSource) {
    this.source = source;
    const files = readTar(source, LIMITS);
    for (const { name, at } of files)
      if (!FILE.test(name))
        throw new OciError(
          "surplus",
          `byte ${at}`,
          `${JSON.stringify(name)} is no part of an image`,
        );
    this.files = new Map(files.map((file) => [file.name, file]));
  }

  /** A document of the layout itself. */
  file(name: string): Uint8Array {
    return this.read(name, media.DOCUMENT_BYTES_MAX, "the document");
  }

  /** The content that a descriptor describes, or an error. */
  async blob({ digest, size }: Descriptor, bytesMax: number, what: string): Promise<Uint8Array> {
    const name = blobPath(digest);
    const bytes = this.files.get(name)?.bytes ?? size;
    if (bytes !== size)
      throw new OciError("size", name, `${bytes} bytes; ${what} has ${size} by its descriptor`);
    const content = this.read(name, bytesMax, what);
    const found = await digestOf(content);
    if (found !== digest) throw new OciError("digest", name, `${what} has digest ${found}`);
    return content;
  }

  requireNothingElse(): void {
    for (const name of this.files.keys())
      if (!this.named.has(name)) throw new OciError("surplus", name, "nothing refers to this blob");
  }

  private read(name: string, bytesMax: number, what: string): Uint8Array {
    const file = this.files.get(name);
    if (!file) throw new OciError("missing", name, `${what} isn't there`);
    if (file.bytes > bytesMax)
      throw new OciError("size", name, `${file.bytes} bytes; ${what} has ${bytesMax} at most`);
    this.named.add(name);
    return this.source.read(file.at, file.bytes);
  }
}
