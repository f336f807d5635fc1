/** The devices of the machine, as the bus and the event queue name them. */
export const DEVICE_LAPIC: u16 = 1;
export const DEVICE_IOAPIC: u16 = 2;
export const DEVICE_PIC: u16 = 3;
export const DEVICE_PIT: u16 = 4;
export const DEVICE_HPET: u16 = 5;
export const DEVICE_RTC: u16 = 6;
export const DEVICE_UART: u16 = 7;
export const DEVICE_POWER: u16 = 8;
export const DEVICE_ECAM: u16 = 9;
export const DEVICE_PCI_PORTS: u16 = 10;
/** A memory or I/O BAR of a PCI function; the PCI core passes it on. */
export const DEVICE_PCI_BAR: u16 = 11;
export const DEVICE_IOMMU: u16 = 12;
export const DEVICE_COPROCESSOR: u16 = 13;

/** Event kinds: which handler a slot's event calls. */
export const EVENT_LAPIC_TIMER: u16 = 1;
export const EVENT_PIT: u16 = 2;
export const EVENT_HPET: u16 = 3;
export const EVENT_RTC: u16 = 4;
export const EVENT_UART: u16 = 5;
export const EVENT_POWER: u16 = 6;
export const EVENT_NVME: u16 = 8;
export const EVENT_AHCI: u16 = 9;
export const EVENT_NIC: u16 = 10;
