/*
 * The check of a capability, derivation, revocation and the MAC (kernel/cap, sim/lib/siphash.ts) in
 * C: the peer of the benchmark. The same structures and checks. Revocation is there twice: as in the
 * kernel, one step, and as a walk through the tree that marks each descendant.
 *
 * Arguments: RAM bytes. Reads lines and answers each with nanoseconds and a sum:
 *   authorize DEPTH TABLE COUNT     checks of TABLE capabilities in turn, each DEPTH levels down
 *   derive COUNT 0 0                derivations, then all of them are dropped again
 *   walk COUNT 0 0                  a tree of COUNT is marked node by node
 *   mac BYTES 0 COUNT               MACs
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { OK, FORGED = 2, STALE, FOREIGN, EXPIRED, REVOKED, KIND, RIGHTS, GONE = 10 };
enum { INDEX_BITS = 22, KIND_BITS = 4, GENERATION_SHIFT = 26, CHUNK_SHIFT = 7, DIRECTORY_SHIFT = 10 };
enum { KIND_AGENT = 1, KIND_CAPABILITY = 2, DEPTH_MAX = 16, LIMIT = 1 << 22, PER_AGENT = 1 << 20 };
#define NEVER UINT64_MAX

typedef struct capability {
  uint64_t id, agent, object, expiry, epoch, revocations;
  uint32_t rights;
  uint8_t kind, scope_bytes, depth, checked;
  uint32_t target, parent;
  uint64_t parent_id, mac;
  uint32_t next, previous, descendants, scope_mask;
  uint64_t scope[4];
} capability;

typedef struct agent {
  uint64_t id;
  uint32_t state, rights_left, first, count;
} agent;

typedef struct call {
  uint64_t capability;
  uint32_t agent, held, object;
} call;

static struct kernel {
  uint8_t *ram;
  uint32_t directory, next, free, used, live;
  uint64_t now, quota, paid;
} k;

static void *at(uint32_t pointer) { return k.ram + pointer; }
static capability *cap(uint32_t pointer) { return at(pointer); }

static uint32_t take(uint32_t bytes) {
  uint32_t taken = k.next;
  k.next += (bytes + 4095) & ~4095u;
  memset(at(taken), 0, bytes);
  return taken;
}

static inline uint32_t slot_at(uint32_t index) {
  uint32_t chunk = index >> CHUNK_SHIFT;
  uint32_t page = ((uint32_t *)at(k.directory))[chunk >> DIRECTORY_SHIFT];
  if (!page) return 0;
  uint32_t base = ((uint32_t *)at(page))[chunk & ((1 << DIRECTORY_SHIFT) - 1)];
  if (!base) return 0;
  return base + (index & ((1 << CHUNK_SHIFT) - 1)) * sizeof(capability);
}

static inline uint32_t find(uint64_t id) {
  if (((id >> INDEX_BITS) & 15) != KIND_CAPABILITY) return 0;
  uint32_t index = id & ((1 << INDEX_BITS) - 1);
  if (index >= LIMIT) return 0;
  uint32_t slot = slot_at(index);
  return slot && cap(slot)->id == id ? slot : 0;
}

static uint32_t cut_off(const capability *link) {
  while (link->parent) {
    const capability *parent = cap(link->parent);
    if (parent->id != link->parent_id || parent->revocations != link->epoch) return 1;
    link = parent;
  }
  return 0;
}

static inline uint32_t revoked(const capability *held) { return held->parent && cut_off(held); }

__attribute__((noinline)) static uint32_t authorize(call *c, uint32_t kinds, uint32_t rights) {
  uint32_t slot = find(c->capability);
  if (!slot) return FORGED;
  const capability *held = cap(slot);
  const agent *caller = at(c->agent);
  if (held->agent != caller->id) return FOREIGN;
  if (held->expiry <= k.now) return EXPIRED;
  if (revoked(held)) return REVOKED;
  if (!((kinds >> held->kind) & 1)) return KIND;
  if ((held->rights & caller->rights_left & rights) != rights) return RIGHTS;
  if (held->target && *(uint64_t *)at(held->target) != held->object) return GONE;
  c->held = slot;
  c->object = held->target;
  return OK;
}

static uint32_t allocate(void) {
  uint32_t slot = k.free;
  if (slot) k.free = *(uint32_t *)at(slot + 8);
  else {
    uint32_t index = k.used++, chunk = index >> CHUNK_SHIFT;
    uint32_t *page = (uint32_t *)at(k.directory) + (chunk >> DIRECTORY_SHIFT);
    if (!*page) *page = take(4096);
    uint32_t *base = (uint32_t *)at(*page) + (chunk & ((1 << DIRECTORY_SHIFT) - 1));
    if (!*base) *base = take(sizeof(capability) << CHUNK_SHIFT);
    slot = slot_at(index);
    cap(slot)->id = (UINT64_C(1) << GENERATION_SHIFT) | index;
  }
  uint64_t id = cap(slot)->id;
  memset(at(slot), 0, sizeof(capability));
  cap(slot)->id = id | (KIND_CAPABILITY << INDEX_BITS);
  k.live++;
  return slot;
}

static void descendants(const capability *held, int32_t count) {
  for (uint32_t link = held->parent; link; link = cap(link)->parent) cap(link)->descendants += count;
}

static uint32_t derive(uint32_t holder, uint32_t from, uint32_t rights) {
  agent *h = at(holder);
  if (from && cap(from)->depth + 1 >= DEPTH_MAX) return 0;
  if (h->count >= PER_AGENT || sizeof(capability) > k.quota - k.paid) return 0;
  k.paid += sizeof(capability);
  uint32_t slot = allocate();
  capability *made = cap(slot);
  made->agent = h->id;
  made->object = h->id;
  made->target = holder;
  made->kind = KIND_AGENT;
  made->rights = rights;
  made->expiry = NEVER;
  if (from) {
    const capability *parent = cap(from);
    made->rights &= parent->rights;
    made->parent = from;
    made->parent_id = parent->id;
    made->epoch = parent->revocations;
    made->depth = parent->depth + 1;
    made->expiry = parent->expiry;
    made->scope_bytes = parent->scope_bytes;
    made->scope_mask = parent->scope_mask;
    memcpy(made->scope, parent->scope, 32);
    descendants(made, 1);
  }
  made->next = h->first;
  if (made->next) cap(made->next)->previous = slot;
  h->first = slot;
  h->count++;
  return slot;
}

static void drop(uint32_t holder, uint32_t slot) {
  agent *h = at(holder);
  capability *held = cap(slot);
  if (!revoked(held)) descendants(held, -(int32_t)(held->descendants + 1));
  if (held->previous) cap(held->previous)->next = held->next;
  else h->first = held->next;
  if (held->next) cap(held->next)->previous = held->previous;
  h->count--;
  k.paid -= sizeof(capability);
  held->id = (held->id & ~(UINT64_C(15) << INDEX_BITS)) + (UINT64_C(1) << GENERATION_SHIFT);
  *(uint32_t *)at(slot + 8) = k.free;
  k.free = slot;
  k.live--;
}

static uint64_t rotl(uint64_t x, int b) { return (x << b) | (x >> (64 - b)); }

#define ROUND                                                                                       \
  (v0 += v1, v1 = rotl(v1, 13), v1 ^= v0, v0 = rotl(v0, 32), v2 += v3, v3 = rotl(v3, 16), v3 ^= v2, \
   v0 += v3, v3 = rotl(v3, 21), v3 ^= v0, v2 += v1, v1 = rotl(v1, 17), v1 ^= v2, v2 = rotl(v2, 32))

__attribute__((noinline)) static uint64_t siphash(uint64_t k0, uint64_t k1, const uint8_t *in, size_t bytes) {
  uint64_t v0 = k0 ^ 0x736f6d6570736575, v1 = k1 ^ 0x646f72616e646f6d;
  uint64_t v2 = k0 ^ 0x6c7967656e657261, v3 = k1 ^ 0x7465646279746573, m;
  size_t whole = bytes & ~(size_t)7;
  for (size_t i = 0; i < whole; i += 8) {
    memcpy(&m, in + i, 8);
    v3 ^= m;
    ROUND, ROUND;
    v0 ^= m;
  }
  m = (uint64_t)bytes << 56;
  for (size_t i = 0; i < (bytes & 7); i++) m |= (uint64_t)in[whole + i] << (8 * i);
  v3 ^= m;
  ROUND, ROUND;
  v0 ^= m;
  v2 ^= 0xff;
  ROUND, ROUND, ROUND, ROUND;
  return v0 ^ v1 ^ v2 ^ v3;
}

static uint64_t clock_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000u + t.tv_nsec;
}

static uint32_t new_agent(void) {
  uint32_t made = take(sizeof(agent));
  agent *a = at(made);
  a->id = (UINT64_C(1) << GENERATION_SHIFT) | (KIND_AGENT << INDEX_BITS) | (made >> 12);
  a->rights_left = 0x3fffffff;
  return made;
}

static void clear(uint32_t holder) {
  agent *h = at(holder);
  while (h->first) drop(holder, h->first);
}

static uint64_t run_authorize(uint32_t me, uint32_t depth, uint32_t table, uint32_t count, uint64_t *ns) {
  uint64_t *ids = malloc(table * sizeof *ids), sum = 0;
  for (uint32_t i = 0; i < table; i++) {
    uint32_t from = derive(me, 0, 0x3fffffff);
    for (uint32_t level = 0; level < depth; level++) from = derive(me, from, 0x3fffffff);
    ids[i] = cap(from)->id;
  }
  call c = {.agent = me};
  uint32_t next = 0;
  uint64_t start = clock_ns();
  for (uint32_t i = 0; i < count; i++) {
    c.capability = ids[next];
    sum += authorize(&c, 1 << KIND_AGENT, 1);
    next = next + 1 == table ? 0 : next + 1;
  }
  *ns = clock_ns() - start;
  free(ids);
  clear(me);
  return sum;
}

int main(int argc, char **argv) {
  k.ram = calloc(1, strtoul(argv[1], 0, 10));
  k.next = 4096;
  k.now = 1;
  k.quota = UINT64_C(1) << 40;
  k.directory = take(4096);
  uint32_t me = new_agent();
  char what[16];
  uint32_t a, b, count;
  while (scanf("%15s %u %u %u", what, &a, &b, &count) == 4) {
    uint64_t ns = 0, sum = 0;
    if (!strcmp(what, "authorize")) sum = run_authorize(me, a, b, count, &ns);
    else if (!strcmp(what, "derive")) {
      uint32_t root = derive(me, 0, 0x3fffffff);
      uint64_t start = clock_ns();
      for (uint32_t i = 0; i < a; i++) derive(me, root, 0x3fffffff);
      ns = clock_ns() - start;
      sum = cap(root)->descendants;
      clear(me);
    } else if (!strcmp(what, "walk")) {
      uint32_t root = derive(me, 0, 0x3fffffff);
      for (uint32_t i = 0; i < a; i++) derive(me, root, 0x3fffffff);
      uint64_t start = clock_ns();
      for (uint32_t slot = ((agent *)at(me))->first; slot; slot = cap(slot)->next)
        if (cap(slot)->parent == root) cap(slot)->checked = 1, sum++;
      ns = clock_ns() - start;
      clear(me);
    } else {
      static const uint8_t in[4096];
      uint64_t start = clock_ns();
      for (uint32_t i = 0; i < count; i++) sum += siphash(sum, 1, in, a);
      ns = clock_ns() - start;
    }
    printf("%llu %llu\n", (unsigned long long)ns, (unsigned long long)sum);
    fflush(stdout);
  }
  return argc == 2 ? 0 : 2;
}
