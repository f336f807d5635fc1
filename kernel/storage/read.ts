/** One read at a time, for the boot: begins it, and says how it came out. */
import {
  BLOCK_ERROR_DEVICE,
  BLOCK_OK,
  BLOCK_PENDING,
  BLOCK_READ,
  BlockController,
  BlockDevice,
  BlockRequest,
  blockSubmit,
} from "../../hal/block";
import { fail, STAGE_WAIT } from "../boot/boot";
import { reportDmaFaults } from "../boot/iommu";
import { ERROR_DMA_FAULT } from "../errors";
import { clockNow } from "../time";
import { bootError } from "./block_error";
import { storage } from "./storage";

/** How the read stands. */
export const READ_BUSY: u32 = 0;
export const READ_DONE: u32 = 1;
/** The boot's error is set. */
export const READ_FAILED: u32 = 2;

@inline
function request(): BlockRequest {
  return changetype<BlockRequest>(storage().request);
}

/**
 * Begins to read `blocks` blocks from `lba` into RAM at physical address `buffer`.
 * @returns STAGE_WAIT, or STAGE_FAILED when the driver refuses
 */
export function readBegin(device: BlockDevice, lba: u64, blocks: u32, buffer: u64): u32 {
  const read = request();
  storage().reading = changetype<usize>(device);
  read.operation = BLOCK_READ;
  read.lba = lba;
  read.blocks = blocks;
  read.buffer = buffer;
  const result = blockSubmit(device, read, 0, clockNow());
  return result == BLOCK_OK ? STAGE_WAIT : failWith(result, device);
}

/** Blocks that the finished read brought. */
@inline
export function readBlocks(): u32 {
  return request().blocks;
}

/**
 * Whether the device still has the read. To be asked after the controllers were advanced: that may
 * have ended it, and then no interrupt comes to wait for.
 */
export function readPending(): bool {
  return request().status == BLOCK_PENDING;
}

/** How the read stands now; its controller has been advanced. */
export function readStep(): u32 {
  const read = request();
  if (read.status == BLOCK_PENDING) return READ_BUSY;
  if (read.status == BLOCK_OK) return READ_DONE;
  failWith(read.status, changetype<BlockDevice>(storage().reading));
  return READ_FAILED;
}

/** Turns a block error into the boot's: detail = the device's own status, place = the LBA. */
function failWith(error: u32, device: BlockDevice): u32 {
  const controller = changetype<BlockController>(device.controller);
  // A device that went where it may not go is the cause, whatever it says of its command.
  if (reportDmaFaults() != 0) return fail(ERROR_DMA_FAULT, controller.driver, request().lba);
  const status = error == BLOCK_ERROR_DEVICE ? request().deviceStatus : controller.error;
  return fail(bootError(error), status, request().lba);
}
