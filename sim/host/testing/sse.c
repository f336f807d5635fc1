/*
 * The real processor's answers: reads cases (sse-cases.ts) from standard input, loads each one's state,
 * executes its instruction, and writes the case back with the state after it. An exception comes as a
 * signal; the state is then that of the interrupted context.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

struct sse_case {
  uint8_t image[512];
  uint8_t memory[64];
  uint64_t registers[16];
  uint8_t code[16];
  uint32_t flags, fault, memory_at, length;
  uint32_t reserved[8];
} __attribute__((aligned(64)));

static struct sse_case one;
__attribute__((used)) static uint64_t before[16], after[16], flags_before, flags_after, stack;
static void *code;
static uint8_t *memory;
static sigjmp_buf out_of_exception;
static const int ORDER[16] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};

static void on_exception(int signal, siginfo_t *info, void *context) {
  mcontext_t *machine = &((ucontext_t *)context)->uc_mcontext;
  (void)signal, (void)info;
  memcpy(one.image, machine->fpregs, sizeof one.image);
  for (int n = 0; n < 16; n++) after[n] = machine->gregs[ORDER[n]];
  flags_after = machine->gregs[REG_EFL];
  one.fault = machine->gregs[REG_TRAPNO];
  siglongjmp(out_of_exception, 1);
}

/* All registers but RSP; what it needs itself it finds relative to RIP. */
__attribute__((naked, noinline)) static void execute(void) {
  __asm__("push %rbx\n\tpush %rbp\n\tpush %r12\n\tpush %r13\n\tpush %r14\n\tpush %r15\n\t"
          "mov %rsp, stack(%rip)\n\t"
          "fxrstor64 one(%rip)\n\t"
          "pushq flags_before(%rip)\n\tpopfq\n\t"
          "mov before(%rip), %rax\n\tmov before+8(%rip), %rcx\n\tmov before+16(%rip), %rdx\n\t"
          "mov before+24(%rip), %rbx\n\tmov before+40(%rip), %rbp\n\tmov before+48(%rip), %rsi\n\t"
          "mov before+56(%rip), %rdi\n\tmov before+64(%rip), %r8\n\tmov before+72(%rip), %r9\n\t"
          "mov before+80(%rip), %r10\n\tmov before+88(%rip), %r11\n\tmov before+96(%rip), %r12\n\t"
          "mov before+104(%rip), %r13\n\tmov before+112(%rip), %r14\n\tmov before+120(%rip), %r15\n\t"
          "call *code(%rip)\n\t"
          "mov %rax, after(%rip)\n\tmov %rcx, after+8(%rip)\n\tmov %rdx, after+16(%rip)\n\t"
          "mov %rbx, after+24(%rip)\n\tmov %rbp, after+40(%rip)\n\tmov %rsi, after+48(%rip)\n\t"
          "mov %rdi, after+56(%rip)\n\tmov %r8, after+64(%rip)\n\tmov %r9, after+72(%rip)\n\t"
          "mov %r10, after+80(%rip)\n\tmov %r11, after+88(%rip)\n\tmov %r12, after+96(%rip)\n\t"
          "mov %r13, after+104(%rip)\n\tmov %r14, after+112(%rip)\n\tmov %r15, after+120(%rip)\n\t"
          "pushfq\n\tpopq flags_after(%rip)\n\t"
          "fxsave64 one(%rip)\n\t"
          "mov stack(%rip), %rsp\n\t"
          "pop %r15\n\tpop %r14\n\tpop %r13\n\tpop %r12\n\tpop %rbp\n\tpop %rbx\n\tret");
}

int main(void) {
  static uint8_t signal_stack[65536];
  const stack_t alternate = {.ss_sp = signal_stack, .ss_size = sizeof signal_stack};
  struct sigaction action = {.sa_sigaction = on_exception, .sa_flags = SA_SIGINFO | SA_NODEFER | SA_ONSTACK};
  const uint32_t control = 0x1f80;
  code = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (code == MAP_FAILED || memory == MAP_FAILED) return 1;
  sigaltstack(&alternate, NULL);
  sigaction(SIGFPE, &action, NULL);
  sigaction(SIGSEGV, &action, NULL);
  sigaction(SIGILL, &action, NULL);
  while (fread(&one, sizeof one, 1, stdin) == 1) {
    memcpy(code, one.code, sizeof one.code);
    ((uint8_t *)code)[one.length] = 0xc3;
    memcpy(memory, one.memory, sizeof one.memory);
    memcpy(before, one.registers, sizeof before);
    before[6] = before[7] = (uint64_t)memory + one.memory_at;
    flags_before = (one.flags & 0x8d5) | 0x202;
    one.fault = 0;
    if (sigsetjmp(out_of_exception, 0) == 0) execute();
    __asm__ volatile("fninit\n\tldmxcsr %0" ::"m"(control));
    memcpy(one.memory, memory, sizeof one.memory);
    memcpy(one.registers, after, sizeof after);
    one.registers[4] = one.registers[6] = one.registers[7] = 0;
    one.flags = flags_after & 0x8d5;
    fwrite(&one, sizeof one, 1, stdout);
  }
  return 0;
}
