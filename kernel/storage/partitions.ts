/**
 * Partitions of a drive: the primary GPT, or the backup when the primary is damaged, which is
 * reported. One drive at a time, as a state machine over single reads.
 */
import { BlockDevice } from "../../hal/block";
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { fail, STAGE_DONE, STAGE_FAILED, STAGE_WAIT } from "../boot/boot";
import { ERROR_GPT_DAMAGED, ERROR_NOT_GPT, ERROR_OUT_OF_FRAMES } from "../errors";
import { PARTITION_ARRAY_BYTES_MAX, PARTITIONS_MAX } from "../limits";
import { frameAllocZeroed, orderFor, OWNER_KERNEL } from "../mm/frames";
import { Ptr } from "../state";
import {
  arrayBlocks,
  checkArray,
  checkHeader,
  entryAt,
  entryUsed,
  GPT_OK,
  GptHeader,
  protectiveMbr,
} from "./gpt";
import { shareBuffer } from "./storage";
import { READ_DONE, READ_FAILED, readBegin, readStep } from "./read";

@unmanaged
export class Partition {
  device: Ptr<BlockDevice>;
  typeLow: u64;
  typeHigh: u64;
  guidLow: u64;
  guidHigh: u64;
  firstLba: u64;
  lastLba: u64;
  /** Name: up to 36 UTF-16 code units, as in the table. */
  name0: u64;
  name1: u64;
  name2: u64;
  name3: u64;
  name4: u64;
  name5: u64;
  name6: u64;
  name7: u64;
  name8: u64;
}

const NAME_BYTES: usize = 72;
const NAME_AT: usize = 56;

/** What the scan of a drive reads next. */
const PHASE_HEAD: u32 = 0;
const PHASE_ARRAY: u32 = 1;
const PHASE_BACKUP: u32 = 2;
const PHASE_BACKUP_ARRAY: u32 = 3;

@unmanaged
export class Partitions {
  entries: Ptr<Partition>;
  count: u32;
  phase: u32;
  device: Ptr<BlockDevice>;
  /** Physical address of the read buffer. */
  buffer: u64;
  /** Copy of the header whose array is being read. */
  header: Ptr<GptHeader>;
  /** What was wrong with the primary table of the last drive; GPT_OK when it was used. */
  primaryError: u32;
  backupError: u32;
}

/** Protective MBR, two headers, two entry arrays of a block and a usable one. */
const BLOCKS_MIN: u64 = 6;
const BUFFER_BYTES: u64 = PARTITION_ARRAY_BYTES_MAX + PAGE_BYTES * 2;
const TABLE_BYTES: u64 = 512 + 128 * 144;

/** Room for the table and the read buffer; 0 when there is none. */
export function createPartitions(): usize {
  const tables = frameAllocZeroed(orderFor(TABLE_BYTES), OWNER_KERNEL);
  const buffer = frameAllocZeroed(orderFor(BUFFER_BYTES), OWNER_KERNEL);
  if (tables == 0 || buffer == 0) return 0;
  const state = changetype<Partitions>(pointer(tables));
  state.header = changetype<usize>(state) + 256;
  state.entries = changetype<usize>(state) + 512;
  state.buffer = buffer;
  return changetype<usize>(state);
}

/** Begins to read the tables of `device`. */
export function scanBegin(state: Partitions, device: BlockDevice): u32 {
  state.device = changetype<usize>(device);
  state.phase = PHASE_HEAD;
  state.primaryError = GPT_OK;
  state.backupError = GPT_OK;
  if (device.blocks < BLOCKS_MIN) return fail(ERROR_NOT_GPT, device.unit);
  const shared = shareBuffer(device, state.buffer, BUFFER_BYTES);
  if (shared != STAGE_DONE) return shared;
  return readBegin(device, 0, 2, state.buffer);
}

/** Goes on when a read has ended; STAGE_DONE when the drive's partitions are in the table. */
export function scanAdvance(state: Partitions): u32 {
  while (true) {
    const step = readStep();
    if (step == READ_FAILED) return STAGE_FAILED;
    if (step != READ_DONE) return STAGE_WAIT;
    const result = arrived(state);
    if (result != STAGE_WAIT) return result;
  }
}

/** What was read is there. STAGE_WAIT: the next read has begun. */
function arrived(state: Partitions): u32 {
  const device = changetype<BlockDevice>(state.device);
  const buffer = pointer(state.buffer);
  switch (state.phase) {
    case PHASE_HEAD: {
      if (!protectiveMbr(buffer)) return fail(ERROR_NOT_GPT, device.unit);
      const error = checkHeader(buffer + device.blockBytes, 1, device.blocks, device.blockBytes);
      if (error != GPT_OK) return tryBackup(state, error);
      return readArray(state, buffer + device.blockBytes, PHASE_ARRAY);
    }
    case PHASE_ARRAY: {
      const error = checkArray(changetype<GptHeader>(state.header), buffer);
      return error == GPT_OK ? takePartitions(state) : tryBackup(state, error);
    }
    case PHASE_BACKUP: {
      const error = checkHeader(buffer, device.blocks - 1, device.blocks, device.blockBytes);
      if (error != GPT_OK) return bothDamaged(state, error);
      return readArray(state, buffer, PHASE_BACKUP_ARRAY);
    }
    default: {
      const error = checkArray(changetype<GptHeader>(state.header), buffer);
      return error == GPT_OK ? takePartitions(state) : bothDamaged(state, error);
    }
  }
}

function bothDamaged(state: Partitions, error: u32): u32 {
  state.backupError = error;
  return fail(ERROR_GPT_DAMAGED, state.primaryError, error);
}

function tryBackup(state: Partitions, error: u32): u32 {
  const device = changetype<BlockDevice>(state.device);
  state.primaryError = error;
  state.phase = PHASE_BACKUP;
  return readBegin(device, device.blocks - 1, 1, state.buffer);
}

/** Keeps the checked header and reads its entry array over it. */
function readArray(state: Partitions, header: usize, phase: u32): u32 {
  const device = changetype<BlockDevice>(state.device);
  memory.copy(state.header, header, offsetof<GptHeader>());
  const kept = changetype<GptHeader>(state.header);
  state.phase = phase;
  return readBegin(device, kept.entryLba, <u32>arrayBlocks(kept, device.blockBytes), state.buffer);
}

function takePartitions(state: Partitions): u32 {
  const header = changetype<GptHeader>(state.header);
  for (let index: u32 = 0; index < header.entryCount && state.count < PARTITIONS_MAX; index++) {
    const entry = entryAt(header, pointer(state.buffer), index);
    if (!entryUsed(entry)) continue;
    const partition = partitionAt(state, state.count);
    partition.device = state.device;
    // Type, GUID and the two LBAs stand side by side in both structures.
    memory.copy(changetype<usize>(partition) + offsetof<Partition>("typeLow"), changetype<usize>(entry), 48);
    memory.copy(
      changetype<usize>(partition) + offsetof<Partition>("name0"),
      changetype<usize>(entry) + NAME_AT,
      NAME_BYTES,
    );
    state.count += 1;
  }
  return STAGE_DONE;
}

@inline
export function partitionAt(state: Partitions, index: u32): Partition {
  return changetype<Partition>(state.entries + <usize>index * offsetof<Partition>());
}

/** The first partition of a type; 0 when there is none. */
export function partitionOfType(state: Partitions, typeLow: u64, typeHigh: u64): usize {
  for (let index: u32 = 0; index < state.count; index++) {
    const partition = partitionAt(state, index);
    if (partition.typeLow == typeLow && partition.typeHigh == typeHigh) return changetype<usize>(partition);
  }
  return 0;
}
