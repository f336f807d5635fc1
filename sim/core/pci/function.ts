/**
 * PCI functions and their configuration space.
 *
 * Every function has four images of 4 KiB, one bit a bit: the registers, which bits software may
 * write, which bits it clears by writing 1, and what a reset brings back.
 */
import { allocate, allocateMany, allocateOne } from "../arena";
import { machine, Ptr } from "../machine";
import { loadSized, storeSized } from "../ram";
import {
  PCI_CACHE_LINE,
  PCI_CAPABILITIES,
  PCI_CLASS_REVISION,
  PCI_COMMAND,
  PCI_COMMAND_INTX_DISABLE,
  PCI_COMMAND_IO,
  PCI_COMMAND_MASTER,
  PCI_COMMAND_MEMORY,
  PCI_COMMAND_PARITY,
  PCI_COMMAND_SERR,
  PCI_HEADER_BRIDGE,
  PCI_HEADER_MULTIFUNCTION,
  PCI_HEADER_TYPE,
  PCI_INTERRUPT_LINE,
  PCI_INTERRUPT_PIN,
  PCI_STATUS,
  PCI_STATUS_CAPABILITIES,
  PCI_STATUS_ERRORS,
  PCI_SUBSYSTEM,
  PCI_VENDOR_ID,
} from "../../spec/pci";
import { MODEL_NONE, MODEL_ROOT_PORT } from "./models";
import { rebuildRoutes } from "./routing";
import { ensureRootPort } from "./topology";

export const FUNCTIONS_MAX: u32 = 64;
export const CONFIG_BYTES: u32 = 4096;
export const BARS: u32 = 6;
/** "No function": a parent of bus 0, an address nobody has. */
export const NO_FUNCTION: u32 = 0xffff_ffff;
const ADDRESSES: u32 = 65536;

@unmanaged
export class PciBar {
  /** A power of two; 0 = not implemented. */
  bytes: u64;
  flags: u32;
  /** Index of its region or port range on the bus (bus.ts). */
  region: u32;
  /** What the bus decodes now. */
  base: u64;
  decoded: u32;
}

@unmanaged
export class PciFunction {
  /** Bus << 8 | device << 3 | function, as the bridges above number it now. */
  requester: u16;
  /** Device << 3 | function: the part that never changes. */
  slot: u16;
  /** MODEL_ constant of models.ts, and the model's own index. */
  model: u16;
  /** Interrupt pin: 0 none, 1-4 INTA-INTD. */
  pin: u16;
  device: u32;
  /** Index in the table of functions. */
  index: u32;
  /** Index of the bridge above, or NO_FUNCTION on bus 0. */
  parent: u32;
  isBridge: u32;
  /** The armed fault took it off the bus. */
  vanished: u32;
  /** The device asks for its INTx line. */
  intx: u32;
  config: usize;
  writable: usize;
  clearable: usize;
  resetImage: usize;
  bars: Ptr<PciBar>;
  /** Configuration offsets of capabilities; 0 = absent. */
  powerOffset: u32;
  msiOffset: u32;
  msixOffset: u32;
  expressOffset: u32;
  /** Virtio's window to the BARs (bars.ts). */
  windowOffset: u32;
  /** Next free byte for a capability, and the last one in the list. */
  capabilityTop: u32;
  lastCapability: u32;
  /** MSI: log2 of the vectors. */
  msiLog: u32;
  /** MSI-X: the table and the pending bits, which a BAR shows. */
  msixTable: usize;
  msixPending: usize;
  msixVectors: u32;
  msixBar: u32;
  msixTableOffset: u32;
  msixPendingOffset: u32;

  /** The requester ID, under the name it has in configuration accesses. */
  @inline
  get address(): u32 {
    return this.requester;
  }
}

@unmanaged
export class Pci {
  functions: Ptr<PciFunction>;
  functionCount: u32;
  /** A byte for each bus/device/function: index + 1 of the function that answers there. */
  routes: usize;
  /** CONFIG_ADDRESS, port 0xCF8. */
  configAddress: u32;
  /** Level of GSI 16 + n in bit n. */
  lines: u32;
}

@inline
export function pci(): Pci {
  return changetype<Pci>(machine().pci);
}

@inline
export function functionAt(index: u32): PciFunction {
  return changetype<PciFunction>(pci().functions + <usize>index * offsetof<PciFunction>());
}

@inline
export function barAt(fn: PciFunction, index: u32): PciBar {
  return changetype<PciBar>(fn.bars + <usize>index * offsetof<PciBar>());
}

/** Index of the function that answers at `address`, or NO_FUNCTION. */
@inline
export function findFunction(address: u32): u32 {
  return <u32>load<u8>(pci().routes + <usize>(address & 0xffff)) - 1;
}

export function createPciState(): void {
  const state = allocateOne<Pci>();
  machine().pci = changetype<usize>(state);
  state.functions = allocateMany<PciFunction>(FUNCTIONS_MAX);
  state.routes = allocate(ADDRESSES);
}

@inline
export function config8(fn: PciFunction, offset: u32): u32 {
  return load<u8>(fn.config + <usize>offset);
}

@inline
export function config16(fn: PciFunction, offset: u32): u32 {
  return load<u16>(fn.config + <usize>offset);
}

@inline
export function config32(fn: PciFunction, offset: u32): u32 {
  return load<u32>(fn.config + <usize>offset);
}

/** Changes a register from the device's side, past the write masks. */
@inline
export function setConfig16(fn: PciFunction, offset: u32, value: u32): void {
  store<u16>(fn.config + <usize>offset, <u16>value);
}

/**
 * Defines a register of 1, 2 or 4 bytes: its reset value, the bits software may write, and the bits
 * it clears by writing 1. Only while the machine is created.
 */
export function defineRegister(
  fn: PciFunction,
  offset: u32,
  bytes: u32,
  value: u32,
  writable: u32 = 0,
  clearable: u32 = 0,
): void {
  storeSized(fn.config + <usize>offset, bytes, value);
  storeSized(fn.resetImage + <usize>offset, bytes, value);
  storeSized(fn.writable + <usize>offset, bytes, writable);
  storeSized(fn.clearable + <usize>offset, bytes, clearable);
}

/**
 * Creates a function. A bus other than 0 is the one behind a root port, which is created with it.
 * @param address bus << 8 | device << 3 | function as the firmware numbers it (topology.ts)
 * @param model MODEL_ constant of models.ts
 * @param device handed to the model's functions
 * @param vendorDevice vendor ID in the low half, device ID in the high half
 * @param classRevision class code in bits 31-8, revision in bits 7-0
 */
export function createFunction(
  address: u32,
  model: u16,
  device: u32,
  vendorDevice: u32,
  classRevision: u32,
): PciFunction {
  const parent = address >> 8 == 0 ? NO_FUNCTION : ensureRootPort(address >> 8);
  const state = pci();
  const index = state.functionCount;
  if (index == FUNCTIONS_MAX) unreachable();
  state.functionCount = index + 1;
  const fn = functionAt(index);
  fn.index = index;
  fn.slot = <u16>(address & 0xff);
  fn.parent = parent;
  fn.model = model;
  fn.device = device;
  fn.capabilityTop = 0x40;
  fn.config = allocate(CONFIG_BYTES);
  fn.writable = allocate(CONFIG_BYTES);
  fn.clearable = allocate(CONFIG_BYTES);
  fn.resetImage = allocate(CONFIG_BYTES);
  fn.bars = allocateMany<PciBar>(BARS);
  defineRegister(fn, PCI_VENDOR_ID, 4, vendorDevice);
  defineRegister(fn, PCI_CLASS_REVISION, 4, classRevision);
  defineHeader(fn, model);
  markMultifunction(fn);
  rebuildRoutes();
  return fn;
}

/** The registers that headers of type 0 and type 1 have in common. */
function defineHeader(fn: PciFunction, model: u16): void {
  const command =
    PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY | PCI_COMMAND_SERR;
  defineRegister(fn, PCI_COMMAND, 2, 0, command | PCI_COMMAND_INTX_DISABLE);
  defineRegister(fn, PCI_STATUS, 2, 0, 0, PCI_STATUS_ERRORS);
  defineRegister(fn, PCI_CACHE_LINE, 1, 0, 0xff);
  if (model == MODEL_ROOT_PORT) {
    fn.isBridge = 1;
    defineRegister(fn, PCI_HEADER_TYPE, 1, PCI_HEADER_BRIDGE);
  } else {
    setSubsystem(fn, config32(fn, PCI_VENDOR_ID));
  }
  if (model != MODEL_NONE) setInterruptPin(fn, 1);
}

/** Sets the multi-function bit of function 0 when its slot has others (PCI 3.0, 6.2.1). */
function markMultifunction(fn: PciFunction): void {
  const count = pci().functionCount;
  let several = false;
  for (let index: u32 = 0; index < count; index++) {
    const other = functionAt(index);
    if (other.parent == fn.parent && other.slot >> 3 == fn.slot >> 3 && other.index != fn.index)
      several = true;
  }
  if (!several) return;
  for (let index: u32 = 0; index < count; index++) {
    const other = functionAt(index);
    if (other.parent != fn.parent || other.slot >> 3 != fn.slot >> 3) continue;
    const type = config8(other, PCI_HEADER_TYPE) | PCI_HEADER_MULTIFUNCTION;
    defineRegister(other, PCI_HEADER_TYPE, 1, type);
  }
}

/** Sets the subsystem IDs: vendor in the low half. The default repeats the function's own IDs. */
export function setSubsystem(fn: PciFunction, ids: u32): void {
  defineRegister(fn, PCI_SUBSYSTEM, 4, ids);
}

/** Chooses the INTx pin: 0 none, 1-4 INTA-INTD. The default for devices is INTA. */
export function setInterruptPin(fn: PciFunction, pin: u32): void {
  fn.pin = <u16>pin;
  defineRegister(fn, PCI_INTERRUPT_PIN, 1, pin);
  // 0xff: the firmware routed no legacy interrupt (PCI Local Bus 3.0, 6.2.4).
  if (pin != 0) defineRegister(fn, PCI_INTERRUPT_LINE, 1, 0xff, 0xff);
  else defineRegister(fn, PCI_INTERRUPT_LINE, 1, 0);
}

/**
 * Appends a zeroed, read-only capability of `bytes` bytes, header included, to the list; returns its
 * offset, for `defineRegister`. Only while the machine is created.
 */
export function addCapability(fn: PciFunction, id: u32, bytes: u32): u32 {
  const offset = fn.capabilityTop;
  const end = (offset + bytes + 3) & ~3;
  if (end > 256) unreachable();
  fn.capabilityTop = end;
  const link: u32 = fn.lastCapability == 0 ? PCI_CAPABILITIES : fn.lastCapability + 1;
  defineRegister(fn, link, 1, offset);
  defineRegister(fn, offset, 1, id);
  fn.lastCapability = offset;
  const status = config16(fn, PCI_STATUS) | PCI_STATUS_CAPABILITIES;
  defineRegister(fn, PCI_STATUS, 2, status, 0, PCI_STATUS_ERRORS);
  return offset;
}

/** Whether an access to `bytes` bytes at `offset` touches `count` bytes at `first`. */
@inline
export function touches(offset: u32, bytes: u32, first: u32, count: u32): bool {
  return offset < first + count && first < offset + bytes;
}
