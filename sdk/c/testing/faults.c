/* Makes the fault that its argument names; ends with 99 if it comes out of it alive. */
#include "aios.h"

static volatile double zero = 0.0;
static volatile double one = 1.0;
static const char constant[] = "constant";

/* As deep as a stack may be, and one page more. */
__attribute__((noinline)) static uint64_t deeper(uint64_t levels) {
  volatile char frame[4096];
  frame[0] = (char)levels;
  return levels == 0 ? 0 : deeper(levels - 1) + (uint64_t)frame[0];
}

static void x87Error(void) {
  uint16_t control = 0x037b; /* #Z is not masked */
  __asm__ volatile("fninit; fldcw %0; fld1; fldz; fdivrp; fwait" : : "m"(control));
}

static void simdError(void) {
  uint32_t control = 0x1d80;
  __asm__ volatile("ldmxcsr %0; movsd %1, %%xmm0; divsd %2, %%xmm0" : : "m"(control), "m"(one), "m"(zero) : "xmm0");
}

uint64_t aios_main(const struct aios_start *start) {
  uint64_t rax = 0;
  switch (start->argument) {
    case 0: __asm__ volatile("xor %%ecx, %%ecx; div %%ecx" : "+a"(rax) : : "rcx", "rdx", "cc"); break;
    case 1: __asm__ volatile("ud2"); break;
    case 2: __asm__ volatile("mov 8, %%al" : "+a"(rax)); break;
    case 3: __asm__ volatile("movb $2, (%0)" : : "r"(constant) : "memory"); break;
    case 4: x87Error(); break;
    case 5: simdError(); break;
    case 6: __asm__ volatile("pushf; orl $0x100, (%%rsp); popf; nop" : : : "memory", "cc"); break;
    case 7: __asm__ volatile("hlt"); break;
    case 8: __asm__ volatile("int3"); break;
    case 9: __asm__ volatile("jmp *%0" : : "r"(0x7fffffff0010)); break;
    case 10: return deeper(32);
    case 11: __asm__ volatile("sidt %0" : "=m"(*(char(*)[10])__builtin_alloca(16))); break;
    case 12: __asm__ volatile("mov %0, %%rsp; push %%rax" : : "r"(0x8000000000000000)); break;
    case 13: __asm__ volatile("mov 0xffffffff80000000, %%al" : "+a"(rax)); break;
    default: break;
  }
  return 99;
}
