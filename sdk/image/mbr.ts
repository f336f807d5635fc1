import { ImageError } from "./errors.ts";

/*
 * Protective MBR (UEFI 2.10, 5.2.3), the first block of a GPT disk.
 *
 *  446 four partition records of 16 bytes     510 signature 55 AA
 *
 *  Record:  0 boot indicator, 0    1 starting CHS, 00 02 00    4 OS type, EE
 *           5 ending CHS           8 starting LBA, 1          12 blocks, at most 2^32-1
 */
const RECORDS_OFFSET = 446;
const RECORD_BYTES = 16;
const RECORD_COUNT = 4;
const SIGNATURE_OFFSET = 510;
const SIGNATURE = 0xaa55;
const OS_TYPE_GPT_PROTECTIVE = 0xee;
const BLOCKS_MAX = 0xffff_ffff;

/** Fills block 0 with a protective MBR that covers a disk of `blocks` blocks. */
export function writeProtectiveMbr(block: Uint8Array, blocks: number): void {
  block.fill(0);
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  block.set([0x00, 0x00, 0x02, 0x00, OS_TYPE_GPT_PROTECTIVE], RECORDS_OFFSET);
  // An image has no geometry, so its end has no cylinder, head and sector: all ones, as specified.
  block.fill(0xff, RECORDS_OFFSET + 5, RECORDS_OFFSET + 8);
  view.setUint32(RECORDS_OFFSET + 8, 1, true);
  view.setUint32(RECORDS_OFFSET + 12, Math.min(blocks - 1, BLOCKS_MAX), true);
  view.setUint16(SIGNATURE_OFFSET, SIGNATURE, true);
}

/**
 * A disk counts as GPT only if one record protects it from block 1 on; the others may describe
 * partitions a second time ("hybrid"), which is read past, as Linux and util-linux do. A table
 * behind an ordinary MBR is the remains of an earlier use, and is not believed.
 *
 * @throws ImageError `mbr-signature` or `mbr-not-protective`
 */
export function checkProtectiveMbr(block: Uint8Array): void {
  const view = new DataView(block.buffer, block.byteOffset, block.byteLength);
  if (view.getUint16(SIGNATURE_OFFSET, true) !== SIGNATURE) {
    const place = { byteOffset: SIGNATURE_OFFSET, lba: 0 };
    throw new ImageError("mbr-signature", place, "not a partitioned disk: no 55 AA in block 0");
  }
  for (let index = 0; index < RECORD_COUNT; index++) {
    const record = RECORDS_OFFSET + index * RECORD_BYTES;
    const protects = view.getUint8(record + 4) === OS_TYPE_GPT_PROTECTIVE;
    if (protects && view.getUint32(record + 8, true) === 1) return;
  }
  const place = { byteOffset: RECORDS_OFFSET, lba: 0 };
  throw new ImageError("mbr-not-protective", place, "not a GPT disk: no protective MBR record");
}
