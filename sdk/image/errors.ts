/** Every way in which an image, an archive or the wish for one can be wrong. */
export type ImageErrorCode =
  // The image as a whole, or what was asked of the writer.
  | "block-size"
  | "image-size"
  | "image-truncated"
  | "guid-text"
  // Protective MBR (UEFI 2.10, 5.2.3).
  | "mbr-signature"
  | "mbr-not-protective"
  // GUID partition table (UEFI 2.10, 5.3).
  | "gpt-signature"
  | "gpt-header-size"
  | "gpt-header-crc"
  | "gpt-revision"
  | "gpt-my-lba"
  | "gpt-alternate-lba"
  | "gpt-usable-range"
  | "gpt-entry-size"
  | "gpt-entry-count"
  | "gpt-entries-place"
  | "gpt-entries-crc"
  | "gpt-partition-range"
  | "gpt-partition-overlap"
  | "gpt-partition-name"
  | "gpt-partition-guid"
  | "gpt-no-space"
  | "gpt-tables-differ"
  // cpio newc archive.
  | "cpio-magic"
  | "cpio-field"
  | "cpio-name"
  | "cpio-truncated"
  | "cpio-trailer"
  // Boot bundle.
  | "bundle-missing"
  | "bundle-manifest"
  | "bundle-name"
  | "bundle-duplicate"
  | "bundle-entry-type"
  | "bundle-order"
  | "bundle-digest"
  | "bundle-entry-count"
  | "bundle-size"
  // Image of an agent.
  | "agent-image"
  | "agent-elf"
  | "agent-arguments";

/** Where in the image the fault lies. `lba` is null for what is not a block of a disk. */
export interface ImagePlace {
  readonly byteOffset: number;
  readonly lba: number | null;
}

/**
 * The one kind of error that this folder throws for bad input.
 *
 * `place` is null when a request was wrong rather than bytes that were read. The message is a
 * single line: reason, code and place.
 */
export class ImageError extends Error {
  override readonly name = "ImageError";
  readonly code: ImageErrorCode;
  readonly place: ImagePlace | null;
  readonly reason: string;

  constructor(code: ImageErrorCode, place: ImagePlace | null, reason: string) {
    super(`${reason} (${code}${describePlace(place)})`);
    this.code = code;
    this.place = place;
    this.reason = reason;
  }
}

/** A place in a plain run of bytes, with no blocks. */
export function atByte(byteOffset: number): ImagePlace {
  return { byteOffset, lba: null };
}

function describePlace(place: ImagePlace | null): string {
  if (place === null) return "";
  const lba = place.lba === null ? "" : ` LBA ${place.lba},`;
  return ` at${lba} byte ${place.byteOffset}`;
}
