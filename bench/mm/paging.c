/*
 * The kernel's page tables and buddy allocator (kernel/mm/paging.ts, kernel/mm/frames.ts) in C: the
 * peer of the benchmark. The same structures, the same checks, the same record of each page in a
 * trace ring; invalidate() is a call that does nothing, as on the other side.
 *
 * Reads lines "map|unmap|translate SIZE COUNT", SIZE the log2 of a page's bytes, and answers each
 * with nanoseconds, a sum and the number of free frames.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { ORDER_MAX = 18, OWNERS = 6, OWNER_TABLE = 3, TRACE_RECORDS = 4096, TOP_SHIFT = 39 };
enum { INSIDE, FREE, USED };
enum { OK, NO_MEMORY, OCCUPIED, MISALIGNED, NOT_MAPPED };
#define NONE UINT32_MAX
#define PRESENT UINT64_C(1)
#define WRITABLE UINT64_C(2)
#define LARGE UINT64_C(0x80)
#define ADDRESS UINT64_C(0x000ffffffffff000)

struct frame {
  uint32_t next, previous, references;
  uint16_t owner;
  uint8_t order, state;
};

struct record {
  uint64_t time;
  uint32_t kind, a;
  uint64_t b, c;
};

static struct kernel {
  uint8_t *ram;
  struct frame *frames;
  uint32_t count, free;
  uint32_t heads[ORDER_MAX + 1], owned[OWNERS];
  uint64_t allocations, mapped, unmapped;
  uint32_t tables;
  uint64_t written, time;
  struct record records[TRACE_RECORDS];
} kernel;

__attribute__((noinline)) static void invalidate(uint64_t address) {
  __asm__ volatile("" : : "r"(address));
}

static void *pointer(uint64_t address) { return kernel.ram + address; }

static void trace(uint32_t kind, uint32_t a, uint64_t b, uint64_t c) {
  struct record *record = &kernel.records[kernel.written++ & (TRACE_RECORDS - 1)];
  *record = (struct record){kernel.time, kind, a, b, c};
}

static void insert(uint32_t frame, uint32_t order) {
  struct frame *entry = &kernel.frames[frame];
  uint32_t next = kernel.heads[order];
  *entry = (struct frame){next, NONE, 0, 0, order, FREE};
  if (next != NONE) kernel.frames[next].previous = frame;
  kernel.heads[order] = frame;
}

static void take(uint32_t frame) {
  struct frame *entry = &kernel.frames[frame];
  if (entry->previous == NONE) kernel.heads[entry->order] = entry->next;
  else kernel.frames[entry->previous].next = entry->next;
  if (entry->next != NONE) kernel.frames[entry->next].previous = entry->previous;
  entry->state = INSIDE;
}

static uint64_t frame_alloc(uint32_t order, uint32_t owner) {
  uint32_t found = order;
  while (found <= ORDER_MAX && kernel.heads[found] == NONE) found++;
  if (found > ORDER_MAX) return 0;
  uint32_t frame = kernel.heads[found];
  take(frame);
  while (found > order) {
    found--;
    insert(frame + (1u << found), found);
  }
  struct frame *entry = &kernel.frames[frame];
  entry->state = USED;
  entry->order = order;
  entry->owner = owner;
  entry->references = 1;
  kernel.free -= 1u << order;
  kernel.allocations += 1;
  kernel.owned[owner] += 1u << order;
  return (uint64_t)frame << 12;
}

static void frame_free(uint64_t address) {
  uint32_t frame = address >> 12;
  struct frame *entry = &kernel.frames[frame];
  uint32_t order = entry->order;
  kernel.owned[entry->owner] -= 1u << order;
  kernel.free += 1u << order;
  entry->state = INSIDE;
  while (order < ORDER_MAX) {
    uint32_t buddy = frame ^ (1u << order);
    if (buddy >= kernel.count) break;
    if (kernel.frames[buddy].state != FREE || kernel.frames[buddy].order != order) break;
    take(buddy);
    if (buddy < frame) frame = buddy;
    order++;
  }
  insert(frame, order);
}

static uint64_t table_alloc(void) {
  uint64_t table = frame_alloc(0, OWNER_TABLE);
  if (table != 0) memset(pointer(table), 0, 4096);
  return table;
}

static uint64_t *slot(uint64_t table, uint64_t address, uint32_t shift) {
  return (uint64_t *)pointer(table) + ((address >> shift) & 511);
}

static uint64_t descend(uint64_t *entry) {
  uint64_t value = *entry;
  if (value & PRESENT) return value & LARGE ? 0 : value & ADDRESS;
  uint64_t table = table_alloc();
  if (table == 0) return 0;
  kernel.tables += 1;
  *entry = table | PRESENT | WRITABLE;
  return table;
}

static uint32_t map_page(uint64_t root, uint64_t address, uint64_t target, uint32_t size,
                         uint64_t flags) {
  if ((address | target) & ((UINT64_C(1) << size) - 1)) return MISALIGNED;
  uint64_t table = root;
  for (uint32_t shift = TOP_SHIFT; shift > size; shift -= 9) {
    uint64_t *entry = slot(table, address, shift);
    if ((*entry & (PRESENT | LARGE)) == (PRESENT | LARGE)) return OCCUPIED;
    table = descend(entry);
    if (table == 0) return NO_MEMORY;
  }
  uint64_t *entry = slot(table, address, size);
  if (*entry & PRESENT) return OCCUPIED;
  *entry = target | flags | PRESENT | (size > 12 ? LARGE : 0);
  kernel.mapped += 1;
  trace(1, size, address, target);
  return OK;
}

static uint64_t *find_leaf(uint64_t root, uint64_t address, uint32_t *size) {
  uint64_t table = root;
  for (uint32_t shift = TOP_SHIFT; shift > 12; shift -= 9) {
    uint64_t *entry = slot(table, address, shift);
    if (!(*entry & PRESENT)) return NULL;
    *size = shift;
    if (*entry & LARGE) return entry;
    table = *entry & ADDRESS;
  }
  uint64_t *entry = slot(table, address, 12);
  *size = 12;
  return *entry & PRESENT ? entry : NULL;
}

static int table_empty(const uint64_t *table) {
  for (int at = 0; at < 512; at += 4)
    if (table[at] | table[at + 1] | table[at + 2] | table[at + 3]) return 0;
  return 1;
}

static void prune(uint64_t root, uint64_t address, uint32_t size) {
  for (uint32_t level = size + 9; level <= TOP_SHIFT; level += 9) {
    uint64_t table = root;
    for (uint32_t shift = TOP_SHIFT; shift > level; shift -= 9)
      table = *slot(table, address, shift) & ADDRESS;
    uint64_t *entry = slot(table, address, level);
    uint64_t below = *entry & ADDRESS;
    if (!table_empty(pointer(below))) return;
    *entry = 0;
    kernel.tables -= 1;
    frame_free(below);
  }
}

static uint32_t unmap_page(uint64_t root, uint64_t address) {
  uint32_t size;
  uint64_t *entry = find_leaf(root, address, &size);
  if (entry == NULL) return NOT_MAPPED;
  *entry = 0;
  kernel.unmapped += 1;
  invalidate(address);
  trace(2, size, address, 0);
  prune(root, address, size);
  return OK;
}

static uint64_t translate(uint64_t root, uint64_t address) {
  uint32_t size;
  uint64_t *entry = find_leaf(root, address, &size);
  if (entry == NULL) return UINT64_MAX;
  uint64_t offset = address & ((UINT64_C(1) << size) - 1);
  return (*entry & ADDRESS & ~((UINT64_C(1) << size) - 1)) + offset;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

/* Arguments: bytes of RAM, first and end frame of the allocator, linear base of the pages. */
int main(int argc, char **argv) {
  if (argc != 5) return 2;
  uint64_t bytes = strtoull(argv[1], NULL, 10), end = strtoull(argv[3], NULL, 10);
  uint64_t base = strtoull(argv[4], NULL, 10);
  kernel.ram = aligned_alloc(4096, bytes);
  kernel.frames = calloc(bytes >> 12, sizeof *kernel.frames);
  if (kernel.ram == NULL || kernel.frames == NULL) return 1;
  memset(kernel.ram, 0, bytes);
  kernel.count = bytes >> 12;
  for (uint32_t order = 0; order <= ORDER_MAX; order++) kernel.heads[order] = NONE;
  for (uint64_t frame = strtoull(argv[2], NULL, 10); frame < end;) {
    uint32_t order = __builtin_ctzll(frame);
    while ((UINT64_C(1) << order) > end - frame) order--;
    insert(frame, order);
    kernel.free += 1u << order;
    frame += UINT64_C(1) << order;
  }
  uint64_t root = table_alloc();
  char operation[16];
  uint32_t size, count;
  while (scanf("%15s %u %u", operation, &size, &count) == 3) {
    uint64_t sum = 0;
    double start = now();
    if (operation[0] == 'm')
      for (uint64_t page = 0; page < count; page++)
        sum += map_page(root, base + (page << size), page << size, size, WRITABLE) == OK;
    else if (operation[0] == 'u')
      for (uint64_t page = 0; page < count; page++)
        sum += unmap_page(root, base + (page << size)) == OK;
    else
      for (uint64_t page = 0; page < count; page++) sum += translate(root, base + 123 + (page << size));
    printf("%.0f %llu %u\n", now() - start, (unsigned long long)sum, kernel.free);
    fflush(stdout);
  }
  return 0;
}
