/** Bytes of the state that only machine code has (extended.ts). Portable. */
export const EXTENDED_BYTES = 520;
