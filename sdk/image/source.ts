/**
 * An image read piece by piece, so that looking at a disk of many gigabytes needs memory only
 * for its tables. `read` is called with ranges inside the image only.
 */
export interface ImageSource {
  readonly bytes: number;
  read(byteOffset: number, byteLength: number): Uint8Array;
}

/** An image that is in memory already, as a source. Reads are views, not copies. */
export function imageSource(image: Uint8Array | ImageSource): ImageSource {
  if (!(image instanceof Uint8Array)) return image;
  return {
    bytes: image.length,
    read: (byteOffset, byteLength) => image.subarray(byteOffset, byteOffset + byteLength),
  };
}
