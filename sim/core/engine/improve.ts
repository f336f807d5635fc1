/**
 * What a block gains once all of its micro-ops are known: flags that nobody can see aren't made, and
 * frequent sequences become one case of the interpreter.
 *
 * Flags are unseen when others are set before anything reads them and before the block can be left, by
 * a fault or at its end. Blocks are what they are: a shorter one, for the end of a turn or a
 * breakpoint, is made anew and ends with its flags.
 */
import { MICRO_BYTES } from "./blocks";
import { COMBINED, FLAGS, FOLLOWERS, FOLLOWERS_FROM, SILENT_FORM } from "./improve.generated";

/** Values of FLAGS: neither reads nor sets, and can't leave; sets all. Others need what was there. */
const NEUTRAL: u32 = 0;
const SETS: u32 = 1;

/** Improves the micro-ops from `first` on, up to `end`. */
export function improve(first: usize, end: usize): void {
  silence(first, end);
  combine(first, end);
}

/** Backwards: whether the flags that were set before are seen. */
function silence(first: usize, end: usize): void {
  let seen = true;
  for (let at = end; at > first; ) {
    at -= MICRO_BYTES;
    const op = <u32>load<u16>(at);
    const flags = <u32>unchecked(FLAGS[op]);
    if (flags == SETS) {
      const silent = unchecked(SILENT_FORM[op]);
      if (!seen && silent != 0) store<u16>(at, silent);
      seen = false;
    } else if (flags != NEUTRAL) seen = true;
  }
}

/** The number of `op` with `next` behind it as one, or 0. */
function combined(op: u32, next: u32): u32 {
  const end = <u32>unchecked(FOLLOWERS_FROM[op + 1]);
  for (let n = <u32>unchecked(FOLLOWERS_FROM[op]); n < end; n++) {
    if (<u32>unchecked(FOLLOWERS[n]) == next) return unchecked(COMBINED[n]);
  }
  return 0;
}

/** Takes the longest sequence from each place on; its number goes into the first micro-op. */
function combine(first: usize, end: usize): void {
  let at = first;
  while (at < end) {
    let op = <u32>load<u16>(at);
    let next = at + MICRO_BYTES;
    while (next < end) {
      const longer = combined(op, load<u16>(next));
      if (longer == 0) break;
      op = longer;
      next += MICRO_BYTES;
    }
    store<u16>(at, <u16>op);
    at = next;
  }
}
