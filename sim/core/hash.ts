/** Hashing for the host: of all machine state, and of whatever lies in the host buffer. */
import { forgetWriteLines } from "./cpu/tlb";
import { digestOf } from "./engine/memory";
import { framesTracked, knownDigest, knownZero, noteDigest, noteZero } from "./frames";
import { HOST_BASE, RAM_BASE, STATE_BASE } from "./memory";
import { machine } from "./machine";
import { SHA256_CONTEXT_BYTES, sha256Begin, sha256End, sha256Update } from "../lib/sha256";

const PAGE_BYTES: usize = 4096;
const DIGEST_BYTES: usize = 32;
/** The context lies in the host window: hashing must not change what is hashed. */
const CONTEXT: usize = HOST_BASE + 0x100;
/** Another one, for a frame of RAM, and its digest when that isn't kept. */
const FRAME_CONTEXT: usize = CONTEXT + SHA256_CONTEXT_BYTES;
const FRAME_DIGEST: usize = HOST_BASE + 0x80;
/** Where `hashEnd` leaves the digest. */
export const HASH_RESULT: usize = HOST_BASE + 0x40;

export function hashBegin(): void {
  sha256Begin(CONTEXT);
}

export function hashUpdate(from: usize, bytes: usize): void {
  sha256Update(CONTEXT, from, bytes);
}

/** Ends the hash; the 32 bytes are at HASH_RESULT. */
export function hashEnd(): void {
  sha256End(CONTEXT, HASH_RESULT);
}

/**
 * Adds the state arena and, for every page of RAM that isn't all zeroes, its address and the SHA-256 of
 * its contents. A guest's pages are read again only when they may have changed since the last time.
 */
export function hashMachine(): void {
  const state = machine();
  sha256Update(CONTEXT, STATE_BASE, <usize>state.arenaTop - STATE_BASE);
  const end = RAM_BASE + <usize>state.ramBytes;
  const tracked = framesTracked();
  if (tracked) forgetWriteLines();
  for (let page = RAM_BASE; page < end; page += PAGE_BYTES) {
    const digest = tracked ? trackedDigest(page) : pageUsed(page) ? digestPage(page, FRAME_DIGEST) : 0;
    if (digest == 0) continue;
    store<u32>(HASH_RESULT, page);
    sha256Update(CONTEXT, HASH_RESULT, 4);
    sha256Update(CONTEXT, digest, DIGEST_BYTES);
  }
}

/** Where the digest of the page is; 0 for one of zeroes. */
function trackedDigest(page: usize): usize {
  const known = knownDigest(page);
  // Without assertions their conditions would be worked out all the same.
  if (!ASC_NO_ASSERT) assert(isAsKnown(page, known), "hash: a page has changed unnoticed");
  if (known != 0 || knownZero(page)) return known;
  if (!pageUsed(page)) {
    noteZero(page);
    return 0;
  }
  noteDigest(page);
  return digestPage(page, digestOf(page));
}

function isAsKnown(page: usize, known: usize): bool {
  if (known != 0) return memory.compare(known, digestPage(page, FRAME_DIGEST), DIGEST_BYTES) == 0;
  return !knownZero(page) || !pageUsed(page);
}

function digestPage(page: usize, to: usize): usize {
  sha256Begin(FRAME_CONTEXT);
  sha256Update(FRAME_CONTEXT, page, PAGE_BYTES);
  sha256End(FRAME_CONTEXT, to);
  return to;
}

/** The first page at or after `page` that isn't all zeroes; `end` when there is none. */
export function nextUsedPage(page: usize, end: usize): usize {
  for (let at = page; at < end; at += PAGE_BYTES) if (pageUsed(at)) return at;
  return end;
}

function pageUsed(page: usize): bool {
  for (let at = page; at < page + PAGE_BYTES; at += 64) {
    const bits = v128.or(
      v128.or(v128.load(at), v128.load(at, 16)),
      v128.or(v128.load(at, 32), v128.load(at, 48)),
    );
    if (v128.any_true(bits)) return true;
  }
  return false;
}
