/** Earliest deadline first: a heap of entities by absolute deadline, ns, ties by ID. */
import { Entity } from "./entity";
import { Heap, heapFirst, heapInit, heapInsert, heapMove, heapRemove } from "./heap";

/** Sets an empty queue up, in zeroed memory. Room for entities comes from `heapReserve`. */
export function edfInit(queue: Heap): void {
  heapInit(queue, offsetof<Entity>("position"));
}

/** Queues the entity by its deadline. */
export function edfJoin(queue: Heap, entity: Entity): void {
  heapInsert(queue, changetype<usize>(entity), entity.deadline);
}

/** Takes the entity out. */
export function edfLeave(queue: Heap, entity: Entity): void {
  heapRemove(queue, changetype<usize>(entity));
}

/** Who is due first, still queued; null when the queue is empty. */
@inline
export function edfPick(queue: Heap): Entity | null {
  const first = heapFirst(queue);
  return first == 0 ? null : changetype<Entity>(first);
}

/** Gives a queued entity another deadline. */
export function edfRequeue(queue: Heap, entity: Entity, deadline: u64): void {
  entity.deadline = deadline;
  heapMove(queue, changetype<usize>(entity), deadline);
}
