/*
 * The kernel's fair queue and EDF heap (kernel/sched/fair.ts, fair_tree.ts, fair_node.ts, heap.ts) in C:
 * the peer of the benchmark. The same structures, the same steps of a decision, the same roundings. Three
 * loops differ, because each side has the form that is faster there: a root that is a leaf looks for a
 * record's place (the kernel from the right), an inner node for a child (the kernel with SIMD), and the
 * least of several values is found (the kernel by fours).
 *
 * Arguments: fair or edf, the number of entities, "equal" or "random" weights (fair). Reads a number of
 * decisions a line; answers each with nanoseconds and a digest of who was chosen, in order.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SLOTS = 16, SLOTS_LEAST = 6, LEVELS = 12, SCALE_SHIFT = 20, SLICE = 1000000 };
enum { RESERVED = 8, QUEUED = 1, RUNNING = 4 };

/* As far apart as in the kernel's benchmark. */
struct entity {
  uint64_t id;
  uint32_t weight, slice;
  uint64_t v, deadline;
  uint32_t remainder, pending, requested, flags, position;
  uint8_t rest[76];
};

struct record {
  uint64_t key, value, id;
  uint32_t item, weight;
};

struct node {
  union {
    struct record records[SLOTS];
    struct {
      uint64_t keys[SLOTS], ids[SLOTS], leasts[SLOTS];
      uint32_t children[SLOTS];
      uint8_t counts[SLOTS];
    };
    uint32_t next;
    uint8_t bytes[512];
  };
};

struct tree {
  uint32_t root, height, entries;
  uint64_t least;
  uint8_t root_count;
};

struct step {
  uint32_t node, slot;
};

static struct entity *entities;
static struct node *nodes;
static uint32_t free_node;
static struct step way[LEVELS];

static struct queue {
  struct tree tree, ghosts;
  uint64_t v, part, weight;
  uint32_t current, runnable;
} queue;

static uint32_t node_alloc(void) {
  uint32_t node = free_node;
  free_node = nodes[node].next;
  return node;
}

static void node_free(uint32_t node) {
  nodes[node].next = free_node;
  free_node = node;
}

static inline int before(uint64_t a, uint64_t b) { return (int64_t)(a - b) < 0; }

static inline int precedes(uint64_t key_a, uint64_t id_a, uint64_t key_b, uint64_t id_b) {
  int64_t difference = key_a - key_b;
  return difference < 0 || (difference == 0 && id_a < id_b);
}

static inline uint32_t slot_for(const struct node *node, uint32_t count, uint64_t key, uint64_t id) {
  uint32_t slot = 0;
  for (uint32_t at = 1; at < count; at++) slot += (node->keys[at] - key) >> 63;
  while (slot + 1 < count && node->keys[slot + 1] == key && node->ids[slot + 1] <= id) slot++;
  return slot;
}

static inline uint64_t least_in(const struct node *node, uint32_t level, uint32_t count) {
  uint64_t least = level == 0 ? node->records[0].value : node->leasts[0];
  for (uint32_t slot = 1; slot < count; slot++) {
    uint64_t value = level == 0 ? node->records[slot].value : node->leasts[slot];
    least = before(value, least) ? value : least;
  }
  return least;
}

static inline void copy_slot(struct node *to, uint32_t to_slot, const struct node *from, uint32_t slot) {
  to->keys[to_slot] = from->keys[slot];
  to->ids[to_slot] = from->ids[slot];
  to->leasts[to_slot] = from->leasts[slot];
  to->children[to_slot] = from->children[slot];
  to->counts[to_slot] = from->counts[slot];
}

static inline void set_boundary(struct node *node, uint32_t slot, uint64_t key, uint64_t id) {
  node->keys[slot] = key;
  node->ids[slot] = id;
}

static void copy_entries(struct node *to, uint32_t to_slot, const struct node *from, uint32_t slot,
                         uint32_t count, uint32_t level) {
  for (uint32_t at = 0; at < count; at++) {
    if (level != 0) copy_slot(to, to_slot + at, from, slot + at);
    else to->records[to_slot + at] = from->records[slot + at];
  }
}

static void shift_entries(struct node *node, uint32_t count, uint32_t distance, uint32_t level) {
  for (uint32_t at = count; at > 0; at--) {
    if (level != 0) copy_slot(node, at - 1 + distance, node, at - 1);
    else node->records[at - 1 + distance] = node->records[at - 1];
  }
}

static inline struct node *child(struct node *parent, uint32_t slot) { return &nodes[parent->children[slot]]; }

static inline void take_boundary(struct node *parent, uint32_t slot, uint32_t level) {
  const struct node *from = child(parent, slot);
  if (level == 0) set_boundary(parent, slot, from->records[0].key, from->records[0].id);
  else set_boundary(parent, slot, from->keys[0], from->ids[0]);
}

static inline void give_boundary(struct node *parent, uint32_t slot, uint32_t level) {
  if (level != 0) set_boundary(child(parent, slot), 0, parent->keys[slot], parent->ids[slot]);
}

static void set_counts(struct node *parent, uint32_t left, uint32_t level, uint32_t taken, uint32_t rest) {
  parent->counts[left] = taken;
  parent->counts[left + 1] = rest;
  parent->leasts[left] = least_in(child(parent, left), level, taken);
  parent->leasts[left + 1] = least_in(child(parent, left + 1), level, rest);
}

static void split_child(struct node *parent, uint32_t count, uint32_t slot, uint32_t level) {
  uint32_t right = node_alloc(), keep = slot + 1 == count ? SLOTS - SLOTS_LEAST : SLOTS / 2;
  copy_entries(&nodes[right], 0, child(parent, slot), keep, SLOTS - keep, level);
  for (uint32_t at = count; at > slot + 1; at--) copy_slot(parent, at, parent, at - 1);
  parent->children[slot + 1] = right;
  take_boundary(parent, slot + 1, level);
  set_counts(parent, slot, level, keep, SLOTS - keep);
}

static void even(struct node *parent, uint32_t left, uint32_t level, uint32_t taken, uint32_t rest) {
  struct node *first = child(parent, left), *second = child(parent, left + 1);
  uint32_t half = (taken + rest) / 2;
  if (taken < half) {
    copy_entries(first, taken, second, 0, half - taken, level);
    copy_entries(second, 0, second, half - taken, rest - (half - taken), level);
  } else {
    shift_entries(second, rest, taken - half, level);
    copy_entries(second, 0, first, half, taken - half, level);
  }
  take_boundary(parent, left + 1, level);
  set_counts(parent, left, level, half, taken + rest - half);
}

static uint32_t mend(struct node *parent, uint32_t count, uint32_t slot, uint32_t level) {
  uint32_t left = slot + 1 < count ? slot : slot - 1;
  uint32_t taken = parent->counts[left], rest = parent->counts[left + 1];
  give_boundary(parent, left + 1, level);
  if (taken + rest > SLOTS) {
    even(parent, left, level, taken, rest);
    return count;
  }
  copy_entries(child(parent, left), taken, child(parent, left + 1), 0, rest, level);
  node_free(parent->children[left + 1]);
  parent->counts[left] = taken + rest;
  if (before(parent->leasts[left + 1], parent->leasts[left])) parent->leasts[left] = parent->leasts[left + 1];
  copy_entries(parent, left + 1, parent, left + 2, count - left - 2, 1);
  return count - 1;
}

static void tree_insert(struct tree *tree, uint64_t key, uint64_t id, uint64_t value, uint32_t item,
                        uint32_t weight) {
  if (tree->entries == 0 || before(value, tree->least)) tree->least = value;
  tree->entries += 1;
  if (tree->root_count == SLOTS) {
    uint32_t root = node_alloc();
    nodes[root].children[0] = tree->root;
    nodes[root].counts[0] = tree->root_count;
    nodes[root].leasts[0] = tree->least;
    tree->root = root;
    tree->root_count = 1;
    tree->height += 1;
  }
  struct node *node = &nodes[tree->root];
  uint8_t *counter = &tree->root_count;
  for (uint32_t level = tree->height; level > 0; level--) {
    uint32_t count = *counter, slot = slot_for(node, count, key, id);
    if (node->counts[slot] == SLOTS) {
      split_child(node, count, slot, level - 1);
      *counter = count + 1;
      if (!precedes(key, id, node->keys[slot + 1], node->ids[slot + 1])) slot++;
    }
    if (before(value, node->leasts[slot])) node->leasts[slot] = value;
    counter = &node->counts[slot];
    node = &nodes[node->children[slot]];
  }
  struct record *record = &node->records[(*counter)++];
  while (record > node->records && !precedes(record[-1].key, record[-1].id, key, id)) {
    *record = record[-1];
    record--;
  }
  *record = (struct record){key, value, id, item, weight};
}

static inline struct record *tree_first(struct tree *tree, uint64_t limit) {
  if (tree->entries == 0 || before(limit, tree->least)) return NULL;
  uint32_t node = tree->root;
  for (uint32_t level = tree->height; level > 0; level--) {
    uint32_t slot = 0;
    while (before(limit, nodes[node].leasts[slot])) slot++;
    way[level] = (struct step){node, slot};
    node = nodes[node].children[slot];
  }
  struct record *record = nodes[node].records;
  while (before(limit, record->value)) record++;
  return record;
}

static inline uint8_t *counter_at(struct tree *tree, uint32_t level) {
  if (level == tree->height) return &tree->root_count;
  return &nodes[way[level + 1].node].counts[way[level + 1].slot];
}

static void removed_below(struct tree *tree, struct node *node, uint32_t count, uint64_t value) {
  for (uint32_t level = 0; level < tree->height; level++) {
    struct node *parent = &nodes[way[level + 1].node];
    uint32_t slot = way[level + 1].slot;
    int is_least = parent->leasts[slot] == value;
    if (!is_least && count >= SLOTS_LEAST) return;
    if (is_least) {
      uint64_t least = least_in(node, level, count);
      if (least == value && count >= SLOTS_LEAST) return;
      parent->leasts[slot] = least;
    }
    uint8_t *parent_counter = counter_at(tree, level + 1);
    uint32_t parent_count = *parent_counter;
    if (count < SLOTS_LEAST) {
      parent_count = mend(parent, parent_count, slot, level);
      *parent_counter = parent_count;
    }
    node = parent;
    count = parent_count;
  }
  if (tree->least == value) tree->least = least_in(node, tree->height, count);
  if (count == 1) {
    uint32_t root = tree->root;
    tree->root = nodes[root].children[0];
    tree->root_count = nodes[root].counts[0];
    tree->height -= 1;
    node_free(root);
  }
}

static void tree_remove(struct tree *tree, struct record *record) {
  struct node *leaf = &nodes[((uint8_t *)record - (uint8_t *)nodes) / sizeof *nodes];
  uint8_t *counter = counter_at(tree, 0);
  uint32_t count = *counter - 1;
  uint64_t value = record->value;
  for (; record < &leaf->records[count]; record++) record[0] = record[1];
  *counter = count;
  tree->entries -= 1;
  if (tree->height != 0) return removed_below(tree, leaf, count, value);
  if (count != 0 && tree->least == value) tree->least = least_in(leaf, 0, count);
}

static void tree_replace(struct tree *tree, struct record *record, struct record by) {
  if (tree->height != 0) {
    tree_remove(tree, record);
    tree_insert(tree, by.key, by.id, by.value, by.item, by.weight);
    return;
  }
  uint64_t gone = record->value;
  struct node *root = &nodes[tree->root];
  struct record *last = &root->records[tree->root_count - 1];
  for (; record < last && precedes(record[1].key, record[1].id, by.key, by.id); record++) record[0] = record[1];
  for (; record > root->records && !precedes(record[-1].key, record[-1].id, by.key, by.id); record--)
    record[0] = record[-1];
  *record = by;
  if (before(by.value, tree->least)) tree->least = by.value;
  else if (tree->least == gone) tree->least = least_in(root, 0, tree->root_count);
}

static void renew(struct entity *entity) {
  uint64_t work = ((uint64_t)entity->slice << SCALE_SHIFT) + entity->remainder;
  entity->deadline = entity->v + (work + entity->weight - 1) / entity->weight;
  entity->requested = entity->slice;
}

static void insert(struct entity *entity) {
  tree_insert(&queue.tree, entity->deadline, entity->id, entity->v, entity - entities, entity->weight);
}

static void release_ghosts(void) {
  while (queue.ghosts.entries != 0 && !before(queue.v, queue.ghosts.least)) {
    struct record *record = tree_first(&queue.ghosts, queue.v);
    queue.weight -= record->weight;
    tree_remove(&queue.ghosts, record);
  }
}

static void jump(uint64_t v) {
  queue.v = v;
  queue.part = 0;
  release_ghosts();
}

static void join(struct entity *entity) {
  entity->v = queue.v + (queue.part != 0);
  queue.weight += entity->weight;
  entity->flags = QUEUED | RESERVED;
  queue.runnable += 1;
  renew(entity);
  insert(entity);
}

/* Entity 0 is nobody. */
static struct entity *pick(void) {
  if (queue.runnable == 0) return NULL;
  struct entity *current = queue.current == 0 ? NULL : &entities[queue.current];
  uint64_t least = queue.tree.least;
  if (current && (queue.tree.entries == 0 || before(current->v, least))) least = current->v;
  if (before(queue.v, least)) jump(least);
  struct record *record = tree_first(&queue.tree, queue.v);
  if (record == NULL) return current;
  if (current && !before(queue.v, current->v) &&
      precedes(current->deadline, current->id, record->key, record->id))
    return current;
  struct entity *picked = &entities[record->item];
  picked->flags |= RUNNING;
  if (current) {
    current->flags &= ~RUNNING;
    tree_replace(&queue.tree, record,
                 (struct record){current->deadline, current->v, current->id, current - entities, current->weight});
  } else tree_remove(&queue.tree, record);
  queue.current = picked - entities;
  /* Nobody here waits for another weight, but who picks has to ask. */
  if (picked->pending) abort();
  return picked;
}

static void charge(struct entity *entity, uint64_t cycles) {
  uint64_t work = cycles << SCALE_SHIFT, own = work + entity->remainder, advance = own / entity->weight;
  entity->v += advance;
  entity->remainder = own - advance * entity->weight;
  uint64_t part = queue.part + work, whole = part / queue.weight;
  queue.v += whole;
  queue.part = part - whole * queue.weight;
  entity->requested = 0;
  if (!before(entity->v + (entity->remainder != 0), entity->deadline)) renew(entity);
  if (queue.ghosts.entries != 0 && !before(queue.v, queue.ghosts.least)) release_ghosts();
}

static uint32_t fair_loop(uint32_t count) {
  uint32_t digest = 0;
  for (uint32_t turn = 0; turn < count; turn++) {
    struct entity *entity = pick();
    charge(entity, entity->slice);
    if (entity->requested != entity->slice) renew(entity);
    digest = digest * 31 + (uint32_t)entity->id;
  }
  return digest;
}

struct slot {
  uint64_t deadline;
  uint32_t thing;
};

static struct slot *slots;
static uint32_t heap_count;

static inline int earlier(uint64_t deadline_a, uint32_t a, uint64_t deadline_b, uint32_t b) {
  return deadline_a < deadline_b || (deadline_a == deadline_b && entities[a].id < entities[b].id);
}

static inline void put(uint32_t position, uint64_t deadline, uint32_t thing) {
  slots[position] = (struct slot){deadline, thing};
  entities[thing].position = position + 1;
}

static void rise(uint32_t position, uint64_t deadline, uint32_t thing) {
  while (position > 0) {
    uint32_t parent = (position - 1) >> 2;
    struct slot above = slots[parent];
    if (!earlier(deadline, thing, above.deadline, above.thing)) break;
    put(position, above.deadline, above.thing);
    position = parent;
  }
  put(position, deadline, thing);
}

static void sink(uint32_t position, uint64_t deadline, uint32_t thing) {
  for (;;) {
    uint32_t first = (position << 2) + 1;
    if (first >= heap_count) break;
    uint32_t end = first + 4 < heap_count ? first + 4 : heap_count, least = first;
    for (uint32_t child = first + 1; child < end; child++)
      if (earlier(slots[child].deadline, slots[child].thing, slots[least].deadline, slots[least].thing))
        least = child;
    struct slot below = slots[least];
    if (!earlier(below.deadline, below.thing, deadline, thing)) break;
    put(position, below.deadline, below.thing);
    position = least;
  }
  put(position, deadline, thing);
}

static void move(uint32_t thing, uint64_t deadline) {
  uint32_t position = entities[thing].position - 1, parent = (position - 1) >> 2;
  entities[thing].deadline = deadline;
  if (position > 0 && earlier(deadline, thing, slots[parent].deadline, slots[parent].thing))
    rise(position, deadline, thing);
  else sink(position, deadline, thing);
}

static uint32_t edf_loop(uint32_t count) {
  uint32_t digest = 0;
  for (uint32_t turn = 0; turn < count; turn++) {
    struct entity *entity = &entities[slots[0].thing];
    move(slots[0].thing, entity->deadline + entity->slice);
    digest = digest * 31 + (uint32_t)entity->id;
  }
  return digest;
}

/* xorshift32 (Marsaglia 2003), as in bench/sched/entities.ts. */
static uint32_t random_below(uint32_t below) {
  static uint32_t state = 2463534242;
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return state % below;
}

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  int fair = strcmp(argv[1], "fair") == 0, equal = strcmp(argv[3], "equal") == 0;
  uint32_t count = strtoul(argv[2], NULL, 10), pool = count / 5 + 16;
  entities = aligned_alloc(4096, ((count + 1) * sizeof *entities + 4095) & ~4095ul);
  nodes = aligned_alloc(4096, (pool * sizeof *nodes + 4095) & ~4095ul);
  char *block = aligned_alloc(4096, ((count + 4) * sizeof *slots + 4095) & ~4095ul);
  if (!entities || !nodes || !block) return 1;
  memset(entities, 0, (count + 1) * sizeof *entities);
  slots = (struct slot *)(block + 48); /* any four children are one cache line */
  for (uint32_t node = pool; node > 0; node--) node_free(node - 1);
  queue.tree.root = node_alloc();
  queue.ghosts.root = node_alloc();
  for (uint32_t index = 1; index <= count; index++) {
    struct entity *entity = &entities[index];
    entity->id = index;
    entity->weight = fair && !equal ? 1 + random_below(1024) : 1024;
    entity->slice = fair ? SLICE : SLICE + random_below(SLICE);
    if (fair) join(entity);
    else {
      entity->deadline = entity->slice;
      rise(heap_count++, entity->deadline, index);
    }
  }
  uint32_t decisions;
  while (scanf("%u", &decisions) == 1) {
    double start = now();
    uint32_t digest = fair ? fair_loop(decisions) : edf_loop(decisions);
    printf("%.0f %u\n", now() - start, digest);
    fflush(stdout);
  }
  return 0;
}
