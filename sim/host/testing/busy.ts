/**
 * A bare-metal program for debuggers whose CPUs all work: CPU 0 counts and is interrupted every 10,007 ns
 * by its timer; the others, started in real mode, count in 16 bits, all in one place.
 */
import { GUEST_CODE } from "./guest64.ts";

/**
 *   000  mov rsp, 0x1200000; x2APIC on; a gate at 0x51400 for vector 0x40, lidt
 *   059  the APIC enabled; its timer: divided by 1, periodic, vector 0x40, 10,007
 *   08d  at 0x50000, in real mode: mov ax, cs; mov ds, ax; L: inc word [0x100]; jmp L
 *   0a9  INIT and SIPI with vector 0x50 to all CPUs but this one; sti
 *   0bd  L: inc qword [0x50108]
 *   0c5  jmp L
 *   0d0  push rax, rcx, rdx; inc qword [0x50110]; EOI; pop rdx, rcx, rax; iretq
 */
export const BUSY = `
  48c7c400002001b91b0000000f320d000c00000f30488d05
  b40000006689042500140500c70425021405001000008e48
  c1e810668904250614050066c70425f01f05000f0448c704
  25f21f0500001005000f011c25f01f0500b90f080000b8ff
  01000031d20f30b93e080000b80b00000031d20f30b93208
  0000b8400002000f30b938080000b8172700000f3048b88c
  c88ed8ff060001488904250000050066c7042508000500eb
  fab930080000b800450c000f30b850460c000f30fb48ff04
  2508010500ebf6660f1f84000000000050515248ff042510
  010500b90b08000031c031d20f305a595848cf`;
export const BUSY_LOOP = BigInt(GUEST_CODE + 0xbd);
export const HANDLER = BigInt(GUEST_CODE + 0xd0);
/** CS:IP of the other CPUs' loop is 5000:0004. */
export const OTHERS_LOOP = 4n;
/** Their counter, of 16 bits; CPU 0's, and its interrupts, of 64 bits. */
export const OTHERS_COUNTER = 0x5_0100n;
export const BUSY_COUNTER = 0x5_0108n;
export const TICKS = 0x5_0110n;
