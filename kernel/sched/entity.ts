/**
 * What is scheduled: an agent, a group on one CPU, the server of a class. The entity stands at the
 * beginning of its owner, and its queues link to it; nothing of it has to be searched for.
 */
import { KernelObject } from "../object/slab";

/** Runnable in a fair queue: in its tree, or running. */
export const ENTITY_QUEUED: u32 = 1;
/** Not runnable, but ahead of virtual time: its weight still counts (fair.ts). */
export const ENTITY_GHOST: u32 = 2;
/** Picked by its fair queue: out of the tree until another one is picked. */
export const ENTITY_RUNNING: u32 = 4;
/** Nodes for it are reserved, so that it can always be queued again. */
export const ENTITY_RESERVED: u32 = 8;

/** Weights are 1 to WEIGHT_MAX. */
export const WEIGHT_MAX: u32 = 1 << 16;

@unmanaged
export class Entity extends KernelObject {
  weight: u32;
  /** Length of a request, cycles. For lags below a quantum: below the quantum. */
  slice: u32;
  /** Virtual time that it has used: v + remainder / weight. */
  v: u64;
  /** Virtual deadline of its request in a fair queue; absolute, ns, in an EDF queue. */
  deadline: u64;
  remainder: u32;
  /** A lower weight that it gets once its lag is not negative any more; 0 when there is none. */
  pendingWeight: u32;
  /** Length of its request as long as nothing of it is served, else 0. */
  requested: u32;
  /** ENTITY_…. */
  queueFlags: u32;
  /** Position in an EDF queue + 1; 0 when it is in none. */
  position: u32;
}
