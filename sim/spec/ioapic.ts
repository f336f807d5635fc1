/**
 * I/O APIC (Intel 82093AA data sheet; EOI register: Intel ICH9 data sheet, 13.5).
 */
/** Memory-mapped: index of the register that the window shows, the window, end of interrupt. */
export const IOAPIC_INDEX = 0x00;
export const IOAPIC_WINDOW = 0x10;
export const IOAPIC_EOI = 0x40;

/** Registers behind the window. */
export const IOAPIC_REG_ID = 0x00;
export const IOAPIC_REG_VERSION = 0x01;
export const IOAPIC_REG_ARBITRATION = 0x02;
/** Low half of entry n at 0x10 + 2 n, high half one above. */
export const IOAPIC_REG_REDIRECTION = 0x10;
export const IOAPIC_ENTRIES = 24;
/** 24 entries, version 0x20. */
export const IOAPIC_VERSION_VALUE = 0x0017_0020;

/**
 * Redirection entry, low half (the destination is in bits 63-56).
 *
 *   16 mask | 15 level | 14 remote IRR | 13 active low | 12 delivery status | 11 logical
 *   10-8 delivery mode | 7-0 vector
 */
export const IOAPIC_MASKED = 0x1_0000;
export const IOAPIC_LEVEL = 0x8000;
export const IOAPIC_REMOTE_IRR = 0x4000;
export const IOAPIC_ACTIVE_LOW = 0x2000;
export const IOAPIC_PENDING = 0x1000;
export const IOAPIC_LOGICAL = 0x800;
