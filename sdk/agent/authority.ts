/** Capabilities, tokens, pools, and chance. */
import { RIGHTS_ALL } from "../../kernel/cap/rights.ts";
import * as cap from "../../kernel/syscall/cap_layouts.ts";
import type { Integer } from "../../sim/host/programs.ts";
import { type Step, Structure } from "./calls.ts";
import { Endpoints } from "./endpoints.ts";
import { type StatusName, statusName } from "./error.ts";

/** What only userland understands (docs/syscalls.md, Scopes): up to 32 bytes, and 32 bits. */
export interface Scope {
  readonly bytes: Uint8Array;
  readonly mask: number;
}

/** What a token is to be good for. */
export interface Question {
  readonly rights?: number;
  readonly scope?: Scope;
  /** Identifier of the agent that shows it; whoever it is when left out. */
  readonly holder?: number;
}

export interface Derivation {
  /** Capability to the agent that gets it; default the caller. */
  readonly holder?: number;
  readonly rights?: number;
  /** Virtual time in ns; default the same as the old one's. */
  readonly expiry?: Integer;
  /** For a scope: text that begins with the old one's, and a mask within the old one's. */
  readonly scope?: Scope;
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

  /** A capability as bytes that prove to others that the caller holds it. */
  *token(capability: number): Step<Uint8Array> {
    const at = yield* this.scratch();
    yield* this.call("CAP_INSPECT", capability, at);
    return yield* this.load(at, cap.TOKEN_BYTES);
  }

  /** What is wrong with a token, asked with any capability of the caller's; "OK" for nothing. */
  *judge(token: Uint8Array, { rights = 0, scope, holder = 0 }: Question = {}): Step<StatusName> {
    const asked = new Structure(cap.TOKEN_BYTES + cap.SCOPE_BYTES);
    asked.bytes.set(token.subarray(0, cap.TOKEN_BYTES));
    if (scope) {
      asked
        .setU32(cap.TOKEN_BYTES + cap.SCOPE_MASK, scope.mask)
        .setU32(cap.TOKEN_BYTES + cap.SCOPE_LENGTH, scope.bytes.length);
      asked.bytes.set(scope.bytes.subarray(0, 32), cap.TOKEN_BYTES + cap.SCOPE_TEXT);
    }
    const at = yield* this.put(asked.bytes);
    const scopeAt = scope ? at + cap.TOKEN_BYTES : 0;
    const { value } = yield* this.call("CAP_INSPECT", this.self, 0, at, rights, scopeAt, holder);
    return statusName(value);
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
