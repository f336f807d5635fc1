import {
  type Bundle,
  detectBlockBytes,
  findBootPartition,
  type Gpt,
  type GptPartition,
  ImageError,
  readGpt,
  readPartitionBundle,
} from "../image/index.ts";
import { FileError, withFile } from "./image-file.ts";

/** Tried when no block size shows a table, so that the error speaks of the common one. */
const BLOCK_BYTES_DEFAULT = 512;

export interface ImageReport {
  readonly path: string;
  readonly bytes: number;
  readonly gpt: Gpt;
  readonly bootPartition: GptPartition | null;
  /** Null when there is no boot partition or its bundle is bad. */
  readonly bundle: Bundle | null;
  readonly bundleError: ImageError | null;
}

/**
 * What an image holds. The block size is the one for which there is a table.
 *
 * @throws FileError with the file's name, when it cannot be read or no table in it is sound
 */
export async function inspectImageFile(path: string): Promise<ImageReport> {
  return withFile(path, async (source): Promise<ImageReport> => {
    try {
      const gpt = readGpt(source, detectBlockBytes(source) ?? BLOCK_BYTES_DEFAULT);
      const bootPartition = findBootPartition(gpt);
      const report = { path, bytes: source.bytes, gpt, bootPartition };
      if (bootPartition === null) return { ...report, bundle: null, bundleError: null };
      try {
        const bundle = await readPartitionBundle(source, gpt, bootPartition);
        return { ...report, bundle, bundleError: null };
      } catch (error) {
        if (!(error instanceof ImageError)) throw error;
        return { ...report, bundle: null, bundleError: error };
      }
    } catch (error) {
      if (!(error instanceof ImageError)) throw error;
      throw new FileError(`${path}: ${error.message}`);
    }
  });
}

/** The report as JSON. Offsets and sizes are in blocks where named LBA or blocks, else in bytes. */
export function reportJson({ path, bytes, gpt, bundle, bundleError }: ImageReport): string {
  const entries = bundle?.entries.map(({ name, data, sha256 }) => ({
    name,
    bytes: data.length,
    sha256,
  }));
  const document = {
    path,
    bytes,
    blockBytes: gpt.blockBytes,
    blocks: gpt.blocks,
    table: gpt.table,
    primaryError: errorJson(gpt.primaryError),
    backupError: errorJson(gpt.backupError),
    diskGuid: gpt.diskGuid,
    firstUsableLba: gpt.firstUsableLba,
    lastUsableLba: gpt.lastUsableLba,
    partitions: gpt.partitions.map((partition) => ({
      ...partition,
      attributes: `0x${partition.attributes.toString(16)}`,
    })),
    bundle: entries === undefined ? null : { bytes: bundle?.bytes, entries },
    bundleError: errorJson(bundleError),
  };
  return `${JSON.stringify(document, null, 2)}\n`;
}

/** The report for people. */
export function reportText(report: ImageReport): string {
  const { path, bytes, gpt, bootPartition, bundle } = report;
  const lines = [
    `${printable(path)}: ${bytes} bytes, ${gpt.blocks} blocks of ${gpt.blockBytes} bytes`,
    `GPT ${gpt.diskGuid}, read from the ${gpt.table} table`,
  ];
  if (gpt.primaryError !== null) lines.push(`  primary table: ${gpt.primaryError.message}`);
  if (gpt.backupError !== null) lines.push(`  backup table: ${gpt.backupError.message}`);
  for (const { number, type, guid, name, firstLba, lastLba } of gpt.partitions) {
    lines.push(`  ${number}: blocks ${firstLba} to ${lastLba}  ${printable(name)}`);
    lines.push(`     type ${type}  guid ${guid}`);
  }
  if (bundle !== null) {
    const { number } = bootPartition ?? { number: 0 };
    lines.push(
      `Boot bundle in partition ${number}: ${bundle.entries.length} entries, all verified`,
    );
    for (const { name, data, sha256 } of bundle.entries) {
      lines.push(`  ${sha256}  ${printable(name)}  ${data.length} bytes`);
    }
  } else if (bootPartition === null) {
    lines.push("No boot bundle");
  }
  return `${lines.join("\n")}\n`;
}

/** Names come from the image; their control characters must not reach a terminal. */
function printable(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Surrogate}]/gu, "\ufffd");
}

function errorJson(error: ImageError | null) {
  if (error === null) return null;
  const { code, reason, place } = error;
  return { code, reason, place };
}
