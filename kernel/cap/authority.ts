/** Where authority begins: what the first agent is given, and what everybody else has it from. */
import { Agent } from "../agent/agent";
import { KIND_AGENT, KIND_KERNEL, KIND_POOL, KIND_SCOPE } from "../object/kinds";
import { makeId } from "../object/id";
import { KernelObject } from "../object/slab";
import { kernel, rootAllocate } from "../state";
import { Capability } from "./capability";
import { RIGHTS_ALL } from "./rights";
import { capabilityCreate } from "./table";

const SCOPE_MASK_ALL: u32 = 0xffff_ffff;

/** Makes the object that stands for the kernel itself: its audit ring, its table of predictions. */
export function createAuthority(): void {
  kernel().authority = rootAllocate(offsetof<KernelObject>());
  changetype<KernelObject>(kernel().authority).id = makeId(KIND_KERNEL, 0, 1);
}

/**
 * Gives the first agent all there is: the kernel itself, every scope, itself, and the pool of all
 * memory, of which the last is the newest in its table. False when that can't be.
 */
export function grantEverything(init: Agent, pool: u64): bool {
  const authority = changetype<KernelObject>(kernel().authority).id;
  if (capabilityCreate(init, null, KIND_KERNEL, authority, RIGHTS_ALL) == 0) return false;
  const scope = capabilityCreate(init, null, KIND_SCOPE, 0, RIGHTS_ALL);
  if (scope == 0) return false;
  changetype<Capability>(scope).scopeMask = SCOPE_MASK_ALL;
  return (
    capabilityCreate(init, null, KIND_AGENT, init.id, RIGHTS_ALL) != 0 &&
    capabilityCreate(init, null, KIND_POOL, pool, RIGHTS_ALL) != 0
  );
}
