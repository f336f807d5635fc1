/** A bare-metal program for debuggers: it counts in RCX and in memory, and calls a function each time. */
import { GUEST_CODE } from "./guest64.ts";

/**
 *   200  mov rsp, 0x1200000
 *   207  xor ecx, ecx
 *   209  mov rdi, 0x1100000
 *   210  L: inc rcx
 *   213  mov [rdi], rcx
 *   216  call F
 *   21b  jmp L
 *   220  F: lea rax, [rcx + rcx]
 *   224  ret
 */
export const COUNTING = `
  48 c7 c4 00 00 20 01  31 c9  48 c7 c7 00 00 10 01
  48 ff c1  48 89 0f  e8 05 00 00 00  eb f3  90 90 90
  48 8d 04 09  c3`;
export const LOOP = BigInt(GUEST_CODE + 0x10);
export const STORE = BigInt(GUEST_CODE + 0x13);
export const CALL = BigInt(GUEST_CODE + 0x16);
export const JUMP = BigInt(GUEST_CODE + 0x1b);
export const FUNCTION = BigInt(GUEST_CODE + 0x20);
export const COUNTER = 0x110_0000n;
