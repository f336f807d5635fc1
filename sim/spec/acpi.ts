/** ACPI 6.3: the fixed hardware registers of the platform and the tables' fields that two sides use. */

/** PM1 status and enable registers (4.8.3.1): bit n of one enables bit n of the other. */
export const PM1_TIMER = 0x0001;
export const PM1_GLOBAL_LOCK = 0x0020;
export const PM1_POWER_BUTTON = 0x0100;
export const PM1_RTC = 0x0400;

/** PM1 control register (4.8.3.2). */
export const PM1_SCI_ENABLE = 0x0001;
export const PM1_BUS_MASTER_RELOAD = 0x0002;
export const PM1_SLEEP_TYPE_SHIFT = 10;
export const PM1_SLEEP_TYPE_MASK = 0x1c00;
export const PM1_SLEEP_ENABLE = 0x2000;
/** SLP_TYP of S5 on this platform, as \_S5 in the DSDT has it. */
export const SLEEP_TYPE_S5 = 0;

/** Offsets of the registers from PM1_EVENT_PORT. */
export const PM1_STATUS_AT = 0;
export const PM1_ENABLE_AT = 2;
export const PM1_CONTROL_AT = 4;
export const PM_TIMER_AT = 8;
export const PM_PORTS = 12;

/** The PM timer counts at three times the NTSC colour burst (4.8.3.3). */
export const PM_TIMER_HZ = 3_579_545;

/** Reset control register, I/O port 0xCF9 (Intel ICH9 data sheet, 13.7.5). */
export const RESET_SYSTEM = 0x02;
export const RESET_CPU = 0x04;
export const RESET_FULL = 0x08;
/** What the FADT names as RESET_VALUE: a hard reset. */
export const RESET_VALUE = RESET_SYSTEM + RESET_CPU;

/** pvpanic events (QEMU docs/specs/pvpanic). */
export const PVPANIC_PANICKED = 0x01;
export const PVPANIC_CRASH_LOADED = 0x02;

/** Fields that all tables begin with (5.2.6). */
export const TABLE_LENGTH_AT = 4;
export const TABLE_REVISION_AT = 8;
export const TABLE_CHECKSUM_AT = 9;
export const TABLE_HEADER_BYTES = 36;

/** FADT (5.2.9). */
export const FADT_FACS_AT = 36;
export const FADT_DSDT_AT = 40;
export const FADT_SCI_AT = 46;
export const FADT_PM1A_EVENT_AT = 56;
export const FADT_PM1A_CONTROL_AT = 64;
export const FADT_PM_TIMER_AT = 76;
export const FADT_PM1_EVENT_BYTES_AT = 88;
export const FADT_PM1_CONTROL_BYTES_AT = 89;
export const FADT_PM_TIMER_BYTES_AT = 91;
export const FADT_CENTURY_AT = 108;
export const FADT_BOOT_FLAGS_AT = 109;
export const FADT_FLAGS_AT = 112;
export const FADT_RESET_AT = 116;
export const FADT_RESET_VALUE_AT = 128;
export const FADT_MINOR_AT = 131;
export const FADT_X_FACS_AT = 132;
export const FADT_X_DSDT_AT = 140;
export const FADT_X_PM1A_EVENT_AT = 148;
export const FADT_X_PM1A_CONTROL_AT = 172;
export const FADT_X_PM_TIMER_AT = 208;
export const FADT_BYTES = 276;
export const FADT_FLAG_TIMER_32_BIT = 0x100;
export const FADT_FLAG_RESET_REGISTER = 0x400;

/** Address spaces of a Generic Address Structure (5.2.3.2). */
export const GAS_MEMORY = 0;
export const GAS_IO = 1;
export const GAS_BYTES = 12;

/** MADT (5.2.12): entries begin here; their first two bytes are type and length. */
export const MADT_LAPIC_ADDRESS_AT = 36;
export const MADT_FLAGS_AT = 40;
export const MADT_ENTRIES_AT = 44;
export const MADT_LAPIC = 0;
export const MADT_IOAPIC = 1;
export const MADT_OVERRIDE = 2;
export const MADT_LAPIC_NMI = 4;
export const MADT_LAPIC_ADDRESS = 5;
export const MADT_X2APIC = 9;
/** Flags of a processor. */
export const MADT_ENABLED = 0x1;
export const MADT_ONLINE_CAPABLE = 0x2;
/** MPS INTI flags of an override: polarity in bits 0-1, trigger mode in bits 2-3. */
export const MPS_ACTIVE_HIGH = 0x1;
export const MPS_ACTIVE_LOW = 0x3;
export const MPS_EDGE = 0x4;
export const MPS_LEVEL = 0xc;

/** MCFG (PCI Firmware 3.2, 4.1.2): entries of 16 bytes. */
export const MCFG_ENTRIES_AT = 44;
export const MCFG_ENTRY_BYTES = 16;

/** HPET (IA-PC HPET 1.0a, 3.2.4). */
export const HPET_ADDRESS_AT = 40;
export const HPET_TABLE_BYTES = 56;

/** DMAR (Intel VT-d 4.1, 8.1 to 8.3). */
export const DMAR_WIDTH_AT = 36;
export const DMAR_FLAGS_AT = 37;
export const DMAR_ENTRIES_AT = 48;
export const DMAR_INTERRUPTS = 0x1;
export const DMAR_DRHD = 0;
export const DRHD_INCLUDE_PCI_ALL = 1;
export const DRHD_BYTES = 16;
/** Device scopes of a unit, with a path of one device and function (8.3.1). */
export const SCOPE_IOAPIC = 3;
export const SCOPE_HPET = 4;
export const SCOPE_BYTES = 8;
