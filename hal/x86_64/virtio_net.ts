/**
 * Driver of the virtio network device (Virtio 1.2, 5.1) behind hal/nic.ts, over modern PCI.
 *
 * Both queues have a fixed buffer a descriptor, so chains are one descriptor long and an index says
 * it all. What the device writes is checked before it is used; a device that breaks a rule, asks for
 * a reset or does not send for SEND_NS is started anew, and has failed after ATTEMPTS_MAX times
 * without a frame in between.
 */
import {
  NIC_ERROR_BUSY,
  NIC_ERROR_NOT_READY,
  NIC_ERROR_PROTOCOL,
  NIC_ERROR_TIMEOUT,
  NIC_ERROR_UNSUPPORTED,
  NIC_ERROR_VANISHED,
  NIC_FAILED,
  NIC_FRAME_MAX,
  NIC_FRAME_MIN,
  NIC_NEVER,
  NIC_OK,
  NIC_READY,
  NIC_STARTING,
  NicController,
} from "../nic";
import { pointer } from "../memory";
import {
  COMMON_CONFIG_VECTOR,
  COMMON_DEVICE_FEATURE,
  COMMON_DEVICE_FEATURE_SELECT,
  COMMON_DRIVER_FEATURE,
  COMMON_DRIVER_FEATURE_SELECT,
  COMMON_QUEUE_DESCRIPTORS,
  COMMON_QUEUE_DEVICE,
  COMMON_QUEUE_DRIVER,
  COMMON_QUEUE_ENABLE,
  COMMON_QUEUE_NOTIFY,
  COMMON_QUEUE_SELECT,
  COMMON_QUEUE_SIZE,
  COMMON_QUEUE_VECTOR,
  COMMON_STATUS,
  DESCRIPTOR_BYTES,
  DESCRIPTOR_WRITE,
  F_ACCESS_PLATFORM,
  F_VERSION_1,
  NET_CONFIG_STATUS,
  NET_F_MAC,
  NET_F_STATUS,
  NET_HEADER_BYTES,
  NET_QUEUE_RECEIVE,
  NET_QUEUE_TRANSMIT,
  NET_STATUS_LINK_UP,
  NO_VECTOR,
  RING_ENTRIES,
  RING_INDEX,
  STATUS_ACKNOWLEDGE,
  STATUS_DRIVER,
  STATUS_DRIVER_OK,
  STATUS_FEATURES_OK,
  STATUS_NEEDS_RESET,
  USED_ENTRY_BYTES,
  VIRTIO_CAP_BAR,
  VIRTIO_CAP_COMMON,
  VIRTIO_CAP_DEVICE,
  VIRTIO_CAP_ISR,
  VIRTIO_CAP_MULTIPLIER,
  VIRTIO_CAP_NOTIFY,
  VIRTIO_CAP_OFFSET,
  VIRTIO_CAP_TYPE,
  VIRTIO_NET_DEVICE,
  VIRTIO_VENDOR,
} from "../../sim/spec/virtio";
import { mmioRead16, mmioRead32, mmioRead8, mmioWrite16, mmioWrite32, mmioWrite8 } from "./machine";

/** Descriptors, and buffers, a queue: a power of two. */
const ENTRIES: u32 = 32;
const BUFFER_BYTES: u64 = 2048;
/*
 * Memory: this structure in page 0, a page a queue (descriptors at 0, driver ring at 400h, device
 * ring at 800h), then the buffers.
 */
const QUEUES_OFFSET: u64 = 4096;
const DRIVER_RING: u64 = 0x400;
const DEVICE_RING: u64 = 0x800;
const BUFFERS_OFFSET: u64 = 3 * 4096;
/** Pages of DMA memory; the NicController is at their start. */
export const VIRTIO_NET_PAGES: u64 = 3 + ((2 * <u64>ENTRIES * BUFFER_BYTES) >> 12);

/** Times in ns: for a reset, for a frame to be sent, between two looks. */
const RESET_NS: u64 = 1_000_000_000;
const SEND_NS: u64 = 5_000_000_000;
const WATCH_NS: u64 = 1_000_000;
const ATTEMPTS_MAX: u32 = 3;
const NONE: u32 = 0xffff_ffff;
const CAPABILITIES_MAX: u32 = 48;
const CAP_VENDOR: u32 = 0x09;

@unmanaged
export class VirtioNetDriver extends NicController {
  /** Physical addresses of the device's structures, and of each queue's notification. */
  common: u64;
  isr: u64;
  config: u64;
  notify: u64;
  multiplier: u32;
  notifyReceive: u64;
  notifyTransmit: u64;
  /** Used ring entries taken so far, modulo 65536. */
  takenReceive: u32;
  takenTransmit: u32;
  /** Frames handed to the device so far, modulo 65536; a bit for each buffer in use. */
  offeredReceive: u32;
  offeredTransmit: u32;
  sending: u32;
  /** Receive buffer that the caller looks at, or NONE. */
  lent: u32;
  attempts: u32;
  /** The device has a link status (the STATUS feature). */
  tellsLink: u32;
  resetEnd: u64;
}

@inline
function driverOf(nic: NicController): VirtioNetDriver {
  return changetype<VirtioNetDriver>(nic);
}

@inline
function queueMemory(driver: VirtioNetDriver, queue: u32): u64 {
  return driver.memory + QUEUES_OFFSET + (<u64>queue << 12);
}

@inline
function bufferOf(driver: VirtioNetDriver, queue: u32, index: u32): u64 {
  return driver.memory + BUFFERS_OFFSET + <u64>(queue * ENTRIES + index) * BUFFER_BYTES;
}

/** Finds the structures through the capabilities, then resets the device. */
export function virtioNetStart(nic: NicController, now: u64): void {
  const driver = driverOf(nic);
  driver.attempts = 0;
  driver.lent = NONE;
  const identity = mmioRead32(driver.configuration);
  if (identity == NONE) return fail(driver, NIC_ERROR_VANISHED);
  if (identity != <u32>(VIRTIO_VENDOR | (VIRTIO_NET_DEVICE << 16)) || !findStructures(driver))
    return fail(driver, NIC_ERROR_UNSUPPORTED);
  reset(driver, now);
}

/** Walks the capability list (4.1.4); whether all four structures are there. */
function findStructures(driver: VirtioNetDriver): bool {
  let at = mmioRead8(driver.configuration + 0x34) & 0xfc;
  for (let n: u32 = 0; n < CAPABILITIES_MAX && at != 0; n++) {
    const place = driver.configuration + <u64>at;
    if (mmioRead8(place) == CAP_VENDOR) noteStructure(driver, place);
    at = mmioRead8(place + 1) & 0xfc;
  }
  return driver.common != 0 && driver.isr != 0 && driver.config != 0 && driver.notify != 0;
}

/** Of several capabilities of a type the first one counts. */
function noteStructure(driver: VirtioNetDriver, place: u64): void {
  const bar = mmioRead8(place + VIRTIO_CAP_BAR);
  if (bar > 5) return;
  const register = driver.configuration + 0x10 + <u64>(bar << 2);
  const low = mmioRead32(register);
  if (low & 1) return;
  let base = <u64>(low & 0xffff_fff0);
  if ((low & 6) == 4 && bar < 5) base |= <u64>mmioRead32(register + 4) << 32;
  const address = base + mmioRead32(place + VIRTIO_CAP_OFFSET);
  const type = mmioRead8(place + VIRTIO_CAP_TYPE);
  if (type == VIRTIO_CAP_COMMON && driver.common == 0) driver.common = address;
  else if (type == VIRTIO_CAP_ISR && driver.isr == 0) driver.isr = address;
  else if (type == VIRTIO_CAP_DEVICE && driver.config == 0) driver.config = address;
  else if (type == VIRTIO_CAP_NOTIFY && driver.notify == 0) {
    driver.notify = address;
    driver.multiplier = mmioRead32(place + VIRTIO_CAP_MULTIPLIER);
  }
}

function reset(driver: VirtioNetDriver, now: u64): void {
  driver.state = NIC_STARTING;
  driver.resetEnd = now + RESET_NS;
  driver.deadline = now + WATCH_NS;
  mmioWrite8(driver.common + COMMON_STATUS, 0);
}

function fail(driver: VirtioNetDriver, error: u32): void {
  driver.state = NIC_FAILED;
  driver.error = error;
  driver.linkUp = 0;
  driver.deadline = NIC_NEVER;
}

/** The device broke a rule or stands still: once more from the beginning. */
function restart(driver: VirtioNetDriver, error: u32, now: u64): void {
  driver.resets += 1;
  driver.attempts += 1;
  if (driver.attempts > ATTEMPTS_MAX) fail(driver, error);
  else reset(driver, now);
}

export function virtioNetAdvance(nic: NicController, now: u64): void {
  const driver = driverOf(nic);
  if (driver.state == NIC_FAILED) return;
  const status = mmioRead8(driver.common + COMMON_STATUS);
  if (status == 0xff) return fail(driver, NIC_ERROR_VANISHED);
  if (driver.state == NIC_STARTING) {
    // 4.1.4.3.2: the reset is over when the status reads as zero.
    if (status == 0) return negotiate(driver, now);
    if (now >= driver.resetEnd) return fail(driver, NIC_ERROR_TIMEOUT);
    driver.deadline = now + WATCH_NS;
    return;
  }
  if (status & STATUS_NEEDS_RESET) return restart(driver, NIC_ERROR_PROTOCOL, now);
  if (now < driver.deadline) return;
  // The interrupt may be lost: look before giving up.
  const before = driver.sending;
  takeSent(driver, now);
  if (driver.state != NIC_READY || driver.sending == 0 || driver.sending != before) return;
  driver.timeouts += 1;
  restart(driver, NIC_ERROR_TIMEOUT, now);
}

function setStatus(driver: VirtioNetDriver, bits: u32): u32 {
  const status = mmioRead8(driver.common + COMMON_STATUS) | bits;
  mmioWrite8(driver.common + COMMON_STATUS, status);
  return mmioRead8(driver.common + COMMON_STATUS);
}

/** 32 features from feature 32 * `select` on: those of `wanted` that the device offers. */
function negotiateHalf(driver: VirtioNetDriver, select: u32, wanted: u32): u32 {
  mmioWrite32(driver.common + COMMON_DEVICE_FEATURE_SELECT, select);
  const accepted = mmioRead32(driver.common + COMMON_DEVICE_FEATURE) & wanted;
  mmioWrite32(driver.common + COMMON_DRIVER_FEATURE_SELECT, select);
  mmioWrite32(driver.common + COMMON_DRIVER_FEATURE, accepted);
  return accepted;
}

/** Features, queues, buffers, DRIVER_OK (3.1.1). */
function negotiate(driver: VirtioNetDriver, now: u64): void {
  setStatus(driver, STATUS_ACKNOWLEDGE);
  setStatus(driver, STATUS_DRIVER);
  const low = negotiateHalf(driver, 0, (1 << NET_F_MAC) | (1 << NET_F_STATUS));
  const version: u32 = 1 << (F_VERSION_1 - 32);
  const high = negotiateHalf(driver, 1, version | (1 << (F_ACCESS_PLATFORM - 32)));
  const isComplete = (low & (1 << NET_F_MAC)) != 0 && (high & version) != 0;
  if (!isComplete || !(setStatus(driver, STATUS_FEATURES_OK) & STATUS_FEATURES_OK))
    return fail(driver, NIC_ERROR_UNSUPPORTED);
  driver.mac =
    <u64>mmioRead32(driver.config) | (<u64>mmioRead16(driver.config + 4) << 32);
  driver.takenReceive = 0;
  driver.takenTransmit = 0;
  driver.offeredReceive = 0;
  driver.offeredTransmit = 0;
  driver.sending = 0;
  driver.lent = NONE;
  driver.notifyReceive = setUpQueue(driver, NET_QUEUE_RECEIVE);
  driver.notifyTransmit = setUpQueue(driver, NET_QUEUE_TRANSMIT);
  if (driver.notifyReceive == 0 || driver.notifyTransmit == 0)
    return fail(driver, NIC_ERROR_UNSUPPORTED);
  mmioWrite16(driver.common + COMMON_CONFIG_VECTOR, driver.vectors != 0 ? 0 : NO_VECTOR);
  setStatus(driver, STATUS_DRIVER_OK);
  for (let index: u32 = 0; index < ENTRIES; index++) offerBuffer(driver, index);
  mmioWrite16(driver.notifyReceive, NET_QUEUE_RECEIVE);
  // Without the STATUS feature the link counts as up (5.1.4.2).
  driver.tellsLink = (low >> NET_F_STATUS) & 1;
  readLink(driver);
  driver.state = NIC_READY;
  driver.deadline = NIC_NEVER;
}

function readLink(driver: VirtioNetDriver): void {
  const status = driver.tellsLink ? mmioRead16(driver.config + NET_CONFIG_STATUS) : NET_STATUS_LINK_UP;
  driver.linkUp = status & NET_STATUS_LINK_UP;
}

/** Gives queue `queue` its rings; the address of its notification, or 0 when it is too small. */
function setUpQueue(driver: VirtioNetDriver, queue: u32): u64 {
  const common = driver.common;
  const place = queueMemory(driver, queue);
  memory.fill(pointer(place), 0, 4096);
  mmioWrite16(common + COMMON_QUEUE_SELECT, queue);
  if (mmioRead16(common + COMMON_QUEUE_SIZE) < ENTRIES) return 0;
  mmioWrite16(common + COMMON_QUEUE_SIZE, ENTRIES);
  mmioWrite16(common + COMMON_QUEUE_VECTOR, driver.vectors != 0 ? queue + 1 : NO_VECTOR);
  writeAddress(common + COMMON_QUEUE_DESCRIPTORS, place);
  writeAddress(common + COMMON_QUEUE_DRIVER, place + DRIVER_RING);
  writeAddress(common + COMMON_QUEUE_DEVICE, place + DEVICE_RING);
  mmioWrite16(common + COMMON_QUEUE_ENABLE, 1);
  const offset = mmioRead16(common + COMMON_QUEUE_NOTIFY);
  return driver.notify + <u64>offset * driver.multiplier;
}

/** 64-bit registers are written as two halves (4.1.3.1). */
function writeAddress(register: u64, address: u64): void {
  mmioWrite32(register, <u32>address);
  mmioWrite32(register + 4, <u32>(address >> 32));
}

/** Puts buffer `index` of a queue into the driver ring as its entry number `count`. */
function offer(driver: VirtioNetDriver, queue: u32, index: u32, bytes: u32, flags: u32, count: u32): void {
  const descriptor = pointer(queueMemory(driver, queue)) + <usize>(index * DESCRIPTOR_BYTES);
  store<u64>(descriptor, bufferOf(driver, queue, index));
  store<u32>(descriptor, bytes, 8);
  store<u16>(descriptor, <u16>flags, 12);
  store<u16>(descriptor, 0, 14);
  const ring = pointer(queueMemory(driver, queue) + DRIVER_RING);
  store<u16>(ring + RING_ENTRIES + ((<usize>count & (ENTRIES - 1)) << 1), <u16>index);
  store<u16>(ring + RING_INDEX, <u16>(count + 1));
}

function offerBuffer(driver: VirtioNetDriver, index: u32): void {
  offer(driver, NET_QUEUE_RECEIVE, index, <u32>BUFFER_BYTES, DESCRIPTOR_WRITE, driver.offeredReceive);
  driver.offeredReceive = (driver.offeredReceive + 1) & 0xffff;
}

/** Linear address of the next used entry of a queue, of which `taken` are known; 0 for none. */
function usedEntry(driver: VirtioNetDriver, queue: u32, taken: u32): usize {
  const ring = pointer(queueMemory(driver, queue) + DEVICE_RING);
  if (<u32>load<u16>(ring + RING_INDEX) == taken) return 0;
  return ring + RING_ENTRIES + (<usize>taken & (ENTRIES - 1)) * USED_ENTRY_BYTES;
}

/** Takes back the buffers of frames that have left. */
function takeSent(driver: VirtioNetDriver, now: u64): void {
  for (let n: u32 = 0; n < ENTRIES; n++) {
    const entry = usedEntry(driver, NET_QUEUE_TRANSMIT, driver.takenTransmit);
    if (entry == 0) break;
    const index = load<u32>(entry);
    if (index >= ENTRIES || !((driver.sending >> index) & 1))
      return restart(driver, NIC_ERROR_PROTOCOL, now);
    driver.sending &= ~(1 << index);
    driver.takenTransmit = (driver.takenTransmit + 1) & 0xffff;
    driver.framesSent += 1;
    driver.attempts = 0;
    driver.deadline = driver.sending == 0 ? NIC_NEVER : now + SEND_NS;
  }
}

export function virtioNetInterrupt(nic: NicController, vector: u32, now: u64): void {
  const driver = driverOf(nic);
  if (driver.state != NIC_READY) return;
  const status = mmioRead8(driver.common + COMMON_STATUS);
  if (status == 0xff) return fail(driver, NIC_ERROR_VANISHED);
  if (status & STATUS_NEEDS_RESET) return restart(driver, NIC_ERROR_PROTOCOL, now);
  if (vector == 0) readLink(driver);
  takeSent(driver, now);
}

export function virtioNetSend(nic: NicController, from: usize, bytes: u32, now: u64): u32 {
  const driver = driverOf(nic);
  if (driver.state != NIC_READY) return NIC_ERROR_NOT_READY;
  takeSent(driver, now);
  if (driver.state != NIC_READY) return NIC_ERROR_NOT_READY;
  if (driver.sending == 0xffff_ffff) return NIC_ERROR_BUSY;
  const index = <u32>ctz(~driver.sending);
  const buffer = pointer(bufferOf(driver, NET_QUEUE_TRANSMIT, index));
  memory.fill(buffer, 0, NET_HEADER_BYTES);
  memory.copy(buffer + NET_HEADER_BYTES, from, bytes);
  driver.sending |= 1 << index;
  offer(driver, NET_QUEUE_TRANSMIT, index, NET_HEADER_BYTES + bytes, 0, driver.offeredTransmit);
  driver.offeredTransmit = (driver.offeredTransmit + 1) & 0xffff;
  driver.bytesSent += bytes;
  if (driver.deadline == NIC_NEVER) driver.deadline = now + SEND_NS;
  mmioWrite16(driver.notifyTransmit, NET_QUEUE_TRANSMIT);
  return NIC_OK;
}

/** The oldest frame; entries that name no buffer or no frame are passed over and counted. */
export function virtioNetReceive(nic: NicController): usize {
  const driver = driverOf(nic);
  if (driver.state != NIC_READY || driver.lent != NONE) return 0;
  for (let n: u32 = 0; n < ENTRIES; n++) {
    const entry = usedEntry(driver, NET_QUEUE_RECEIVE, driver.takenReceive);
    if (entry == 0) return 0;
    const index = load<u32>(entry);
    const bytes = load<u32>(entry, 4);
    driver.takenReceive = (driver.takenReceive + 1) & 0xffff;
    if (index >= ENTRIES) {
      driver.framesBad += 1;
      continue;
    }
    const length = bytes - min(bytes, NET_HEADER_BYTES);
    if (length < NIC_FRAME_MIN || length > NIC_FRAME_MAX) {
      driver.framesBad += 1;
      offerBuffer(driver, index);
      continue;
    }
    driver.lent = index;
    driver.frameBytes = length;
    driver.framesReceived += 1;
    driver.bytesReceived += length;
    driver.attempts = 0;
    return pointer(bufferOf(driver, NET_QUEUE_RECEIVE, index)) + NET_HEADER_BYTES;
  }
  return 0;
}

export function virtioNetRelease(nic: NicController): void {
  const driver = driverOf(nic);
  if (driver.lent == NONE) return;
  offerBuffer(driver, driver.lent);
  driver.lent = NONE;
  mmioWrite16(driver.notifyReceive, NET_QUEUE_RECEIVE);
}
