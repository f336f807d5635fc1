/** Interrupts of PCI functions: INTx lines, MSI and MSI-X (PCI Local Bus 3.0, 2.2.6 and 6.8). */
import { allocate } from "../arena";
import { setLine } from "../interrupts/lines";
import { dmaPointer } from "../iommu/dma";
import { requestInterrupt } from "../iommu/remap";
import { loadSized, storeSized } from "../ram";
import { trace } from "../trace";
import { GSI_PCI_FIRST } from "../../spec/platform";
import { TRACE_MSI } from "../../spec/trace";
import {
  PCI_CAP_MSI,
  PCI_CAP_MSIX,
  PCI_COMMAND,
  PCI_COMMAND_INTX_DISABLE,
  PCI_MSIX_BYTES,
  PCI_MSIX_CONTROL,
  PCI_MSIX_ENABLE,
  PCI_MSIX_ENTRY_BYTES,
  PCI_MSIX_ENTRY_MASKED,
  PCI_MSIX_FUNCTION_MASK,
  PCI_MSIX_PBA,
  PCI_MSIX_TABLE,
  PCI_MSI_64,
  PCI_MSI_ADDRESS,
  PCI_MSI_ADDRESS_HIGH,
  PCI_MSI_BYTES,
  PCI_MSI_CONTROL,
  PCI_MSI_DATA,
  PCI_MSI_ENABLE,
  PCI_MSI_MASK,
  PCI_MSI_MASKABLE,
  PCI_MSI_PENDING,
  PCI_STATUS,
  PCI_STATUS_INTERRUPT,
} from "../../spec/pci";
import { busMaster, powerState } from "./decode";
import {
  addCapability,
  config16,
  config32,
  defineRegister,
  functionAt,
  NO_FUNCTION,
  pci,
  PciFunction,
  setConfig16,
} from "./function";
import { isGone } from "./presence";


/** Adds MSI with 64-bit addresses and a mask bit a vector; `vectors` is a power of two up to 32. */
export function addMsi(fn: PciFunction, vectors: u32): u32 {
  const at = addCapability(fn, PCI_CAP_MSI, PCI_MSI_BYTES);
  fn.msiOffset = at;
  fn.msiLog = <u32>ctz(vectors);
  const control = PCI_MSI_64 | PCI_MSI_MASKABLE | (fn.msiLog << 1);
  defineRegister(fn, at + PCI_MSI_CONTROL, 2, control, 0x0071);
  defineRegister(fn, at + PCI_MSI_ADDRESS, 4, 0, 0xffff_fffc);
  defineRegister(fn, at + PCI_MSI_ADDRESS_HIGH, 4, 0, 0xffff_ffff);
  defineRegister(fn, at + PCI_MSI_DATA, 2, 0, 0xffff);
  defineRegister(fn, at + PCI_MSI_MASK, 4, 0, vectors == 32 ? 0xffff_ffff : (1 << vectors) - 1);
  return at;
}

/**
 * Adds MSI-X; the PCI core serves the table and the pending bits inside the BAR.
 * @param vectors 1 to 2048
 * @param bar a memory BAR; the offsets in it are multiples of 8
 */
export function addMsix(
  fn: PciFunction,
  vectors: u32,
  bar: u32,
  tableOffset: u32,
  pbaOffset: u32,
): u32 {
  const at = addCapability(fn, PCI_CAP_MSIX, PCI_MSIX_BYTES);
  fn.msixOffset = at;
  fn.msixVectors = vectors;
  fn.msixBar = bar;
  fn.msixTableOffset = tableOffset;
  fn.msixPendingOffset = pbaOffset;
  fn.msixTable = allocate(<usize>(vectors * PCI_MSIX_ENTRY_BYTES));
  fn.msixPending = allocate(<usize>pendingBytes(fn));
  defineRegister(fn, at + PCI_MSIX_CONTROL, 2, vectors - 1, PCI_MSIX_ENABLE | PCI_MSIX_FUNCTION_MASK);
  defineRegister(fn, at + PCI_MSIX_TABLE, 4, tableOffset | bar);
  defineRegister(fn, at + PCI_MSIX_PBA, 4, pbaOffset | bar);
  resetMessages(fn);
  return at;
}

/** All vectors masked, nothing pending: the state after reset (6.8.2.9). */
export function resetMessages(fn: PciFunction): void {
  if (fn.msixOffset == 0) return;
  memory.fill(fn.msixTable, 0, <usize>(fn.msixVectors * PCI_MSIX_ENTRY_BYTES));
  memory.fill(fn.msixPending, 0, <usize>pendingBytes(fn));
  for (let vector: u32 = 0; vector < fn.msixVectors; vector++)
    store<u32>(entryOf(fn, vector), PCI_MSIX_ENTRY_MASKED, 12);
}

/** The pending bits come in groups of 64. */
@inline
function pendingBytes(fn: PciFunction): u32 {
  return ((fn.msixVectors + 63) >> 6) << 3;
}

@inline
function entryOf(fn: PciFunction, vector: u32): usize {
  return fn.msixTable + <usize>(vector * PCI_MSIX_ENTRY_BYTES);
}

@inline
function msixControl(fn: PciFunction): u32 {
  return fn.msixOffset == 0 ? 0 : config16(fn, fn.msixOffset + PCI_MSIX_CONTROL);
}

@inline
function msiControl(fn: PciFunction): u32 {
  return fn.msiOffset == 0 ? 0 : config16(fn, fn.msiOffset + PCI_MSI_CONTROL);
}

/** Whether the function signals by messages; its INTx line is then off (6.8.3.3). */
export function usesMessages(fn: PciFunction): bool {
  return (msixControl(fn) & PCI_MSIX_ENABLE) != 0 || (msiControl(fn) & PCI_MSI_ENABLE) != 0;
}

/**
 * Raises message `vector`: by MSI-X, else by MSI, where a vector beyond those granted takes the
 * last; nothing when neither is enabled. A masked vector becomes pending.
 */
export function notify(fn: PciFunction, vector: u32): void {
  if (isGone(fn)) return;
  const control = msixControl(fn);
  if (control & PCI_MSIX_ENABLE) {
    if (vector >= fn.msixVectors) return;
    const masked = (load<u32>(entryOf(fn, vector), 12) & PCI_MSIX_ENTRY_MASKED) != 0;
    if (masked || (control & PCI_MSIX_FUNCTION_MASK) != 0) setPending(fn, vector);
    else sendMsix(fn, vector);
    return;
  }
  if ((msiControl(fn) & PCI_MSI_ENABLE) == 0) return;
  const at = fn.msiOffset;
  const granted = min(vector, (1 << msiGranted(fn)) - 1);
  if ((config32(fn, at + PCI_MSI_MASK) >> granted) & 1) {
    const pending = config32(fn, at + PCI_MSI_PENDING) | (1 << granted);
    store<u32>(fn.config + <usize>(at + PCI_MSI_PENDING), pending);
  } else sendMsi(fn, granted);
}

@inline
function setPending(fn: PciFunction, vector: u32): void {
  const byte = fn.msixPending + <usize>(vector >> 3);
  store<u8>(byte, load<u8>(byte) | (<u8>1 << <u8>(vector & 7)));
}

/** log2 of the MSI vectors that software granted: Multiple Message Enable, within what exists. */
@inline
function msiGranted(fn: PciFunction): u32 {
  return min((msiControl(fn) >> 4) & 7, fn.msiLog);
}

function sendMsix(fn: PciFunction, vector: u32): void {
  const entry = entryOf(fn, vector);
  send(fn, load<u64>(entry), load<u32>(entry, 8));
}

/** The function replaces as many low bits of the data as vectors were granted (6.8.1.6). */
function sendMsi(fn: PciFunction, vector: u32): void {
  const at = fn.msiOffset;
  const address = (<u64>config32(fn, at + PCI_MSI_ADDRESS_HIGH) << 32) | config32(fn, at + PCI_MSI_ADDRESS);
  const low: u32 = (1 << msiGranted(fn)) - 1;
  send(fn, address, (config16(fn, at + PCI_MSI_DATA) & ~low) | vector);
}

/** A message is a 32-bit memory write; only those to 0xFEEx_xxxx are interrupts. */
function send(fn: PciFunction, address: u64, data: u32): void {
  if (!busMaster(fn)) return;
  if (address >> 20 == 0xfee) {
    trace(<u16>TRACE_MSI, fn.address, 0, address, data);
    requestInterrupt(fn.address, address, data);
    return;
  }
  if ((address & 3) != 0) return;
  const pointer = dmaPointer(fn.address, address, 4, true);
  if (pointer != 0) store<u32>(pointer, data);
}

/** Sends what became pending while masked, after software changed masks or enables. */
export function flushMessages(fn: PciFunction): void {
  const control = msixControl(fn);
  if ((control & PCI_MSIX_ENABLE) != 0 && (control & PCI_MSIX_FUNCTION_MASK) == 0) {
    for (let vector: u32 = 0; vector < fn.msixVectors; vector++) flushVector(fn, vector);
  } else if (msiControl(fn) & PCI_MSI_ENABLE) {
    const at = fn.msiOffset;
    const pending = config32(fn, at + PCI_MSI_PENDING);
    const ready = pending & ~config32(fn, at + PCI_MSI_MASK);
    store<u32>(fn.config + <usize>(at + PCI_MSI_PENDING), pending & ~ready);
    for (let vector: u32 = 0; vector < 32; vector++) if ((ready >> vector) & 1) sendMsi(fn, vector);
  }
}

function flushVector(fn: PciFunction, vector: u32): void {
  const byte = fn.msixPending + <usize>(vector >> 3);
  const bit = <u8>1 << <u8>(vector & 7);
  if ((load<u8>(byte) & bit) == 0) return;
  if (load<u32>(entryOf(fn, vector), 12) & PCI_MSIX_ENTRY_MASKED) return;
  store<u8>(byte, load<u8>(byte) & ~bit);
  sendMsix(fn, vector);
}

/** Whether offset `offset` of the BAR belongs to the MSI-X table or the pending bits. */
export function isMessageArea(fn: PciFunction, bar: u32, offset: u32): bool {
  if (fn.msixOffset == 0 || bar != fn.msixBar) return false;
  return (
    offset - fn.msixTableOffset < fn.msixVectors * PCI_MSIX_ENTRY_BYTES ||
    offset - fn.msixPendingOffset < pendingBytes(fn)
  );
}

/** Reads the table or the pending bits; only aligned dwords and qwords are defined (6.8.2). */
export function messageRead(fn: PciFunction, offset: u32, bytes: u32): u64 {
  if (bytes < 4 || (offset & (bytes - 1)) != 0) return 0xffff_ffff_ffff_ffff;
  const inTable = offset - fn.msixTableOffset;
  if (inTable < fn.msixVectors * PCI_MSIX_ENTRY_BYTES) return loadSized(fn.msixTable + inTable, bytes);
  return loadSized(fn.msixPending + (offset - fn.msixPendingOffset), bytes);
}

/** Writes the table; the pending bits are read-only. */
export function messageWrite(fn: PciFunction, offset: u32, bytes: u32, value: u64): void {
  if (bytes < 4 || (offset & (bytes - 1)) != 0) return;
  const inTable = offset - fn.msixTableOffset;
  if (inTable >= fn.msixVectors * PCI_MSIX_ENTRY_BYTES) return;
  storeSized(fn.msixTable + inTable, bytes, value);
  const vector = inTable / PCI_MSIX_ENTRY_BYTES;
  const entry = entryOf(fn, vector);
  // Messages are dword-aligned; all of vector control but the mask bit is reserved.
  store<u32>(entry, load<u32>(entry) & ~3);
  store<u32>(entry, load<u32>(entry, 12) & PCI_MSIX_ENTRY_MASKED, 12);
  const control = msixControl(fn);
  if ((control & PCI_MSIX_ENABLE) != 0 && (control & PCI_MSIX_FUNCTION_MASK) == 0) flushVector(fn, vector);
}

/** Raises or drops the function's INTx request. */
export function setIntx(fn: PciFunction, level: bool): void {
  if (isGone(fn)) return;
  fn.intx = level ? 1 : 0;
  updateIntx(fn);
}

/** Brings the status bit and the lines up to date after the request or an enable changed. */
export function updateIntx(fn: PciFunction): void {
  const status = config16(fn, PCI_STATUS) & ~PCI_STATUS_INTERRUPT;
  setConfig16(fn, PCI_STATUS, status | (fn.intx ? PCI_STATUS_INTERRUPT : 0));
  updateLines();
}

/** The four lines are wired-or: each is up while any function that shares it asks. */
export function updateLines(): void {
  const state = pci();
  let lines: u32 = 0;
  for (let index: u32 = 0; index < state.functionCount; index++) {
    const fn = functionAt(index);
    if (!fn.intx || fn.vanished || fn.pin == 0 || usesMessages(fn) || powerState(fn) != 0) continue;
    if (config16(fn, PCI_COMMAND) & PCI_COMMAND_INTX_DISABLE) continue;
    lines |= 1 << lineOf(fn);
  }
  const changed = lines ^ state.lines;
  state.lines = lines;
  for (let line: u32 = 0; line < 4; line++)
    if ((changed >> line) & 1) setLine(GSI_PCI_FIRST + line, ((lines >> line) & 1) != 0);
}

/**
 * The line of the function's pin, 0-3: each bridge swizzles by the device number on its secondary
 * side (PCI-to-PCI Bridge 1.2, 9.1), and so does the board on bus 0.
 */
function lineOf(fn: PciFunction): u32 {
  let current = fn;
  let pin: u32 = <u32>fn.pin - 1 + (<u32>fn.slot >> 3);
  while (current.parent != NO_FUNCTION) {
    current = functionAt(current.parent);
    pin += <u32>current.slot >> 3;
  }
  return pin & 3;
}
