/** The exports of sched.ts as TypeScript sees them, for tests and benchmarks. */
import { loadKernelTesting } from "./module.ts";

/** Queues, heaps and entities are addresses. */
export interface SchedTesting {
  newFairQueue(): number;
  newHeap(): number;
  newEntities(count: number): number;
  setEntity(entity: number, id: bigint, weight: number, slice: number): void;
  setSlice(entity: number, slice: number): void;
  setVirtualTime(queue: number, v: bigint): void;
  virtualTime(queue: number): bigint;
  virtualPart(queue: number): bigint;
  queueWeight(queue: number): bigint;
  queueRunnable(queue: number): number;
  queueGhosts(queue: number): number;
  queueHeight(queue: number): number;
  queueNodes(queue: number): number;
  nodesUsed(): number;
  nodesTotal(): number;
  nodesReserved(): number;
  entityV(entity: number): bigint;
  entityRemainder(entity: number): number;
  entityDeadline(entity: number): bigint;
  entityWeight(entity: number): number;
  entityFlags(entity: number): number;
  fairInit(queue: number): number;
  fairFree(queue: number): void;
  fairJoin(queue: number, entity: number): number;
  fairLeave(queue: number, entity: number): void;
  fairForget(queue: number, entity: number): void;
  fairMigrate(from: number, to: number, entity: number): number;
  fairPick(queue: number): number;
  fairRest(entity: number): bigint;
  fairCharge(queue: number, entity: number, cycles: bigint): void;
  fairRequeue(queue: number, entity: number): void;
  fairReweigh(queue: number, entity: number, weight: number): void;
  fairLag(queue: number, entity: number): bigint;
  fairEligible(queue: number, entity: number): number;
  fairValid(queue: number): number;
  fairLoop(queue: number, count: number): number;
  edfInit(queue: number): void;
  edfSetDeadline(entity: number, deadline: bigint): void;
  edfJoin(queue: number, entity: number): void;
  edfLeave(queue: number, entity: number): void;
  edfPick(queue: number): number;
  edfRequeue(queue: number, entity: number, deadline: bigint): void;
  edfFill(queue: number, entities: number, count: number, deadlines: number): void;
  edfLoop(queue: number, count: number): number;
  heapReserve(heap: number, capacity: number): number;
  heapFree(heap: number): void;
  heapDeadline(heap: number): bigint;
  heapValid(heap: number): number;
}

/** Bytes from one entity to the next, as `newEntities` makes them. */
export const ENTITY_STRIDE = 128;

export interface Queues {
  readonly sched: SchedTesting;
  readonly data: DataView;
  /** Linear address of a physical one. */
  linear(address: bigint): number;
  framesFree(): number;
}

/** A fresh kernel-testing.wasm whose frames are `ramBytes` without its tables. */
export async function loadQueues(ramBytes: number): Promise<Queues> {
  const { exports, data } = await loadKernelTesting(ramBytes);
  const first = exports.setUpFrames(ramBytes / 4096);
  exports.framesAdd(first, BigInt(ramBytes));
  const sched = exports as unknown as SchedTesting;
  return { sched, data, linear: exports.linear, framesFree: exports.framesFree };
}
