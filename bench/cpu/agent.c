/*
 * What a native agent pays for the kernel's help: argv[1] says what, argv[2] how often, argv[3] pages. Ends
 * with the cycles of all of it, as the processor's time-stamp counter has them.
 */
#include "aios.h"

#define RW (AIOS_PROTECTION_READ | AIOS_PROTECTION_WRITE)

static uint64_t number(const char *text) {
  uint64_t value = 0;
  while (*text != 0) value = value * 10 + (uint64_t)(*text++ - '0');
  return value;
}

static void touch(volatile uint8_t *at, uint64_t pages) {
  for (uint64_t page = 0; page < pages; page++) at[page << 12] = (uint8_t)page;
}

static volatile uint8_t *take(const struct aios_start *start, uint64_t pages) {
  struct aios_result memory = aios_allocate(start->pool, pages << 12, RW);
  if (memory.status != AIOS_STATUS_OK) __builtin_trap();
  return (volatile uint8_t *)memory.value;
}

/* A system call that asks for the caller's identifier, as getpid does. */
static void calls(const struct aios_start *start, uint64_t count) {
  for (uint64_t turn = 0; turn < count; turn++)
    if (aios_call(AIOS_SYSCALL_AGENT_INFO, start->self, 0, 0, 0, 0, 0).value != start->id) __builtin_trap();
}

/* Memory that is new, touched and given back. */
static void faults(const struct aios_start *start, uint64_t count, uint64_t pages) {
  for (uint64_t turn = 0; turn < count; turn++) {
    volatile uint8_t *at = take(start, pages);
    touch(at, pages);
    aios_call(AIOS_SYSCALL_AGENT_MEM_FREE, start->pool, aios_address(at), pages << 12, 0, 0, 0);
  }
}

static struct aios_cloned cloneSelf(const struct aios_start *start, struct aios_clone *wish) {
  *wish = (struct aios_clone){.self_rights = AIOS_RIGHTS_ALL, .pool = start->pool};
  struct aios_cloned cloned = aios_clone_self(start->self, wish);
  if (cloned.status != AIOS_STATUS_OK) __builtin_trap();
  return cloned;
}

static void untilEnded(const struct aios_start *start) {
  struct aios_notice notice;
  do aios_wait_notice(start->self, &notice);
  while (notice.kind != AIOS_NOTICE_ENDED);
}

/* Pages are written that a clone, which waits, has as well. */
static void copies(const struct aios_start *start, uint64_t count, uint64_t pages) {
  volatile uint8_t *at = take(start, pages);
  touch(at, pages);
  for (uint64_t turn = 0; turn < count; turn++) {
    struct aios_clone wish;
    struct aios_cloned cloned = cloneSelf(start, &wish);
    if (cloned.id != 0) aios_call(AIOS_SYSCALL_WAIT, cloned.self, 0, 0, UINT64_MAX, AIOS_WAIT_MAILBOX, 0);
    touch(at, pages);
    aios_call(AIOS_SYSCALL_AGENT_KILL, wish.child, 0, 0, 0, 0, 0);
    untilEnded(start);
  }
}

/* Two that let each other go first. */
static void switches(const struct aios_start *start, uint64_t count) {
  struct aios_clone wish;
  struct aios_cloned cloned = cloneSelf(start, &wish);
  for (uint64_t turn = 0; turn < count; turn++) aios_yield(cloned.self);
  if (cloned.id != 0) aios_exit(cloned.self, 0);
  untilEnded(start);
}

uint64_t aios_main(const struct aios_start *start) {
  uint64_t count = number(start->argv[2]), pages = number(start->argv[3]);
  uint64_t before = __builtin_ia32_rdtsc();
  switch (start->argv[1][0]) {
    case 'c': calls(start, count); break;
    case 'f': faults(start, count, pages); break;
    case 'w': copies(start, count, pages); break;
    default: switches(start, count); break;
  }
  return __builtin_ia32_rdtsc() - before;
}
