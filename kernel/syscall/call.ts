/**
 * A system call on its way through the kernel.
 *
 * Every call has the same shape, `(call: Call) => status`: the dispatcher has checked the capability
 * that the call names, the function reads its arguments, checks them all, and only then changes
 * anything. What it returns is a code of status.ts; `call.value` is its second result.
 */
import { Agent } from "../agent/agent";
import { Capability } from "../cap/capability";
import { Ptr } from "../state";

@unmanaged
export class Call {
  number: u32;
  /** Index of the CPU that runs the caller. */
  cpu: u32;
  /** What the caller put into RDI, RSI, RDX, R10, R8, R9. */
  capability: u64;
  a1: u64;
  a2: u64;
  a3: u64;
  a4: u64;
  a5: u64;
  /** Goes back in RDX. */
  value: u64;
  /** The caller. */
  agent: Ptr<Agent>;
  /** The capability, and the object that it names (0 for a scope), once they were checked. */
  held: Ptr<Capability>;
  object: usize;
  /** What the call has made so far. */
  made: usize;
}

@inline
export function callerOf(call: Call): Agent {
  return changetype<Agent>(call.agent);
}
