/* What AgentClone, AgentSplit, AgentMerge and AgentSpecialize are tried on. Argument: see below. */
#include "aios.h"

#define SHARED ((volatile uint64_t *)0x50000000)
#define BYTES 8192

static volatile uint64_t data = 1;

static uint64_t sum(void) {
  uint64_t result = 0;
  for (int word = 0; word < BYTES / 8; word++) result += SHARED[word];
  return result;
}

static struct aios_result take(uint64_t pool) {
  return aios_call(AIOS_SYSCALL_AGENT_MEM_ALLOC, pool, BYTES, 0x50000000, 3, 0, 0);
}

/* Waits for a message. What somebody else has cloned here finds its capability to itself in RCX. */
static struct aios_result wait(uint64_t *self) {
  struct aios_result result;
  uint64_t rcx, here;
  register uint64_t until __asm__("r10") = UINT64_MAX;
  register uint64_t flags __asm__("r8") = AIOS_WAIT_MAILBOX;
  register uint64_t notice __asm__("r9") = 0;
  __asm__ volatile("syscall; 1: lea 1b(%%rip), %3"
                   : "=a"(result.status), "=d"(result.value), "=c"(rcx), "=&r"(here)
                   : "a"((uint64_t)AIOS_SYSCALL_WAIT), "D"(*self), "S"(0L), "d"(0L), "r"(until), "r"(flags), "r"(notice)
                   : "r11", "memory");
  if (rcx != here) *self = rcx;
  return result;
}

uint64_t aios_main(const struct aios_start *start) {
  uint64_t self = start->self;
  switch (start->argument) {
    case 0: /* fills two pages, waits, and wants them back */
      if (take(start->pool).status != AIOS_STATUS_OK) return 1;
      for (int word = 0; word < BYTES / 8; word++) SHARED[word] = (uint64_t)word * 3;
      wait(&self);
      return sum();
    case 1: /* adds up what it finds there */
      return sum();
    case 2: /* the same, when somebody says so */
      wait(&self);
      return sum();
    case 3: /* what becomes of a call for memory, when somebody says so */
      wait(&self);
      return take(start->pool).status;
    default: { /* waits; a copy says what it was told and what it found */
      data = start->argument;
      struct aios_result woken = wait(&self);
      if (self == start->self) return woken.value;
      aios_exit(self, woken.value * 1000 + data + woken.status);
    }
  }
}
