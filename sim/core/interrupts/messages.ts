/** Interrupt messages: memory writes to 0xFEEx_xxxx (Intel SDM 3A, 10.11). */
import {
  DELIVERY_EXTINT,
  DELIVERY_FIXED,
  DELIVERY_INIT,
  DELIVERY_LOWEST,
  DELIVERY_NMI,
  DELIVERY_SHIFT,
  MESSAGE_ASSERT,
  MESSAGE_LEVEL,
  MESSAGE_LOGICAL,
  MESSAGE_PREFIX,
  MESSAGE_REDIRECT,
} from "../../spec/apic";
import { deliverToSet, destinationSet } from "./ipi";

/** Delivery modes that a message may have; SMI finds nobody, the rest are reserved. */
@inline
function modeAllowed(mode: u32): bool {
  return (
    mode <= <u32>DELIVERY_LOWEST ||
    mode == DELIVERY_NMI ||
    mode == DELIVERY_INIT ||
    mode == DELIVERY_EXTINT
  );
}

/** Delivers a message in compatibility format; whether a local APIC accepted it. */
export function acceptMessage(address: u64, data: u32): bool {
  if (address >> 20 != MESSAGE_PREFIX) return false;
  const level = (data & MESSAGE_LEVEL) != 0;
  // De-assert messages of a level-triggered source end nothing here: EOI does.
  if (level && !(data & MESSAGE_ASSERT)) return false;
  const destination = <u32>(address >> 12) & 0xff;
  return acceptInterrupt(destination, false, <u32>address, (data >> DELIVERY_SHIFT) & 7, data & 0xff, level);
}

/**
 * Delivers an interrupt to the local APICs that a destination names; whether one accepted it.
 * @param wide the destination has 32 bits, as x2APIC IDs have, and not 8
 * @param hints MESSAGE_LOGICAL and MESSAGE_REDIRECT; other bits are ignored
 */
export function acceptInterrupt(
  destination: u32,
  wide: bool,
  hints: u32,
  mode: u32,
  vector: u32,
  level: bool,
): bool {
  if (!modeAllowed(mode)) return false;
  const logical = (hints & MESSAGE_LOGICAL) != 0;
  // The redirection hint lets a fixed interrupt go to the least busy of a logical group.
  if (logical && (hints & MESSAGE_REDIRECT) != 0 && mode == DELIVERY_FIXED) mode = DELIVERY_LOWEST;
  return deliverToSet(destinationSet(destination, logical, wide), mode, vector, level);
}
