/** The state of one local APIC and its 256-bit vector registers (Intel SDM 3A, 10.4-10.8). */
import { allocateMany } from "../arena";
import { Cpu, cpuAt } from "../cpu/cpu";
import { machine } from "../machine";
import { APIC_BASE_ENABLE, APIC_BASE_EXTD, LVT_MASKED, SVR_ENABLE } from "../../spec/apic";

/** Local vector table entries in register order: timer, thermal, performance, LINT0, LINT1, error. */
export const LVT_TIMER: u32 = 0;
export const LVT_LINT0: u32 = 3;
export const LVT_ERROR: u32 = 5;
export const LVT_COUNT: u32 = 6;

@unmanaged
export class Lapic {
  /** IA32_APIC_BASE. */
  base: u64;
  id: u32;
  /** Bus region of this CPU's page plus one while it has been moved; 0 otherwise. */
  region: u32;
  tpr: u32;
  ldr: u32;
  dfr: u32;
  svr: u32;
  /** Errors as software sees them, and those since its last write to the register. */
  esr: u32;
  errors: u32;
  icrLow: u32;
  icrHigh: u32;

  // Vector n is bit n % 64 of word n / 64; the four words of a register lie side by side.
  isr0: u64;
  isr1: u64;
  isr2: u64;
  isr3: u64;
  tmr0: u64;
  tmr1: u64;
  tmr2: u64;
  tmr3: u64;
  irr0: u64;
  irr1: u64;
  irr2: u64;
  irr3: u64;

  lvt0: u32;
  lvt1: u32;
  lvt2: u32;
  lvt3: u32;
  lvt4: u32;
  lvt5: u32;

  timerInitial: u32;
  timerDivide: u32;
  /** The count was `timerCount` at time `timerStart`. */
  timerCount: u32;
  timerSlot: u32;
  timerStart: u64;
  /** Time of the next expiry; NEVER while the timer stands. */
  timerDue: u64;
  /** IA32_TSC_DEADLINE; 0 while not armed. */
  tscDeadline: u64;

  /** Level of the LINT0 pin, which the 8259's INT output drives. */
  lint0: u32;
  /** An ExtINT message has been accepted and waits for its acknowledge cycle. */
  extInt: u32;
}

export const ISR: usize = offsetof<Lapic>("isr0");
export const TMR: usize = offsetof<Lapic>("tmr0");
export const IRR: usize = offsetof<Lapic>("irr0");
const LVT: usize = offsetof<Lapic>("lvt0");

export function allocateLapics(): void {
  machine().lapics = allocateMany<Lapic>(machine().cpuCount);
}

@inline
export function lapicAt(index: u32): Lapic {
  return changetype<Lapic>(machine().lapics + <usize>index * offsetof<Lapic>());
}

@inline
export function lapicOf(cpu: Cpu): Lapic {
  return lapicAt(cpu.index);
}

/** The CPU to which the APIC belongs: the APIC ID is the CPU's index. */
@inline
export function cpuOf(lapic: Lapic): Cpu {
  return cpuAt(lapic.id);
}

@inline
export function isEnabled(lapic: Lapic): bool {
  return (lapic.base & APIC_BASE_ENABLE) != 0;
}

@inline
export function isX2apic(lapic: Lapic): bool {
  return (lapic.base & APIC_BASE_EXTD) != 0;
}

/** Enabled by software too: fixed interrupts are accepted (10.4.7.2). */
@inline
export function acceptsFixed(lapic: Lapic): bool {
  return isEnabled(lapic) && (lapic.svr & SVR_ENABLE) != 0;
}

/** Logical APIC ID of x2APIC mode: cluster in the high half, one bit of 16 in the low (10.12.10.2). */
@inline
export function logicalId(id: u32): u32 {
  return ((id >> 4) << 16) | ((<u32>1) << (id & 15));
}

@inline
export function lvt(lapic: Lapic, index: u32): u32 {
  return load<u32>(changetype<usize>(lapic) + LVT + ((<usize>index) << 2));
}

@inline
export function setLvt(lapic: Lapic, index: u32, value: u32): void {
  store<u32>(changetype<usize>(lapic) + LVT + ((<usize>index) << 2), value);
}

/** Sets the mask bit of every entry, as turning the APIC off by software does. */
export function maskLvts(lapic: Lapic): void {
  for (let index: u32 = 0; index < LVT_COUNT; index++)
    setLvt(lapic, index, lvt(lapic, index) | LVT_MASKED);
}

@inline
function wordAt(lapic: Lapic, register: usize, vector: u32): usize {
  return changetype<usize>(lapic) + register + ((<usize>(vector & 255) >> 6) << 3);
}

@inline
export function hasBit(lapic: Lapic, register: usize, vector: u32): bool {
  return ((load<u64>(wordAt(lapic, register, vector)) >> (vector & 63)) & 1) != 0;
}

@inline
export function setBit(lapic: Lapic, register: usize, vector: u32): void {
  const word = wordAt(lapic, register, vector);
  store<u64>(word, load<u64>(word) | ((<u64>1) << (vector & 63)));
}

@inline
export function clearBit(lapic: Lapic, register: usize, vector: u32): void {
  const word = wordAt(lapic, register, vector);
  store<u64>(word, load<u64>(word) & ~((<u64>1) << (vector & 63)));
}

/** The highest vector whose bit is set, or -1. */
export function highestBit(lapic: Lapic, register: usize): i32 {
  for (let index: i32 = 3; index >= 0; index--) {
    const word = load<u64>(changetype<usize>(lapic) + register + ((<usize>index) << 3));
    if (word != 0) return (index << 6) + 63 - <i32>clz(word);
  }
  return -1;
}

/** One 32-bit piece (0-7) of a vector register, as software reads it. */
@inline
export function vectorWord(lapic: Lapic, register: usize, piece: u32): u32 {
  return load<u32>(changetype<usize>(lapic) + register + ((<usize>(piece & 7)) << 2));
}
