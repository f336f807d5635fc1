/**
 * IEEE 754 arithmetic as x86 has it, on integers: the word of control and flags.
 *
 * Every function of this folder gets a FloatState: rounding, masks and flags in MXCSR's layout (Intel
 * SDM 1, 10.2.3). So the SSE unit passes the address of MXCSR itself; what an operation raises is
 * added to the flags, which are sticky. The x87 unit makes such a word of its control word.
 *
 *    31..16   15  14-13 12 11 10  9  8  7   6   5  4  3  2  1  0
 *   reserved  FTZ   RC  PM UM OM ZM DM IM  DAZ PE UE OE ZE DE IE
 *
 * Which exceptions are masked matters here only where it changes flags or results: see `raiseAfter`
 * and round.ts. To learn what a single operation has raised, the caller passes a copy with the flags
 * cleared; it has to when any exception is unmasked, for a sticky flag raises nothing by itself.
 */

/** Invalid operation. */
export const FLOAT_IE: u32 = 1 << 0;
/** Denormal operand. */
export const FLOAT_DE: u32 = 1 << 1;
/** Division by zero. */
export const FLOAT_ZE: u32 = 1 << 2;
/** Overflow. */
export const FLOAT_OE: u32 = 1 << 3;
/** Underflow. */
export const FLOAT_UE: u32 = 1 << 4;
/** Precision: the result is inexact. */
export const FLOAT_PE: u32 = 1 << 5;
export const FLOAT_FLAGS: u32 = 0x3f;
/** Exceptions that are found before anything is computed (Intel SDM 1, 11.5.1). */
const BEFORE: u32 = FLOAT_IE | FLOAT_DE | FLOAT_ZE;

/** Denormal operands are zeros. */
export const FLOAT_DAZ: u32 = 1 << 6;
/** From a flag to its mask. */
export const FLOAT_MASK_SHIFT: u32 = 7;
export const FLOAT_ROUNDING_SHIFT: u32 = 13;
/** Tiny results are zeros, while underflow is masked. */
export const FLOAT_FTZ: u32 = 1 << 15;

/** Rounding control (Intel SDM 1, table 4-8). */
export const ROUND_NEAREST: u32 = 0;
export const ROUND_DOWN: u32 = 1;
export const ROUND_UP: u32 = 2;
export const ROUND_TO_ZERO: u32 = 3;

@unmanaged
export class FloatState {
  word: u32;
}

@inline
export function roundingOf(state: FloatState): u32 {
  return (state.word >> FLOAT_ROUNDING_SHIFT) & 3;
}

@inline
export function masked(state: FloatState, flag: u32): bool {
  return ((state.word >> FLOAT_MASK_SHIFT) & flag) != 0;
}

/** Raises exceptions of the operands. */
@inline
export function raiseBefore(state: FloatState, flags: u32): void {
  state.word |= flags;
}

/** Raises exceptions of the result. There is none after an unmasked one of the operands. */
@inline
export function raiseAfter(state: FloatState, flags: u32): void {
  const word = state.word;
  if ((word & ~(word >> FLOAT_MASK_SHIFT) & BEFORE) != 0) return;
  state.word = word | flags;
}

/**
 * Whether the processor that runs this rounds as `state` asks, and no flag can change: to nearest,
 * inexact already noted. Then an operation on normal numbers with a normal result may be left to it,
 * for WebAssembly's arithmetic is exactly IEEE 754's.
 */
@inline
export function isNative(state: FloatState): bool {
  return (state.word & ((3 << FLOAT_ROUNDING_SHIFT) | FLOAT_PE)) == FLOAT_PE;
}
