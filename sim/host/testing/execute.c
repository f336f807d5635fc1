/*
 * Executes single instructions on the host's processor and says how each ended.
 *
 * stdin:  one instruction a line, in hex
 * stdout: one line each: vector of the exception, and where RIP stood, relative to the instruction
 *
 * Behind the instruction are INT3s, so one that goes through ends with vector 3, one byte behind it.
 * Every instruction has a process of its own, which can make no system call but exit.
 */
#define _GNU_SOURCE
#include <linux/seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

enum { PAGE = 4096, INT3 = 0xcc, DATA_BYTES = 65536 };

static unsigned char *code;
static unsigned char *data;
/* Shared with the child: vector, address. */
static volatile long *result;

static void caught(int signal, siginfo_t *info, void *context) {
  (void)signal;
  (void)info;
  const ucontext_t *at = context;
  result[0] = at->uc_mcontext.gregs[REG_TRAPNO];
  result[1] = at->uc_mcontext.gregs[REG_RIP] - (long)code;
  syscall(SYS_exit, 0);
}

static void *map(unsigned long at, size_t bytes, int flags) {
  void *mapped = mmap((void *)at, bytes, PROT_READ | PROT_WRITE,
                      flags | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
  if (mapped == MAP_FAILED) exit(1);
  return mapped;
}

/* All general registers but RCX, RDX point into the data; RCX is a count, RDX has no high bits. */
static void execute(void) {
  __asm__ volatile(
      "fninit\n"
      "movq %0, %%rax\n movq %%rax, %%rbx\n movq %%rax, %%rsi\n movq %%rax, %%rdi\n"
      "movq %%rax, %%rbp\n movq %%rax, %%rsp\n movq %%rax, %%r8\n movq %%rax, %%r9\n"
      "movq %%rax, %%r10\n movq %%rax, %%r11\n movq %%rax, %%r12\n movq %%rax, %%r13\n"
      "movq %%rax, %%r14\n movq %%rax, %%r15\n movl $1, %%ecx\n xorl %%edx, %%edx\n"
      "jmp *0x10000ff8\n" ::"m"(data)
      : "memory");
}

static void child(void) {
  const struct rlimit second = {1, 1};
  setrlimit(RLIMIT_CPU, &second);
  mprotect(code, PAGE, PROT_READ | PROT_EXEC);
  prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT);
  execute();
}

int main(void) {
  static char stack[65536];
  char line[64];
  code = map(0x10000000, PAGE, MAP_PRIVATE);
  data = map(0x20000000, DATA_BYTES, MAP_PRIVATE);
  result = map(0x30000000, PAGE, MAP_SHARED);
  data += DATA_BYTES / 2;
  const stack_t alternate = {.ss_sp = stack, .ss_size = sizeof stack};
  sigaltstack(&alternate, NULL);
  const struct sigaction action = {.sa_sigaction = caught, .sa_flags = SA_SIGINFO | SA_ONSTACK};
  const int signals[] = {SIGILL, SIGSEGV, SIGTRAP, SIGBUS, SIGFPE};
  for (size_t n = 0; n < sizeof signals / sizeof *signals; n++) sigaction(signals[n], &action, NULL);
  while (fgets(line, sizeof line, stdin)) {
    unsigned byte;
    size_t length = 0;
    memset(code, INT3, PAGE - 8);
    *(unsigned char **)(code + PAGE - 8) = code;
    while (sscanf(line + 2 * length, "%2x", &byte) == 1) code[length++] = (unsigned char)byte;
    result[0] = result[1] = -1;
    fflush(stdout);
    const pid_t pid = fork();
    if (pid == 0) child();
    waitpid(pid, NULL, 0);
    printf("%ld %ld\n", result[0], result[1]);
  }
  return 0;
}
