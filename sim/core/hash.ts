/** Hashing for the host: of all machine state, and of whatever lies in the host buffer. */
import { HOST_BASE, RAM_BASE, STATE_BASE } from "./memory";
import { machine } from "./machine";
import { sha256Begin, sha256End, sha256Update } from "../lib/sha256";

const PAGE_BYTES: usize = 4096;
/** The context lies in the host window: hashing must not change what is hashed. */
const CONTEXT: usize = HOST_BASE + 0x100;
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

/** Adds the state arena and every page of RAM that isn't all zeroes, each with its address. */
export function hashMachine(): void {
  const state = machine();
  sha256Update(CONTEXT, STATE_BASE, <usize>state.arenaTop - STATE_BASE);
  const end = RAM_BASE + <usize>state.ramBytes;
  for (let page = nextUsedPage(RAM_BASE, end); page < end; page = nextUsedPage(page + PAGE_BYTES, end)) {
    store<u32>(HASH_RESULT, page);
    sha256Update(CONTEXT, HASH_RESULT, 4);
    sha256Update(CONTEXT, page, PAGE_BYTES);
  }
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
