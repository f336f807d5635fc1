/**
 * Capabilities: who may do what to which object. A capability is an object of its own, in the table
 * of the agent that holds it and in the tree of what was derived from what.
 */
import { KernelObject } from "../object/slab";
import { Ptr } from "../state";

/** Longest scope in bytes. */
export const SCOPE_BYTES_MAX: u32 = 32;

@unmanaged
export class Capability extends KernelObject {
  /** Identifier of the agent that holds it. */
  agent: u64;
  /** Identifier of the object; 0 for a scope. */
  object: u64;
  /** Virtual time in ns from which it is worth nothing; NEVER for none. */
  expiry: u64;
  rights: u32;
  /** KIND_… of the object. */
  kind: u16;
  scopeBytes: u16;
  /** Revocation epoch in which it was made: worth nothing when its root's is later. */
  epoch: u32;
  /** 1 once its MAC has been found right: nothing that the MAC covers changes afterwards. */
  checked: u32;
  mac: u64;
  parent: Ptr<Capability>;
  firstChild: Ptr<Capability>;
  nextSibling: Ptr<Capability>;
  previousSibling: Ptr<Capability>;
  /** Neighbours in the holder's table. */
  next: Ptr<Capability>;
  previous: Ptr<Capability>;
  depth: u32;
  /** Bits of a scope's meaning that userland defines. */
  scopeMask: u32;
  scope0: u64;
  scope1: u64;
  scope2: u64;
  scope3: u64;
}
