/** The common configuration structure (Virtio 1.2, 4.1.4.3), a dword at a time. */
import { NO_VECTOR, STATUS_FEATURES_OK } from "../../../spec/virtio";
import { QUEUE_SIZE_MAX, VirtQueue } from "./queue";
import { queueAt, VirtioDevice, writeStatus } from "./transport";

/*
 * dword  low half              high half
 *     0  device_feature_select
 *     1  device_feature
 *     2  driver_feature_select
 *     3  driver_feature
 *     4  config_msix_vector    num_queues
 *     5  status, generation    queue_select
 *     6  queue_size            queue_msix_vector
 *     7  queue_enable          queue_notify_off
 *  8, 9  queue_desc
 * 10,11  queue_driver
 * 12,13  queue_device
 */

/** Reads dword `index`. A queue that doesn't exist has size 0. */
export function commonRead(device: VirtioDevice, index: u32): u32 {
  switch (index) {
    case 0:
      return device.offeredSelect;
    case 1:
      return half(device.offered, device.offeredSelect);
    case 2:
      return device.acceptedSelect;
    case 3:
      return half(device.accepted, device.acceptedSelect);
    case 4:
      return device.configVector | (device.queueCount << 16);
    case 5:
      return device.status | (device.queueSelect << 16);
    default:
      if (device.queueSelect >= device.queueCount) return 0;
      return queueRead(queueAt(device, device.queueSelect), index, device.queueSelect);
  }
}

function queueRead(queue: VirtQueue, index: u32, number: u32): u32 {
  switch (index) {
    case 6:
      return queue.size | (queue.vector << 16);
    case 7:
      return queue.enabled | (number << 16);
    case 8:
    case 9:
      return half(queue.descriptors, index & 1);
    case 10:
    case 11:
      return half(queue.driverRing, index & 1);
    case 12:
    case 13:
      return half(queue.deviceRing, index & 1);
    default:
      return 0;
  }
}

/** Half `part` of 64 bits; there are no others. */
function half(value: u64, part: u32): u32 {
  return part > 1 ? 0 : <u32>(value >> (<u64>part << 5));
}

/** Replaces the bits `mask` of half `part`. */
function merge(value: u64, part: u32, data: u32, mask: u32): u64 {
  const shift = <u64>part << 5;
  return (value & ~(<u64>mask << shift)) | (<u64>(data & mask) << shift);
}

/** Writes the bytes of dword `index` that `mask` selects. */
export function commonWrite(device: VirtioDevice, index: u32, value: u32, mask: u32): void {
  const ones = value & mask;
  switch (index) {
    case 0:
      device.offeredSelect = (device.offeredSelect & ~mask) | ones;
      break;
    case 2:
      device.acceptedSelect = (device.acceptedSelect & ~mask) | ones;
      break;
    case 3:
      // Negotiation ends with FEATURES_OK (3.1.1).
      if (device.acceptedSelect < 2 && !(device.status & STATUS_FEATURES_OK))
        device.accepted = <u64>merge(device.accepted, device.acceptedSelect, value, mask);
      break;
    case 4:
      if (mask & 0xffff) device.configVector = vector(device, (device.configVector & ~mask) | ones);
      break;
    case 5:
      if (mask >> 16) device.queueSelect = (((device.queueSelect << 16) & ~mask) | ones) >> 16;
      if (mask & 0xff) writeStatus(device, ones & 0xff);
      break;
    default:
      if (device.queueSelect < device.queueCount)
        queueWrite(device, queueAt(device, device.queueSelect), index, value, mask);
  }
}

/** A vector that the function doesn't have reads back as none (4.1.5.1.2). */
function vector(device: VirtioDevice, value: u32): u32 {
  const number = value & 0xffff;
  return number < device.vectors ? number : NO_VECTOR;
}

/** Fields of the selected queue; all but the vector are fixed once it is enabled. */
function queueWrite(device: VirtioDevice, queue: VirtQueue, index: u32, value: u32, mask: u32): void {
  if (index == 6 && mask >> 16 != 0)
    queue.vector = vector(device, (((queue.vector << 16) & ~mask) | (value & mask)) >> 16);
  if (queue.enabled) return;
  switch (index) {
    case 6:
      if (mask & 0xffff) setSize(queue, ((queue.size & ~mask) | (value & mask)) & 0xffff);
      break;
    case 7:
      if (value & mask & 0xffff) queue.enabled = 1;
      break;
    // The alignment of 2.7: the bits below it are not there.
    case 8:
    case 9:
      queue.descriptors = merge(queue.descriptors, index & 1, value, mask) & ~(<u64>15);
      break;
    case 10:
    case 11:
      queue.driverRing = merge(queue.driverRing, index & 1, value, mask) & ~(<u64>1);
      break;
    case 12:
    case 13:
      queue.deviceRing = merge(queue.deviceRing, index & 1, value, mask) & ~(<u64>3);
      break;
    default:
  }
}

/** A size is a power of two that the device can do; others are ignored. */
function setSize(queue: VirtQueue, size: u32): void {
  if (size != 0 && size <= QUEUE_SIZE_MAX && (size & (size - 1)) == 0) queue.size = size;
}
