/** All state of the NVMe controller (NVM Express Base 1.4), and its limits. */
import { allocate, allocateMany, allocateOne } from "../../arena";
import { machine, Ptr } from "../../machine";
import { PciFunction } from "../../pci/function";
import { driveAt, DRIVE_NVME, DRIVES_MAX } from "../drive";

/** I/O queue pairs on offer; queue 0 is the admin queue. */
export const IO_QUEUES: u32 = 256;
export const QUEUES: u32 = IO_QUEUES + 1;
/** Entries a queue may have: CAP.MQES + 1. */
export const QUEUE_ENTRIES_MAX: u32 = 4096;
/** One interrupt vector a completion queue. */
export const VECTORS: u32 = QUEUES;
/** Commands the controller works on at a time, over all queues; a multiple of 4. */
export const SLOTS: u32 = 128;
/** Outstanding Asynchronous Event Requests and Abort commands (AERL and ACL, plus one). */
export const ASYNC_EVENTS_MAX: u32 = 4;
export const ABORTS_MAX: u32 = 4;
/** Smallest and largest memory page (CC.MPS 0 and 4): 4 and 64 KiB. */
export const PAGE_SHIFT_MIN: u32 = 12;
export const MPS_MAX: u32 = 4;
/** Longest transfer: 2^MDTS pages of 4 KiB, 1 MiB. */
export const MDTS: u32 = 8;
export const TRANSFER_MAX: u32 = 4096 << MDTS;
/** Pieces a transfer can fall into: one a 4 KiB page, and one more when it begins inside a page. */
export const SPANS_MAX: u32 = (TRANSFER_MAX >> PAGE_SHIFT_MIN) + 1;
/** Entries of the Error Information log: as many as fit in 4 KiB. */
export const ERROR_ENTRIES: u32 = 64;
export const SCRATCH_BYTES: u32 = 4096;

/** A circular buffer of 64-byte commands in the host's memory (4.1). */
@unmanaged
export class NvmeSubmissionQueue {
  base: u64;
  /** 0 while the queue does not exist. */
  entries: u32;
  head: u32;
  /** Where the host will put its next command, by its last doorbell. */
  tail: u32;
  completionQueue: u32;
  /** Commands fetched and not completed. */
  inFlight: u32;
}

/** A circular buffer of 16-byte completions in the host's memory. */
@unmanaged
export class NvmeCompletionQueue {
  base: u64;
  /** 0 while the queue does not exist. */
  entries: u32;
  /** The first entry that the host has not taken, by its last doorbell. */
  head: u32;
  tail: u32;
  /** Phase tag of the entries written in this round. */
  phase: u32;
  vector: u32;
  interrupts: u32;
  /** Entries promised to commands in flight, so that each finds room when it is done. */
  reserved: u32;
  /** Submission queues that use this queue. */
  users: u32;
}

/** Slot states. */
export const SLOT_FREE: u32 = 0;
/** Its event is scheduled. */
export const SLOT_BUSY: u32 = 1;
/** An Asynchronous Event Request that waits for an event. */
export const SLOT_WAITING: u32 = 2;
/** A command that will not come to an end: an injected fault. */
export const SLOT_LOST: u32 = 3;

/** A command that was fetched. */
@unmanaged
export class NvmeSlot {
  state: u32;
  queue: u32;
  id: u32;
  /** Slot of the event queue that ends the command's work. */
  event: u32;
  /** Another command of the queue in flight has the same identifier. */
  conflict: u32;
  /** The 64 bytes of the submission queue entry. */
  command: usize;
  /** Next free slot plus one. */
  nextFree: u32;
}

/** One interrupt vector: coalescing (5.21.1.8, 5.21.1.9). */
@unmanaged
export class NvmeVector {
  /** Completions since the last interrupt. */
  pending: u32;
  /** Coalescing Disable. */
  immediate: u32;
  /** Time by which the interrupt must be raised. */
  due: u64;
}

/** One namespace: an NVMe drive of the machine. Namespace n + 1 is at index n. */
@unmanaged
export class NvmeNamespace {
  drive: u32;
  blockShift: u32;
  blocks: u64;
  readOnly: u32;
  /** Error Recovery feature, a value a namespace. */
  errorRecovery: u32;
}

/** One entry of the Error Information log as it is read by the host (5.14.1.1), 64 bytes. */
@unmanaged
export class NvmeErrorEntry {
  count: u64;
  queue: u16;
  commandId: u16;
  /** Status field with the phase tag in bit 0. */
  status: u16;
  parameterLocation: u16;
  lba: u64;
  namespace: u32;
  vendor: u8;
  transport: u8;
  reserved0: u16;
  commandSpecific: u64;
  reserved1: u64;
  reserved2: u64;
  reserved3: u64;
}

/** A piece of a transfer that lies contiguously in linear memory. */
@unmanaged
export class NvmeSpan {
  /** Linear address. */
  at: usize;
  bytes: u32;
}

@unmanaged
export class NvmeController {
  fn: PciFunction;

  // Registers.
  cc: u32;
  csts: u32;
  intms: u32;
  aqa: u32;
  asq: u64;
  acq: u64;

  submissionQueues: Ptr<NvmeSubmissionQueue>;
  completionQueues: Ptr<NvmeCompletionQueue>;
  slots: Ptr<NvmeSlot>;
  /** Queue << 16 | command ID of each slot in use, else NO_KEY; searched four at a time. */
  slotKeys: usize;
  /** First free slot plus one. */
  freeSlots: u32;
  /** Slots in use, but for waiting Asynchronous Event Requests. */
  working: u32;
  /** Dword 0 of the completion of the admin command that is being carried out. */
  result: u32;
  /** Bit n: submission queue n has commands to fetch. */
  pending: usize;
  /** The queue that arbitration last served, and how many commands it may still give. */
  arbitrationQueue: u32;
  burstLeft: u32;
  vectors: Ptr<NvmeVector>;
  namespaces: Ptr<NvmeNamespace>;
  namespaceCount: u32;

  /** Event queue slots: fetching, the ready and shutdown delay, coalescing. */
  fetchEvent: u32;
  stateEvent: u32;
  coalescingEvent: u32;

  // Features (5.21.1).
  arbitration: u32;
  power: u32;
  overTemperature: u32;
  underTemperature: u32;
  writeCache: u32;
  queuesGranted: u32;
  coalescing: u32;
  atomicity: u32;
  asyncEvents: u32;

  // Asynchronous events (5.2).
  asyncWaiting: u32;
  /** Bit n: event n of the table in async.ts has happened and was not reported. */
  eventsPending: u32;
  /** Bit n: type n was reported; no more of it until its log page is read. */
  eventsMasked: u32;
  /** Level of the INTx line, and the completion queues that ask for it. */
  line: u32;
  lineUsers: u32;

  // Log pages.
  errors: Ptr<NvmeErrorEntry>;
  /** Errors since the controller was made; entry n is at n modulo ERROR_ENTRIES. */
  errorCount: u64;
  /** Set by a check that knows which parameter it refused: byte | bit << 8, else NO_LOCATION. */
  errorLocation: u32;
  errorLba: u64;
  bytesRead: u64;
  bytesWritten: u64;
  readCommands: u64;
  writeCommands: u64;
  busyCycles: u64;
  busySince: u64;
  mediaErrors: u64;

  /** Pieces of the transfer at hand. */
  spans: Ptr<NvmeSpan>;
  spanCount: u32;
  /** A page for data that the controller makes or takes in itself. */
  scratch: usize;
}

/** Returned by an admin command that ends later. */
export const NO_COMPLETION: u32 = 0xffff_ffff;
export const NO_KEY: u32 = 0xffff_ffff;
export const NO_LOCATION: u32 = 0xffff;

@inline
export function nvme(): NvmeController {
  return changetype<NvmeController>(machine().nvme);
}

@inline
export function submissionQueue(index: u32): NvmeSubmissionQueue {
  return changetype<NvmeSubmissionQueue>(
    nvme().submissionQueues + <usize>index * offsetof<NvmeSubmissionQueue>(),
  );
}

@inline
export function completionQueue(index: u32): NvmeCompletionQueue {
  return changetype<NvmeCompletionQueue>(
    nvme().completionQueues + <usize>index * offsetof<NvmeCompletionQueue>(),
  );
}

@inline
export function slotAt(index: u32): NvmeSlot {
  return changetype<NvmeSlot>(nvme().slots + <usize>index * offsetof<NvmeSlot>());
}

@inline
export function vectorAt(index: u32): NvmeVector {
  return changetype<NvmeVector>(nvme().vectors + <usize>index * offsetof<NvmeVector>());
}

@inline
export function spanAt(index: u32): NvmeSpan {
  return changetype<NvmeSpan>(nvme().spans + <usize>index * offsetof<NvmeSpan>());
}

@inline
export function errorAt(index: u32): NvmeErrorEntry {
  return changetype<NvmeErrorEntry>(nvme().errors + <usize>index * offsetof<NvmeErrorEntry>());
}

@inline
export function namespaceAt(index: u32): NvmeNamespace {
  return changetype<NvmeNamespace>(
    nvme().namespaces + <usize>index * offsetof<NvmeNamespace>(),
  );
}

/** The namespace with this identifier, 1 to the number of drives; null for any other. */
export function findNamespace(nsid: u32): NvmeNamespace | null {
  if (nsid - 1 >= nvme().namespaceCount) return null;
  return namespaceAt(nsid - 1);
}

/** A field of the command in the slot; offsets NVME_SQE_… */
@inline
export function field32(slot: NvmeSlot, offset: u32): u32 {
  return load<u32>(slot.command + <usize>offset);
}

@inline
export function field64(slot: NvmeSlot, offset: u32): u64 {
  return load<u64>(slot.command + <usize>offset);
}

/** Allocates the controller's state; the caller connects it to the bus. */
export function createState(): NvmeController {
  const state = allocateOne<NvmeController>();
  machine().nvme = changetype<usize>(state);
  state.submissionQueues = allocateMany<NvmeSubmissionQueue>(QUEUES);
  state.completionQueues = allocateMany<NvmeCompletionQueue>(QUEUES);
  state.slots = allocateMany<NvmeSlot>(SLOTS);
  state.slotKeys = allocate(SLOTS * 4);
  state.pending = allocate(((QUEUES + 63) >> 6) * 8);
  state.vectors = allocateMany<NvmeVector>(VECTORS);
  state.namespaces = allocateMany<NvmeNamespace>(DRIVES_MAX);
  state.errors = allocateMany<NvmeErrorEntry>(ERROR_ENTRIES);
  state.spans = allocateMany<NvmeSpan>(SPANS_MAX);
  state.scratch = allocate(SCRATCH_BYTES);
  const commands = allocate(SLOTS * 64);
  for (let index: u32 = 0; index < SLOTS; index++) slotAt(index).command = commands + (index << 6);
  memory.fill(state.slotKeys, 0xff, SLOTS * 4);
  createNamespaces(state);
  return state;
}

function createNamespaces(state: NvmeController): void {
  for (let index: u32 = 0; index < machine().driveCount; index++) {
    const drive = driveAt(index);
    if (drive.attachment != DRIVE_NVME) continue;
    const namespace = namespaceAt(state.namespaceCount);
    state.namespaceCount += 1;
    namespace.drive = index;
    namespace.blockShift = <u32>ctz(drive.blockBytes);
    namespace.blocks = drive.bytes >> namespace.blockShift;
    namespace.readOnly = drive.readOnly;
  }
}
