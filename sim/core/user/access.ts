/** Price of an access to memory by the host's hand: that of a short REP MOVSB, 16 bytes a cycle. */
const ACCESS_CYCLES: u64 = 4;
const ACCESS_BYTES_SHIFT: u64 = 4;

@inline
export function accessCycles(bytes: u32): u64 {
  return ACCESS_CYCLES + (<u64>bytes >> ACCESS_BYTES_SHIFT);
}
