/**
 * Tokens: a capability as bytes that agents may show each other. Having them gives no authority: a
 * token is bound to the agent that holds the capability, and only the kernel can make one or say
 * whether it is worth something. Layout, little endian (kernel/syscall/layouts.ts has the offsets):
 *
 *    0  id          u64        40  rights       u32
 *    8  agent       u64        44  kind         u16
 *   16  object      u64        46  scope bytes  u16
 *   24  expiry      u64        48  scope mask   u32
 *   32  epoch       u64        52  0            u32
 *   56  scope       32 bytes
 *   88  MAC         u64, SipHash-2-4 of the 88 bytes before it
 */
import { sipHash } from "../../sim/lib/siphash";
import { KIND_CAPABILITY } from "../object/kinds";
import { objectFind } from "../object/slab";
import {
  STATUS_CAPABILITY_FOREIGN,
  STATUS_CAPABILITY_FORGED,
  STATUS_CAPABILITY_STALE,
  STATUS_OBJECT_GONE,
  STATUS_OK,
} from "../syscall/status";
import { authorityStatus, targetLives, targetOver } from "./authorize";
import { Capability, scopeOf } from "./capability";
import { entropy } from "./entropy";

@unmanaged
export class Token {
  id: u64;
  agent: u64;
  object: u64;
  expiry: u64;
  epoch: u64;
  rights: u32;
  kind: u16;
  scopeBytes: u16;
  scopeMask: u32;
  reserved: u32;
  scope0: u64;
  scope1: u64;
  scope2: u64;
  scope3: u64;
  mac: u64;
}

const COVERED: usize = offsetof<Token>("mac");

/** MAC of the token at `at`, under the key of this boot. */
function macOf(at: usize): u64 {
  return sipHash(entropy().macKey0, entropy().macKey1, at, COVERED);
}

/** Writes the token of `held` to linear address `at`. */
export function tokenMake(held: Capability, at: usize): void {
  const token = changetype<Token>(at);
  token.id = held.id;
  token.agent = held.agent;
  token.object = held.object;
  token.expiry = held.expiry;
  token.epoch = held.epoch;
  token.rights = held.rights;
  token.kind = held.kind;
  token.scopeBytes = held.scopeBytes;
  token.scopeMask = held.scopeMask;
  token.reserved = 0;
  memory.copy(at + offsetof<Token>("scope0"), scopeOf(held), offsetof<Token>("mac") - offsetof<Token>("scope0"));
  token.mac = held.checked != 0 ? held.mac : macOf(at);
}

/** The slot of `held` keeps the MAC of its token, which is at `at`. */
export function tokenKeep(held: Capability, at: usize): void {
  held.mac = changetype<Token>(at).mac;
  held.checked = 1;
}

/**
 * What the token at `at` is worth: whether the kernel made it in this boot, for the agent `shower`
 * (0: for anyone), and whether the capability has its authority still and its object can be used with
 * `rights`. `scratch` has room for another token.
 */
export function tokenStatus(at: usize, scratch: usize, shower: u64, rights: u64): u32 {
  const token = changetype<Token>(at);
  const found = objectFind(KIND_CAPABILITY, token.id);
  if (found == 0) return macOf(at) == token.mac ? STATUS_CAPABILITY_STALE : STATUS_CAPABILITY_FORGED;
  const held = changetype<Capability>(found);
  tokenMake(held, scratch);
  if (memory.compare(at, scratch, offsetof<Token>()) != 0) return STATUS_CAPABILITY_FORGED;
  if (shower != 0 && token.agent != shower) return STATUS_CAPABILITY_FOREIGN;
  const status = authorityStatus(held);
  if (status != STATUS_OK) return status;
  return targetLives(held) && !targetOver(held, rights) ? STATUS_OK : STATUS_OBJECT_GONE;
}
