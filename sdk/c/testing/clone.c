/*
 * Clones itself; the clone changes data, stack and allocated memory, and its rounding mode, and ends with
 * what it saw. The original must see nothing of it. Ends with 0, or with the number of what was wrong.
 */
#include "aios.h"

static volatile uint64_t data = 11;
static volatile uint64_t zeroes[1024];

static uint16_t control(void) {
  uint16_t word;
  __asm__ volatile("fnstcw %0" : "=m"(word));
  return word;
}

static void setControl(uint16_t word) { __asm__ volatile("fldcw %0" : : "m"(word)); }

uint64_t aios_main(const struct aios_start *start) {
  volatile uint64_t local = 5;
  setControl(0x0f7f);
  struct aios_result memory = aios_allocate(start->pool, 8192, AIOS_PROTECTION_READ | AIOS_PROTECTION_WRITE);
  if (memory.status != AIOS_STATUS_OK) return 1;
  volatile uint64_t *page = (volatile uint64_t *)memory.value;
  page[600] = 70;
  struct aios_clone wish = {.self_rights = AIOS_RIGHTS_ALL, .argument = 9, .pool = start->pool};
  struct aios_cloned cloned = aios_clone_self(start->self, &wish);
  if (cloned.status != AIOS_STATUS_OK) return 2;
  if (cloned.id != 0) {
    uint64_t sum = data + local + page[600] + cloned.value + zeroes[1000] + (control() == 0x0f7f);
    data = local = page[600] = zeroes[1000] = 1;
    setControl(0x037f);
    aios_exit(cloned.self, sum);
  }
  struct aios_notice notice;
  do {
    if (aios_wait_notice(start->self, &notice).status != AIOS_STATUS_OK) return 3;
  } while (notice.kind != AIOS_NOTICE_ENDED);
  if (notice.subject != cloned.value) return 4;
  if (notice.status != AIOS_END_EXITED || notice.value != 11 + 5 + 70 + 9 + 1) return 5;
  if (data != 11 || local != 5 || page[600] != 70 || zeroes[1000] != 0) return 6;
  return control() == 0x0f7f ? 0 : 7;
}
