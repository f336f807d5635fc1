/** Storage controllers: found on PCI, given memory and vectors, started, driven by interrupts. */
import {
  BLOCK_DEVICES_MAX,
  BLOCK_DRIVER_AHCI,
  BLOCK_DRIVER_NVME,
  BLOCK_FAILED,
  BLOCK_NEVER,
  BLOCK_READY,
  BLOCK_STOPPED,
  blockAdvance,
  blockAttach,
  BlockController,
  BlockDevice,
  blockDeviceAt,
  blockDevicePage,
  blockInterrupt,
  blockPages,
  BlockRequest,
  blockStart,
  blockTake,
} from "../../hal/block";
import { interruptsMessageAddress, interruptsMessageData } from "../../hal/interrupts";
import { PAGE_SHIFT } from "../../hal/memory";
import { pciBar, pciDevice, PciDevice, pciEnable, pciFindClass, PCI_OK } from "../../hal/pci";
import { pciMessages, PciMessages, pciRoute } from "../../hal/pci_messages";
import { boot, fail, STAGE_DONE } from "../boot/boot";
import { allowDma, forbidDma } from "../boot/iommu";
import { pci } from "../boot/pci";
import { kernelCpu } from "../cpu/cpu";
import { VECTOR_AHCI, VECTOR_NVME, VECTORS_NVME } from "../cpu/vector_numbers";
import { ERROR_CONTROLLER, ERROR_OUT_OF_FRAMES } from "../errors";
import { frameAllocZeroed, orderFor, OWNER_DRIVER } from "../mm/frames";
import { kernel, Ptr, rootAllocate } from "../state";
import { clockNow } from "../time";
import { reportTrouble, Trouble } from "./trouble";

/** One of each kind is driven; a machine has no more. */
export const CONTROLLERS_MAX: u32 = 2;
const DRIVES_MAX: u32 = CONTROLLERS_MAX * BLOCK_DEVICES_MAX;

@unmanaged
export class Controller {
  block: Ptr<BlockController>;
  device: Ptr<PciDevice>;
  messages: Ptr<PciMessages>;
  /** First interrupt vector and how many. */
  vector: u32;
  vectors: u32;
  /** What of its troubles was printed already. */
  reported: Ptr<Trouble>;
}

@unmanaged
export class Storage {
  controllers: Ptr<Controller>;
  count: u32;
  /** Usable devices over all controllers, as they were found; their numbers stay when one fails. */
  drives: usize;
  driveCount: u32;
  /** The boot's one request, and the device that it went to. */
  request: Ptr<BlockRequest>;
  reading: Ptr<BlockDevice>;
}

/** Class code, BAR of the registers, driver and first vector of each kind of controller. */
const NVME_CLASS: u32 = 0x010802;
const NVME_BAR: u32 = 0;
const AHCI_CLASS: u32 = 0x010601;
const AHCI_BAR: u32 = 5;
const CLASS_MASK: u32 = 0xffffff;

@inline
export function storage(): Storage {
  return changetype<Storage>(boot().storage);
}

@inline
export function controllerAt(index: u32): Controller {
  return changetype<Controller>(storage().controllers + <usize>index * offsetof<Controller>());
}

export function createStorage(): void {
  boot().storage = rootAllocate(offsetof<Storage>());
  storage().controllers = rootAllocate(<usize>CONTROLLERS_MAX * offsetof<Controller>());
  storage().drives = rootAllocate(<usize>DRIVES_MAX * sizeof<usize>());
  storage().request = rootAllocate(offsetof<BlockRequest>());
}

/** Finds the controllers and begins to start them. */
export function startControllers(): u32 {
  const nvme = attach(NVME_CLASS, NVME_BAR, BLOCK_DRIVER_NVME, VECTOR_NVME, VECTORS_NVME);
  if (nvme != STAGE_DONE) return nvme;
  return attach(AHCI_CLASS, AHCI_BAR, BLOCK_DRIVER_AHCI, VECTOR_AHCI, 1);
}

function attach(classCode: u32, bar: u32, driver: u32, vector: u32, vectors: u32): u32 {
  const index = pciFindClass(pci(), classCode, CLASS_MASK, 0);
  if (index == pci().deviceCount) return STAGE_DONE;
  const device = pciDevice(pci(), index);
  const error = pciEnable(pci(), device);
  const registers = pciBar(device, bar).base;
  if (error != PCI_OK || registers == 0) return fail(ERROR_CONTROLLER, error, device.bdf);
  const queues = kernel().cpuCount;
  const pages = blockPages(driver, queues);
  const memory = frameAllocZeroed(orderFor(pages << PAGE_SHIFT), OWNER_DRIVER);
  if (memory == 0) return fail(ERROR_OUT_OF_FRAMES, driver);
  const allowed = allowDevicePages(device.bdf, driver, memory, pages);
  if (allowed != STAGE_DONE) return allowed;
  const controller = controllerAt(storage().count);
  controller.device = changetype<usize>(device);
  controller.messages = rootAllocate(offsetof<PciMessages>());
  controller.reported = rootAllocate(offsetof<Trouble>());
  controller.vector = vector;
  controller.vectors = routeVectors(controller, min(vectors, queues));
  storage().count += 1;
  const block = blockAttach(driver, memory);
  controller.block = changetype<usize>(block);
  block.registers = registers;
  block.vectors = controller.vectors;
  block.queuesWanted = queues;
  blockStart(block, clockNow());
  return STAGE_DONE;
}

/** Lets the device reach what it uses of its driver's memory, and none of the driver's own state. */
function allowDevicePages(bdf: u32, driver: u32, memory: u64, pages: u64): u32 {
  for (let page: u64 = 0; page < pages; page++) {
    if (!blockDevicePage(driver, page)) continue;
    const first = page;
    while (page + 1 < pages && blockDevicePage(driver, page + 1)) page++;
    const bytes = (page + 1 - first) << PAGE_SHIFT;
    const allowed = allowDma(bdf, memory + (first << PAGE_SHIFT), bytes);
    if (allowed != STAGE_DONE) return allowed;
  }
  return STAGE_DONE;
}

/** Routes vector n to processor n; how many there are. A controller with none is polled. */
function routeVectors(controller: Controller, wanted: u32): u32 {
  const device = changetype<PciDevice>(controller.device);
  const messages = changetype<PciMessages>(controller.messages);
  if (pciMessages(pci(), device, messages) != PCI_OK) return 0;
  const count = min(wanted, messages.vectors);
  for (let index: u32 = 0; index < count; index++) {
    const address = interruptsMessageAddress(kernelCpu(index).apicId);
    const data = interruptsMessageData(controller.vector + index);
    if (pciRoute(pci(), device, messages, index, address, data) != PCI_OK) return index;
  }
  return count;
}

/** A vector fired: the controller that owns it takes its completions. */
export function storageInterrupt(vector: u32): bool {
  if (boot().storage == 0) return false;
  for (let index: u32 = 0; index < storage().count; index++) {
    const controller = controllerAt(index);
    const offset = vector - controller.vector;
    if (offset >= controller.vectors) continue;
    blockInterrupt(changetype<BlockController>(controller.block), offset, clockNow());
    return true;
  }
  return false;
}

/** Moves all controllers on; the earliest time at which that is to happen again. */
export function advanceControllers(): u64 {
  let deadline = BLOCK_NEVER;
  for (let index: u32 = 0; index < storage().count; index++) {
    const block = changetype<BlockController>(controllerAt(index).block);
    blockAdvance(block, clockNow());
    while (blockTake(block) != 0) {}
    deadline = min(deadline, block.deadline);
    reportTrouble(controllerAt(index));
  }
  return deadline;
}

/** Whether a controller is still on its way to be ready (or to have stopped). */
export function controllersSettled(): bool {
  for (let index: u32 = 0; index < storage().count; index++) {
    const state = changetype<BlockController>(controllerAt(index).block).state;
    if (state != BLOCK_READY && state != BLOCK_FAILED && state != BLOCK_STOPPED) return false;
  }
  return true;
}

/** Lets the device's controller read and write the buffer at physical address `memory`. */
export function shareBuffer(device: BlockDevice, memory: u64, bytes: u64): u32 {
  return allowDma(functionOf(device), memory, bytes);
}

/** Takes the buffer back. */
export function unshareBuffer(device: BlockDevice, memory: u64, bytes: u64): void {
  forbidDma(functionOf(device), memory, bytes);
}

/** PCI function of the device's controller. */
function functionOf(device: BlockDevice): u32 {
  for (let index: u32 = 0; index < storage().count; index++) {
    const controller = controllerAt(index);
    if (controller.block == device.controller) return changetype<PciDevice>(controller.device).bdf;
  }
  return 0;
}

/** Gives every usable device its number. The controllers are settled. */
export function numberDrives(): void {
  const state = storage();
  for (let index: u32 = 0; index < state.count; index++) {
    const block = changetype<BlockController>(controllerAt(index).block);
    if (block.state != BLOCK_READY) continue;
    for (let n: u32 = 0; n < block.deviceCount; n++) {
      const device = blockDeviceAt(block, n);
      if (device.state != BLOCK_READY || state.driveCount == DRIVES_MAX) continue;
      store<usize>(state.drives + (<usize>state.driveCount << alignof<usize>()), changetype<usize>(device));
      state.driveCount += 1;
    }
  }
}

/** Drive `index`, below `storage().driveCount`. */
export function driveAt(index: u32): BlockDevice {
  return changetype<BlockDevice>(load<usize>(storage().drives + (<usize>index << alignof<usize>())));
}
