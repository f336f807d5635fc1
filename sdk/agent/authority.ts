/** Capabilities, pools, and chance. */
import { RIGHTS_ALL } from "../../kernel/cap/rights.ts";
import * as cap from "../../kernel/syscall/cap_layouts.ts";
import type { Integer } from "../../sim/host/programs.ts";
import { type Step, Structure } from "./calls.ts";
import { Endpoints } from "./endpoints.ts";

export interface Derivation {
  /** Capability to the agent that gets it; default the caller. */
  readonly holder?: number;
  readonly rights?: number;
  /** Virtual time in ns; default the same as the old one's. */
  readonly expiry?: Integer;
  /** For a scope: text that begins with the old one's, and a mask within the old one's. */
  readonly scope?: { readonly bytes: Uint8Array; readonly mask: number };
}

export class Authority extends Endpoints {
  /** A capability with at most the rights, time and scope of another one. */
  *derive(from: number, options: Derivation = {}): Step<number> {
    const { holder = 0, rights = RIGHTS_ALL, expiry = 0, scope } = options;
    const wanted = new Structure(cap.DERIVE_BYTES)
      .setU64(cap.DERIVE_HOLDER, holder)
      .setU32(cap.DERIVE_RIGHTS, rights)
      .setU64(cap.DERIVE_EXPIRY, expiry);
    if (scope) {
      wanted.setU32(cap.DERIVE_MASK, scope.mask).setU32(cap.DERIVE_SCOPE_BYTES, scope.bytes.length);
      wanted.bytes.set(scope.bytes.subarray(0, 32), cap.DERIVE_SCOPE);
    }
    return (yield* this.call("CAP_DERIVE", from, yield* this.put(wanted.bytes))).value;
  }

  /** Takes the authority of all that was derived from a capability; how many there were. */
  *revoke(capability: number): Step<number> {
    return (yield* this.call("CAP_REVOKE", capability, cap.REVOKE_DESCENDANTS)).value;
  }

  /** Gives a capability up, and with it all that was derived from it. */
  *drop(capability: number): Step<number> {
    return (yield* this.call("CAP_REVOKE", capability, cap.REVOKE_ITSELF)).value;
  }

  /** A pool of so many bytes, cut out of another one. */
  *createPool(bytes: Integer, from: number = this.pool): Step<number> {
    return (yield* this.call("AGENT_POOL_ALLOC", from, bytes)).value;
  }

  /** Bytes of the agent's own random stream; up to 256. */
  *random(bytes: number): Step<Uint8Array> {
    const at = yield* this.scratch();
    yield* this.call("RANDOM_GET", this.self, at, bytes);
    return yield* this.load(at, bytes);
  }
}
