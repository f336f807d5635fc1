/**
 * Local APIC: registers and fields (Intel SDM 3A, 10 "Advanced Programmable Interrupt Controller").
 * Offsets are those of the xAPIC page; the x2APIC MSR of a register is 0x800 + offset / 16.
 */
export const APIC_ID = 0x020;
export const APIC_VERSION = 0x030;
export const APIC_TPR = 0x080;
export const APIC_APR = 0x090;
export const APIC_PPR = 0x0a0;
export const APIC_EOI = 0x0b0;
export const APIC_RRD = 0x0c0;
export const APIC_LDR = 0x0d0;
export const APIC_DFR = 0x0e0;
export const APIC_SVR = 0x0f0;
/** Eight registers each, 32 vectors a register. */
export const APIC_ISR = 0x100;
export const APIC_TMR = 0x180;
export const APIC_IRR = 0x200;
export const APIC_ESR = 0x280;
export const APIC_ICR_LOW = 0x300;
export const APIC_ICR_HIGH = 0x310;
export const APIC_LVT_TIMER = 0x320;
export const APIC_LVT_THERMAL = 0x330;
export const APIC_LVT_PERFORMANCE = 0x340;
export const APIC_LVT_LINT0 = 0x350;
export const APIC_LVT_LINT1 = 0x360;
export const APIC_LVT_ERROR = 0x370;
export const APIC_TIMER_INITIAL = 0x380;
export const APIC_TIMER_CURRENT = 0x390;
export const APIC_TIMER_DIVIDE = 0x3e0;
/** x2APIC only. */
export const APIC_SELF_IPI = 0x3f0;

export const X2APIC_MSR_FIRST = 0x800;
export const MSR_APIC_BASE = 0x1b;
export const MSR_TSC_DEADLINE = 0x6e0;

/** IA32_APIC_BASE: bit 8 bootstrap processor, 10 x2APIC mode, 11 enabled, 12.. page address. */
export const APIC_BASE_BSP = 0x100;
export const APIC_BASE_EXTD = 0x400;
export const APIC_BASE_ENABLE = 0x800;

/** Version 0x14 (integrated APIC), six LVT entries. */
export const APIC_VERSION_VALUE = 0x0005_0014;

export const SVR_ENABLE = 0x100;

/**
 * Local vector table entry.
 *
 *   18-17 timer mode | 16 mask | 15 trigger | 14 remote IRR | 13 polarity | 12 delivery status
 *   10-8 delivery mode | 7-0 vector
 */
export const LVT_MASKED = 0x1_0000;
export const LVT_LEVEL = 0x8000;
export const LVT_REMOTE_IRR = 0x4000;
export const LVT_TIMER_MODE_SHIFT = 17;
export const TIMER_ONE_SHOT = 0;
export const TIMER_PERIODIC = 1;
export const TIMER_TSC_DEADLINE = 2;

/**
 * Interrupt command register, low half; the destination is above (bits 63-56, x2APIC 63-32).
 *
 *   19-18 shorthand | 15 trigger | 14 level | 12 delivery status | 11 logical | 10-8 mode | 7-0 vector
 */
export const DELIVERY_FIXED = 0;
export const DELIVERY_LOWEST = 1;
export const DELIVERY_SMI = 2;
export const DELIVERY_NMI = 4;
export const DELIVERY_INIT = 5;
export const DELIVERY_STARTUP = 6;
export const DELIVERY_EXTINT = 7;
export const DELIVERY_SHIFT = 8;
export const ICR_LOGICAL = 0x800;
export const ICR_BUSY = 0x1000;
export const ICR_LEVEL_ASSERT = 0x4000;
export const ICR_TRIGGER_LEVEL = 0x8000;
export const ICR_SHORTHAND_SHIFT = 18;
export const SHORTHAND_NONE = 0;
export const SHORTHAND_SELF = 1;
export const SHORTHAND_ALL = 2;
export const SHORTHAND_OTHERS = 3;

/** Error status register (10.5.3). */
export const ESR_SEND_ILLEGAL_VECTOR = 0x20;
export const ESR_RECEIVE_ILLEGAL_VECTOR = 0x40;
export const ESR_ILLEGAL_REGISTER = 0x80;

/**
 * Message-signalled interrupt (10.11).
 *
 *   address: 31-20 = 0xfee | 19-12 destination | 3 redirection hint | 2 logical
 *   data:    15 trigger | 14 level | 10-8 delivery mode | 7-0 vector
 */
export const MESSAGE_PREFIX = 0xfee;
export const MESSAGE_LOGICAL = 0x4;
export const MESSAGE_REDIRECT = 0x8;
export const MESSAGE_ASSERT = 0x4000;
export const MESSAGE_LEVEL = 0x8000;
