/** Driver of an I/O APIC (Intel 82093AA data sheet). */
import { mmioRead32, mmioWrite32 } from "./machine";
import {
  IOAPIC_EOI,
  IOAPIC_INDEX,
  IOAPIC_LEVEL,
  IOAPIC_MASKED,
  IOAPIC_REG_REDIRECTION,
  IOAPIC_REG_VERSION,
  IOAPIC_REMOTE_IRR,
  IOAPIC_WINDOW,
} from "../../sim/spec/ioapic";

/** Version from which there is a register to end an interrupt by its vector. */
const VERSION_WITH_EOI: u32 = 0x20;

function read(base: u64, register: u32): u32 {
  mmioWrite32(base + IOAPIC_INDEX, register);
  return mmioRead32(base + IOAPIC_WINDOW);
}

function write(base: u64, register: u32, value: u32): void {
  mmioWrite32(base + IOAPIC_INDEX, register);
  mmioWrite32(base + IOAPIC_WINDOW, value);
}

@inline
function entry(pin: u32): u32 {
  return <u32>IOAPIC_REG_REDIRECTION + 2 * pin;
}

/** How many inputs it has: 1 to 240, or 0 when nobody answers at `base`. */
export function ioapicPins(base: u64): u32 {
  const version = read(base, IOAPIC_REG_VERSION);
  return version == 0xffff_ffff ? 0 : min(((version >> 16) & 0xff) + 1, 240);
}

/** Masks an input and frees an interrupt of it that was never ended. */
export function ioapicDisable(base: u64, pin: u32): void {
  const before = read(base, entry(pin));
  write(base, entry(pin), before | IOAPIC_MASKED);
  if (!(before & IOAPIC_REMOTE_IRR)) return;
  if ((read(base, IOAPIC_REG_VERSION) & 0xff) >= VERSION_WITH_EOI) {
    mmioWrite32(base + IOAPIC_EOI, before & 0xff);
    return;
  }
  // Older ones forget remote IRR when the entry is turned to edge.
  write(base, entry(pin), (before | IOAPIC_MASKED) & ~(<u32>IOAPIC_LEVEL));
}

/** Programs an input, masked while the halves differ, and unmasks it unless `low` says masked. */
export function ioapicRoute(base: u64, pin: u32, low: u32, destination: u32): void {
  write(base, entry(pin), low | IOAPIC_MASKED);
  write(base, entry(pin) + 1, destination << 24);
  if (!(low & IOAPIC_MASKED)) write(base, entry(pin), low);
}
