/**
 * Capabilities: who may do what to which object. A capability is an object of its own, in the table
 * of the agent that holds it and in a tree of what was derived from what.
 *
 * The tree has pointers upwards only. A parent is named by its slot and by its identifier, so what
 * was derived from a capability that is deleted loses its authority in that moment, without being
 * visited: the slot no longer has the identifier. To revoke what was derived from a capability that
 * stays, its count of revocations grows: whoever was derived before has another epoch
 * (docs/decisions/0011).
 */
import { KernelObject } from "../object/slab";
import { Ptr } from "../state";

/** The first cache line is what authorize reads of a capability, and of each of its ancestors. */
@unmanaged
export class Capability extends KernelObject {
  /** Identifier of the agent that holds it. */
  agent: u64;
  /** Identifier of the object; 0 for a scope. */
  object: u64;
  /** Virtual time in ns from which it is worth nothing; NEVER for none. */
  expiry: u64;
  /** The parent's `revocations` when it was derived. */
  epoch: u64;
  /** How often what had been derived from it was revoked. */
  revocations: u64;
  rights: u32;
  /** KIND_… of the object. */
  kind: u8;
  scopeBytes: u8;
  /** Capabilities above it in the tree. */
  depth: u8;
  /** 1 once `mac` has been made: nothing that it covers ever changes. */
  checked: u8;
  /** Slot of the object, which is still that object while it has its identifier; 0 for a scope. */
  target: Ptr<KernelObject>;
  /** 0 for one that the kernel made. */
  parent: Ptr<Capability>;

  /** Identifier of the parent: another one in its slot means that it is gone. */
  parentId: u64;
  mac: u64;
  /** Neighbours in the holder's table. */
  next: Ptr<Capability>;
  previous: Ptr<Capability>;
  /** Capabilities derived from it, directly or not, that are not revoked. */
  descendants: u32;
  /** Bits of a scope's meaning that userland defines. */
  scopeMask: u32;
  /** A scope's bytes, zero behind `scopeBytes`. */
  scope0: u64;
  scope1: u64;
  scope2: u64;
  scope3: u64;
}

/** Log2 of the bytes of a capability (createAuthority checks it). */
export const CAPABILITY_SHIFT: u32 = 7;

/** Linear address of the scope's bytes. */
@inline
export function scopeOf(held: Capability): usize {
  return changetype<usize>(held) + offsetof<Capability>("scope0");
}

/**
 * Whether something above `held` took its authority away: an ancestor is gone, or has revoked what
 * was derived from it. Less than CAPABILITY_DEPTH_MAX steps.
 */
@inline
export function capabilityRevoked(held: Capability): bool {
  return held.parent != 0 && cutOff(held);
}

/** The same for one that has a parent. */
export function cutOff(held: Capability): bool {
  let link = held;
  while (link.parent != 0) {
    const parent = changetype<Capability>(link.parent);
    if (parent.id != link.parentId || parent.revocations != link.epoch) return true;
    link = parent;
  }
  return false;
}
