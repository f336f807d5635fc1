/**
 * kernel-reads.wasm: the kernel, which after its boot reads random blocks from its first drive, with
 * `depth` reads outstanding. Everything on the way is the real thing: driver, doorbell, DMA through
 * the IOMMU, MSI-X, local APIC, IDT, handler. For measuring.
 */
import {
  BLOCK_OK,
  BLOCK_READ,
  BlockController,
  BlockDevice,
  BlockRequest,
  blockSubmit,
  blockTake,
} from "../../hal/block";
import { pointer } from "../../hal/memory";
import { boot } from "../boot/boot";
import { STAGE_IDLE } from "../boot/stage_numbers";
import { enter as kernelEnter } from "../index";
import { frameAllocZeroed, orderFor, OWNER_DRIVER } from "../mm/frames";
import { driveAt, shareBuffer } from "../storage/storage";
import { clockNow } from "../time";

/** Physical address of the control block, in RAM that nobody else uses. */
const CONTROL: u64 = 0x9000;
const READ_BYTES: u32 = 4096;
const DEPTH_MAX: u32 = 64;

/** The host fills in `depth` and `wanted` before power-on. */
@unmanaged
class Reads {
  depth: u32;
  wanted: u32;
  submitted: u32;
  completed: u32;
  errors: u32;
  started: u32;
  /** State of the xorshift64 generator of addresses; not 0. */
  random: u64;
  buffers: u64;
  requests: usize;
}

@inline
function reads(): Reads {
  return changetype<Reads>(pointer(CONTROL));
}

export function enter(cpu: u32, entry: u32, errorCode: u32): void {
  kernelEnter(cpu, entry, errorCode);
  if (cpu == 0 && boot().stage == <u32>STAGE_IDLE && boot().phase != 0 && reads().wanted != 0) pump();
}

/** Takes what has finished and keeps `depth` reads outstanding. */
function pump(): void {
  const it = reads();
  const device = driveAt(0);
  if (it.started == 0) return start(it, device);
  const controller = changetype<BlockController>(device.controller);
  for (let done = blockTake(controller); done != 0; done = blockTake(controller)) {
    const request = changetype<BlockRequest>(done);
    if (request.status != BLOCK_OK) it.errors += 1;
    it.completed += 1;
    if (it.submitted < it.wanted) submit(it, device, request);
  }
}

function start(it: Reads, device: BlockDevice): void {
  it.started = 1;
  const bytes = <u64>READ_BYTES * DEPTH_MAX;
  it.buffers = frameAllocZeroed(orderFor(bytes), OWNER_DRIVER);
  it.requests = pointer(frameAllocZeroed(orderFor(DEPTH_MAX * offsetof<BlockRequest>()), OWNER_DRIVER));
  shareBuffer(device, it.buffers, bytes);
  for (let index: u32 = 0; index < it.depth && it.submitted < it.wanted; index++) {
    const request = changetype<BlockRequest>(it.requests + <usize>index * offsetof<BlockRequest>());
    request.buffer = it.buffers + <u64>index * READ_BYTES;
    request.operation = BLOCK_READ;
    submit(it, device, request);
  }
}

function submit(it: Reads, device: BlockDevice, request: BlockRequest): void {
  let value = it.random;
  value ^= value << 13;
  value ^= value >> 7;
  value ^= value << 17;
  it.random = value;
  const perRead = READ_BYTES / device.blockBytes;
  request.blocks = perRead;
  request.lba = (value % (device.blocks / perRead)) * perRead;
  if (blockSubmit(device, request, 0, clockNow()) != BLOCK_OK) it.errors += 1;
  it.submitted += 1;
}
