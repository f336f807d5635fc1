/** The 16 entries of a UART's receiver or transmitter: a byte, with error bits (as in LSR) above. */
import { allocate, allocateOne } from "../arena";
import { UART_FIFO_BYTES } from "../../spec/uart";

const ENTRIES: u32 = UART_FIFO_BYTES;

@unmanaged
export class UartRing {
  /** ENTRIES values of 16 bits. */
  entries: usize;
  head: u32;
  count: u32;
  /** Entries that have an error bit. */
  errors: u32;
}

export function createRing(): UartRing {
  const ring = allocateOne<UartRing>();
  ring.entries = allocate(ENTRIES * 2);
  return ring;
}

@inline
function entryPointer(ring: UartRing, index: u32): usize {
  return ring.entries + <usize>(((ring.head + index) % ENTRIES) << 1);
}

/** The oldest entry; 0 when there is none. */
export function topEntry(ring: UartRing): u32 {
  return ring.count == 0 ? 0 : <u32>load<u16>(entryPointer(ring, 0));
}

/** Appends an entry; the caller has seen that there is room. */
export function pushEntry(ring: UartRing, entry: u32): void {
  store<u16>(entryPointer(ring, ring.count), <u16>entry);
  ring.count += 1;
  if (entry > 0xff) ring.errors += 1;
}

/** Takes the oldest entry; the ring must not be empty. */
export function popEntry(ring: UartRing): u32 {
  const entry = topEntry(ring);
  ring.head = (ring.head + 1) % ENTRIES;
  ring.count -= 1;
  if (entry > 0xff) ring.errors -= 1;
  return entry;
}

/** Takes the error bits of the oldest entry away: they have been reported. */
export function clearTopErrors(ring: UartRing): void {
  const entry = topEntry(ring);
  if (entry <= 0xff) return;
  store<u16>(entryPointer(ring, 0), <u16>(entry & 0xff));
  ring.errors -= 1;
}

export function resetRing(ring: UartRing): void {
  ring.head = 0;
  ring.count = 0;
  ring.errors = 0;
}
