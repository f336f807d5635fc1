/**
 * Data pointers: PRP entries and lists (4.3).
 *
 *   PRP1 ─> page, from any dword in it
 *   PRP2 ─> the second page            when two pages suffice
 *        └> list: page, page, … , next list when the transfer goes on
 *
 * The whole chain is checked and turned into spans of linear memory before a byte moves, so a
 * command with a bad pointer changes nothing.
 */
import { dmaPointer, dmaRead } from "../../iommu/dma";
import {
  field64,
  nvme,
  NvmeSlot,
  PAGE_SHIFT_MIN,
  spanAt,
  SPANS_MAX,
} from "./state";
import {
  NVME_CC_MPS_SHIFT,
  NVME_DATA_TRANSFER_ERROR,
  NVME_PRP_OFFSET_INVALID,
  NVME_SQE_PRP1,
  NVME_SQE_PRP2,
  NVME_STATUS_DNR,
  NVME_SUCCESS,
} from "../../../spec/nvme";

/** Bytes of a memory page, by CC.MPS. */
@inline
export function pageBytes(): u32 {
  return 1 << (PAGE_SHIFT_MIN + ((nvme().cc >> NVME_CC_MPS_SHIFT) & 15));
}

/**
 * Turns the command's PRPs into spans that cover `bytes` bytes, 0 to TRANSFER_MAX.
 * @param toHost the controller will write to them
 * @returns a status
 */
export function mapData(slot: NvmeSlot, bytes: u32, toHost: bool): u32 {
  const controller = nvme();
  controller.spanCount = 0;
  if (bytes == 0) return NVME_SUCCESS;
  const page = pageBytes();
  const first = field64(slot, NVME_SQE_PRP1);
  if ((first & 3) != 0) return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
  const inFirst = min(bytes, page - (<u32>first & (page - 1)));
  if (!addPage(first, inFirst, toHost)) return NVME_DATA_TRANSFER_ERROR;
  const left = bytes - inFirst;
  if (left == 0) return NVME_SUCCESS;
  const second = field64(slot, NVME_SQE_PRP2);
  if (left > page) return mapList(second, left, toHost);
  if ((second & <u64>(page - 1)) != 0) return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
  return addPage(second, left, toHost) ? NVME_SUCCESS : NVME_DATA_TRANSFER_ERROR;
}

/** Walks the list at `list` for `bytes` bytes: at most SPANS_MAX entries, so it ends. */
function mapList(list: u64, bytes: u32, toHost: bool): u32 {
  const page = pageBytes();
  const requester = nvme().fn.address;
  let at = list;
  let left = bytes;
  while (left > 0) {
    if ((at & 7) != 0) return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
    const pointer = dmaPointer(requester, at, 8, false);
    if (pointer == 0) return NVME_DATA_TRANSFER_ERROR;
    const entry = load<u64>(pointer);
    // The last entry of a list page points to the next list when more than its page is left.
    const last = (<u32>at & (page - 1)) == page - 8;
    if ((entry & <u64>(page - 1)) != 0) return NVME_PRP_OFFSET_INVALID | NVME_STATUS_DNR;
    if (last && left > page) {
      at = entry;
      continue;
    }
    const bytesHere = min(left, page);
    if (!addPage(entry, bytesHere, toHost)) return NVME_DATA_TRANSFER_ERROR;
    left -= bytesHere;
    at += 8;
  }
  return NVME_SUCCESS;
}

/** Adds `bytes` bytes of one memory page, 4 KiB at a time; false when memory cannot be reached. */
function addPage(address: u64, bytes: u32, toHost: bool): bool {
  const requester = nvme().fn.address;
  let at = address;
  let left = bytes;
  while (left > 0) {
    const piece = min(left, 4096 - (<u32>at & 4095));
    const pointer = dmaPointer(requester, at, piece, toHost);
    if (pointer == 0) return false;
    addSpan(pointer, piece);
    at += piece;
    left -= piece;
  }
  return true;
}

/** Appends a span, or lengthens the last one when this one follows it in memory. */
@inline
function addSpan(address: usize, bytes: u32): void {
  const controller = nvme();
  const count = controller.spanCount;
  if (count > 0) {
    const previous = spanAt(count - 1);
    if (previous.at + previous.bytes == address) {
      previous.bytes += bytes;
      return;
    }
  }
  assert(count < SPANS_MAX, "nvme: a transfer falls into more pieces than it has pages");
  const span = spanAt(count);
  span.at = address;
  span.bytes = bytes;
  controller.spanCount = count + 1;
}

/**
 * Hands `bytes` bytes to the host: those of scratch from `from` on, zeroes beyond its `limit`.
 * @returns a status
 */
export function sendScratch(slot: NvmeSlot, from: u32, limit: u32, bytes: u32): u32 {
  const status = mapData(slot, bytes, true);
  if (status != NVME_SUCCESS) return status;
  const controller = nvme();
  let at = from;
  for (let index: u32 = 0; index < controller.spanCount; index++) {
    const span = spanAt(index);
    const real = at < limit ? min(span.bytes, limit - at) : 0;
    memory.copy(span.at, controller.scratch + at, real);
    memory.fill(span.at + real, 0, span.bytes - real);
    at += span.bytes;
  }
  return NVME_SUCCESS;
}

/** Takes `bytes` bytes, at most a scratch page, from the host into scratch; returns a status. */
export function receiveScratch(slot: NvmeSlot, bytes: u32): u32 {
  const status = mapData(slot, bytes, false);
  if (status != NVME_SUCCESS) return status;
  const controller = nvme();
  let at: u32 = 0;
  for (let index: u32 = 0; index < controller.spanCount; index++) {
    const span = spanAt(index);
    memory.copy(controller.scratch + at, span.at, span.bytes);
    at += span.bytes;
  }
  return NVME_SUCCESS;
}

/** Copies the submission queue entry at `address` into the slot; false when it is out of reach. */
@inline
export function fetchCommand(slot: NvmeSlot, address: u64): bool {
  return dmaRead(nvme().fn.address, address, slot.command, 64);
}
