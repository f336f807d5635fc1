/**
 * Virtio 1.2 (OASIS): PCI transport, split virtqueues and the network device. Feature bits are
 * given by their numbers.
 */

/** PCI identity of the network device, modern only (4.1.2): 1040h + device type 1. */
export const VIRTIO_VENDOR = 0x1af4;
export const VIRTIO_NET_DEVICE = 0x1041;
/** Class 02h 00h: Ethernet controller; a modern device has revision 1 or more. */
export const VIRTIO_NET_CLASS_REVISION = 0x0200_0001;
/** BARs of this device: MSI-X in one, everything else in the other. */
export const VIRTIO_BAR_MSIX = 1;
export const VIRTIO_BAR = 4;
export const VIRTIO_BAR_BYTES = 0x4000;
export const VIRTIO_COMMON_OFFSET = 0x0000;
export const VIRTIO_ISR_OFFSET = 0x1000;
export const VIRTIO_DEVICE_OFFSET = 0x2000;
export const VIRTIO_NOTIFY_OFFSET = 0x3000;
export const VIRTIO_NOTIFY_MULTIPLIER = 4;

// Types of the vendor-specific capabilities (4.1.4), and offsets in them.
export const VIRTIO_CAP_COMMON = 1;
export const VIRTIO_CAP_NOTIFY = 2;
export const VIRTIO_CAP_ISR = 3;
export const VIRTIO_CAP_DEVICE = 4;
export const VIRTIO_CAP_PCI = 5;
export const VIRTIO_CAP_LENGTH = 2;
export const VIRTIO_CAP_TYPE = 3;
export const VIRTIO_CAP_BAR = 4;
export const VIRTIO_CAP_OFFSET = 8;
export const VIRTIO_CAP_BYTES = 12;
export const VIRTIO_CAP_MULTIPLIER = 16;
export const VIRTIO_CAP_DATA = 16;

// Common configuration structure (4.1.4.3).
export const COMMON_DEVICE_FEATURE_SELECT = 0x00;
export const COMMON_DEVICE_FEATURE = 0x04;
export const COMMON_DRIVER_FEATURE_SELECT = 0x08;
export const COMMON_DRIVER_FEATURE = 0x0c;
export const COMMON_CONFIG_VECTOR = 0x10;
export const COMMON_QUEUES = 0x12;
export const COMMON_STATUS = 0x14;
export const COMMON_GENERATION = 0x15;
export const COMMON_QUEUE_SELECT = 0x16;
export const COMMON_QUEUE_SIZE = 0x18;
export const COMMON_QUEUE_VECTOR = 0x1a;
export const COMMON_QUEUE_ENABLE = 0x1c;
export const COMMON_QUEUE_NOTIFY = 0x1e;
export const COMMON_QUEUE_DESCRIPTORS = 0x20;
export const COMMON_QUEUE_DRIVER = 0x28;
export const COMMON_QUEUE_DEVICE = 0x30;
export const COMMON_BYTES = 0x38;

// Device status (2.1).
export const STATUS_ACKNOWLEDGE = 0x01;
export const STATUS_DRIVER = 0x02;
export const STATUS_DRIVER_OK = 0x04;
export const STATUS_FEATURES_OK = 0x08;
export const STATUS_NEEDS_RESET = 0x40;
export const STATUS_FAILED = 0x80;

// Feature bits (5.1.3, 6).
export const NET_F_MAC = 5;
export const NET_F_STATUS = 16;
export const F_INDIRECT_DESC = 28;
export const F_EVENT_IDX = 29;
export const F_VERSION_1 = 32;
export const F_ACCESS_PLATFORM = 33;

/** ISR status (4.1.4.5). */
export const ISR_QUEUE = 0x1;
export const ISR_CONFIG = 0x2;
/** No MSI-X vector is assigned. */
export const NO_VECTOR = 0xffff;

/*
 * Descriptor (2.7.5), 16 bytes: address u64, length u32, flags u16, next u16.
 *
 * Available ring (2.7.6): flags u16, index u16, then an entry (u16) a descriptor, used_event u16.
 * Used ring (2.7.8): flags u16, index u16, then { id u32, length u32 } a descriptor, avail_event u16.
 */
export const DESCRIPTOR_BYTES = 16;
export const DESCRIPTOR_NEXT = 1;
export const DESCRIPTOR_WRITE = 2;
export const DESCRIPTOR_INDIRECT = 4;
export const AVAIL_NO_INTERRUPT = 1;
export const USED_NO_NOTIFY = 1;
export const RING_INDEX = 2;
export const RING_ENTRIES = 4;
export const USED_ENTRY_BYTES = 8;

// Network device (5.1).
export const NET_QUEUE_RECEIVE = 0;
export const NET_QUEUE_TRANSMIT = 1;
export const NET_CONFIG_MAC = 0;
export const NET_CONFIG_STATUS = 6;
export const NET_STATUS_LINK_UP = 1;
/** Header before each frame; its last two bytes count the buffers of a received frame (5.1.6). */
export const NET_HEADER_BYTES = 12;
export const NET_HEADER_BUFFERS = 10;
/** Ethernet: header alone, and header, VLAN tag and 1,500 bytes; without the checksum. */
export const FRAME_BYTES_MIN = 14;
export const FRAME_BYTES_MAX = 1518;
