/**
 * Where the platform's devices answer: a PC of the Q35 kind. Physical addresses, I/O ports and
 * global system interrupts; what the guest learns of them, it learns from the ACPI tables.
 */
export const IOAPIC_BASE = 0xfec0_0000;
export const HPET_BASE = 0xfed0_0000;
export const IOMMU_BASE = 0xfed9_0000;
export const LAPIC_BASE = 0xfee0_0000;
/**
 * Source-ids of the interrupt requests of devices that are no PCI functions, on a bus that the board
 * doesn't have: f0:1f.0 and f0:0f.0, as Intel's 100 series chipsets have them (P2SB: IBDF, HBDF).
 */
export const IOAPIC_REQUESTER = 0xf0f8;
export const HPET_REQUESTER = 0xf078;

/** PCI Express configuration space (ECAM), 256 buses of 1 MiB. */
export const ECAM_BASE = 0xb000_0000;
export const ECAM_BYTES = 0x1000_0000;
/** Window for 32-bit BARs. */
export const PCI_MEMORY_BASE = 0xc000_0000;
export const PCI_MEMORY_END = 0xfec0_0000;
/** Window for 64-bit prefetchable BARs. */
export const PCI_HIGH_BASE = 0x80_0000_0000;
export const PCI_HIGH_BYTES = 0x40_0000_0000;
/** Window for I/O BARs. */
export const PCI_IO_BASE = 0xc000;
export const PCI_IO_BYTES = 0x3000;

export const PIC_MASTER_PORT = 0x20;
export const PIC_SLAVE_PORT = 0xa0;
export const PIC_EDGE_PORT = 0x4d0;
export const PIT_PORT = 0x40;
export const SYSTEM_CONTROL_PORT = 0x61;
export const RTC_PORT = 0x70;
/** Takes the x87's interrupt back. */
export const COPROCESSOR_PORT = 0xf0;
export const UART_PORT = 0x3f8;
export const PVPANIC_PORT = 0x505;
export const PM1_EVENT_PORT = 0x600;
export const PM1_CONTROL_PORT = 0x604;
export const PM_TIMER_PORT = 0x608;
export const PCI_ADDRESS_PORT = 0xcf8;
export const RESET_PORT = 0xcf9;
export const PCI_DATA_PORT = 0xcfc;

export const GSI_PIT = 2;
export const GSI_UART = 4;
export const GSI_RTC = 8;
export const GSI_SCI = 9;
export const GSI_COPROCESSOR = 13;
/** INTA-INTD of slot n on bus 0 go to GSI 16 + (n + pin - 1) mod 4, pin from 1. */
export const GSI_PCI_FIRST = 16;
export const GSI_COUNT = 24;

/** Physical addresses of what the firmware leaves in low RAM. */
export const START_INFO_ADDRESS = 0x6000;
export const MEMORY_MAP_ADDRESS = 0x6100;
/** What the loaders of guests leave there: descriptors, page tables, information, command line. */
export const GUEST_GDT_ADDRESS = 0x7000;
export const GUEST_GDT_BYTES = 32;
export const GUEST_TABLES_ADDRESS = 0x8000;
export const GUEST_INFO_ADDRESS = 0x1_0000;
export const GUEST_COMMAND_LINE_ADDRESS = 0x2_0000;
export const ACPI_TABLES_ADDRESS = 0xe_0000;
export const ACPI_TABLES_BYTES = 0x2_0000;
/** kernel.wasm's constants lie here; 1 MiB is set aside for them and for the kernel's root data. */
export const KERNEL_ADDRESS = 0x10_0000;
export const KERNEL_BYTES = 0x10_0000;

/** One cycle of virtual time is 1 ns: the TSC and the APIC timer count at 1 GHz. */
export const CYCLES_PER_SECOND = 1_000_000_000;
