/*
 * Seven kernels. KERNEL chooses one, ROUNDS says how often it runs; each round answers a checksum that
 * depends on the round. The same source is a bare-metal image of 64 or 32 bits (start.S) and, with
 * -DHOSTED, a program.
 */
#include <stdint.h>

#define CRC32 0
#define SIEVE 1
#define QUICKSORT 2
#define MATRIX 3
#define COPY 4
#define CHASE 5
#define BYTECODE 6

/* SMALL is for tests: no instruction is another, there are fewer of them. */
#ifdef SMALL
#define SIZE(usual, small) (small)
#else
#define SIZE(usual, small) (usual)
#endif

static uint32_t next_random(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

#if KERNEL == CRC32
static uint32_t table[256];
static uint8_t bytes[SIZE(65536, 1024)];

/* IEEE 802.3, reflected, a byte at a time. */
static uint64_t run_once(uint32_t round) {
  for (uint32_t n = 0; n < 256; n++) {
    uint32_t c = n;
    for (int bit = 0; bit < 8; bit++) c = c & 1 ? 0xedb88320u ^ (c >> 1) : c >> 1;
    table[n] = c;
  }
  uint32_t seed = round + 1;
  for (uint32_t at = 0; at < sizeof bytes; at++) bytes[at] = (uint8_t)next_random(&seed);
  uint32_t crc = ~0u;
  for (int pass = 0; pass < 8; pass++)
    for (uint32_t at = 0; at < sizeof bytes; at++) crc = table[(crc ^ bytes[at]) & 255] ^ (crc >> 8);
  return ~crc;
}
#elif KERNEL == SIEVE
static uint8_t composite[SIZE(1 << 20, 1 << 12)];

static uint64_t run_once(uint32_t round) {
  uint32_t limit = sizeof composite - (round & 7), count = 0;
  for (uint32_t n = 0; n < limit; n++) composite[n] = 0;
  for (uint32_t n = 2; n < limit; n++) {
    if (composite[n]) continue;
    count++;
    for (uint64_t at = (uint64_t)n * n; at < limit; at += n) composite[at] = 1;
  }
  return count;
}
#elif KERNEL == QUICKSORT
#define COUNT SIZE(65536, 512)
static uint32_t values[COUNT];

static void sort(uint32_t *low, uint32_t *high) {
  while (low < high) {
    uint32_t pivot = low[(high - low) / 2], *left = low, *right = high;
    while (left <= right) {
      while (*left < pivot) left++;
      while (*right > pivot) right--;
      if (left > right) break;
      uint32_t kept = *left;
      *left++ = *right;
      *right-- = kept;
    }
    sort(low, right);
    low = left;
  }
}

static uint64_t run_once(uint32_t round) {
  uint32_t seed = round + 1;
  uint64_t sum = 0;
  for (int at = 0; at < COUNT; at++) values[at] = next_random(&seed);
  sort(values, values + COUNT - 1);
  for (int at = 0; at < COUNT; at++) sum = sum * 31 + values[at];
  return sum;
}
#elif KERNEL == MATRIX
#define SIDE SIZE(96, 12)
static double a[SIDE][SIDE], b[SIDE][SIDE], c[SIDE][SIDE];

/* Small whole numbers: every sum is exact, whatever the order in which a compiler adds. */
static uint64_t run_once(uint32_t round) {
  uint32_t seed = round + 1;
  uint64_t sum = 0;
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) {
      a[i][j] = next_random(&seed) & 1023;
      b[i][j] = next_random(&seed) & 1023;
    }
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) {
      double dot = 0;
      for (int k = 0; k < SIDE; k++) dot += a[i][k] * b[k][j];
      c[i][j] = dot;
    }
  for (int i = 0; i < SIDE; i++)
    for (int j = 0; j < SIDE; j++) sum = sum * 31 + (uint64_t)(int64_t)c[i][j];
  return sum;
}
#elif KERNEL == COPY
#define WORDS SIZE(65536, 256)
static uint64_t from[WORDS + 1], to[WORDS + 1];

#define PASSES SIZE(64, 6)

/* Eight bytes at a time; every other pass reads across cache lines. The barrier keeps it a loop. */
static uint64_t run_once(uint32_t round) {
  uint32_t seed = round + 1;
  uint64_t sum = 0;
  for (int at = 0; at <= WORDS; at++) from[at] = next_random(&seed);
  for (int pass = 0; pass < PASSES; pass++) {
    const char *source = (const char *)from + (pass & 1) * 3;
    for (int at = 0; at < WORDS; at++) {
      uint64_t word;
      __builtin_memcpy(&word, source + at * 8, 8);
      to[at] = word;
      __asm__ volatile("" ::: "memory");
    }
    sum = sum * 31 + to[round & (WORDS - 1)] + to[WORDS - 1];
  }
  return sum;
}
#elif KERNEL == CHASE
#define NODES SIZE(262144, 256)
#define STEPS SIZE(1000000, 3000)
static uint32_t order[NODES];
static void *nodes[NODES];

/* One cycle through all nodes (Sattolo 1986), walked by pointers. */
static uint64_t run_once(uint32_t round) {
  uint32_t seed = 12345;
  if (order[0] == order[1]) {
    for (uint32_t at = 0; at < NODES; at++) order[at] = at;
    for (uint32_t at = NODES - 1; at > 0; at--) {
      uint32_t other = next_random(&seed) % at, kept = order[at];
      order[at] = order[other];
      order[other] = kept;
    }
    for (uint32_t at = 0; at < NODES; at++) nodes[at] = &nodes[order[at]];
  }
  void **at = &nodes[round & (NODES - 1)];
  for (int step = 0; step < STEPS; step++) at = *at;
  return (uint64_t)(at - nodes);
}
#else
enum { PUSH, LOCAL, ADD, SUB, LESS, JUMP_ZERO, CALL, RETURN };
/* fib(n): if (n < 2) return n; return fib(n - 1) + fib(n - 2); */
static const int32_t program[] = {
  LOCAL, 0, PUSH, 2, LESS, JUMP_ZERO, 10, LOCAL, 0, RETURN,
  LOCAL, 0, PUSH, 1, SUB, CALL, 0, LOCAL, 0, PUSH, 2, SUB, CALL, 0, ADD, RETURN,
};

static __attribute__((noinline)) int32_t interpret(uint32_t pc, int32_t local) {
  int32_t stack[8], *top = stack;
  for (;;) switch (program[pc++]) {
    case PUSH: *top++ = program[pc++]; break;
    case LOCAL: *top++ = local; pc++; break;
    case ADD: top--; top[-1] += top[0]; break;
    case SUB: top--; top[-1] -= top[0]; break;
    case LESS: top--; top[-1] = top[-1] < top[0]; break;
    case JUMP_ZERO: pc = *--top ? pc + 1 : (uint32_t)program[pc]; break;
    case CALL: top[-1] = interpret((uint32_t)program[pc++], top[-1]); break;
    case RETURN: return top[-1];
    default: __builtin_trap();
  }
}

static uint64_t run_once(uint32_t round) { return (uint64_t)interpret(0, SIZE(18, 9) + (round & 1)); }
#endif

static uint64_t run(uint32_t first, uint32_t rounds) {
  uint64_t sum = 0;
  for (uint32_t round = first; round < first + rounds; round++) sum = sum * 1000003 + run_once(round);
  return sum;
}

static void put(char c);

static void put_hex(uint64_t value) {
  for (int shift = 60; shift >= 0; shift -= 4) put("0123456789abcdef"[value >> shift & 15]);
}

/* Not known to the compiler, which could otherwise compute a repetition once. */
static volatile uint32_t first_round = 1;

/*
 * "<" after the warm-up, ">" when the measured rounds are done, then their checksum. They are done REPEAT
 * times over, so that fast sides take long enough to be timed; every repetition must answer the same.
 */
static void measure(void) {
  uint64_t sum = run(first_round, ROUNDS);
  put('<');
  for (int repetition = 0; repetition < REPEAT; repetition++)
    if (run(first_round, ROUNDS) != sum) __builtin_trap();
  put('>');
  put_hex(sum);
  put('\n');
}

#ifdef HOSTED
#include <unistd.h>
#define MARKS 3

static void put(char c) {
  if (write(MARKS, &c, 1) != 1) _exit(1);
}
int main(void) {
  measure();
  for (;;) pause(); /* stamp.c ends it */
}
#else
#define COM1 0x3f8
#define LINE_CONTROL (COM1 + 3)
#define DIVISOR_LATCH 0x80
#define EIGHT_BITS 3
#define LINE_STATUS (COM1 + 5)
#define HOLDING_EMPTY 0x20
#define TRANSMITTER_EMPTY 0x40

static void out(uint16_t port, uint8_t value) { __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port)); }

/* No firmware may have done it: 115,200 baud. */
static void set_line(void) {
  out(LINE_CONTROL, DIVISOR_LATCH);
  out(COM1, 1);
  out(COM1 + 1, 0);
  out(LINE_CONTROL, EIGHT_BITS);
}

static void wait_for(uint8_t status) {
  uint8_t value;
  do __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((uint16_t)LINE_STATUS));
  while (!(value & status));
}

static void put(char c) {
  wait_for(HOLDING_EMPTY);
  out(COM1, (uint8_t)c);
}

void entry(void) {
  set_line();
  measure();
  wait_for(TRANSMITTER_EMPTY);
  out(0xf4, 0);
  for (;;) __asm__ volatile("cli; hlt");
}
#endif
