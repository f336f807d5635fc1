/** The network controller's PCI function: BARs, capabilities and what they show. */
import { machine } from "../../machine";
import { addBar, BAR_MEMORY32, BAR_MEMORY64, BAR_PREFETCHABLE } from "../../pci/decode";
import { createFunction } from "../../pci/function";
import { addMsix } from "../../pci/interrupts";
import { MODEL_VIRTIO_NET } from "../../pci/models";
import { addPowerCapability } from "../../pci/power";
import { ADDRESS_NIC } from "../../pci/topology";
import {
  COMMON_BYTES,
  VIRTIO_BAR,
  VIRTIO_BAR_BYTES,
  VIRTIO_BAR_MSIX,
  VIRTIO_DEVICE_OFFSET,
  VIRTIO_ISR_OFFSET,
  VIRTIO_NET_CLASS_REVISION,
  VIRTIO_NET_DEVICE,
  VIRTIO_NOTIFY_MULTIPLIER,
  VIRTIO_NOTIFY_OFFSET,
  VIRTIO_VENDOR,
} from "../../../spec/virtio";
import { commonRead, commonWrite } from "./common";
import { createNicState, nic, nicDevice, nicNotified, nicStopped } from "./net";
import { addVirtioCapabilities, readIsr, resetDevice } from "./transport";

/** Configuration changes, receive, transmit. */
const VECTORS: u32 = 3;
const MSIX_BAR_BYTES: u64 = 4096;
const PENDING_OFFSET: u32 = 2048;
/** MAC and status; what follows them belongs to features that aren't offered (5.1.4). */
const CONFIG_BYTES: u32 = 8;

/** Builds the controller when the host gave it an address. */
export function createNic(): void {
  const address = machine().nicAddress;
  if (address == 0) return;
  const device = createNicState(address);
  const ids = VIRTIO_VENDOR | (VIRTIO_NET_DEVICE << 16);
  const fn = createFunction(ADDRESS_NIC, MODEL_VIRTIO_NET, 0, ids, VIRTIO_NET_CLASS_REVISION);
  device.fn = changetype<usize>(fn);
  device.vectors = VECTORS;
  addBar(fn, VIRTIO_BAR_MSIX, MSIX_BAR_BYTES, BAR_MEMORY32);
  addBar(fn, VIRTIO_BAR, VIRTIO_BAR_BYTES, BAR_MEMORY64 | BAR_PREFETCHABLE);
  addPowerCapability(fn);
  addMsix(fn, VECTORS, VIRTIO_BAR_MSIX, 0, PENDING_OFFSET);
  addVirtioCapabilities(fn, CONFIG_BYTES, device.queueCount);
  resetDevice(device);
}

/** A reset of the PCI function resets the device. */
export function nicFunctionReset(): void {
  nicStopped();
  resetDevice(nicDevice());
}

/** A read of the BAR; what lies between the structures reads as zero. */
export function nicBarRead(bar: u32, offset: u32, bytes: u32): u64 {
  if (bar != VIRTIO_BAR) return 0;
  const device = nicDevice();
  if (offset < <u32>COMMON_BYTES) {
    const index = offset >> 2;
    const low = <u64>commonRead(device, index);
    const crosses = (offset & 3) + bytes > 4;
    const high = crosses ? <u64>commonRead(device, index + 1) << 32 : 0;
    return (low | high) >> <u64>((offset & 3) << 3);
  }
  if (offset == VIRTIO_ISR_OFFSET) return readIsr(device);
  const inConfig = offset - VIRTIO_DEVICE_OFFSET;
  return inConfig < CONFIG_BYTES ? nic().config >> <u64>(inConfig << 3) : 0;
}

/** A write to the BAR. The device's own configuration is read-only. */
export function nicBarWrite(bar: u32, offset: u32, bytes: u32, value: u64): void {
  if (bar != VIRTIO_BAR) return;
  if (offset >= <u32>VIRTIO_NOTIFY_OFFSET)
    return nicNotified((offset - VIRTIO_NOTIFY_OFFSET) / VIRTIO_NOTIFY_MULTIPLIER);
  if (offset >= <u32>COMMON_BYTES) return;
  const device = nicDevice();
  const shift = <u64>((offset & 3) << 3);
  const ones: u64 = bytes == 8 ? 0xffff_ffff_ffff_ffff : (<u64>1 << <u64>(bytes << 3)) - 1;
  const mask = ones << shift;
  const data = (value & ones) << shift;
  const index = offset >> 2;
  if (<u32>mask != 0) commonWrite(device, index, <u32>data, <u32>mask);
  if (mask >> 32 != 0) commonWrite(device, index + 1, <u32>(data >> 32), <u32>(mask >> 32));
  if (device.status == 0) nicStopped();
}
