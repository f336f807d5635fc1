/** Reads and writes of configuration space, and what a write sets in motion. */
import { allOnes, loadSized } from "../ram";
import { readWindow, touchesWindow, writeWindow } from "./bars";
import { updateDecoding } from "./decode";
import { asksForReset, signalSlot } from "./express";
import {
  BARS,
  barAt,
  config16,
  CONFIG_BYTES,
  findFunction,
  functionAt,
  NO_FUNCTION,
  pci,
  PciFunction,
  setConfig16,
  touches,
} from "./function";
import { flushMessages, resetMessages, updateIntx, updateLines } from "./interrupts";
import { functionReset } from "./models";
import { isGone } from "./presence";
import { rebuildRoutes } from "./routing";
import {
  PCI_BRIDGE_CONTROL,
  PCI_BRIDGE_RESET,
  PCI_EXPRESS_SLOT_CONTROL,
  PCI_MSIX_BYTES,
  PCI_MSI_BYTES,
  PCI_POWER_CONTROL,
  PCI_POWER_STATE,
  PCI_PRIMARY_BUS,
} from "../../spec/pci";

/** The first 64 bytes: the header. */
const HEADER_BYTES: u32 = 0x40;

/** An access that one configuration request can carry: inside one aligned dword. */
@inline
function isValid(offset: u32, bytes: u32): bool {
  return offset < CONFIG_BYTES && (offset & 3) + bytes <= 4;
}

/** Asks the devices below a bridge whether they are still there, so that the bridge can tell. */
function probeBelow(fn: PciFunction): void {
  if (!fn.isBridge) return;
  const count = pci().functionCount;
  for (let index: u32 = 0; index < count; index++)
    if (functionAt(index).parent == fn.index) isGone(functionAt(index));
}

/**
 * Reads 1, 2 or 4 bytes of the configuration space of whoever answers at `address`; all ones when
 * nobody does (PCI Local Bus 3.0, 3.2.2.3.4).
 */
export function configRead(address: u32, offset: u32, bytes: u32): u32 {
  const index = findFunction(address);
  if (index == NO_FUNCTION || !isValid(offset, bytes)) return <u32>allOnes(bytes);
  const fn = functionAt(index);
  if (isGone(fn)) return <u32>allOnes(bytes);
  probeBelow(fn);
  if (touchesWindow(fn, offset, bytes)) readWindow(fn);
  return <u32>loadSized(fn.config + <usize>offset, bytes);
}

/** Writes 1, 2 or 4 bytes of configuration space, as far as the register's masks let it. */
export function configWrite(address: u32, offset: u32, bytes: u32, value: u32): void {
  const index = findFunction(address);
  if (index == NO_FUNCTION || !isValid(offset, bytes)) return;
  const fn = functionAt(index);
  if (isGone(fn)) return;
  const power = fn.powerOffset == 0 ? 0 : config16(fn, fn.powerOffset + PCI_POWER_CONTROL);
  const bridgeControl = config16(fn, PCI_BRIDGE_CONTROL);
  for (let n: u32 = 0; n < bytes; n++) mergeByte(fn, offset + n, <u32>((value >> (n << 3)) & 0xff));
  if (asksForReset(fn, offset, bytes, value)) {
    resetFunction(fn);
    return;
  }
  if (offset < HEADER_BYTES) headerWritten(fn, offset, bytes, bridgeControl);
  else capabilityWritten(fn, offset, bytes, power);
}

function mergeByte(fn: PciFunction, offset: u32, value: u32): void {
  const at = fn.config + <usize>offset;
  const writable = <u32>load<u8>(fn.writable + <usize>offset);
  const clearable = <u32>load<u8>(fn.clearable + <usize>offset);
  const old = <u32>load<u8>(at);
  store<u8>(at, <u8>(((old & ~writable) | (value & writable)) & ~(value & clearable)));
}

function headerWritten(fn: PciFunction, offset: u32, bytes: u32, oldControl: u32): void {
  if (fn.isBridge) {
    if (touches(offset, bytes, PCI_PRIMARY_BUS, 3)) rebuildRoutes();
    if (touches(offset, bytes, PCI_BRIDGE_CONTROL, 2)) {
      const changed = oldControl ^ config16(fn, PCI_BRIDGE_CONTROL);
      if (changed & PCI_BRIDGE_RESET) {
        if ((oldControl & PCI_BRIDGE_RESET) == 0) resetBelow(fn);
        rebuildRoutes();
      }
    }
  }
  updateDecoding(fn);
  updateIntx(fn);
}

function capabilityWritten(fn: PciFunction, offset: u32, bytes: u32, oldPower: u32): void {
  const power = fn.powerOffset;
  if (power != 0 && touches(offset, bytes, power + PCI_POWER_CONTROL, 2)) {
    const control = config16(fn, power + PCI_POWER_CONTROL);
    const state = control & PCI_POWER_STATE;
    // D1 and D2 do not exist here: the write is discarded (PCI Power Management 1.2, 3.2.4).
    if (state == 1 || state == 2)
      setConfig16(fn, power + PCI_POWER_CONTROL, (control & ~PCI_POWER_STATE) | (oldPower & PCI_POWER_STATE));
    updateDecoding(fn);
    updateLines();
  }
  const isMsi = fn.msiOffset != 0 && touches(offset, bytes, fn.msiOffset, PCI_MSI_BYTES);
  const isMsix = fn.msixOffset != 0 && touches(offset, bytes, fn.msixOffset, PCI_MSIX_BYTES);
  if (isMsi || isMsix) {
    updateLines();
    flushMessages(fn);
  }
  if (touchesWindow(fn, offset, bytes)) writeWindow(fn);
  if (fn.isBridge && touches(offset, bytes, fn.expressOffset + PCI_EXPRESS_SLOT_CONTROL, 2))
    signalSlot(fn);
}

/** Back to the state after power-on: the model, then configuration space. */
function resetFunction(fn: PciFunction): void {
  fn.intx = 0;
  functionReset(fn.model, fn.device);
  memory.copy(fn.config, fn.resetImage, CONFIG_BYTES);
  resetMessages(fn);
  updateDecoding(fn);
  updateIntx(fn);
}

/** Secondary Bus Reset (PCI-to-PCI Bridge 1.2, 3.2.5.18): everything below the bridge. */
function resetBelow(bridge: PciFunction): void {
  const count = pci().functionCount;
  for (let index: u32 = 0; index < count; index++) {
    const fn = functionAt(index);
    if (fn.parent != bridge.index || fn.vanished) continue;
    resetFunction(fn);
    if (fn.isBridge) resetBelow(fn);
  }
}
