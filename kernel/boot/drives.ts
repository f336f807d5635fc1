/** Stages: drives and their partitions. */
import {
  BLOCK_DRIVER_NVME,
  BLOCK_FAILED,
  BlockController,
  BlockDevice,
} from "../../hal/block";
import { newLine, print, printDecimal, printLine, printSize, printText } from "../console";
import { ERROR_GPT_DAMAGED, ERROR_NO_DRIVE, ERROR_NOT_GPT, ERROR_OUT_OF_FRAMES } from "../errors";
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
import { bootError } from "../storage/read";
import {
  advanceControllers,
  blockDevice,
  controllerAt,
  controllersSettled,
  createStorage,
  startControllers,
  storage,
} from "../storage/storage";
import { boot, fail, STAGE_DONE, STAGE_FAILED, STAGE_WAIT, waitUntil } from "./boot";
import { bundleAdvance, bundleBegin } from "./bundle";

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
  if (blockDevice(0) == 0) return noDrive();
  for (let index: u32 = 0; blockDevice(index) != 0; index++) printDrive(index);
  return STAGE_DONE;
}

/** A controller that failed says why; without one, there is nothing to boot from. */
function noDrive(): u32 {
  for (let index: u32 = 0; index < storage().count; index++) {
    const block = changetype<BlockController>(controllerAt(index).block);
    if (block.state == BLOCK_FAILED) return fail(bootError(block.error), block.deviceStatus, block.driver);
  }
  return fail(ERROR_NO_DRIVE);
}

function printDrive(index: u32): void {
  const device = changetype<BlockDevice>(blockDevice(index));
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
    return scanNext();
  }
  const deadline = advanceControllers();
  const result = scanAdvance(partitions());
  if (result == STAGE_WAIT) return waitUntil(min(deadline, advanceControllers()));
  if (result == STAGE_FAILED && !reportBadTable(state.phase - 1)) return STAGE_FAILED;
  if (result == STAGE_DONE) printPartitions(state.phase - 1);
  return scanNext();
}

/** Begins with the next drive; done when there is none. */
function scanNext(): u32 {
  const state = boot();
  while (true) {
    const device = blockDevice(state.phase);
    if (device == 0) return STAGE_DONE;
    state.phase += 1;
    const result = scanBegin(partitions(), changetype<BlockDevice>(device));
    if (result == STAGE_WAIT) return waitUntil(advanceControllers());
    if (!reportBadTable(state.phase - 1)) return STAGE_FAILED;
  }
}

/** Whether the error is one of the drive's table only, which other drives may make up for. */
function reportBadTable(drive: u32): bool {
  const state = boot();
  if (state.error != ERROR_NOT_GPT && state.error != ERROR_GPT_DAMAGED) return false;
  if (state.tableError == 0) state.tableError = state.error;
  print("drive ");
  printDecimal(drive);
  printLine(state.error == ERROR_NOT_GPT ? ": no GPT" : ": primary and backup GPT are damaged");
  return true;
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
    if (partition == 0 && state.tableError != 0) return fail(state.tableError);
    printLine("boot bundle:");
    const begun = bundleBegin(partition);
    if (begun == STAGE_FAILED) return STAGE_FAILED;
    state.phase = 1;
  }
  const deadline = advanceControllers();
  const result = bundleAdvance();
  return result == STAGE_WAIT ? waitUntil(min(deadline, advanceControllers())) : result;
}
