/** Registers of the high precision event timer (IA-PC HPET 1.0a, 2.3). */
/** General capabilities and identification, 64 bits; the period in femtoseconds is in 63-32. */
export const HPET_CAPABILITIES = 0x000;
export const HPET_CONFIGURATION = 0x010;
export const HPET_STATUS = 0x020;
export const HPET_COUNTER = 0x0f0;
/** Timer n's registers begin at HPET_TIMER + n * HPET_TIMER_BYTES. */
export const HPET_TIMER = 0x100;
export const HPET_TIMER_BYTES = 0x20;
export const HPET_TIMER_CONFIGURATION = 0x00;
export const HPET_TIMER_COMPARATOR = 0x08;
/** Value in 31-0, address in 63-32. */
export const HPET_TIMER_FSB = 0x10;
export const HPET_BYTES = 0x400;

/** Capabilities: index of the last timer in 12-8. */
export const HPET_CAP_TIMERS_SHIFT = 8;
export const HPET_CAP_64BIT = 1 << 13;
export const HPET_CAP_LEGACY = 1 << 15;
/** 10 ns: 100 MHz. */
export const HPET_PERIOD_FEMTOSECONDS = 10_000_000;

/** General configuration. */
export const HPET_ENABLE = 1 << 0;
export const HPET_LEGACY = 1 << 1;

/** Timer configuration and capability. */
export const HPET_TIMER_LEVEL = 1 << 1;
export const HPET_TIMER_INTERRUPT = 1 << 2;
export const HPET_TIMER_PERIODIC = 1 << 3;
export const HPET_TIMER_PERIODIC_CAP = 1 << 4;
export const HPET_TIMER_64BIT_CAP = 1 << 5;
export const HPET_TIMER_VALUE_SET = 1 << 6;
export const HPET_TIMER_32BIT = 1 << 8;
export const HPET_TIMER_ROUTE_SHIFT = 9;
export const HPET_TIMER_FSB_ENABLE = 1 << 14;
export const HPET_TIMER_FSB_CAP = 1 << 15;
