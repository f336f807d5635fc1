/*
 * Computes in all registers that a processor has, argument x 50,000 rounds, and calls the kernel now and
 * then. Nothing of what it computes with is in memory meanwhile, so a switch that loses or leaks a register
 * shows. Ends with what all of them hold in the end, which is a sum that has a closed form. A copy that the
 * kernel refuses the last call, since its handles are its original's, tells the sum by the address at which
 * it faults.
 */
#include "aios.h"

#define ROUNDS 50000u
#define TOLD_AT 0x10000000000

struct registers {
  uint64_t xmm[16][2];
  double st[8];
  uint32_t mxcsr;
  uint16_t control;
};

static struct registers now;

/* Argument's own rounding modes and all exceptions masked; both fields of two bits. */
static uint32_t mode(uint64_t argument) { return argument & 3; }

static void begin(uint64_t argument) {
  uint32_t mxcsr = 0x1f80 | mode(argument) << 13;
  uint16_t control = 0x037f | (uint16_t)(mode(argument) << 10);
  __asm__ volatile("ldmxcsr %0; fninit; fldcw %1" : : "m"(mxcsr), "m"(control));
  for (int index = 7; index >= 0; index--) {
    double value = (double)(argument * 16 + index);
    __asm__ volatile("fldl %0" : : "m"(value));
  }
}

/* Adds to each: 1 to a lane of XMMn, 1 to ST(i) after the stack has gone round. */
static void rounds(uint64_t count, const uint64_t (*from)[2], uint64_t (*to)[2]) {
  static const float one = 1;
  __asm__ volatile(
      "movdqu 0(%1), %%xmm0; movdqu 16(%1), %%xmm1; movdqu 32(%1), %%xmm2; movdqu 48(%1), %%xmm3\n"
      "movdqu 64(%1), %%xmm4; movdqu 80(%1), %%xmm5; movdqu 96(%1), %%xmm6; movdqu 112(%1), %%xmm7\n"
      "movdqu 128(%1), %%xmm8; movdqu 144(%1), %%xmm9; movdqu 160(%1), %%xmm10; movdqu 176(%1), %%xmm11\n"
      "movdqu 192(%1), %%xmm12; movdqu 208(%1), %%xmm13; movdqu 224(%1), %%xmm14; movdqu 240(%1), %%xmm15\n"
      "1: paddq %%xmm15, %%xmm0; paddq %%xmm15, %%xmm1; paddq %%xmm15, %%xmm2; paddq %%xmm15, %%xmm3\n"
      "paddq %%xmm15, %%xmm4; paddq %%xmm15, %%xmm5; paddq %%xmm15, %%xmm6; paddq %%xmm15, %%xmm7\n"
      "paddq %%xmm15, %%xmm8; paddq %%xmm15, %%xmm9; paddq %%xmm15, %%xmm10; paddq %%xmm15, %%xmm11\n"
      "paddq %%xmm15, %%xmm12; paddq %%xmm15, %%xmm13; paddq %%xmm15, %%xmm14\n"
      "fadds %3; fincstp\n"
      "dec %0; jnz 1b\n"
      "movdqu %%xmm0, 0(%2); movdqu %%xmm1, 16(%2); movdqu %%xmm2, 32(%2); movdqu %%xmm3, 48(%2)\n"
      "movdqu %%xmm4, 64(%2); movdqu %%xmm5, 80(%2); movdqu %%xmm6, 96(%2); movdqu %%xmm7, 112(%2)\n"
      "movdqu %%xmm8, 128(%2); movdqu %%xmm9, 144(%2); movdqu %%xmm10, 160(%2); movdqu %%xmm11, 176(%2)\n"
      "movdqu %%xmm12, 192(%2); movdqu %%xmm13, 208(%2); movdqu %%xmm14, 224(%2)\n"
      : "+r"(count)
      : "r"(from), "r"(to), "m"(one)
      : "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10",
        "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
}

/* The argument: what a parent says, or the first agent's command line. */
static uint64_t argumentOf(const struct aios_start *start) {
  return start->argc > 1 ? (uint64_t)(start->argv[1][0] - '0') : start->argument;
}

uint64_t aios_main(const struct aios_start *start) {
  const uint64_t argument = argumentOf(start);
  for (int index = 0; index < 15; index++) {
    now.xmm[index][0] = argument * 1000 + (uint64_t)index;
    now.xmm[index][1] = index;
  }
  now.xmm[15][0] = 1;
  now.xmm[15][1] = 3;
  begin(argument);
  for (uint64_t part = 0; part < 5 * argument; part++) {
    rounds(ROUNDS / 5, (const uint64_t(*)[2])now.xmm, now.xmm);
    aios_yield(start->self);
  }
  uint64_t sum = 0;
  for (int index = 0; index < 15; index++) sum += now.xmm[index][0] + now.xmm[index][1];
  for (int index = 0; index < 8; index++) __asm__ volatile("fstpl %0" : "=m"(now.st[index]));
  for (int index = 0; index < 8; index++) sum += (uint64_t)now.st[index];
  __asm__ volatile("stmxcsr %0; fnstcw %1" : "=m"(now.mxcsr), "=m"(now.control));
  sum += now.mxcsr >> 13 & 3;
  sum += now.control >> 10 & 3;
  aios_call(AIOS_SYSCALL_AGENT_KILL, start->self, sum, 0, 0, 0, 0);
  return *(volatile uint8_t *)((uintptr_t)TOLD_AT + sum);
}
