/**
 * Fair queues: earliest eligible virtual deadline first (Stoica, Abdel-Wahab, TR-95-22, 1995), in
 * integers. Who is owed time is eligible; of those the one whose request is due first runs.
 *
 * Virtual time V advances by the service given, divided by the sum of weights W; that of an entity by
 * its own service divided by its own weight. Units: 2^20 a cycle at weight 1.
 *
 *   V = v + part / weight         of the queue, part < weight; changes of weight round it down
 *   v + remainder / weight        of an entity, exact: (v x weight + remainder) is its service
 *   lag = weight x (V - v(i))     what it is owed; above 0: it has had too little
 *
 * V never goes back. Where the paper moves V when entities come and go, it stays here, and no lag
 * grows by that (docs/decisions/0010-virtual-time-never-goes-back.md):
 * - who leaves being owed time gives that up; who leaves ahead of V is a ghost: its weight counts
 *   until V has come to where it was (strategy 3 of the paper), whether it comes back, dies or moves;
 * - who comes starts at V, or where it was as a ghost;
 * - when nobody is eligible, V jumps to the least v of those who are runnable.
 *
 * Between two picks, the one picked is charged at most `fairRest`: what is left of its request. Then
 * every |lag| is less than the longest request and a sixteenth of a cycle (WEIGHT_MAX / 2^20).
 */
import { Ptr } from "../state";
import {
  Entity,
  ENTITY_GHOST,
  ENTITY_QUEUED,
  ENTITY_RESERVED,
  ENTITY_RUNNING,
  WEIGHT_MAX,
} from "./entity";
import { before } from "./fair_node";
import { FairTree, leafFirst, leafReplace, treeFind, treeFirst, treeFree, treeInit, treeInsert, treeRemove } from "./fair_tree";
import { createNodes, nodes, nodesRelease, nodesReserve } from "./nodes";

/** Log2 of the virtual units of a cycle at weight 1. */
export const SCALE_SHIFT: u64 = 20;
/** Cycles that one charge may have: its virtual units must fit beside `part`. */
export const CHARGE_MAX: u64 = 1 << 40;
/** IDs of what outlives its entity: no object has such a one. */
const ORPHAN: u64 = 1 << 62;

/** Who is runnable, by virtual deadline; the one that runs is not in the tree. */
@unmanaged
export class FairQueue extends FairTree {
  /** Virtual time, whole units, and what is left over: below `weight`. */
  v: u64;
  part: u64;
  /** Sum of weights, ghosts included. */
  weight: u64;
  /** The tree of ghosts, by the virtual time at which they are gone: a FairTree. */
  ghosts0: u64;
  ghosts1: u64;
  ghosts2: u64;
  ghosts3: u64;
  /** Who was picked; 0 when nobody runs. */
  current: Ptr<Entity>;
  /** Entities that want to run, the one that does included. */
  runnable: u32;
}

@inline
export function ghostsOf(queue: FairQueue): FairTree {
  return changetype<FairTree>(changetype<usize>(queue) + offsetof<FairQueue>("ghosts0"));
}

/** Makes an empty queue of zeroed memory; false when no frame is left. */
export function fairInit(queue: FairQueue): bool {
  createNodes();
  if (!treeInit(queue)) return false;
  if (treeInit(ghostsOf(queue))) return true;
  treeFree(queue);
  return false;
}

/** Gives back what an empty queue holds. */
export function fairFree(queue: FairQueue): void {
  assert(queue.runnable == 0, "fairFree: somebody is queued");
  treeFree(queue);
  treeFree(ghostsOf(queue));
}

// --- time ---

/** Virtual time rounded up: nobody who starts there is owed anything. */
@inline
function ceiling(queue: FairQueue): u64 {
  return queue.v + <u64>(queue.part != 0);
}

/** The entity's virtual time rounded up: when V passes it. */
@inline
export function ghostKey(entity: Entity): u64 {
  return entity.v + <u64>(entity.remainder != 0);
}

@inline
function divideUp(a: u64, b: u64): u64 {
  return (a + b - 1) / b;
}

/** Changes the sum of weights; V stays, or falls by less than a unit where it can't be kept. */
function setWeight(queue: FairQueue, weight: u64): void {
  const old = queue.weight;
  if (queue.part != 0) {
    // Two sums of 2^32 or more don't multiply in 64 bits; some of V's fraction is dropped then.
    const dropped: u64 = (old | weight) >> 32 == 0 ? 0 : 14;
    queue.part = (((queue.part >> dropped) * weight) / old) << dropped;
  }
  queue.weight = weight;
}

/** A new request: due when the entity has had `slice` more cycles. */
@inline
function renew(entity: Entity): void {
  request(entity, entity.v, entity.remainder, entity.weight);
}

/** The same for who knows the entity's fields. */
@inline
function request(entity: Entity, v: u64, remainder: u32, weight: u32): void {
  const slice = entity.slice;
  entity.deadline = v + divideUp((<u64>slice << SCALE_SHIFT) + remainder, weight);
  entity.requested = slice;
}

/** Lag in virtual units, rounded down. */
@inline
function lagUnits(queue: FairQueue, entity: Entity): i64 {
  const whole = <i64>(queue.v - entity.v) * entity.weight - entity.remainder;
  return queue.part == 0 ? whole : whole + <i64>((queue.part * entity.weight) / queue.weight);
}

/** Takes the ghosts out that V has come to. */
function releaseGhosts(queue: FairQueue): void {
  const ghosts = ghostsOf(queue);
  while (ghosts.entries != 0 && !before(queue.v, ghosts.least)) {
    const record = treeFirst(ghosts, queue.v)!;
    setWeight(queue, queue.weight - record.weight);
    const item = record.item;
    treeRemove(ghosts, record);
    if (item == 0) nodesRelease(1, 0);
    else settle(changetype<Entity>(item));
  }
}

/** What a ghost is once it is none, and what leaves when it isn't ahead of V. */
@inline
function settle(entity: Entity): void {
  entity.queueFlags &= ENTITY_RESERVED;
  if (entity.pendingWeight == 0) return;
  entity.weight = entity.pendingWeight;
  entity.pendingWeight = 0;
}

function jump(queue: FairQueue, v: u64): void {
  queue.v = v;
  queue.part = 0;
  releaseGhosts(queue);
}

// --- coming and going ---

@inline
function insert(queue: FairQueue, entity: Entity): void {
  treeInsert(queue, entity.deadline, entity.id, entity.v, changetype<usize>(entity), entity.weight);
}

/**
 * The entity wants to run, with a new request. Its first time takes memory; it then keeps that until
 * `fairForget`, and coming again can't fail.
 * @returns false, with nothing changed, when no frame is left
 */
export function fairJoin(queue: FairQueue, entity: Entity): bool {
  assert((entity.queueFlags & ENTITY_QUEUED) == 0, "fairJoin: already queued");
  assert(entity.weight != 0 && entity.weight <= WEIGHT_MAX && entity.slice != 0, "fairJoin: weight or slice");
  if ((entity.queueFlags & ENTITY_RESERVED) == 0 && !nodesReserve(1, 0)) return false;
  if ((entity.queueFlags & ENTITY_GHOST) != 0) {
    const ghosts = ghostsOf(queue);
    treeRemove(ghosts, treeFind(ghosts, ghostKey(entity), entity.id));
  } else {
    entity.v = ceiling(queue);
    entity.remainder = 0;
    setWeight(queue, queue.weight + entity.weight);
  }
  entity.queueFlags = ENTITY_QUEUED | ENTITY_RESERVED;
  queue.runnable += 1;
  renew(entity);
  insert(queue, entity);
  return true;
}

/** Takes a runnable entity out of the tree, or stops it being the one that runs. */
@inline
function takeOut(queue: FairQueue, entity: Entity): void {
  if (queue.current == changetype<usize>(entity)) {
    queue.current = 0;
    return;
  }
  treeRemove(queue, treeFind(queue, entity.deadline, entity.id));
}

@inline
function putBack(queue: FairQueue, entity: Entity, running: bool): void {
  if (running) queue.current = changetype<usize>(entity);
  else insert(queue, entity);
}

/** The entity doesn't want to run any more, for now. It keeps its memory. */
export function fairLeave(queue: FairQueue, entity: Entity): void {
  assert((entity.queueFlags & ENTITY_QUEUED) != 0, "fairLeave: not queued");
  takeOut(queue, entity);
  queue.runnable -= 1;
  const gone = ghostKey(entity);
  if (queue.runnable == 0) return endPeriod(queue, entity);
  if (!before(queue.v, gone)) {
    setWeight(queue, queue.weight - entity.weight);
    settle(entity);
    return;
  }
  entity.queueFlags = ENTITY_GHOST | ENTITY_RESERVED;
  treeInsert(ghostsOf(queue), gone, entity.id, gone, changetype<usize>(entity), entity.weight);
}

/** The last one leaves: nobody waits who could be wronged, so V goes past all that has been served. */
function endPeriod(queue: FairQueue, last: Entity): void {
  const ghosts = ghostsOf(queue);
  const gone = ghostKey(last);
  if (before(queue.v, gone)) jump(queue, gone);
  while (ghosts.entries != 0) jump(queue, ghosts.least);
  queue.weight = 0;
  queue.part = 0;
  settle(last);
}

/** The entity's last farewell: the queue keeps nothing that points to it, and its memory is given back. */
export function fairForget(queue: FairQueue, entity: Entity): void {
  if ((entity.queueFlags & ENTITY_QUEUED) != 0) fairLeave(queue, entity);
  if ((entity.queueFlags & ENTITY_GHOST) != 0) orphan(queue, entity);
  else if ((entity.queueFlags & ENTITY_RESERVED) != 0) nodesRelease(1, 0);
  entity.queueFlags = 0;
}

/** Leaves the entity's weight in the queue without it. The memory reserved for it goes along. */
function orphan(queue: FairQueue, entity: Entity): void {
  const ghosts = ghostsOf(queue);
  const gone = ghostKey(entity);
  const record = treeFind(ghosts, gone, entity.id);
  const weight = record.weight;
  treeRemove(ghosts, record);
  treeInsert(ghosts, gone, ORPHAN | nodes().orphans++, gone, 0, weight);
  settle(entity);
}

/**
 * Moves an entity, runnable or not, to another queue. Time that it has had there in advance it has had
 * here too; what it was owed it gives up.
 * @returns false, with nothing changed, when no frame is left
 */
export function fairMigrate(from: FairQueue, to: FairQueue, entity: Entity): bool {
  const queued = (entity.queueFlags & ENTITY_QUEUED) != 0;
  const reserved = (entity.queueFlags & ENTITY_RESERVED) != 0;
  if (reserved && !nodesReserve(1, 0)) return false;
  const lag = fairAhead(from, entity);
  fairForget(from, entity);
  if (reserved) entity.queueFlags = ENTITY_RESERVED;
  if (!queued && (lag == 0 || to.runnable == 0)) return true;
  entity.v = ceiling(to) + divideUp(lag, entity.weight);
  entity.remainder = 0;
  setWeight(to, to.weight + entity.weight);
  if (queued) {
    entity.queueFlags |= ENTITY_QUEUED;
    to.runnable += 1;
    renew(entity);
    insert(to, entity);
  } else {
    entity.queueFlags |= ENTITY_GHOST;
    treeInsert(ghostsOf(to), entity.v, entity.id, entity.v, changetype<usize>(entity), entity.weight);
  }
  return true;
}

/** Virtual units x weight that the entity has had in advance; 0 when it is owed something. */
function fairAhead(queue: FairQueue, entity: Entity): u64 {
  if ((entity.queueFlags & (ENTITY_QUEUED | ENTITY_GHOST)) == 0) return 0;
  const lag = lagUnits(queue, entity);
  return lag < 0 ? <u64>-lag : 0;
}

// --- decisions ---

/** Whether the entity, which is runnable, may run: it has not had more than its share. */
@inline
export function fairEligible(queue: FairQueue, entity: Entity): bool {
  return !before(queue.v, entity.v);
}

/**
 * Who is to run now: among the eligible the one with the earliest virtual deadline, ties by ID. It is
 * then the current one, and another pick finds the same as long as nothing changes. Null when nobody
 * is runnable.
 */
@inline
export function fairPick(queue: FairQueue): Entity | null {
  if (queue.runnable == 0) return null;
  const picked = pickOnce(queue);
  return picked.pendingWeight == 0 ? picked : pickSettled(queue, picked);
}

@inline
function pickOnce(queue: FairQueue): Entity {
  if (queue.height != 0) return pickInTree(queue);
  if (queue.entries == 0) return pickInTree(queue);
  if (queue.current == 0) return pickInTree(queue);
  return pickInLeaf(queue);
}

/** A weight that could not fall before falls when its entity is chosen, and the choice is made again. */
function pickSettled(queue: FairQueue, first: Entity): Entity {
  let picked = first;
  while (picked.pendingWeight != 0 && mayFall(queue, picked)) {
    fairReweigh(queue, picked, picked.pendingWeight);
    picked = pickInTree(queue);
  }
  return picked;
}

function pickInTree(queue: FairQueue): Entity {
  const current = queue.current;
  let least = queue.least;
  if (current != 0) {
    const v = changetype<Entity>(current).v;
    if (queue.entries == 0) least = v;
    else if (before(v, least)) least = v;
  }
  if (before(queue.v, least)) jump(queue, least);
  const record = treeFirst(queue, queue.v);
  if (record == null) return changetype<Entity>(current);
  if (current != 0) {
    const running = changetype<Entity>(current);
    if (fairEligible(queue, running)) {
      const order = <i64>(running.deadline - record.key);
      if (order < 0) return running;
      if (order == 0 && running.id < record.id) return running;
    }
  }
  const picked = changetype<Entity>(record.item);
  // Touched first: what comes in between hides that it is in no cache.
  picked.queueFlags |= ENTITY_RUNNING;
  if (current == 0) treeRemove(queue, record);
  else {
    const old = changetype<Entity>(current);
    old.queueFlags &= ~ENTITY_RUNNING;
    treeRemove(queue, record);
    treeInsert(queue, old.deadline, old.id, old.v, current, old.weight);
  }
  queue.current = changetype<usize>(picked);
  return picked;
}

/**
 * The same where somebody runs and all others are in one leaf. Every word is loaded once, and there is no
 * call: with ten entities one would be a tenth of the time.
 */
@inline
function pickInLeaf(queue: FairQueue): Entity {
  const current = queue.current;
  const running = changetype<Entity>(current);
  const reached = running.v;
  const waiting = queue.least;
  const least = before(reached, waiting) ? reached : waiting;
  let v = queue.v;
  if (before(v, least)) {
    jump(queue, least);
    v = least;
  }
  if (before(v, waiting)) return running;
  const record = leafFirst(queue, v);
  const deadline = running.deadline;
  const id = running.id;
  if (!before(v, reached)) {
    const order = <i64>(deadline - record.key);
    if (order < 0) return running;
    if (order == 0 && id < record.id) return running;
  }
  const picked = changetype<Entity>(record.item);
  picked.queueFlags |= ENTITY_RUNNING;
  running.queueFlags &= ~ENTITY_RUNNING;
  queue.current = changetype<usize>(picked);
  leafReplace(queue, record, deadline, id, reached, current, running.weight);
  return picked;
}

/** What is left of the entity's request, cycles: how long it may run before the next pick. */
export function fairRest(entity: Entity): u64 {
  return ((entity.deadline - entity.v) * entity.weight - entity.remainder) >> SCALE_SHIFT;
}

/** The current entity has had `cycles` of service. A request that is served is followed by the next. */
@inline
export function fairCharge(queue: FairQueue, entity: Entity, cycles: u64): void {
  assert(queue.current == changetype<usize>(entity), "fairCharge: not the current one");
  assert(cycles < CHARGE_MAX, "fairCharge: too long");
  // Loads that follow a store are not left out by any compiler on the way to machine code.
  const work = cycles << SCALE_SHIFT;
  const weight = <u64>entity.weight;
  const own = work + entity.remainder;
  const advance = own / weight;
  const remainder = own - advance * weight;
  const served = entity.v + advance;
  const total = queue.weight;
  const part = queue.part + work;
  const whole = part / total;
  const v = queue.v + whole;
  entity.v = served;
  entity.remainder = <u32>remainder;
  queue.v = v;
  queue.part = part - whole * total;
  if (before(served + <u64>(remainder != 0), entity.deadline)) entity.requested = 0;
  else request(entity, served, <u32>remainder, <u32>weight);
  const ghosts = ghostsOf(queue);
  if (ghosts.entries == 0) return;
  if (!before(v, ghosts.least)) releaseGhosts(queue);
}

/**
 * The entity, which is runnable, makes a new request before it has been served the old one. That is not
 * due earlier, even if it is shorter: others rely on their turn.
 */
@inline
export function fairRequeue(queue: FairQueue, entity: Entity): void {
  assert((entity.queueFlags & ENTITY_QUEUED) != 0, "fairRequeue: not queued");
  if (entity.requested != entity.slice) requestAnew(queue, entity);
}

function requestAnew(queue: FairQueue, entity: Entity): void {
  const running = queue.current == changetype<usize>(entity);
  takeOut(queue, entity);
  const due = entity.deadline;
  renew(entity);
  if (before(entity.deadline, due)) entity.deadline = due;
  putBack(queue, entity, running);
}

// --- weights ---

/**
 * Gives the entity another weight. Its lag is kept as far as that wrongs nobody: a lower weight waits
 * until the entity isn't ahead of V any more, and with a higher one it is not owed more than it can be
 * given without a deadline that comes earlier.
 */
export function fairReweigh(queue: FairQueue, entity: Entity, weight: u32): void {
  assert(weight != 0 && weight <= WEIGHT_MAX, "fairReweigh: weight");
  entity.pendingWeight = 0;
  if ((entity.queueFlags & (ENTITY_QUEUED | ENTITY_GHOST)) == 0) {
    entity.weight = weight;
    return;
  }
  if (weight == entity.weight) return;
  const lag = lagUnits(queue, entity);
  if (weight < entity.weight && !mayFall(queue, entity)) entity.pendingWeight = weight;
  else if ((entity.queueFlags & ENTITY_GHOST) != 0) reweighGhost(queue, entity, weight, <u64>-lag);
  else reweighQueued(queue, entity, weight, lag);
}

/** Whether the entity may become lighter: it isn't ahead of V, or there is nobody to mind. */
function mayFall(queue: FairQueue, entity: Entity): bool {
  return lagUnits(queue, entity) >= 0 || (queue.runnable == 1 && ghostsOf(queue).entries == 0);
}

/** A ghost that becomes heavier has used less virtual time. */
function reweighGhost(queue: FairQueue, entity: Entity, weight: u32, ahead: u64): void {
  const ghosts = ghostsOf(queue);
  const old = ghostKey(entity);
  treeRemove(ghosts, treeFind(ghosts, old, entity.id));
  const v = ceiling(queue) + divideUp(ahead, weight);
  entity.v = before(v, old) ? v : old;
  entity.remainder = 0;
  setWeight(queue, queue.weight - entity.weight + weight);
  entity.weight = weight;
  treeInsert(ghosts, entity.v, entity.id, entity.v, changetype<usize>(entity), weight);
}

function reweighQueued(queue: FairQueue, entity: Entity, weight: u32, lag: i64): void {
  const running = queue.current == changetype<usize>(entity);
  takeOut(queue, entity);
  const due = entity.deadline;
  /** What is left of the request, in virtual units x weight. */
  const rest = max(<i64>(due - entity.v) * entity.weight - entity.remainder, 0);
  const now = ceiling(queue);
  if (lag < 0) {
    const old = ghostKey(entity);
    const v = now + divideUp(<u64>-lag, weight);
    entity.v = weight < entity.weight ? now : before(v, old) ? v : old;
  } else {
    entity.v = now - <u64>lag / weight;
    // Owed so much, a heavier one would be due before others that now rely on their turn.
    const latest = due - <u64>rest / weight;
    if (weight > entity.weight && before(entity.v, latest)) entity.v = before(latest, now) ? latest : now;
  }
  entity.remainder = 0;
  entity.deadline = entity.v + divideUp(<u64>rest, weight);
  if (lag >= 0 && before(entity.v, now) && before(entity.deadline, due)) entity.deadline = due;
  setWeight(queue, queue.weight - entity.weight + weight);
  entity.weight = weight;
  putBack(queue, entity, running);
}

/** What the entity is owed, in cycles, rounded down; below 0 what it has had in advance. */
export function fairLag(queue: FairQueue, entity: Entity): i64 {
  if ((entity.queueFlags & (ENTITY_QUEUED | ENTITY_GHOST)) == 0) return 0;
  return lagUnits(queue, entity) >> SCALE_SHIFT;
}
