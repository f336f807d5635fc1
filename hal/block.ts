/**
 * Block devices: numbered blocks behind a controller, read and written by DMA.
 *
 * A controller (one NVMe controller, one AHCI host adapter) serves one or more devices
 * (namespaces, ports). Nothing here waits: start, reset and stop are state machines that
 * `blockAdvance` moves on, requests finish in a list that the caller empties with `blockTake`.
 *
 *   blockStart ──> BLOCK_STARTING ──blockAdvance…──> BLOCK_READY ──blockStop──> BLOCK_STOPPING
 *                        │              ^   │ a command timed out and          │
 *                        v              │   v abort did not help              v
 *                  BLOCK_FAILED <── BLOCK_RESETTING                     BLOCK_STOPPED
 *
 * The caller owns all memory. It has mapped the controller's registers, made it a bus master and
 * routed its interrupt vectors before `blockStart`; it calls `blockInterrupt` when a vector fires,
 * and `blockAdvance` no later than the controller's `deadline`. A lost interrupt costs time, never
 * a request; a spurious one costs nothing.
 */
import { pointer, Ptr } from "./memory";
import {
  AHCI_OWN_PAGES,
  AHCI_PAGES,
  ahciAdvance,
  ahciInterrupt,
  ahciPoll,
  ahciStart,
  ahciStop,
  ahciSubmit,
} from "./x86_64/ahci";
import {
  nvmeAdvance,
  nvmeDevicePage,
  nvmeInterrupt,
  nvmePages,
  nvmePoll,
  nvmeStart,
  nvmeStop,
  nvmeSubmit,
} from "./x86_64/nvme";

export const BLOCK_DRIVER_NVME: u32 = 1;
export const BLOCK_DRIVER_AHCI: u32 = 2;

/** Operations of a request. */
export const BLOCK_READ: u32 = 0;
export const BLOCK_WRITE: u32 = 1;
/** All writes that finished before are on the medium when this one finishes. */
export const BLOCK_FLUSH: u32 = 2;
/** The blocks read as zeroes afterwards. */
export const BLOCK_ZEROES: u32 = 3;
/** The blocks' contents are of no use any more; what they read as afterwards is undefined. */
export const BLOCK_DISCARD: u32 = 4;

/** States of a controller, and of a device (which is READY, FAILED or absent). */
export const BLOCK_ABSENT: u32 = 0;
export const BLOCK_STARTING: u32 = 1;
export const BLOCK_READY: u32 = 2;
export const BLOCK_RESETTING: u32 = 3;
export const BLOCK_STOPPING: u32 = 4;
export const BLOCK_STOPPED: u32 = 5;
export const BLOCK_FAILED: u32 = 6;

/** How a request, or a controller, came out. */
export const BLOCK_OK: u32 = 0;
/** The device did not answer by the deadline. */
export const BLOCK_ERROR_TIMEOUT: u32 = 1;
/** The device refused or failed; `deviceStatus` has its own code. */
export const BLOCK_ERROR_DEVICE: u32 = 2;
/** The device is gone from the bus: its registers read all ones. */
export const BLOCK_ERROR_VANISHED: u32 = 3;
/** Outside the device, too long, a misaligned buffer, or an unknown operation. */
export const BLOCK_ERROR_ARGUMENT: u32 = 4;
/** No command slot is free; try again after a completion. */
export const BLOCK_ERROR_BUSY: u32 = 5;
/** A write to a read-only device. */
export const BLOCK_ERROR_READ_ONLY: u32 = 6;
/** The device or its driver cannot do this operation. */
export const BLOCK_ERROR_UNSUPPORTED: u32 = 7;
/** The controller has not been started, has stopped or has failed. */
export const BLOCK_ERROR_NOT_READY: u32 = 8;
/** The device answers in a way that its specification excludes. */
export const BLOCK_ERROR_PROTOCOL: u32 = 9;
/** A request's `status` while the device has it. */
export const BLOCK_PENDING: u32 = 255;

/** No time limit is running. */
export const BLOCK_NEVER: u64 = 0xffff_ffff_ffff_ffff;
/** Devices one controller can serve: NVMe namespaces in use, AHCI's 32 ports. */
export const BLOCK_DEVICES_MAX: u32 = 32;
/** A buffer's physical address is a multiple of this (NVMe 1.4, 4.3; AHCI 1.3.1, 4.2.3.3). */
export const BLOCK_BUFFER_ALIGN: u64 = 4;
/** Time allowed for one command before it counts as timed out, in ns; Linux's default as well. */
export const BLOCK_TIMEOUT_NS: u64 = 30_000_000_000;

/** One transfer. The caller fills in the first part; it stays where it is until taken back. */
@unmanaged
export class BlockRequest {
  /** First block. */
  lba: u64;
  /** Number of blocks, 1 to the device's `maxBlocks`; ignored by FLUSH. */
  blocks: u32;
  /** BLOCK_READ … BLOCK_DISCARD. */
  operation: u32;
  /** Physical address of a contiguous buffer of `blocks * blockBytes` bytes; READ and WRITE only. */
  buffer: u64;
  /** The caller's own; the driver does not look at it. */
  token: u64;

  /** BLOCK_PENDING, then BLOCK_OK or an error. */
  status: u32;
  /** The device's own code for BLOCK_ERROR_DEVICE: NVMe status field, AHCI TFD register. */
  deviceStatus: u32;
  /** Next finished request: the list that `blockTake` empties. */
  next: usize;
  /** Address of the device that has it. For drivers. */
  device: usize;
}

/** One range of blocks: an NVMe namespace, a SATA drive. */
@unmanaged
export class BlockDevice {
  /** Address of the `BlockController` that serves it. */
  controller: usize;
  /** BLOCK_ABSENT, BLOCK_READY or BLOCK_FAILED. */
  state: u32;
  /** The controller's number for it: namespace ID, port number. */
  unit: u32;
  /** Capacity in blocks. */
  blocks: u64;
  blockBytes: u32;
  /** Longest request, in blocks. */
  maxBlocks: u32;
  readOnly: u32;
  /** Bit n: operation n is supported. */
  operations: u32;
}

/** One controller. A driver's own structure begins with these fields (it extends this class). */
@unmanaged
export class BlockController {
  /** BLOCK_DRIVER_NVME or BLOCK_DRIVER_AHCI. */
  driver: u32;
  state: u32;
  /** Why the state is BLOCK_FAILED. */
  error: u32;
  deviceStatus: u32;
  /** Physical address of the registers (NVMe: BAR0, AHCI: BAR5). */
  registers: u64;
  /** Physical address of the driver's DMA memory: zeroed, page-aligned, contiguous. */
  memory: u64;
  /** Interrupt vectors that the caller routed: the queue of CPU n uses n mod vectors; 0 = polled. */
  vectors: u32;
  /** Submission queues wanted: one a CPU. */
  queuesWanted: u32;
  /** Submission queues that there are; a request goes to queue (CPU index mod queues). */
  queues: u32;
  deviceCount: u32;
  /** `BlockDevice` array, BLOCK_DEVICES_MAX long, inside the caller's memory. */
  devices: Ptr<BlockDevice>;
  /** ns for one command; 0 at start means BLOCK_TIMEOUT_NS. */
  timeoutNs: u64;
  /** Time (ns) by which `blockAdvance` must be called, or BLOCK_NEVER. */
  deadline: u64;
  /** Finished requests, oldest first. */
  doneHead: usize;
  doneTail: usize;

  // What went wrong and was mended; the kernel reports changes.
  /** Completions found by the deadline's look that no interrupt had announced. */
  lostInterrupts: u32;
  /** Interrupts with nothing to do. */
  spuriousInterrupts: u32;
  timeouts: u32;
  aborts: u32;
  resets: u32;
  /** Completions for commands that were not outstanding. */
  strayCompletions: u32;
}

/** Puts a finished request at the end of the list. For drivers. */
export function blockFinish(controller: BlockController, request: BlockRequest, status: u32): void {
  request.status = status;
  request.next = 0;
  const address = changetype<usize>(request);
  if (controller.doneTail == 0) controller.doneHead = address;
  else changetype<BlockRequest>(controller.doneTail).next = address;
  controller.doneTail = address;
}

/** Takes the oldest finished request off the list; 0 when there is none. */
export function blockTake(controller: BlockController): usize {
  const address = controller.doneHead;
  if (address == 0) return 0;
  controller.doneHead = changetype<BlockRequest>(address).next;
  if (controller.doneHead == 0) controller.doneTail = 0;
  return address;
}

@inline
export function blockDeviceAt(controller: BlockController, index: u32): BlockDevice {
  return changetype<BlockDevice>(controller.devices + <usize>index * offsetof<BlockDevice>());
}

/** Checks that every driver makes before it takes a request; BLOCK_OK or an error. */
export function blockCheck(device: BlockDevice, request: BlockRequest): u32 {
  if (device.state != BLOCK_READY) return BLOCK_ERROR_NOT_READY;
  const operation = request.operation;
  if (operation > BLOCK_DISCARD) return BLOCK_ERROR_ARGUMENT;
  if (((device.operations >> operation) & 1) == 0) return BLOCK_ERROR_UNSUPPORTED;
  if (operation == BLOCK_FLUSH) return BLOCK_OK;
  if (operation != BLOCK_READ && device.readOnly != 0) return BLOCK_ERROR_READ_ONLY;
  const blocks = <u64>request.blocks;
  if (blocks == 0 || blocks > <u64>device.maxBlocks) return BLOCK_ERROR_ARGUMENT;
  if (request.lba >= device.blocks || blocks > device.blocks - request.lba)
    return BLOCK_ERROR_ARGUMENT;
  if (operation <= BLOCK_WRITE && request.buffer % BLOCK_BUFFER_ALIGN != 0)
    return BLOCK_ERROR_ARGUMENT;
  return BLOCK_OK;
}

/*
 * The driver functions: `hal/x86_64/nvme.ts` and `hal/x86_64/ahci.ts` export each with the driver's
 * name in front. `now` is a monotonic time in ns. Drivers finish requests with `blockFinish`.
 */

/** Pages of DMA memory that a controller with `queues` queues needs, its structures included. */
export function blockPages(driver: u32, queues: u32): u64 {
  switch (driver) {
    case BLOCK_DRIVER_NVME:
      return nvmePages(queues);
    case BLOCK_DRIVER_AHCI:
      return AHCI_PAGES;
    default:
      return 0;
  }
}

/**
 * Whether the device reads or writes page `page` of the driver's memory. The others hold what the
 * driver alone relies on: an IOMMU need not let the device reach them.
 */
export function blockDevicePage(driver: u32, page: u64): bool {
  switch (driver) {
    case BLOCK_DRIVER_NVME:
      return nvmeDevicePage(page);
    case BLOCK_DRIVER_AHCI:
      return page >= AHCI_OWN_PAGES;
    default:
      return false;
  }
}

/**
 * The controller whose structures are to be at the start of `memory`; the caller fills in
 * `registers` to `queuesWanted` and `timeoutNs`, then calls `blockStart`.
 * @param memory physical address of `blockPages` zeroed, contiguous pages
 */
export function blockAttach(driver: u32, memory: u64): BlockController {
  const controller = changetype<BlockController>(pointer(memory));
  controller.driver = driver;
  controller.memory = memory;
  controller.deadline = BLOCK_NEVER;
  return controller;
}

/** Begins to bring the controller up. */
export function blockStart(controller: BlockController, now: u64): void {
  switch (controller.driver) {
    case BLOCK_DRIVER_NVME:
      return nvmeStart(controller, now);
    case BLOCK_DRIVER_AHCI:
      return ahciStart(controller, now);
    default:
  }
}

/** Moves state machines on and looks at deadlines; to be called by `deadline`, or any time. */
export function blockAdvance(controller: BlockController, now: u64): void {
  switch (controller.driver) {
    case BLOCK_DRIVER_NVME:
      return nvmeAdvance(controller, now);
    case BLOCK_DRIVER_AHCI:
      return ahciAdvance(controller, now);
    default:
  }
}

/** Vector `vector` of the controller, 0 to `vectors` - 1, has fired: takes completions. */
export function blockInterrupt(controller: BlockController, vector: u32, now: u64): void {
  switch (controller.driver) {
    case BLOCK_DRIVER_NVME:
      return nvmeInterrupt(controller, vector, now);
    case BLOCK_DRIVER_AHCI:
      return ahciInterrupt(controller, vector, now);
    default:
  }
}

/** Gives a request to the device: BLOCK_OK (it is pending) or an error (nothing has happened). */
export function blockSubmit(device: BlockDevice, request: BlockRequest, cpu: u32, now: u64): u32 {
  const controller = changetype<BlockController>(device.controller);
  switch (controller.driver) {
    case BLOCK_DRIVER_NVME:
      return nvmeSubmit(device, request, cpu, now);
    case BLOCK_DRIVER_AHCI:
      return ahciSubmit(device, request, cpu, now);
    default:
      return BLOCK_ERROR_NOT_READY;
  }
}

/** Takes completions without an interrupt. */
export function blockPoll(controller: BlockController, now: u64): void {
  switch (controller.driver) {
    case BLOCK_DRIVER_NVME:
      return nvmePoll(controller, now);
    case BLOCK_DRIVER_AHCI:
      return ahciPoll(controller, now);
    default:
  }
}

/**
 * Begins an orderly shutdown. Nothing is accepted any more; what is outstanding still finishes or
 * times out, so that no buffer is written to after its request has ended. It ends in BLOCK_STOPPED,
 * or in BLOCK_FAILED when the device does not let go.
 */
export function blockStop(controller: BlockController, now: u64): void {
  switch (controller.driver) {
    case BLOCK_DRIVER_NVME:
      return nvmeStop(controller, now);
    case BLOCK_DRIVER_AHCI:
      return ahciStop(controller, now);
    default:
  }
}
