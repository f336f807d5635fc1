/** Address decoding: BARs, command register, power state and bridge windows. */
import { addPorts, addRegion, movePorts, moveRegion } from "../bus/bus";
import { DEVICE_PCI_BAR } from "../kinds";
import {
  PCI_BAR,
  PCI_BAR_64,
  PCI_BAR_IO,
  PCI_BAR_PREFETCH,
  PCI_COMMAND,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_IO_BASE_HIGH,
  PCI_IO_LIMIT_HIGH,
  PCI_IO_WINDOW_BASE,
  PCI_IO_WINDOW_LIMIT,
  PCI_MEMORY_WINDOW_BASE,
  PCI_MEMORY_WINDOW_LIMIT,
  PCI_POWER_CONTROL,
  PCI_POWER_STATE,
  PCI_PREFETCH_BASE_HIGH,
  PCI_PREFETCH_LIMIT_HIGH,
  PCI_PREFETCH_WINDOW_BASE,
  PCI_PREFETCH_WINDOW_LIMIT,
} from "../../spec/pci";
import {
  barAt,
  BARS,
  config16,
  config32,
  config8,
  defineRegister,
  findFunction,
  functionAt,
  NO_FUNCTION,
  pci,
  PciBar,
  PciFunction,
} from "./function";
import { isGone } from "./presence";

export const BAR_MEMORY32: u32 = 0;
export const BAR_IO: u32 = PCI_BAR_IO;
export const BAR_MEMORY64: u32 = PCI_BAR_64;
export const BAR_PREFETCHABLE: u32 = PCI_BAR_PREFETCH;

/**
 * Gives the function a base address register.
 * @param index 0-5; a 64-bit BAR also takes the next one
 * @param bytes a power of two, at least 16 (memory) or 4 (I/O, at most 256)
 * @param flags BAR_IO, or BAR_MEMORY32 / BAR_MEMORY64, optionally with BAR_PREFETCHABLE
 */
export function addBar(fn: PciFunction, index: u32, bytes: u64, flags: u32): void {
  const bar = barAt(fn, index);
  const device = (fn.index << 3) | index;
  const offset = PCI_BAR + index * 4;
  const mask = ~(bytes - 1);
  bar.bytes = bytes;
  bar.flags = flags;
  if (flags & PCI_BAR_IO) {
    bar.region = addPorts(DEVICE_PCI_BAR, device, 0, 0);
    defineRegister(fn, offset, 4, flags, <u32>mask & 0xffff_fffc);
    return;
  }
  bar.region = addRegion(DEVICE_PCI_BAR, device, 0, bytes, false);
  defineRegister(fn, offset, 4, flags, <u32>mask & 0xffff_fff0);
  if (flags & PCI_BAR_64) defineRegister(fn, offset + 4, 4, 0, <u32>(mask >> 32));
}

/** Power state of the function: 0 (D0) or 3 (D3hot). */
@inline
export function powerState(fn: PciFunction): u32 {
  const offset = fn.powerOffset;
  return offset == 0 ? 0 : config16(fn, offset + PCI_POWER_CONTROL) & PCI_POWER_STATE;
}

/**
 * Whether the function may issue requests: Bus Master Enable here and in every bridge above, fully
 * powered, and still there (PCI Express Base 5.0, 7.5.1.1.3).
 */
export function busMaster(fn: PciFunction): bool {
  let current = fn;
  for (;;) {
    if (isGone(current) || powerState(current) != 0) return false;
    if ((config16(current, PCI_COMMAND) & PCI_COMMAND_MASTER) == 0) return false;
    if (current.parent == NO_FUNCTION) break;
    current = functionAt(current.parent);
  }
  return findFunction(fn.address) == fn.index;
}

/** Whether a bridge forwards memory `base` .. `last` downstream through one of its windows. */
function forwardsMemory(bridge: PciFunction, base: u64, last: u64): bool {
  const windowBase = <u64>(config16(bridge, PCI_MEMORY_WINDOW_BASE) & 0xfff0) << 16;
  const windowLast = (<u64>(config16(bridge, PCI_MEMORY_WINDOW_LIMIT) & 0xfff0) << 16) | 0xf_ffff;
  if (base >= windowBase && last <= windowLast) return true;
  const prefetchBase =
    (<u64>config32(bridge, PCI_PREFETCH_BASE_HIGH) << 32) |
    (<u64>(config16(bridge, PCI_PREFETCH_WINDOW_BASE) & 0xfff0) << 16);
  const prefetchLast =
    (<u64>config32(bridge, PCI_PREFETCH_LIMIT_HIGH) << 32) |
    (<u64>(config16(bridge, PCI_PREFETCH_WINDOW_LIMIT) & 0xfff0) << 16) |
    0xf_ffff;
  return base >= prefetchBase && last <= prefetchLast;
}

function forwardsPorts(bridge: PciFunction, base: u64, last: u64): bool {
  const windowBase =
    (config16(bridge, PCI_IO_BASE_HIGH) << 16) | ((config8(bridge, PCI_IO_WINDOW_BASE) & 0xf0) << 8);
  const windowLast =
    (config16(bridge, PCI_IO_LIMIT_HIGH) << 16) |
    ((config8(bridge, PCI_IO_WINDOW_LIMIT) & 0xf0) << 8) |
    0xfff;
  return base >= windowBase && last <= windowLast;
}

@inline
function isEnabled(fn: PciFunction, enable: u32): bool {
  return !fn.vanished && powerState(fn) == 0 && (config16(fn, PCI_COMMAND) & enable) != 0;
}

/** Whether accesses to the whole BAR reach the function: enables and windows, up to bus 0. */
function isReachable(fn: PciFunction, enable: u32, base: u64, last: u64): bool {
  if (!isEnabled(fn, enable)) return false;
  let current = fn;
  while (current.parent != NO_FUNCTION) {
    current = functionAt(current.parent);
    const forwards =
      enable == PCI_COMMAND_IO ? forwardsPorts(current, base, last) : forwardsMemory(current, base, last);
    if (!forwards || !isEnabled(current, enable)) return false;
  }
  return true;
}

function updateBar(fn: PciFunction, index: u32): void {
  const bar = barAt(fn, index);
  if (bar.bytes == 0) return;
  const offset = PCI_BAR + index * 4;
  const isPorts = (bar.flags & PCI_BAR_IO) != 0;
  let base: u64 = config32(fn, offset) & (isPorts ? 0xffff_fffc : 0xffff_fff0);
  if (bar.flags & PCI_BAR_64) base |= <u64>config32(fn, offset + 4) << 32;
  const last = base + bar.bytes - 1;
  // The platform has 64 Ki ports; a BAR beyond them decodes nothing.
  const exists = isPorts ? last < 0x1_0000 : last >= base;
  const enable: u32 = isPorts ? PCI_COMMAND_IO : PCI_COMMAND_MEMORY;
  const decoded = exists && isReachable(fn, enable, base, last);
  if (decoded == (bar.decoded != 0) && (!decoded || base == bar.base)) return;
  if (isPorts) movePortBar(bar, base, decoded);
  else moveRegion(bar.region, base, bar.bytes, decoded);
  bar.base = base;
  bar.decoded = decoded ? 1 : 0;
}

function movePortBar(bar: PciBar, base: u64, decoded: bool): void {
  const oldCount = bar.decoded ? <u32>bar.bytes : 0;
  movePorts(bar.region, <u16>bar.base, oldCount, <u16>base, decoded ? <u32>bar.bytes : 0);
  // Ports that an overlapping BAR had taken go to the next one that claims them.
  const count = pci().functionCount;
  for (let n: u32 = 0; n < count; n++) {
    for (let index: u32 = 0; index < BARS; index++) {
      const other = barAt(functionAt(n), index);
      if (!other.decoded || (other.flags & PCI_BAR_IO) == 0 || other.region == bar.region) continue;
      movePorts(other.region, 0, 0, <u16>other.base, <u32>other.bytes);
    }
  }
}

/** Recomputes what the function's BARs decode; for a bridge, of everything in the machine. */
export function updateDecoding(fn: PciFunction): void {
  const first: u32 = fn.isBridge ? 0 : fn.index;
  const end = fn.isBridge ? pci().functionCount : fn.index + 1;
  for (let n = first; n < end; n++)
    for (let index: u32 = 0; index < BARS; index++) updateBar(functionAt(n), index);
}
