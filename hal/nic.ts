/**
 * Network controllers: Ethernet frames out and in, by DMA through the driver's own buffers.
 *
 *   nicStart ──> NIC_STARTING ──nicAdvance──> NIC_READY <──> NIC_STARTING (the device gave up)
 *                     └────────────> NIC_FAILED <──┘
 *
 * Nothing here waits. The caller has assigned the BARs, made the function a bus master and routed
 * its vectors before `nicStart`; it calls `nicInterrupt` when one fires and `nicAdvance` no later
 * than `deadline`. A frame is a promise of nothing: one that can't be sent or kept is dropped and
 * counted, as on any network.
 */
import {
  virtioNetAdvance,
  virtioNetInterrupt,
  virtioNetReceive,
  virtioNetRelease,
  virtioNetSend,
  virtioNetStart,
  VIRTIO_NET_PAGES,
} from "./x86_64/virtio_net";

export const NIC_DRIVER_VIRTIO: u32 = 1;

export const NIC_STARTING: u32 = 1;
export const NIC_READY: u32 = 2;
export const NIC_FAILED: u32 = 3;

export const NIC_OK: u32 = 0;
export const NIC_ERROR_TIMEOUT: u32 = 1;
/** The function isn't what the driver is for, or lacks what it needs. */
export const NIC_ERROR_UNSUPPORTED: u32 = 2;
/** The device is gone from the bus: its registers read all ones. */
export const NIC_ERROR_VANISHED: u32 = 3;
/** The device answers in a way that its specification excludes, again and again. */
export const NIC_ERROR_PROTOCOL: u32 = 4;
export const NIC_ERROR_NOT_READY: u32 = 5;
/** All send buffers are in use: try again after a completion. */
export const NIC_ERROR_BUSY: u32 = 6;
/** Shorter than an Ethernet header or longer than NIC_FRAME_MAX. */
export const NIC_ERROR_ARGUMENT: u32 = 7;

export const NIC_NEVER: u64 = 0xffff_ffff_ffff_ffff;
/** Bytes of a frame without its checksum: header, VLAN tag, payload. */
export const NIC_FRAME_MIN: u32 = 14;
export const NIC_FRAME_MAX: u32 = 1518;

/** One controller. A driver's own structure begins with these fields (it extends this class). */
@unmanaged
export class NicController {
  driver: u32;
  state: u32;
  /** Why the state is NIC_FAILED. */
  error: u32;
  linkUp: u32;
  /** Physical address of the function's configuration space (ECAM). */
  configuration: u64;
  /** Physical address of the driver's DMA memory: zeroed, page-aligned, contiguous. */
  memory: u64;
  /** Vectors that the caller has routed: 3 (configuration, receive, transmit), or 0: polled. */
  vectors: u32;
  /** MAC address, first byte lowest. */
  mac: u64;
  /** Time (ns) by which `nicAdvance` must be called, or NIC_NEVER. */
  deadline: u64;
  /** Bytes of the frame that `nicReceive` returned. */
  frameBytes: u32;

  framesSent: u64;
  framesReceived: u64;
  bytesSent: u64;
  bytesReceived: u64;
  /** Frames that the device reported as received, but that are none. */
  framesBad: u64;
  resets: u32;
  timeouts: u32;
}

/** Pages of DMA memory that a driver needs. The first is its own, the device reaches the others. */
export function nicPages(driver: u32): u64 {
  return driver == NIC_DRIVER_VIRTIO ? VIRTIO_NET_PAGES : 0;
}

/** Begins to bring the controller up. */
export function nicStart(nic: NicController, now: u64): void {
  if (nic.driver == NIC_DRIVER_VIRTIO) virtioNetStart(nic, now);
}

/** Moves the start on, and restarts a device that has given up or stands still. */
export function nicAdvance(nic: NicController, now: u64): void {
  if (nic.driver == NIC_DRIVER_VIRTIO) virtioNetAdvance(nic, now);
}

/** A vector fired. Received frames wait for `nicReceive`. */
export function nicInterrupt(nic: NicController, vector: u32, now: u64): void {
  if (nic.driver == NIC_DRIVER_VIRTIO) virtioNetInterrupt(nic, vector, now);
}

/**
 * Sends the frame of `bytes` bytes at linear address `from`, which may be reused at once. NIC_OK or
 * an error.
 */
export function nicSend(nic: NicController, from: usize, bytes: u32, now: u64): u32 {
  if (bytes < NIC_FRAME_MIN || bytes > NIC_FRAME_MAX) return NIC_ERROR_ARGUMENT;
  return nic.driver == NIC_DRIVER_VIRTIO ? virtioNetSend(nic, from, bytes, now) : NIC_ERROR_UNSUPPORTED;
}

/**
 * Linear address of the oldest received frame, `frameBytes` long, or 0. It stays there until
 * `nicRelease`, which must come before the next call.
 */
export function nicReceive(nic: NicController): usize {
  return nic.driver == NIC_DRIVER_VIRTIO ? virtioNetReceive(nic) : 0;
}

/** Gives the buffer of the frame that `nicReceive` returned back to the device. */
export function nicRelease(nic: NicController): void {
  if (nic.driver == NIC_DRIVER_VIRTIO) virtioNetRelease(nic);
}
