/** New objects of calls: each gets a name, a capability of the caller with all rights. */
import { Capability } from "../cap/capability";
import { RIGHTS_ALL } from "../cap/rights";
import { CAPABILITY_BYTES, capabilityCreate, capabilityRoom } from "../cap/table";
import { Pool, poolRoom } from "../mm/pool";
import { KIND_CAPABILITY } from "../object/kinds";
import { KernelObject, objectShortage, objectsReserve } from "../object/slab";
import { Call, callerOf } from "./call";
import { STATUS_OK, STATUS_QUOTA } from "./status";

/** Whether `pool` can pay `bytes` besides a new capability of the caller, which has a slot: a status. */
export function roomForObject(call: Call, pool: Pool, bytes: u64): u32 {
  const caller = callerOf(call);
  const status = capabilityRoom(caller, null, 1);
  if (status != STATUS_OK) return status;
  const capability: u64 = caller.pool == changetype<usize>(pool) ? CAPABILITY_BYTES : 0;
  if (poolRoom(pool) < bytes || poolRoom(pool) - bytes < capability) return STATUS_QUOTA;
  return objectsReserve(KIND_CAPABILITY, 1, caller.cpu) ? STATUS_OK : objectShortage(KIND_CAPABILITY);
}

/**
 * Gives the caller a capability to `object`, which has just been made and is charged; its identifier
 * is the call's value. `roomForObject` has been asked before.
 */
export function nameObject(call: Call, kind: u32, object: usize): void {
  const id = changetype<KernelObject>(object).id;
  const made = capabilityCreate(callerOf(call), null, kind, id, RIGHTS_ALL);
  assert(made != 0, "nameObject: roomForObject promised a capability");
  call.value = changetype<Capability>(made).id;
}
