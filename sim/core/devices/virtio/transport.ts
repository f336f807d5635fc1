/** Virtio over PCI (Virtio 1.2, 4.1): capabilities, status and interrupts. */
import { takeFault } from "../../faults";
import { Ptr } from "../../machine";
import { busMaster } from "../../pci/decode";
import { addCapability, defineRegister, PciFunction } from "../../pci/function";
import { notify, setIntx } from "../../pci/interrupts";
import { FAULT_INTERRUPT_LOST } from "../../../spec/faults";
import {
  COMMON_BYTES,
  F_VERSION_1,
  ISR_CONFIG,
  ISR_QUEUE,
  NO_VECTOR,
  STATUS_ACKNOWLEDGE,
  STATUS_DRIVER,
  STATUS_DRIVER_OK,
  STATUS_FAILED,
  STATUS_FEATURES_OK,
  STATUS_NEEDS_RESET,
  VIRTIO_BAR,
  VIRTIO_CAP_BAR,
  VIRTIO_CAP_BYTES,
  VIRTIO_CAP_COMMON,
  VIRTIO_CAP_DATA,
  VIRTIO_CAP_DEVICE,
  VIRTIO_CAP_ISR,
  VIRTIO_CAP_LENGTH,
  VIRTIO_CAP_MULTIPLIER,
  VIRTIO_CAP_NOTIFY,
  VIRTIO_CAP_OFFSET,
  VIRTIO_CAP_PCI,
  VIRTIO_CAP_TYPE,
  VIRTIO_COMMON_OFFSET,
  VIRTIO_DEVICE_OFFSET,
  VIRTIO_ISR_OFFSET,
  VIRTIO_NOTIFY_MULTIPLIER,
  VIRTIO_NOTIFY_OFFSET,
} from "../../../spec/virtio";
import { resetQueue, VirtQueue } from "./queue";

/** PCI capability ID: vendor specific. */
const CAP_VENDOR: u8 = 0x09;
const CAP_BYTES: u32 = 16;
/** What a driver can set by writing the status; NEEDS_RESET is the device's. */
const STATUS_WRITABLE: u32 =
  STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK | STATUS_FEATURES_OK | STATUS_FAILED;

@unmanaged
export class VirtioDevice {
  fn: Ptr<PciFunction>;
  /** Features offered, and those that the driver took. */
  offered: u64;
  accepted: u64;
  offeredSelect: u32;
  acceptedSelect: u32;
  status: u32;
  isr: u32;
  configVector: u32;
  queueSelect: u32;
  queueCount: u32;
  vectors: u32;
  queues: Ptr<VirtQueue>;
}

@inline
export function functionOf(device: VirtioDevice): PciFunction {
  return changetype<PciFunction>(device.fn);
}

/** Requester ID of the device's DMA. */
@inline
export function requesterOf(device: VirtioDevice): u32 {
  return functionOf(device).address;
}

@inline
export function queueAt(device: VirtioDevice, index: u32): VirtQueue {
  return changetype<VirtQueue>(device.queues + <usize>index * offsetof<VirtQueue>());
}

@inline
export function accepts(device: VirtioDevice, feature: u64): bool {
  return ((device.accepted >> feature) & 1) != 0;
}

/** Whether the driver has set the queue up and said that it is ready. */
export function isLive(device: VirtioDevice, queue: VirtQueue): bool {
  return (
    (device.status & (STATUS_DRIVER_OK | STATUS_NEEDS_RESET)) == STATUS_DRIVER_OK &&
    queue.enabled != 0 &&
    busMaster(functionOf(device))
  );
}

/** Adds the capabilities that say where the structures lie (4.1.4). */
export function addVirtioCapabilities(fn: PciFunction, deviceBytes: u32, queues: u32): void {
  addStructure(fn, VIRTIO_CAP_COMMON, VIRTIO_COMMON_OFFSET, COMMON_BYTES, 0);
  addStructure(fn, VIRTIO_CAP_ISR, VIRTIO_ISR_OFFSET, 1, 0);
  addStructure(fn, VIRTIO_CAP_DEVICE, VIRTIO_DEVICE_OFFSET, deviceBytes, 0);
  const bytes = queues * VIRTIO_NOTIFY_MULTIPLIER;
  const at = addStructure(fn, VIRTIO_CAP_NOTIFY, VIRTIO_NOTIFY_OFFSET, bytes, 4);
  defineRegister(fn, at + VIRTIO_CAP_MULTIPLIER, 4, VIRTIO_NOTIFY_MULTIPLIER);
  addWindow(fn);
}

function addStructure(fn: PciFunction, type: u32, offset: u32, bytes: u32, extra: u32): u32 {
  const at = addCapability(fn, CAP_VENDOR, CAP_BYTES + extra);
  defineRegister(fn, at + VIRTIO_CAP_LENGTH, 1, CAP_BYTES + extra);
  defineRegister(fn, at + VIRTIO_CAP_TYPE, 1, type);
  defineRegister(fn, at + VIRTIO_CAP_BAR, 1, VIRTIO_BAR);
  defineRegister(fn, at + VIRTIO_CAP_OFFSET, 4, offset);
  defineRegister(fn, at + VIRTIO_CAP_BYTES, 4, bytes);
  return at;
}

/** The driver chooses BAR, offset and length of an access and carries it out through data (4.1.4.9). */
function addWindow(fn: PciFunction): void {
  const at = addStructure(fn, VIRTIO_CAP_PCI, 0, 0, 4);
  defineRegister(fn, at + VIRTIO_CAP_BAR, 1, 0, 0xff);
  defineRegister(fn, at + VIRTIO_CAP_OFFSET, 4, 0, 0xffff_ffff);
  defineRegister(fn, at + VIRTIO_CAP_BYTES, 4, 0, 0xffff_ffff);
  defineRegister(fn, at + VIRTIO_CAP_DATA, 4, 0, 0xffff_ffff);
  fn.windowOffset = at;
}

/** Everything as after power-on (2.4). */
export function resetDevice(device: VirtioDevice): void {
  device.accepted = 0;
  device.offeredSelect = 0;
  device.acceptedSelect = 0;
  device.status = 0;
  device.isr = 0;
  device.configVector = NO_VECTOR;
  device.queueSelect = 0;
  for (let n: u32 = 0; n < device.queueCount; n++) resetQueue(queueAt(device, n), NO_VECTOR);
  setIntx(functionOf(device), false);
}

/** Status (2.1): zero resets; bits are only added; FEATURES_OK only stays for a set we can do. */
export function writeStatus(device: VirtioDevice, value: u32): void {
  if (value == 0) return resetDevice(device);
  let status = device.status | (value & STATUS_WRITABLE);
  if (!(device.status & STATUS_FEATURES_OK) && status & STATUS_FEATURES_OK) {
    const fits = (device.accepted & ~device.offered) == 0 && accepts(device, F_VERSION_1);
    if (!fits) status &= ~<u32>STATUS_FEATURES_OK;
  }
  device.status = status;
}

/** Raises the interrupt of `vector`, or INTx with a cause in the ISR (4.1.5.3, 4.1.5.4). */
function signal(device: VirtioDevice, vector: u32, cause: u32): void {
  const fn = functionOf(device);
  if (takeFault(FAULT_INTERRUPT_LOST, fn.address)) return;
  device.isr |= cause;
  setIntx(fn, true);
  if (vector != NO_VECTOR) notify(fn, vector);
}

export function signalQueue(device: VirtioDevice, queue: VirtQueue): void {
  signal(device, queue.vector, ISR_QUEUE);
}

/** An interrupt without a cause, for the armed fault. */
export function signalNothing(device: VirtioDevice): void {
  const fn = functionOf(device);
  setIntx(fn, true);
  notify(fn, 0);
  setIntx(fn, device.isr != 0);
}

/** The device can't go on until it is reset (2.1.2). */
export function failDevice(device: VirtioDevice): void {
  if (device.status & STATUS_NEEDS_RESET) return;
  device.status |= STATUS_NEEDS_RESET;
  if (device.status & STATUS_DRIVER_OK) signal(device, device.configVector, ISR_CONFIG);
}

/** ISR status: reading it clears it and drops INTx. */
export function readIsr(device: VirtioDevice): u32 {
  const value = device.isr;
  device.isr = 0;
  setIntx(functionOf(device), false);
  return value;
}
