/**
 * An NVMe 1.4 controller (NVM Express Base 1.4) as a PCI Express function.
 *
 *   BAR 0   0x0000  controller registers      registers.ts
 *           0x1000  doorbells                 queues.ts
 *           0x4000  MSI-X table               the PCI core serves these two
 *           0x6000  MSI-X pending bits
 *
 *   doorbell ─> arbitration and fetch ─> time passes ─> execution ─> completion ─> interrupt
 *   queues.ts   engine.ts                               admin.ts     queues.ts     interrupts.ts
 *                                                       io.ts
 *
 * Each NVMe drive of the machine is a namespace. A machine without one has no controller.
 */
import { createEvent } from "../../events";
import { EVENT_NVME } from "../../kinds";
import { addBar, BAR_MEMORY64 } from "../../pci/decode";
import { addExpressCapability } from "../../pci/express";
import { createFunction } from "../../pci/function";
import { addMsix } from "../../pci/interrupts";
import { MODEL_NVME } from "../../pci/models";
import { addPowerCapability } from "../../pci/power";
import { ADDRESS_NVME } from "../../pci/topology";
import { PCI_EXPRESS_ENDPOINT } from "../../../spec/pci";
import { coalescingDone } from "./interrupts";
import { commandDone, fetchCommands } from "./engine";
import { registerRead, registerWrite, resetController, stateSettled } from "./registers";
import { createState, nvme, slotAt, SLOTS, VECTORS } from "./state";
import { machine } from "../../machine";
import { driveAt, DRIVE_NVME } from "../drive";

const BAR_BYTES: u64 = 0x8000;
const MSIX_TABLE: u32 = 0x4000;
const MSIX_PENDING: u32 = 0x6000;
/** QEMU's NVMe controller, 1b36:0010: stock drivers bind by class 01 08 02. */
const VENDOR_DEVICE: u32 = 0x0010_1b36;
const CLASS_REVISION: u32 = 0x010802_02;

/** Arguments of EVENT_NVME: below SLOTS the end of a command's work, else these. */
const EVENT_FETCH: u32 = SLOTS;
const EVENT_STATE: u32 = SLOTS + 1;
const EVENT_COALESCING: u32 = SLOTS + 2;

/** Creates the controller when the machine has a drive for it. */
export function createNvme(): void {
  if (!hasDrive()) return;
  const controller = createState();
  for (let index: u32 = SLOTS; index > 0; index--) {
    const slot = slotAt(index - 1);
    slot.event = createEvent(EVENT_NVME, index - 1);
    slot.nextFree = controller.freeSlots;
    controller.freeSlots = index;
  }
  controller.fetchEvent = createEvent(EVENT_NVME, EVENT_FETCH);
  controller.stateEvent = createEvent(EVENT_NVME, EVENT_STATE);
  controller.coalescingEvent = createEvent(EVENT_NVME, EVENT_COALESCING);
  const fn = createFunction(ADDRESS_NVME, MODEL_NVME, 0, VENDOR_DEVICE, CLASS_REVISION);
  controller.fn = fn;
  addBar(fn, 0, BAR_BYTES, BAR_MEMORY64);
  addPowerCapability(fn);
  addMsix(fn, VECTORS, 0, MSIX_TABLE, MSIX_PENDING);
  addExpressCapability(fn, PCI_EXPRESS_ENDPOINT);
  resetController();
}

function hasDrive(): bool {
  for (let index: u32 = 0; index < machine().driveCount; index++)
    if (driveAt(index).attachment == DRIVE_NVME) return true;
  return false;
}

export function nvmeBarRead(offset: u32, bytes: u32): u64 {
  return registerRead(offset, bytes);
}

export function nvmeBarWrite(offset: u32, bytes: u32, value: u64): void {
  registerWrite(offset, bytes, value);
}

/** Function Level Reset and reset of the bus: the admin queue's registers go as well (7.3.2). */
export function nvmeReset(): void {
  const controller = nvme();
  resetController();
  controller.aqa = 0;
  controller.asq = 0;
  controller.acq = 0;
}

export function nvmeEvent(argument: u32): void {
  if (argument < SLOTS) commandDone(argument);
  else if (argument == EVENT_FETCH) fetchCommands();
  else if (argument == EVENT_STATE) stateSettled();
  else coalescingDone();
}
