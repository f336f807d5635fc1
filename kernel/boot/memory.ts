/** Stage: memory. The firmware's map becomes frames, page tables and the direct map. */
import { PAGE_BYTES, pointer } from "../../hal/memory";
import { KERNEL_ADDRESS, KERNEL_BYTES } from "../../sim/spec/platform";
import { MEMORY_RAM } from "../../sim/spec/handoff";
import { print, printDecimal, printHex, printLine, printSize } from "../console";
import { ERROR_HANDOFF, ERROR_MEMORY_MAP, ERROR_MEMORY_TOO_SMALL, ERROR_OUT_OF_FRAMES } from "../errors";
import { RAM_BYTES_MIN } from "../limits";
import { traceInit, TRACE_BYTES } from "../trace";
import {
  frameAllocZeroed,
  frameNumber,
  framesAdd,
  framesFree,
  framesInit,
  framesReserve,
  framesTableBytes,
  orderFor,
  OWNER_FIRMWARE,
  OWNER_KERNEL,
} from "../mm/frames";
import { createKernelSpace, enterLongMode, mapDirect } from "../mm/space";
import { boot, fail, STAGE_DONE } from "./boot";
import { Handoff, HANDOFF_OK, HANDOFF_RANGE_EMPTY, MemoryRange, rangeAt, readHandoff } from "../../hal/x86_64/handoff";
import { rootAllocate } from "../state";

/** RAM below this is the firmware's and the startup code's: never handed out. */
const LOW_MEMORY_END: u64 = KERNEL_ADDRESS + KERNEL_BYTES;

@inline
function handoff(): Handoff {
  return changetype<Handoff>(boot().handoff);
}

/** Checks the handoff and gives all usable RAM to the frame allocator. */
export function stageMemory(): u32 {
  boot().handoff = rootAllocate(offsetof<Handoff>());
  const error = readHandoff(handoff(), boot().startInfo);
  if (error != HANDOFF_OK) return failHandoff(error);
  printMap();
  const total = usableBytes();
  if (total + LOW_MEMORY_END < RAM_BYTES_MIN) return fail(ERROR_MEMORY_TOO_SMALL, 0, total);
  return createFrames();
}

/** An error of the start info itself, or of the map's entry `place`. */
function failHandoff(error: u32): u32 {
  const code = error < HANDOFF_RANGE_EMPTY ? ERROR_HANDOFF : ERROR_MEMORY_MAP;
  return fail(code, error, handoff().entry);
}

function printMap(): void {
  printLine("memory map:");
  for (let index: u32 = 0; index < handoff().rangeCount; index++) {
    const range = rangeAt(handoff(), index);
    print("  0x");
    printHex(range.base, 12);
    print("-0x");
    printHex(range.base + range.size - 1, 12);
    print("  ");
    printLine(typeName(range.type));
  }
}

function typeName(type: u32): string {
  switch (type) {
    case 1:
      return "usable RAM";
    case 2:
      return "reserved";
    case 3:
      return "ACPI tables";
    case 4:
      return "ACPI non-volatile";
    default:
      return "unusable";
  }
}

/** First byte of the range's whole pages above the kernel; at or behind the end when none. */
function rangeStart(range: MemoryRange): u64 {
  return max((range.base + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1), LOW_MEMORY_END);
}

function rangeEnd(range: MemoryRange): u64 {
  return (range.base + range.size) & ~(PAGE_BYTES - 1);
}

function usable(range: MemoryRange): bool {
  return range.type == MEMORY_RAM && rangeEnd(range) > rangeStart(range);
}

function usableBytes(): u64 {
  let total: u64 = 0;
  for (let index: u32 = 0; index < handoff().rangeCount; index++) {
    const range = rangeAt(handoff(), index);
    if (usable(range)) total += rangeEnd(range) - rangeStart(range);
  }
  return total;
}

/** The frame table goes to the start of the first range that holds it; the rest is free. */
function createFrames(): u32 {
  const frameCount = frameNumber(highestPage()) + 1;
  const bytes = (framesTableBytes(frameCount) + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
  const table = findRoom(bytes);
  if (table == 0) return fail(ERROR_MEMORY_TOO_SMALL, 1, bytes);
  framesInit(table, frameCount);
  framesReserve(0, KERNEL_ADDRESS, OWNER_FIRMWARE);
  framesReserve(KERNEL_ADDRESS, LOW_MEMORY_END, OWNER_KERNEL);
  framesReserve(table, table + bytes, OWNER_KERNEL);
  for (let index: u32 = 0; index < handoff().rangeCount; index++) {
    const range = rangeAt(handoff(), index);
    if (!usable(range)) continue;
    const start = rangeStart(range);
    framesAdd(start == table ? start + bytes : start, rangeEnd(range));
  }
  return STAGE_DONE;
}

/** Physical address of the last usable page. The ranges are in order. */
function highestPage(): u64 {
  let top: u64 = LOW_MEMORY_END;
  for (let index: u32 = 0; index < handoff().rangeCount; index++) {
    const range = rangeAt(handoff(), index);
    if (usable(range)) top = rangeEnd(range);
  }
  return top - PAGE_BYTES;
}

/** Start of the first usable range of at least `bytes`; 0 when there is none. */
function findRoom(bytes: u64): u64 {
  for (let index: u32 = 0; index < handoff().rangeCount; index++) {
    const range = rangeAt(handoff(), index);
    if (usable(range) && rangeEnd(range) - rangeStart(range) >= bytes) return rangeStart(range);
  }
  return 0;
}

/** Stage: paging. Page tables in the real format, then long mode. */
export function stagePaging(): u32 {
  const trace = frameAllocZeroed(orderFor(TRACE_BYTES), OWNER_KERNEL);
  if (trace == 0) return fail(ERROR_OUT_OF_FRAMES);
  traceInit(pointer(trace));
  if (!createKernelSpace() || !mapDirect(0, LOW_MEMORY_END) || !mapUsable()) return fail(ERROR_OUT_OF_FRAMES);
  enterLongMode();
  print("memory: ");
  printSize(usableBytes());
  print(" usable, ");
  printDecimal(framesFree());
  printLine(" frames free; paging is on");
  return STAGE_DONE;
}

function mapUsable(): bool {
  for (let index: u32 = 0; index < handoff().rangeCount; index++) {
    const range = rangeAt(handoff(), index);
    if (usable(range) && !mapDirect(rangeStart(range), rangeEnd(range))) return false;
  }
  return true;
}
