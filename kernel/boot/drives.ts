/** Stages: drives and their partitions. */
import {
  BLOCK_DRIVER_NVME,
  BLOCK_FAILED,
  BLOCK_READY,
  BlockController,
  BlockDevice,
  blockDeviceAt,
} from "../../hal/block";
import { newLine, print, printDecimal, printLine, printSize, printText } from "../console";
import {
  ERROR_CONTROLLER,
  ERROR_DMA_FAULT,
  ERROR_GPT_DAMAGED,
  ERROR_NO_DRIVE,
  ERROR_NOT_GPT,
  ERROR_OUT_OF_FRAMES,
  ERROR_READ,
  ERROR_TIMEOUT,
  ERROR_VANISHED,
} from "../errors";
import { GPT_OK } from "../storage/gpt";
import {
  createPartitions,
  Partition,
  partitionAt,
  Partitions,
  partitionOfType,
  scanAdvance,
  scanBegin,
} from "../storage/partitions";
import { bootError } from "../storage/block_error";
import { readPending } from "../storage/read";
import {
  advanceControllers,
  controllerAt,
  controllersSettled,
  createStorage,
  driveAt,
  numberDrives,
  startControllers,
  storage,
} from "../storage/storage";
import { printController } from "../storage/trouble";
import { boot, fail, STAGE_DONE, STAGE_FAILED, STAGE_WAIT, waitUntil } from "./boot";
import { bundleAdvance, bundleBegin } from "./bundle";
import { reportDmaFaults } from "./iommu";

/** Type GUID of the partition with the boot bundle: 304a767f-5263-410b-b9c3-93708355d47e. */
const BUNDLE_TYPE_LOW: u64 = 0x410b_5263_304a_767f;
const BUNDLE_TYPE_HIGH: u64 = 0x7ed4_5583_7093_c3b9;
const NAME_UNITS: u32 = 36;

/** Starts the controllers and waits until each is ready or has failed. */
export function stageDrives(): u32 {
  const state = boot();
  if (state.phase == 0) {
    createStorage();
    const result = startControllers();
    if (result != STAGE_DONE) return result;
    state.phase = 1;
  }
  const deadline = advanceControllers();
  if (!controllersSettled()) return waitUntil(deadline);
  numberDrives();
  for (let index: u32 = 0; index < storage().count; index++) printQueues(index);
  if (storage().driveCount == 0) return noDrive();
  for (let index: u32 = 0; index < storage().driveCount; index++) printDrive(index);
  return STAGE_DONE;
}

/** How a controller is served, and which of its devices can't be used. */
function printQueues(index: u32): void {
  const controller = controllerAt(index);
  const block = changetype<BlockController>(controller.block);
  if (block.state != BLOCK_READY) return;
  printController(controller);
  print(": ");
  printDecimal(block.queues);
  print(block.queues == 1 ? " queue, " : " queues, ");
  printDecimal(block.vectors);
  printLine(block.vectors == 1 ? " interrupt vector" : " interrupt vectors");
  for (let n: u32 = 0; n < block.deviceCount; n++) {
    const device = blockDeviceAt(block, n);
    if (device.state != BLOCK_FAILED) continue;
    printController(controller);
    print(block.driver == BLOCK_DRIVER_NVME ? ": namespace " : ": port ");
    printDecimal(device.unit);
    printLine(" is not usable");
  }
}

/** A controller that failed says why; without one, there is nothing to boot from. */
function noDrive(): u32 {
  if (reportDmaFaults() != 0) return fail(ERROR_DMA_FAULT);
  for (let index: u32 = 0; index < storage().count; index++) {
    const block = changetype<BlockController>(controllerAt(index).block);
    if (block.state == BLOCK_FAILED) return fail(bootError(block.error), block.deviceStatus, block.driver);
  }
  return fail(ERROR_NO_DRIVE);
}

function printDrive(index: u32): void {
  const device = driveAt(index);
  const block = changetype<BlockController>(device.controller);
  print("drive ");
  printDecimal(index);
  print(block.driver == BLOCK_DRIVER_NVME ? ": NVMe namespace " : ": AHCI port ");
  printDecimal(device.unit);
  print(", ");
  printSize(device.blocks * device.blockBytes);
  print(" in blocks of ");
  printDecimal(device.blockBytes);
  printLine(device.readOnly != 0 ? ", read-only" : "");
}

@inline
function partitions(): Partitions {
  return changetype<Partitions>(boot().partitions);
}

/**
 * Reads the table of every drive. A drive without an intact one is reported; it fails the boot only
 * when no other drive has a bundle. `phase` is the drive that is being read, plus one.
 */
export function stagePartitions(): u32 {
  const state = boot();
  if (state.phase == 0) {
    state.partitions = createPartitions();
    if (state.partitions == 0) return fail(ERROR_OUT_OF_FRAMES);
    const begun = scanNext();
    if (begun != STAGE_WAIT) return begun;
  }
  while (true) {
    const deadline = advanceControllers();
    if (readPending()) return waitUntil(deadline);
    const result = scanAdvance(partitions());
    if (result == STAGE_WAIT) continue;
    if (result == STAGE_FAILED && !reportBadTable(state.phase - 1)) return STAGE_FAILED;
    if (result == STAGE_DONE) printPartitions(state.phase - 1);
    const next = scanNext();
    if (next != STAGE_WAIT) return next;
  }
}

/** Begins with the next drive: STAGE_WAIT when it is being read, done when there is none. */
function scanNext(): u32 {
  const state = boot();
  while (true) {
    if (state.phase == storage().driveCount) return STAGE_DONE;
    state.phase += 1;
    const result = scanBegin(partitions(), driveAt(state.phase - 1));
    if (result == STAGE_WAIT) return STAGE_WAIT;
    if (!reportBadTable(state.phase - 1)) return STAGE_FAILED;
  }
}

/** Whether the error is one of this drive only, which another drive may make up for. */
function reportBadTable(drive: u32): bool {
  const state = boot();
  const what = badTable(state.error);
  if (what == "") return false;
  if (state.tableError == 0) {
    state.tableError = state.error;
    state.tableDetail = state.detail;
    state.tablePlace = state.place;
  }
  print("drive ");
  printDecimal(drive);
  printLine(what);
  return true;
}

function badTable(error: u32): string {
  switch (error) {
    case ERROR_NOT_GPT:
      return ": no GPT";
    case ERROR_GPT_DAMAGED:
      return ": primary and backup GPT are damaged";
    case ERROR_READ:
      return ": can't be read";
    case ERROR_TIMEOUT:
      return ": a read was not completed in time";
    case ERROR_VANISHED:
      return ": gone";
    case ERROR_CONTROLLER:
      return ": its controller has failed";
    default:
      return "";
  }
}

function printPartitions(drive: u32): void {
  const table = partitions();
  if (table.primaryError != GPT_OK) {
    print("drive ");
    printDecimal(drive);
    print(": primary GPT is damaged (");
    printDecimal(table.primaryError);
    printLine("), backup used");
  }
  for (let index: u32 = 0; index < table.count; index++) {
    const partition = partitionAt(table, index);
    if (partition.device == table.device) printPartition(drive, partition);
  }
}

function printPartition(drive: u32, partition: Partition): void {
  print("  drive ");
  printDecimal(drive);
  print(" partition at ");
  printDecimal(partition.firstLba);
  print(", ");
  const blockBytes = changetype<BlockDevice>(partition.device).blockBytes;
  printSize((partition.lastLba - partition.firstLba + 1) * blockBytes);
  print(" \"");
  const name = changetype<usize>(partition) + offsetof<Partition>("name0");
  // UTF-16: the low byte is the character for the names that matter here.
  for (let unit: u32 = 0; unit < NAME_UNITS && load<u16>(name + (unit << 1)) != 0; unit++)
    printText(name + (unit << 1), 1);
  print("\"");
  newLine();
}

/** Reads and verifies the boot bundle. */
export function stageBundle(): u32 {
  const state = boot();
  if (state.phase == 0) {
    const partition = partitionOfType(partitions(), BUNDLE_TYPE_LOW, BUNDLE_TYPE_HIGH);
    if (partition == 0 && state.tableError != 0) return fail(state.tableError, state.tableDetail, state.tablePlace);
    printLine("boot bundle:");
    const begun = bundleBegin(partition);
    if (begun == STAGE_FAILED) return STAGE_FAILED;
    state.phase = 1;
  }
  while (true) {
    const deadline = advanceControllers();
    if (readPending()) return waitUntil(deadline);
    const result = bundleAdvance();
    if (result != STAGE_WAIT) return result;
  }
}
