/**
 * The table of access predictions: numbers that userland writes (PredictionWrite), each with an end.
 * The kernel knows nothing of where they come from. A prediction that is wrong costs its agent time,
 * and nobody else anything: it decides which discardable page goes, never whether one may.
 */
import { Agent, agentFind } from "../agent/agent";
import { PREDICTION_HORIZON_NS, PREDICTION_WRITE_MAX, PREDICTIONS_MAX } from "../limits";
import { kernel, Ptr } from "../state";
import { now } from "../time";
import { frameAllocZeroed, orderFor, OWNER_KERNEL } from "./frames";
import { pointer } from "../../hal/memory";
import { Mapping } from "./address_space";
import { mappingFrom } from "./mappings";
import { PTE_ACCESSED, PTE_PRESENT } from "./paging";
import { Pool } from "./pool";
import { discardableReserve, entryOfPage } from "./reclaim";

/** When the pages of [start, end) of an agent are used next; as userland writes it. */
@unmanaged
export class Prediction {
  /** Identifier of the agent; 0 for a record that is free. */
  agent: u64;
  start: u64;
  end: u64;
  /** Virtual time of the next use, ns. */
  nextUse: u64;
  /** Virtual time from which the prediction counts no more, ns. */
  expiry: u64;
}

export const PREDICTION_BYTES: u32 = offsetof<Prediction>();
const PAGE_SHIFT: u64 = 12;
/** The table, and behind it the records of the call that is being carried out. */
const TABLE_BYTES: u64 = (<u64>PREDICTIONS_MAX + PREDICTION_WRITE_MAX) * PREDICTION_BYTES;

/** Makes the table; false when no frame is left. */
export function createPredictions(): bool {
  const table = frameAllocZeroed(orderFor(TABLE_BYTES), OWNER_KERNEL);
  if (table == 0) return false;
  kernel().predictions = pointer(table);
  return true;
}

@inline
export function predictionAt(index: u32): Prediction {
  return changetype<Prediction>(kernel().predictions + <usize>(index * PREDICTION_BYTES));
}

@inline
function valid(prediction: Prediction): bool {
  return prediction.agent != 0 && prediction.expiry > now();
}

const NOWHERE: u32 = 0xffff_ffff;

/** Whether the record counts for nothing: it has expired, or its agent is gone. */
function worthless(prediction: Prediction): bool {
  return !valid(prediction) || agentFind(prediction.agent) == null;
}

/** Whether there is a prediction for the same begin of a range that still counts. */
export function predictionKept(agent: u64, start: u64): bool {
  const index = predictionFind(agent, start);
  return index != NOWHERE && predictionAt(index).start == start && !worthless(predictionAt(index));
}

/** Where a prediction for the same begin of a range stands, else a free record; ~0 when all are in use. */
export function predictionFind(agent: u64, start: u64): u32 {
  let free = NOWHERE;
  for (let index: u32 = 0; index < PREDICTIONS_MAX; index++) {
    const it = predictionAt(index);
    if (it.agent == agent && it.start == start) return index;
    if (free == NOWHERE && worthless(it)) free = index;
  }
  return free;
}

/** Records that can be written without losing one that counts. */
export function predictionFree(): u32 {
  let count: u32 = 0;
  for (let index: u32 = 0; index < PREDICTIONS_MAX; index++) {
    if (worthless(predictionAt(index))) count += 1;
  }
  return count;
}

/** Whether page number `page` of the mapping is predicted to be used soon. */
export function predictedSoon(mapping: Mapping, page: u32): bool {
  const id = changetype<Agent>(mapping.agent).id;
  const address = mapping.start + (<u64>page << PAGE_SHIFT);
  for (let index: u32 = 0; index < PREDICTIONS_MAX; index++) {
    const it = predictionAt(index);
    if (it.agent != id || !valid(it) || address < it.start || address >= it.end) continue;
    if (it.nextUse <= now() + PREDICTION_HORIZON_NS) return true;
  }
  return false;
}

/**
 * The mapping that the pool pays, and that can spare a page, with the page that is predicted to be
 * used last and was not used since its flag was cleared: `hand` is at it. 0 when there is none.
 */
export function predictedLast(pool: Pool): usize {
  let found: usize = 0;
  let farthest = now() + PREDICTION_HORIZON_NS;
  for (let index: u32 = 0; index < PREDICTIONS_MAX; index++) {
    const it = predictionAt(index);
    if (!valid(it) || it.nextUse <= farthest) continue;
    const agent = agentFind(it.agent);
    if (agent == null) continue;
    const mapping = unusedPage(agent, it, pool);
    if (mapping == 0) continue;
    found = mapping;
    farthest = it.nextUse;
  }
  return found;
}

/** The mapping whose hand is at an unused page of the prediction's range; 0 for none. */
function unusedPage(agent: Agent, it: Prediction, pool: Pool): usize {
  for (let at = mappingFrom(agent, it.start); at != 0; at = changetype<Mapping>(at).next) {
    const mapping = changetype<Mapping>(at);
    if (mapping.start >= it.end) break;
    if (mapping.discardable == 0 || mapping.pool != changetype<usize>(pool)) continue;
    if (mapping.present <= discardableReserve(mapping.end - mapping.start)) continue;
    const first = max(it.start, mapping.start) - mapping.start;
    const last = min(it.end, mapping.end) - mapping.start;
    for (let offset = first; offset < last; offset += 4096) {
      const entry = entryOfPage(mapping, <u32>(offset >> PAGE_SHIFT));
      if (entry == 0) continue;
      if ((load<u64>(entry) & (PTE_PRESENT | PTE_ACCESSED)) != PTE_PRESENT) continue;
      mapping.hand = <u32>(offset >> PAGE_SHIFT);
      return at;
    }
  }
  return 0;
}
