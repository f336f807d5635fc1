/** The PCI Express capability (PCI Express Base 5.0, 7.5.3): device, link, slot and root registers. */
import { addCapability, config16, defineRegister, PciFunction, setConfig16 } from "./function";
import { notify } from "./interrupts";
import { isGone } from "./presence";
import {
  PCI_CAP_EXPRESS,
  PCI_EXPRESS_BYTES,
  PCI_EXPRESS_DEVICE_CAP,
  PCI_EXPRESS_DEVICE_CAP2,
  PCI_EXPRESS_DEVICE_CONTROL,
  PCI_EXPRESS_DEVICE_CONTROL2,
  PCI_EXPRESS_DEVICE_STATUS,
  PCI_EXPRESS_ENDPOINT,
  PCI_EXPRESS_FLAGS,
  PCI_EXPRESS_FLR,
  PCI_EXPRESS_FLR_CAPABLE,
  PCI_EXPRESS_HOTPLUG_ENABLE,
  PCI_EXPRESS_INTEGRATED,
  PCI_EXPRESS_LINK_ACTIVE,
  PCI_EXPRESS_LINK_CAP,
  PCI_EXPRESS_LINK_CAP2,
  PCI_EXPRESS_LINK_CHANGED,
  PCI_EXPRESS_LINK_CONTROL,
  PCI_EXPRESS_LINK_CONTROL2,
  PCI_EXPRESS_LINK_ENABLE,
  PCI_EXPRESS_LINK_STATUS,
  PCI_EXPRESS_LINK_STATUS2,
  PCI_EXPRESS_PRESENCE,
  PCI_EXPRESS_PRESENCE_CHANGED,
  PCI_EXPRESS_PRESENCE_ENABLE,
  PCI_EXPRESS_ROOT_CAP,
  PCI_EXPRESS_ROOT_CONTROL,
  PCI_EXPRESS_ROOT_PORT,
  PCI_EXPRESS_ROOT_STATUS,
  PCI_EXPRESS_SLOT_CAP,
  PCI_EXPRESS_SLOT_CONTROL,
  PCI_EXPRESS_SLOT_STATUS,
} from "../../spec/pci";

/** Capability version 2. */
const VERSION: u32 = 2;
const SLOT_IMPLEMENTED: u32 = 1 << 8;
/** 8 GT/s, four lanes: the link that both ends come up with. */
const LINK_SPEED: u32 = 3;
const LINK_WIDTH: u32 = 4 << 4;
const LINK_SLOT_CLOCK: u32 = 1 << 12;
/** 2.5, 5 and 8 GT/s (7.5.3.18). */
const LINK_SPEEDS: u32 = 0b111 << 1;
/** Link Capabilities of a root port: Surprise Down and Data Link Layer Link Active Reporting. */
const LINK_CAP_PORT: u32 = (1 << 19) | (1 << 20);
/** Role-based error reporting, extended tags. */
const DEVICE_CAP: u32 = (1 << 15) | (1 << 5);
/** Reset value: extended tags, relaxed ordering, no snoop, 512-byte reads (7.5.3.4). */
const DEVICE_CONTROL: u32 = (1 << 8) | (1 << 4) | (1 << 11) | (2 << 12);
/** Hot-plug surprise, hot-plug capable, no command completed support (7.5.3.9). */
const SLOT_CAP: u32 = (1 << 5) | (1 << 6) | (1 << 18);

/** The slot has no button, indicators, latch or power switch to control (7.5.3.10). */
const SLOT_CONTROL: u32 =
  PCI_EXPRESS_PRESENCE_ENABLE | PCI_EXPRESS_HOTPLUG_ENABLE | PCI_EXPRESS_LINK_ENABLE;

/**
 * Adds the capability. Endpoints can be reset by Function Level Reset; root ports have a hot-plug
 * slot whose presence and link state follow the device in it.
 * @param portType PCI_EXPRESS_ENDPOINT, PCI_EXPRESS_INTEGRATED or PCI_EXPRESS_ROOT_PORT
 */
export function addExpressCapability(fn: PciFunction, portType: u32): u32 {
  const at = addCapability(fn, PCI_CAP_EXPRESS, PCI_EXPRESS_BYTES);
  fn.expressOffset = at;
  const isPort = portType == PCI_EXPRESS_ROOT_PORT;
  defineRegister(fn, at + PCI_EXPRESS_FLAGS, 2, VERSION | (portType << 4) | (isPort ? SLOT_IMPLEMENTED : 0));
  const deviceCap = DEVICE_CAP | (isPort ? 0 : PCI_EXPRESS_FLR_CAPABLE);
  defineRegister(fn, at + PCI_EXPRESS_DEVICE_CAP, 4, deviceCap);
  defineRegister(fn, at + PCI_EXPRESS_DEVICE_CONTROL, 2, DEVICE_CONTROL, 0x7fff);
  defineRegister(fn, at + PCI_EXPRESS_DEVICE_STATUS, 2, 0, 0, 0x000f);
  // Completion timeout ranges and disable (7.5.3.15).
  defineRegister(fn, at + PCI_EXPRESS_DEVICE_CAP2, 4, 0x1f);
  defineRegister(fn, at + PCI_EXPRESS_DEVICE_CONTROL2, 2, 0, 0x001f);
  if (portType != PCI_EXPRESS_INTEGRATED) defineLink(fn, at, isPort);
  if (isPort) defineSlot(fn, at);
  return at;
}

function defineLink(fn: PciFunction, at: u32, isPort: bool): void {
  const port = isPort ? ((<u32>fn.slot >> 3) << 24) | LINK_CAP_PORT : 0;
  defineRegister(fn, at + PCI_EXPRESS_LINK_CAP, 4, LINK_SPEED | LINK_WIDTH | port);
  defineRegister(fn, at + PCI_EXPRESS_LINK_CONTROL, 2, 0, isPort ? 0x0fd3 : 0x03c3);
  const status = LINK_SPEED | LINK_WIDTH | LINK_SLOT_CLOCK | (isPort ? PCI_EXPRESS_LINK_ACTIVE : 0);
  defineRegister(fn, at + PCI_EXPRESS_LINK_STATUS, 2, status, 0, isPort ? 0xc000 : 0);
  defineRegister(fn, at + PCI_EXPRESS_LINK_CAP2, 4, LINK_SPEEDS);
  defineRegister(fn, at + PCI_EXPRESS_LINK_CONTROL2, 2, LINK_SPEED, 0x000f);
  defineRegister(fn, at + PCI_EXPRESS_LINK_STATUS2, 2, 0);
}

function defineSlot(fn: PciFunction, at: u32): void {
  // Physical slot number = device number of the port.
  defineRegister(fn, at + PCI_EXPRESS_SLOT_CAP, 4, SLOT_CAP | ((<u32>fn.slot >> 3) << 19));
  defineRegister(fn, at + PCI_EXPRESS_SLOT_CONTROL, 2, 0, SLOT_CONTROL);
  defineRegister(fn, at + PCI_EXPRESS_SLOT_STATUS, 2, PCI_EXPRESS_PRESENCE, 0, 0x011f);
  defineRegister(fn, at + PCI_EXPRESS_ROOT_CONTROL, 2, 0, 0x001f);
  defineRegister(fn, at + PCI_EXPRESS_ROOT_CAP, 2, 1);
  defineRegister(fn, at + PCI_EXPRESS_ROOT_STATUS, 4, 0, 0, 0x0001_0000);
}

/** The device below was torn out: presence and link go, and the port says so (6.7.3). */
export function slotEmptied(port: PciFunction): void {
  const at = port.expressOffset;
  const link = config16(port, at + PCI_EXPRESS_LINK_STATUS) & ~PCI_EXPRESS_LINK_ACTIVE;
  setConfig16(port, at + PCI_EXPRESS_LINK_STATUS, link);
  let slot = config16(port, at + PCI_EXPRESS_SLOT_STATUS) & ~PCI_EXPRESS_PRESENCE;
  slot |= PCI_EXPRESS_PRESENCE_CHANGED | PCI_EXPRESS_LINK_CHANGED;
  setConfig16(port, at + PCI_EXPRESS_SLOT_STATUS, slot);
  signalSlot(port);
}

/** Raises the port's hot-plug interrupt when an enabled event is pending (6.7.3.4). */
export function signalSlot(port: PciFunction): void {
  const at = port.expressOffset;
  const control = config16(port, at + PCI_EXPRESS_SLOT_CONTROL);
  const status = config16(port, at + PCI_EXPRESS_SLOT_STATUS);
  if ((control & PCI_EXPRESS_HOTPLUG_ENABLE) == 0) return;
  const presence = (control & PCI_EXPRESS_PRESENCE_ENABLE) != 0 && (status & PCI_EXPRESS_PRESENCE_CHANGED) != 0;
  const link = (control & PCI_EXPRESS_LINK_ENABLE) != 0 && (status & PCI_EXPRESS_LINK_CHANGED) != 0;
  if (presence || link) notify(port, 0);
}

/** Whether a write of `value` at `offset` asks for a Function Level Reset (6.6.2). */
export function asksForReset(fn: PciFunction, offset: u32, bytes: u32, value: u32): bool {
  const at = fn.expressOffset;
  if (at == 0 || fn.isBridge) return false;
  const byte = at + PCI_EXPRESS_DEVICE_CONTROL + 1;
  if (byte < offset || byte >= offset + bytes) return false;
  return ((value >> ((byte - offset) << 3)) & (PCI_EXPRESS_FLR >> 8)) != 0;
}
