/*
 * Touches pages of zeroes, clones itself, and writes to pages in the clone and afterwards in the original;
 * each checks that it sees its own. Argument: pages read, written by the clone, written by the original, a
 * byte each. Both wait for ever in the end, or end with the number of what was wrong.
 */
#include "aios.h"

#define PAGES 64
static volatile uint8_t zeroes[PAGES][4096] __attribute__((aligned(4096)));

static int all(uint64_t from, uint64_t to, uint8_t value) {
  for (uint64_t page = from; page < to; page++)
    if (zeroes[page][page] != value) return 0;
  return 1;
}

/* For a message that never comes. */
static void wait(uint64_t self) { aios_call(AIOS_SYSCALL_WAIT, self, 0, 0, UINT64_MAX, AIOS_WAIT_MAILBOX, 0); }

uint64_t aios_main(const struct aios_start *start) {
  uint64_t touched = start->argument & 255, clones = start->argument >> 8 & 255, own = start->argument >> 16 & 255;
  if (!all(0, touched, 0)) return 1;
  struct aios_clone wish = {.self_rights = AIOS_RIGHTS_ALL, .pool = start->pool};
  struct aios_cloned cloned = aios_clone_self(start->self, &wish);
  if (cloned.status != AIOS_STATUS_OK) return 2;
  if (cloned.id != 0) {
    for (uint64_t page = 0; page < clones; page++) zeroes[page][page] = 7;
    wait(cloned.self);
    aios_exit(cloned.self, all(0, clones, 7) ? 3 : 4);
  }
  /* Until the clone has done all that: the kernel says when it has started, and it doesn't wait then. */
  struct aios_notice notice;
  if (aios_wait_notice(start->self, &notice).status != AIOS_STATUS_OK) return 5;
  for (int turn = 0; turn < 100; turn++) aios_yield(start->self);
  if (!all(0, clones, 0)) return 6;
  for (uint64_t page = 0; page < own; page++) zeroes[page][page] = 9;
  if (!all(0, own, 9)) return 7;
  wait(start->self);
  return 8;
}
