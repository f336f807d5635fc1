/** The ways to what lies behind the BARs: the bus, and a window in configuration space. */
import { loadSized, storeSized } from "../ram";
import { PCI_BAR_IO } from "../../spec/pci";
import {
  VIRTIO_CAP_BAR,
  VIRTIO_CAP_BYTES,
  VIRTIO_CAP_DATA,
  VIRTIO_CAP_OFFSET,
} from "../../spec/virtio";
import { powerState } from "./decode";
import { barAt, BARS, config32, config8, functionAt, PciFunction, touches } from "./function";
import { isMessageArea, messageRead, messageWrite } from "./interrupts";
import { barRead, barWrite } from "./models";
import { isGone } from "./presence";

/** A read inside a BAR; `device` is function index << 3 | BAR. */
export function pciBarRead(device: u32, offset: u32, bytes: u32): u64 {
  const fn = functionAt(device >> 3);
  if (isGone(fn)) return 0xffff_ffff_ffff_ffff;
  if (isMessageArea(fn, device & 7, offset)) return messageRead(fn, offset, bytes);
  return barRead(fn.model, fn.device, device & 7, offset, bytes);
}

export function pciBarWrite(device: u32, offset: u32, bytes: u32, value: u64): void {
  const fn = functionAt(device >> 3);
  if (isGone(fn)) return;
  if (isMessageArea(fn, device & 7, offset)) messageWrite(fn, offset, bytes, value);
  else barWrite(fn.model, fn.device, device & 7, offset, bytes, value);
}

/** Whether an access to configuration space touches the window's data (Virtio 1.2, 4.1.4.9). */
@inline
export function touchesWindow(fn: PciFunction, offset: u32, bytes: u32): bool {
  return fn.windowOffset != 0 && touches(offset, bytes, fn.windowOffset + VIRTIO_CAP_DATA, 4);
}

/**
 * Bytes that the window now moves, 0 when what the driver chose is no access: only 1, 2 or 4 bytes,
 * aligned, inside a memory BAR that there is. The BAR's own address and enable play no part.
 */
function windowBytes(fn: PciFunction): u32 {
  const at = fn.windowOffset;
  const bytes = config32(fn, at + VIRTIO_CAP_BYTES);
  const offset = config32(fn, at + VIRTIO_CAP_OFFSET);
  const index = config8(fn, at + VIRTIO_CAP_BAR);
  if ((bytes != 1 && bytes != 2 && bytes != 4) || (offset & (bytes - 1)) != 0) return 0;
  if (index >= BARS || powerState(fn) != 0) return 0;
  const bar = barAt(fn, index);
  const isMemory = (bar.flags & PCI_BAR_IO) == 0;
  return isMemory && <u64>offset + <u64>bytes <= bar.bytes ? bytes : 0;
}

@inline
function windowBar(fn: PciFunction): u32 {
  return (fn.index << 3) | config8(fn, fn.windowOffset + VIRTIO_CAP_BAR);
}

/** Software is about to read the window's data: they are fetched; without an access they stay. */
export function readWindow(fn: PciFunction): void {
  const bytes = windowBytes(fn);
  if (bytes == 0) return;
  const offset = config32(fn, fn.windowOffset + VIRTIO_CAP_OFFSET);
  const value = pciBarRead(windowBar(fn), offset, bytes);
  storeSized(fn.config + <usize>(fn.windowOffset + VIRTIO_CAP_DATA), bytes, value);
}

/** Software has written the window's data: their first bytes go to the BAR. */
export function writeWindow(fn: PciFunction): void {
  const bytes = windowBytes(fn);
  if (bytes == 0) return;
  const offset = config32(fn, fn.windowOffset + VIRTIO_CAP_OFFSET);
  const value = loadSized(fn.config + <usize>(fn.windowOffset + VIRTIO_CAP_DATA), bytes);
  pciBarWrite(windowBar(fn), offset, bytes, value);
}
