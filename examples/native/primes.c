/*
 * Counts the primes below its argument, a line for each power of ten, with the sieve of Eratosthenes in memory
 * that its pool pays. With STAY in its environment it stays then, until it is told to end.
 */
#include "aios_birth.h"

static uint64_t room[9216];

static size_t length(const char *text) {
  size_t count = 0;
  while (text[count] != 0) count++;
  return count;
}

static uint64_t say(const struct aios_birth *birth, uint64_t stream, const char *text) {
  return aios_write(birth, stream, text, length(text));
}

/* A number as text, in a place that the next one takes. */
static const char *digits(uint64_t number) {
  static char text[21];
  char *at = text + sizeof text - 1;
  do *--at = (char)('0' + number % 10);
  while ((number /= 10) != 0);
  return at;
}

static uint64_t number(const char *text) {
  uint64_t value = 0;
  for (; *text >= '0' && *text <= '9'; text++) value = 10 * value + (uint64_t)(*text - '0');
  return *text == 0 && value <= UINT32_MAX ? value : 0;
}

/* The value of a variable; a null pointer if there is none. */
static const char *variable(const struct aios_birth *birth, const char *name) {
  size_t count = length(name);
  for (char **at = birth->envp; *at != 0; at++) {
    size_t same = 0;
    while (same < count && (*at)[same] == name[same]) same++;
    if (same == count && (*at)[count] == '=') return *at + count + 1;
  }
  return 0;
}

static void report(const struct aios_birth *birth, uint64_t count, uint64_t below) {
  say(birth, birth->output, digits(count));
  say(birth, birth->output, " primes below ");
  say(birth, birth->output, digits(below));
  say(birth, birth->output, "\n");
}

static void sieve(const struct aios_birth *birth, uint8_t *composite, uint64_t below) {
  uint64_t count = 0, next = 10;
  for (uint64_t n = 2; n < below; n++) {
    if (n == next) {
      report(birth, count, n);
      next *= 10;
    }
    if (composite[n]) continue;
    count++;
    for (uint64_t multiple = n * n; multiple < below; multiple += n) composite[multiple] = 1;
  }
  report(birth, count, below);
}

/* Until a message begins with {"terminate": what `aios kill --grace` sends. */
static uint64_t stay(const struct aios_birth *birth) {
  static const char word[] = "{\"terminate\"";
  struct aios_header header;
  for (;;) {
    struct aios_result heard = aios_next(birth->self, room, sizeof room, &header);
    if (heard.status != AIOS_STATUS_OK) return heard.status;
    const char *text = (const char *)room;
    size_t same = 0;
    while (same < sizeof word - 1 && same < header.payload_bytes && text[same] == word[same]) same++;
    if (same == sizeof word - 1) return 0;
  }
}

uint64_t aios_main(const struct aios_start *start) {
  struct aios_birth birth;
  uint64_t status = aios_born(start, &birth, room, sizeof room);
  if (status != AIOS_STATUS_OK) return status;
  uint64_t below = birth.argc > 1 ? number(birth.argv[1]) : 0;
  if (below < 2) {
    say(&birth, birth.errors, "usage: primes BELOW, at least 2\n");
    return 2;
  }
  struct aios_result memory = aios_allocate(birth.pool, below, AIOS_PROTECTION_READ | AIOS_PROTECTION_WRITE);
  if (memory.status != AIOS_STATUS_OK) {
    say(&birth, birth.errors, "no memory for so many: status ");
    say(&birth, birth.errors, digits(memory.status));
    say(&birth, birth.errors, "\n");
    return 1;
  }
  sieve(&birth, (uint8_t *)memory.value, below);
  const char *wish = variable(&birth, "STAY");
  return wish == 0 ? 0 : stay(&birth);
}
