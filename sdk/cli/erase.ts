/** Control sequences for terminals (ECMA-48, 8.3.41). */

/** Back to the line's beginning, and nothing is left in it. */
export const ERASE_LINE = "\r\x1b[K";
