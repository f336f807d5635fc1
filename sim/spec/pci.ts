/**
 * PCI configuration space: offsets and bits of the headers and capabilities (PCI Local Bus 3.0,
 * chapter 6; PCI-to-PCI Bridge 1.2, 3.2; PCI Express Base 5.0, chapter 7).
 */
export const PCI_VENDOR_ID = 0x00;
export const PCI_DEVICE_ID = 0x02;
export const PCI_COMMAND = 0x04;
export const PCI_STATUS = 0x06;
export const PCI_CLASS_REVISION = 0x08;
export const PCI_CACHE_LINE = 0x0c;
export const PCI_HEADER_TYPE = 0x0e;
export const PCI_BAR = 0x10;
export const PCI_SUBSYSTEM = 0x2c;
export const PCI_CAPABILITIES = 0x34;
export const PCI_INTERRUPT_LINE = 0x3c;
export const PCI_INTERRUPT_PIN = 0x3d;

export const PCI_COMMAND_IO = 0x0001;
export const PCI_COMMAND_MEMORY = 0x0002;
export const PCI_COMMAND_MASTER = 0x0004;
export const PCI_COMMAND_PARITY = 0x0040;
export const PCI_COMMAND_SERR = 0x0100;
export const PCI_COMMAND_INTX_DISABLE = 0x0400;

export const PCI_STATUS_INTERRUPT = 0x0008;
export const PCI_STATUS_CAPABILITIES = 0x0010;
/** Write-1-to-clear error bits of the status registers. */
export const PCI_STATUS_ERRORS = 0xf900;

export const PCI_HEADER_BRIDGE = 0x01;
export const PCI_HEADER_MULTIFUNCTION = 0x80;

// Type 1 header (PCI-to-PCI Bridge 1.2, 3.2.5).
export const PCI_PRIMARY_BUS = 0x18;
export const PCI_SECONDARY_BUS = 0x19;
export const PCI_SUBORDINATE_BUS = 0x1a;
export const PCI_IO_WINDOW_BASE = 0x1c;
export const PCI_IO_WINDOW_LIMIT = 0x1d;
export const PCI_SECONDARY_STATUS = 0x1e;
export const PCI_MEMORY_WINDOW_BASE = 0x20;
export const PCI_MEMORY_WINDOW_LIMIT = 0x22;
export const PCI_PREFETCH_WINDOW_BASE = 0x24;
export const PCI_PREFETCH_WINDOW_LIMIT = 0x26;
export const PCI_PREFETCH_BASE_HIGH = 0x28;
export const PCI_PREFETCH_LIMIT_HIGH = 0x2c;
export const PCI_IO_BASE_HIGH = 0x30;
export const PCI_IO_LIMIT_HIGH = 0x32;
export const PCI_BRIDGE_CONTROL = 0x3e;
export const PCI_BRIDGE_RESET = 0x0040;

// BAR bits (PCI Local Bus 3.0, 6.2.5.1).
export const PCI_BAR_IO = 0x1;
export const PCI_BAR_64 = 0x4;
export const PCI_BAR_PREFETCH = 0x8;

export const PCI_CAP_POWER = 0x01;
export const PCI_CAP_MSI = 0x05;
export const PCI_CAP_VENDOR = 0x09;
export const PCI_CAP_SUBSYSTEM = 0x0d;
export const PCI_CAP_EXPRESS = 0x10;
export const PCI_CAP_MSIX = 0x11;
export const PCI_CAP_SATA = 0x12;

// Power management (PCI Power Management 1.2, 3.2).
export const PCI_POWER_CONTROL = 4;
export const PCI_POWER_STATE = 0x0003;
export const PCI_POWER_NO_SOFT_RESET = 0x0008;

// MSI (PCI Local Bus 3.0, 6.8.1); the layout here is the one with 64-bit address and masks.
export const PCI_MSI_CONTROL = 2;
export const PCI_MSI_ADDRESS = 4;
export const PCI_MSI_ADDRESS_HIGH = 8;
export const PCI_MSI_DATA = 12;
export const PCI_MSI_MASK = 16;
export const PCI_MSI_PENDING = 20;
export const PCI_MSI_BYTES = 24;
export const PCI_MSI_ENABLE = 0x0001;
export const PCI_MSI_64 = 0x0080;
export const PCI_MSI_MASKABLE = 0x0100;

// MSI-X (PCI Local Bus 3.0, 6.8.2).
export const PCI_MSIX_CONTROL = 2;
export const PCI_MSIX_TABLE = 4;
export const PCI_MSIX_PBA = 8;
export const PCI_MSIX_BYTES = 12;
export const PCI_MSIX_FUNCTION_MASK = 0x4000;
export const PCI_MSIX_ENABLE = 0x8000;
export const PCI_MSIX_ENTRY_BYTES = 16;
export const PCI_MSIX_ENTRY_MASKED = 0x1;

// PCI Express capability (PCI Express Base 5.0, 7.5.3).
export const PCI_EXPRESS_FLAGS = 0x02;
export const PCI_EXPRESS_DEVICE_CAP = 0x04;
export const PCI_EXPRESS_DEVICE_CONTROL = 0x08;
export const PCI_EXPRESS_DEVICE_STATUS = 0x0a;
export const PCI_EXPRESS_LINK_CAP = 0x0c;
export const PCI_EXPRESS_LINK_CONTROL = 0x10;
export const PCI_EXPRESS_LINK_STATUS = 0x12;
export const PCI_EXPRESS_SLOT_CAP = 0x14;
export const PCI_EXPRESS_SLOT_CONTROL = 0x18;
export const PCI_EXPRESS_SLOT_STATUS = 0x1a;
export const PCI_EXPRESS_ROOT_CONTROL = 0x1c;
export const PCI_EXPRESS_ROOT_CAP = 0x1e;
export const PCI_EXPRESS_ROOT_STATUS = 0x20;
export const PCI_EXPRESS_DEVICE_CAP2 = 0x24;
export const PCI_EXPRESS_DEVICE_CONTROL2 = 0x28;
export const PCI_EXPRESS_LINK_CAP2 = 0x2c;
export const PCI_EXPRESS_LINK_CONTROL2 = 0x30;
export const PCI_EXPRESS_LINK_STATUS2 = 0x32;
export const PCI_EXPRESS_BYTES = 0x3c;

export const PCI_EXPRESS_ENDPOINT = 0x0;
export const PCI_EXPRESS_ROOT_PORT = 0x4;
export const PCI_EXPRESS_INTEGRATED = 0x9;

export const PCI_EXPRESS_FLR_CAPABLE = 0x1000_0000;
export const PCI_EXPRESS_FLR = 0x8000;
export const PCI_EXPRESS_LINK_ACTIVE = 0x2000;
export const PCI_EXPRESS_LINK_CHANGED = 0x0100;
export const PCI_EXPRESS_PRESENCE = 0x0040;
export const PCI_EXPRESS_PRESENCE_CHANGED = 0x0008;
export const PCI_EXPRESS_PRESENCE_ENABLE = 0x0008;
export const PCI_EXPRESS_HOTPLUG_ENABLE = 0x0020;
export const PCI_EXPRESS_LINK_ENABLE = 0x1000;
