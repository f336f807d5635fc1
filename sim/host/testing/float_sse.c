/*
 * The real processor's answers: reads cases (float_cases.ts) from standard input, runs each as the SSE
 * instruction it names with its MXCSR, and writes them back with result and flags. An exception that
 * is unmasked comes as SIGFPE; the flags are then those of the interrupted context.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

struct float_case {
  uint32_t operation, control;
  uint64_t a, a_high, b, b_high, result, result_high;
  uint32_t out, reserved;
};

static sigjmp_buf out_of_exception;
static volatile uint32_t flags_of_exception;

static void on_exception(int signal, siginfo_t *info, void *context) {
  (void)signal, (void)info;
  flags_of_exception = ((ucontext_t *)context)->uc_mcontext.fpregs->mxcsr;
  siglongjmp(out_of_exception, 1);
}

static void set_control(uint32_t control) { __asm__ volatile("ldmxcsr %0" ::"m"(control)); }

static uint32_t get_control(void) {
  uint32_t control;
  __asm__ volatile("stmxcsr %0" : "=m"(control));
  return control;
}

/* CF, PF and ZF, where RFLAGS has them. */
#define COMPARE(instruction, a, b)                                                        \
  ({                                                                                      \
    uint64_t flags;                                                                       \
    __asm__ volatile(instruction " %2, %1\n\tpushfq\n\tpopq %0" : "=r"(flags) : "x"(a), "x"(b) : "cc"); \
    flags & 0x45;                                                                         \
  })
#define TO_INTEGER(type, instruction, b)                                 \
  ({                                                                     \
    type value;                                                          \
    __asm__ volatile(instruction " %1, %0" : "=r"(value) : "x"(b));      \
    (uint64_t)(value);                                                   \
  })
#define BINARY(instruction, x, b) __asm__ volatile(instruction " %1, %0" : "+x"(x) : "x"(b))

#define RUN(name, type, s, wide)                                                          \
  static uint64_t name(const struct float_case *one) {                                    \
    type x, b;                                                                            \
    wide y = 0;                                                                           \
    uint64_t bits = 0;                                                                    \
    memcpy(&x, &one->a, sizeof x);                                                        \
    memcpy(&b, &one->b, sizeof b);                                                        \
    set_control(one->control);                                                            \
    switch (one->operation & 0xff) {                                                      \
    case 0: BINARY("adds" s, x, b); break;                                                \
    case 1: BINARY("subs" s, x, b); break;                                                \
    case 2: BINARY("muls" s, x, b); break;                                                \
    case 3: BINARY("divs" s, x, b); break;                                                \
    case 4: BINARY("sqrts" s, x, b); break;                                               \
    case 5: BINARY("mins" s, x, b); break;                                                \
    case 6: BINARY("maxs" s, x, b); break;                                                \
    case 7: return COMPARE("ucomis" s, x, b);                                             \
    case 8: return COMPARE("comis" s, x, b);                                              \
    case 9: return TO_INTEGER(uint32_t, "cvts" s "2si", b);                               \
    case 10: return TO_INTEGER(uint64_t, "cvts" s "2si", b);                              \
    case 11: return TO_INTEGER(uint32_t, "cvtts" s "2si", b);                             \
    case 12: return TO_INTEGER(uint64_t, "cvtts" s "2si", b);                             \
    case 13: __asm__ volatile("cvtsi2s" s "q %1, %0" : "+x"(x) : "r"(one->b)); break;     \
    case 14:                                                                              \
      if (sizeof x == 8) __asm__ volatile("cvtsd2ss %1, %0" : "+x"(y) : "x"(b));          \
      else __asm__ volatile("cvtss2sd %1, %0" : "+x"(y) : "x"(b));                        \
      memcpy(&bits, &y, sizeof y);                                                        \
      return bits;                                                                        \
    case 15: BINARY("rounds" s " $4,", x, b); break;                                      \
    case 16: BINARY("rounds" s " $9,", x, b); break;                                      \
    case 24: BINARY("cmpeqs" s, x, b); break;                                             \
    case 25: BINARY("cmplts" s, x, b); break;                                             \
    case 26: BINARY("cmples" s, x, b); break;                                             \
    case 27: BINARY("cmpunords" s, x, b); break;                                          \
    case 28: BINARY("cmpneqs" s, x, b); break;                                            \
    case 29: BINARY("cmpnlts" s, x, b); break;                                            \
    case 30: BINARY("cmpnles" s, x, b); break;                                            \
    case 31: BINARY("cmpords" s, x, b); break;                                            \
    default: abort();                                                                     \
    }                                                                                     \
    memcpy(&bits, &x, sizeof x);                                                          \
    return bits;                                                                          \
  }

RUN(run64, double, "d", float)
RUN(run32, float, "s", double)

int main(void) {
  struct sigaction action = {.sa_sigaction = on_exception, .sa_flags = SA_SIGINFO | SA_NODEFER};
  struct float_case one;
  sigaction(SIGFPE, &action, NULL);
  while (fread(&one, sizeof one, 1, stdin) == 1) {
    if (sigsetjmp(out_of_exception, 0) == 0) {
      one.result = one.operation >> 8 == 64 ? run64(&one) : run32(&one);
      one.out = get_control();
    } else {
      one.result = 0;
      one.out = flags_of_exception;
    }
    set_control(0x1f80);
    fwrite(&one, sizeof one, 1, stdout);
  }
  return 0;
}
