/*
 * The peer of kernel/mm/paging.ts: the same page tables, walked, filled and pruned in the same way,
 * with a free list for frames. Prints nanoseconds for one operation: map, unmap, translate.
 *
 *   paging <log2 of the page's bytes> <pages> <rounds>
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

typedef uint64_t u64;

enum { PRESENT = 1, WRITABLE = 2, LARGE = 0x80 };
static const u64 ADDRESS = 0x000ffffffffff000ull;
static const u64 RAM_BYTES = 64ull << 20;

/* The kernel counts what it maps and notes it in a ring for whoever looks from outside. */
struct record {
  u64 time;
  uint32_t kind, size;
  u64 address, target;
};
static struct record ring[4096];
static u64 written, clock_cycles, mapped, unmapped;

static uint8_t *ram;
static u64 free_list, next_frame = 4096;

static u64 *table_at(u64 physical) { return (u64 *)(ram + physical); }

static u64 frame_alloc(void) {
  u64 frame = free_list;
  if (frame) free_list = *table_at(frame);
  else if (next_frame < RAM_BYTES) frame = next_frame, next_frame += 4096;
  else return 0;
  memset(table_at(frame), 0, 4096);
  return frame;
}

static void frame_free(u64 frame) {
  *table_at(frame) = free_list;
  free_list = frame;
}

static u64 *slot(u64 table, u64 address, int shift) {
  return table_at(table) + ((address >> shift) & 511);
}

static void trace(uint32_t kind, uint32_t size, u64 address, u64 target) {
  ring[written++ & 4095] = (struct record){clock_cycles++, kind, size, address, target};
}

static int map_page(u64 root, u64 address, u64 target, int size) {
  if ((address | target) & ((1ull << size) - 1)) return 3;
  u64 table = root;
  for (int shift = 39; shift > size; shift -= 9) {
    u64 *entry = slot(table, address, shift);
    if (!(*entry & PRESENT)) {
      u64 frame = frame_alloc();
      if (!frame) return 1;
      *entry = frame | PRESENT | WRITABLE;
    } else if (*entry & LARGE) return 2;
    table = *entry & ADDRESS;
  }
  u64 *entry = slot(table, address, size);
  if (*entry & PRESENT) return 2;
  *entry = target | PRESENT | WRITABLE | (size > 12 ? LARGE : 0);
  mapped++;
  trace(1, size, address, target);
  return 0;
}

static u64 *find_leaf(u64 root, u64 address, int *size) {
  u64 table = root;
  for (int shift = 39;; shift -= 9) {
    u64 *entry = slot(table, address, shift);
    if (!(*entry & PRESENT)) return 0;
    if (shift == 12 || (*entry & LARGE)) return *size = shift, entry;
    table = *entry & ADDRESS;
  }
}

static int empty(u64 table) {
  u64 *entries = table_at(table);
  for (int i = 0; i < 512; i += 4)
    if (entries[i] | entries[i + 1] | entries[i + 2] | entries[i + 3]) return 0;
  return 1;
}

static int unmap_page(u64 root, u64 address) {
  int size;
  u64 *leaf = find_leaf(root, address, &size);
  if (!leaf) return 4;
  *leaf = 0;
  unmapped++;
  trace(2, size, address, 0);
  for (int level = size + 9; level <= 39; level += 9) {
    u64 table = root;
    for (int shift = 39; shift > level; shift -= 9) table = *slot(table, address, shift) & ADDRESS;
    u64 *entry = slot(table, address, level);
    u64 below = *entry & ADDRESS;
    if (!empty(below)) return 0;
    *entry = 0;
    frame_free(below);
  }
  return 0;
}

static u64 translate(u64 root, u64 address) {
  int size;
  u64 *leaf = find_leaf(root, address, &size);
  if (!leaf) return ~0ull;
  u64 mask = (1ull << size) - 1;
  return (*leaf & ADDRESS & ~mask) + (address & mask);
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

static int compare(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return (x > y) - (x < y);
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int size = atoi(argv[1]), pages = atoi(argv[2]), rounds = atoi(argv[3]);
  ram = mmap(0, RAM_BYTES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (ram == MAP_FAILED || rounds < 1 || rounds > 1000) return 2;
  u64 root = frame_alloc(), base = 0xffff800000000000ull, step = 1ull << size, sum = 0;
  static double times[3][1000];
  for (int round = 0; round < rounds; round++) {
    double start = now();
    for (int n = 0; n < pages; n++) sum += map_page(root, base + n * step, n * step, size);
    double mapped = now();
    for (int n = 0; n < pages; n++) sum += translate(root, base + n * step);
    double translated = now();
    for (int n = 0; n < pages; n++) sum += unmap_page(root, base + n * step);
    times[0][round] = (mapped - start) / pages;
    times[1][round] = (now() - translated) / pages;
    times[2][round] = (translated - mapped) / pages;
  }
  for (int i = 0; i < 3; i++) qsort(times[i], rounds, sizeof(double), compare);
  sum += mapped + unmapped;
  printf("%f %f %f %llu\n", times[0][rounds / 2], times[1][rounds / 2], times[2][rounds / 2],
         (unsigned long long)sum);
  return 0;
}
