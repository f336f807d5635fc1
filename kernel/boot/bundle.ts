/**
 * The boot bundle: read from its partition piece by piece, each entry verified against the manifest
 * as soon as it is whole. Only verified entries are in the table that others look at.
 */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { BlockDevice } from "../../hal/block";
import { SHA256_BYTES, SHA256_CONTEXT_BYTES, sha256Begin, sha256End, sha256Update } from "../../sim/lib/sha256";
import {
  ERROR_BUNDLE_DIGEST,
  ERROR_BUNDLE_FORMAT,
  ERROR_BUNDLE_MANIFEST,
  ERROR_BUNDLE_TRUNCATED,
  ERROR_NO_BUNDLE,
  ERROR_OUT_OF_FRAMES,
} from "../errors";
import { BUNDLE_BYTES_MAX, BUNDLE_ENTRIES_MAX, READ_CHUNK_BYTES } from "../limits";
import { frameAlloc, frameAllocZeroed, frameFree, orderFor, OWNER_BUNDLE } from "../mm/frames";
import { bytesAre, CPIO_END, CPIO_MALFORMED, CPIO_MORE, cpioEntry, CpioEntry } from "../storage/cpio";
import { Partition } from "../storage/partitions";
import { readBegin, readBlocks, readStep, READ_DONE, READ_FAILED } from "../storage/read";
import { shareBuffer, unshareBuffer } from "../storage/storage";
import { newLine, print, printBytes, printDecimal, printLine, printText } from "../console";
import { Ptr } from "../state";
import { boot, fail, STAGE_DONE, STAGE_FAILED, STAGE_WAIT } from "./boot";
import { checkLine, LINE_OK, LINE_OTHER_DIGEST, lineBytes } from "./manifest";

const MANIFEST = "SHA256SUMS";

@unmanaged
export class BundleEntry {
  /** Linear addresses inside the archive, and lengths in bytes. */
  name: usize;
  nameBytes: u32;
  content: usize;
  dataBytes: u32;
  /** Address of the 32 bytes of its SHA-256. */
  digest: usize;
}

@unmanaged
export class Bundle {
  /** Physical address of the archive in RAM, and the room there is. */
  archive: u64;
  capacity: u64;
  /** Bytes read, and bytes verified so far. */
  filled: u64;
  verified: u64;
  /** Bytes of the partition. */
  partitionBytes: u64;
  entries: Ptr<BundleEntry>;
  digests: usize;
  entryCount: u32;
  complete: u32;
  /** The manifest's data, and the next of its lines, as offsets into the archive. */
  manifestEnd: u64;
  manifestNext: u64;
  scratch: usize;
  sha: usize;
  device: Ptr<BlockDevice>;
  firstLba: u64;
}

@inline
function bundle(): Bundle {
  return changetype<Bundle>(boot().bundle);
}

/** Finds the bundle's partition, makes room and begins to read. */
export function bundleBegin(partition: usize): u32 {
  if (partition == 0) return fail(ERROR_NO_BUNDLE);
  const where = changetype<Partition>(partition);
  const device = changetype<BlockDevice>(where.device);
  const tables = frameAllocZeroed(orderFor(tableBytes()), OWNER_BUNDLE);
  const archive = frameAlloc(orderFor(READ_CHUNK_BYTES), OWNER_BUNDLE);
  if (tables == 0 || archive == 0) return fail(ERROR_OUT_OF_FRAMES);
  const state = changetype<Bundle>(pointer(tables));
  boot().bundle = changetype<usize>(state);
  state.entries = changetype<usize>(state) + 256;
  state.digests = state.entries + <usize>BUNDLE_ENTRIES_MAX * offsetof<BundleEntry>();
  state.sha = state.digests + <usize>BUNDLE_ENTRIES_MAX * SHA256_BYTES;
  state.scratch = state.sha + SHA256_CONTEXT_BYTES;
  state.archive = archive;
  state.capacity = PAGE_BYTES << orderFor(READ_CHUNK_BYTES);
  state.device = where.device;
  state.firstLba = where.firstLba;
  state.partitionBytes = (where.lastLba - where.firstLba + 1) * device.blockBytes;
  const shared = shareBuffer(device, archive, state.capacity);
  return shared == STAGE_DONE ? readNext(state) : shared;
}

function tableBytes(): u64 {
  const perEntry = <u64>offsetof<BundleEntry>() + SHA256_BYTES;
  return 256 + BUNDLE_ENTRIES_MAX * perEntry + SHA256_CONTEXT_BYTES + offsetof<CpioEntry>();
}

/** Reads the next piece behind what is there; doubles the room when it is full. */
function readNext(state: Bundle): u32 {
  const limit = min(state.partitionBytes, BUNDLE_BYTES_MAX);
  if (state.filled >= limit) return fail(ERROR_BUNDLE_TRUNCATED, 0, state.filled);
  if (state.filled == state.capacity) {
    const grown = grow(state);
    if (grown != STAGE_DONE) return grown;
  }
  const device = changetype<BlockDevice>(state.device);
  const blockBytes = <u64>device.blockBytes;
  const bytes = min(min(<u64>READ_CHUNK_BYTES, limit - state.filled), state.capacity - state.filled);
  const blocks = min(bytes / blockBytes, <u64>device.maxBlocks);
  if (blocks == 0) return fail(ERROR_BUNDLE_TRUNCATED, 0, state.filled);
  return readBegin(device, state.firstLba + state.filled / blockBytes, <u32>blocks, state.archive + state.filled);
}

/** Moves the archive to a block twice as large and hands it to the device; every pointer into it moves along. */
function grow(state: Bundle): u32 {
  const larger = frameAlloc(orderFor(state.capacity << 1), OWNER_BUNDLE);
  if (larger == 0) return fail(ERROR_OUT_OF_FRAMES);
  memory.copy(pointer(larger), pointer(state.archive), <usize>state.filled);
  const move = pointer(larger) - pointer(state.archive);
  for (let index: u32 = 0; index < state.entryCount; index++) {
    const entry = bundleEntryAt(index);
    entry.name += move;
    entry.content += move;
  }
  const device = changetype<BlockDevice>(state.device);
  unshareBuffer(device, state.archive, state.capacity);
  frameFree(state.archive);
  state.archive = larger;
  state.capacity <<= 1;
  return shareBuffer(device, larger, state.capacity);
}

@inline
export function bundleEntryAt(index: u32): BundleEntry {
  return changetype<BundleEntry>(bundle().entries + <usize>index * offsetof<BundleEntry>());
}

/** Goes on when a piece has arrived. */
export function bundleAdvance(): u32 {
  const state = bundle();
  while (true) {
    const step = readStep();
    if (step == READ_FAILED) return STAGE_FAILED;
    if (step != READ_DONE) return STAGE_WAIT;
    state.filled += readBytes(state);
    const result = verifyArrived(state);
    if (result != STAGE_WAIT) return result;
    if (readNext(state) == STAGE_FAILED) return STAGE_FAILED;
  }
}

@inline
function readBytes(state: Bundle): u64 {
  return <u64>changetype<BlockDevice>(state.device).blockBytes * readBlocks();
}

/** Verifies all entries that are whole; STAGE_WAIT asks for more bytes. */
function verifyArrived(state: Bundle): u32 {
  const entry = changetype<CpioEntry>(state.scratch);
  while (true) {
    const at = pointer(state.archive) + <usize>state.verified;
    const found = cpioEntry(at, state.filled - state.verified, entry);
    if (found == CPIO_MORE) return STAGE_WAIT;
    if (found == CPIO_MALFORMED) return fail(ERROR_BUNDLE_FORMAT, 0, state.verified);
    if (found == CPIO_END) return bundleEnd(state);
    const result = state.verified == 0 ? takeManifest(state, entry) : verifyEntry(state, entry);
    if (result != STAGE_DONE) return result;
    state.verified += entry.totalBytes;
  }
}

function takeManifest(state: Bundle, entry: CpioEntry): u32 {
  if (!bytesAre(entry.name, entry.nameBytes, MANIFEST)) return fail(ERROR_BUNDLE_MANIFEST, 0, 0);
  state.manifestNext = entry.content - pointer(state.archive);
  state.manifestEnd = state.manifestNext + entry.dataBytes;
  return STAGE_DONE;
}

function verifyEntry(state: Bundle, entry: CpioEntry): u32 {
  const index = state.entryCount;
  if (index == BUNDLE_ENTRIES_MAX) return fail(ERROR_BUNDLE_FORMAT, index, state.verified);
  const digest = state.digests + <usize>index * SHA256_BYTES;
  sha256Begin(state.sha);
  sha256Update(state.sha, entry.content, entry.dataBytes);
  sha256End(state.sha, digest);
  const line = pointer(state.archive) + <usize>state.manifestNext;
  const left = state.manifestEnd - state.manifestNext;
  const check = checkLine(line, left, entry.name, entry.nameBytes, digest);
  if (check != LINE_OK) {
    printText(entry.name, entry.nameBytes);
    printLine(check == LINE_OTHER_DIGEST ? ": digest differs" : ": not the entry that the manifest names next");
    return fail(check == LINE_OTHER_DIGEST ? ERROR_BUNDLE_DIGEST : ERROR_BUNDLE_MANIFEST, index, state.verified);
  }
  state.manifestNext += lineBytes(entry.nameBytes);
  remember(bundleEntryAt(index), entry, digest);
  state.entryCount = index + 1;
  return STAGE_DONE;
}

function remember(slot: BundleEntry, entry: CpioEntry, digest: usize): void {
  slot.name = entry.name;
  slot.nameBytes = entry.nameBytes;
  slot.content = entry.content;
  slot.dataBytes = entry.dataBytes;
  slot.digest = digest;
  print("  ");
  printBytes(digest, SHA256_BYTES);
  print("  ");
  printText(entry.name, entry.nameBytes);
  print(" (");
  printDecimal(entry.dataBytes);
  printLine(" bytes)");
}

/** The trailer has come: every line of the manifest must have had its entry. */
function bundleEnd(state: Bundle): u32 {
  if (state.manifestEnd == 0 || state.manifestNext != state.manifestEnd)
    return fail(ERROR_BUNDLE_MANIFEST, state.entryCount, state.verified);
  state.complete = 1;
  print("bundle: ");
  printDecimal(state.entryCount);
  print(" entries verified");
  newLine();
  return STAGE_DONE;
}
