/** Where authority begins: what the first agent is given, and what everybody else has it from. */
import { Agent } from "../agent/agent";
import { CAPABILITIES_MAX } from "../limits";
import { KIND_AGENT, KIND_KERNEL, KIND_POOL, KIND_SCOPE } from "../object/kinds";
import { INDEX_BITS, makeId } from "../object/id";
import { KernelObject } from "../object/slab";
import { kernel, rootAllocate } from "../state";
import { Capability, CAPABILITY_SHIFT } from "./capability";
import { RIGHTS_ALL } from "./rights";
import { capabilityCreate } from "./table";

/** Bytes of the arguments that calls of this part read at most. */
export const SCRATCH_BYTES: usize = 256;
const SCRATCH: usize = 16;
const SCOPE_MASK_ALL: u32 = 0xffff_ffff;

/** Makes the object that stands for the kernel itself: its audit ring, its table of predictions. */
export function createAuthority(): void {
  assert(offsetof<Capability>() == 1 << CAPABILITY_SHIFT, "createAuthority: size of a capability");
  assert(CAPABILITIES_MAX == 1 << INDEX_BITS, "createAuthority: an index for each capability");
  kernel().authority = rootAllocate(SCRATCH + SCRATCH_BYTES);
  changetype<KernelObject>(kernel().authority).id = makeId(KIND_KERNEL, 0, 1);
}

/** Linear address of SCRATCH_BYTES bytes for the arguments of the running call. */
@inline
export function capScratch(): usize {
  return kernel().authority + SCRATCH;
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
