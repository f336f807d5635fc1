/**
 * Identifiers of kernel objects. They carry a generation, so a stale one is an error and never
 * somebody else's object, and fit into the 53 bits that a JavaScript number has exactly.
 *
 *   63-52  51-26       25-22  21-0
 *   0      generation  kind   index
 *
 * 0 is no object: generations begin with 1.
 */
export const INDEX_BITS: u32 = 22;
const KIND_BITS: u32 = 4;
const GENERATION_SHIFT: u32 = INDEX_BITS + KIND_BITS;
/** Generations of a slot; when they are used up it is never used again. */
export const GENERATION_MAX: u32 = (1 << 26) - 1;
const INDEX_MASK: u64 = (1 << INDEX_BITS) - 1;
const KIND_MASK: u64 = (1 << KIND_BITS) - 1;
/** The kind's bits, where they stand. */
export const KIND_FIELD: u64 = KIND_MASK << INDEX_BITS;

@inline
export function makeId(kind: u32, index: u32, generation: u32): u64 {
  return (<u64>generation << GENERATION_SHIFT) | (<u64>kind << INDEX_BITS) | index;
}

@inline
export function idIndex(id: u64): u32 {
  return <u32>(id & INDEX_MASK);
}

@inline
export function idKind(id: u64): u32 {
  return <u32>((id >> INDEX_BITS) & KIND_MASK);
}

/** Above GENERATION_MAX when bits 52-63 are set: no object has such a one. */
@inline
export function idGeneration(id: u64): u64 {
  return id >> GENERATION_SHIFT;
}
