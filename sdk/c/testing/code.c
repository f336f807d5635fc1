/*
 * Executes what comes by message. Each message is a function that returns a number; the agent ends with the
 * numbers of the first two, 8 bits each, behind the mode. Argument: the mode, and 8 times the bytes of a
 * message.
 */
#include "aios.h"

#define AT 0x50000000
#define ALIAS 0x60000000
#define RW (AIOS_PROTECTION_READ | AIOS_PROTECTION_WRITE)
#define RX (AIOS_PROTECTION_READ | AIOS_PROTECTION_EXECUTE)

static const struct aios_start *me;

static uint64_t take(uint64_t at, uint64_t bytes, uint64_t protection) {
  return aios_call(AIOS_SYSCALL_AGENT_MEM_ALLOC, me->pool, bytes, at, protection, 0, 0).status;
}

static uint64_t protect(uint64_t at, uint64_t protection) {
  return aios_call(AIOS_SYSCALL_PAGE_PROTECT, me->self, at, 4096, protection, 0, 0).status;
}

static uint64_t receive(uint64_t at, uint64_t bytes, uint64_t header) {
  aios_call(AIOS_SYSCALL_WAIT, me->self, 0, 0, UINT64_MAX, AIOS_WAIT_MAILBOX, 0);
  return aios_call(AIOS_SYSCALL_IPC_RECV, me->self, at, bytes, header, 0, 0).status;
}

static uint64_t run(uint64_t at) {
  uint64_t (*function)(void) = (uint64_t(*)(void))at;
  return function();
}

static uint8_t payload[256];

/*
 * Executes a MOV ECX whose immediate is the begin of a header. What follows there are zeroes and ones, which
 * add to what RAX points to, until the payload's size, 195, is a RET.
 */
static uint32_t runHeader(uint64_t at) {
  static uint64_t changes;
  uint32_t operand;
  uint64_t rax = aios_address(&changes);
  __asm__ volatile("call *%2" : "=c"(operand), "+a"(rax) : "r"(at) : "memory", "cc");
  return operand;
}

/* One address for writing and one for executing, of the same pages. */
static uint64_t twice(void) {
  struct aios_result region = aios_call(AIOS_SYSCALL_REGION_SHARE, me->pool, AT, 4096, 0, 0, 0);
  if (region.status != AIOS_STATUS_OK) return region.status;
  return aios_call(AIOS_SYSCALL_REGION_MAP, region.value, ALIAS, RX, 0, 0, 0).status;
}

uint64_t aios_main(const struct aios_start *start) {
  uint64_t mode = start->argument & 7, bytes = start->argument >> 3, first, second, status;
  me = start;
  if ((status = take(AT, 4096, RW)) != AIOS_STATUS_OK) return status;
  switch (mode) {
    case 0: /* into one page that is written and executed in turn */
      if ((status = receive(AT, bytes, 0) | protect(AT, RX)) != AIOS_STATUS_OK) return status;
      first = run(AT);
      if ((status = protect(AT, RW) | receive(AT, bytes, 0) | protect(AT, RX)) != AIOS_STATUS_OK) return status;
      second = run(AT);
      return first << 8 | second;
    case 1: /* into a page that can be executed: that is refused */
      if ((status = receive(AT, bytes, 0) | protect(AT, RX)) != AIOS_STATUS_OK) return status;
      first = run(AT);
      status = receive(AT, bytes, 0);
      return status << 16 | first << 8 | run(AT);
    case 2: /* into a page that is executed at another address */
      if ((status = twice() | receive(AT, bytes, 0)) != AIOS_STATUS_OK) return status;
      first = run(ALIAS);
      if ((status = receive(AT, bytes, 0)) != AIOS_STATUS_OK) return status;
      second = run(ALIAS);
      return first << 8 | second;
    case 3: /* stores of its own, seen at the other address */
      if ((status = twice() | receive(aios_address(payload), bytes, 0)) != AIOS_STATUS_OK) return status;
      for (uint64_t at = 0; at < bytes; at++) ((volatile uint8_t *)AT)[at] = payload[at];
      first = run(ALIAS);
      ((volatile uint8_t *)AT)[1] += 1;
      second = run(ALIAS);
      return first << 8 | second;
    case 4: /* a header: the sender is an operand */
      if ((status = twice()) != AIOS_STATUS_OK) return status;
      ((volatile uint8_t *)AT)[7] = 0xb9;
      if ((status = receive(aios_address(payload), bytes, AT + 8)) != AIOS_STATUS_OK) return status;
      first = runHeader(ALIAS + 7);
      if ((status = receive(aios_address(payload), bytes, AT + 8)) != AIOS_STATUS_OK) return status;
      return first ^ runHeader(ALIAS + 7);
    case 5: /* may a page be both, or become both? */
      status = take(ALIAS, 4096, RW | RX) << 8;
      return status | protect(AT, RW | RX);
    default: return 1;
  }
}
