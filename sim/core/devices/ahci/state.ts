/** State of the AHCI controller, its ports and the commands in flight. */
import { machine, Ptr } from "../../machine";
import { PciFunction } from "../../pci/function";

export const AHCI_PORTS_MAX: u32 = 6;
/** Bytes that a port moves in one event; also the size of its buffer. */
export const CHUNK_BYTES: u32 = 65536;
export const SCRATCH_BYTES: u32 = 64;
export const NO_SLOT: u32 = 32;

/** One command between its fetch and its completion: what the FIS and the header said. */
@unmanaged
export class AhciCommand {
  lba: u64;
  /** Logical sectors, 1 to 65536; for data that is not sectors, 512-byte blocks. */
  count: u32;
  /** The Count field as it came: a tag, or a subcommand's argument. */
  rawCount: u32;
  /** What a command without data reports in the LBA and Count fields. */
  resultLba: u64;
  resultCount: u32;
  opcode: u32;
  features: u32;
  device: u32;
  /** The F bit of a queued write, or a FUA opcode. */
  fua: u32;
  /** Command table, and the number of its PRDT entries. */
  table: u64;
  header: u64;
  prdtLength: u32;
  /** Command header's flags (dword 0, low half). */
  flags: u32;
  /** Virtual time at which the medium has the data. */
  ready: u64;
}

/** Data between the medium, the port's buffer and memory. One transfer a port at a time. */
@unmanaged
export class AhciTransfer {
  /** Slot whose command is being executed, or NO_SLOT. */
  slot: u32;
  /** Attributes of its opcode (commands.ts). */
  attributes: u32;
  /** Byte of the drive at which the next chunk lies. */
  position: u64;
  /** Bytes still to be moved between medium and buffer. */
  left: u32;
  /** Bytes moved to or from memory so far (PRDBC). */
  moved: u32;
  /** Bytes in the buffer, and how many of them the PRDT has taken or given. */
  filled: u32;
  taken: u32;
  chunk: u32;
  /** Place in the PRDT: entry, and byte within it. */
  entry: u32;
  entryOffset: u32;
}

@unmanaged
export class AhciPort {
  index: u32;
  drive: u32;
  clb: u64;
  fb: u64;
  is: u32;
  ie: u32;
  cmd: u32;
  tfd: u32;
  sig: u32;
  ssts: u32;
  sctl: u32;
  serr: u32;
  sact: u32;
  ci: u32;
  /** Slots of `ci` that the device has got. */
  issued: u32;
  /** Last slot fetched: the next one is looked for behind it. */
  lastSlot: u32;
  /** After a fatal error (6.2.2) no command is fetched until ST is cleared. */
  halted: u32;
  /** The signature FIS waits for FRE to be stored (10.1.2). */
  signatureWaits: u32;
  /** SCTL.DET as it last took effect. */
  linkRequest: u32;
  engineEvent: u32;
  mediaEvent: u32;
  linkEvent: u32;

  // The device behind the port.
  writeCache: u32;
  powerMode: u32;
  transferMode: u32;
  softReset: u32;
  smart: u32;
  /** A queued command failed: all but READ LOG EXT of log 10h is aborted (ACS-2, 4.16). */
  queueError: u32;
  errorTag: u32;
  errorStatus: u32;
  errorCode: u32;
  errorLba: u64;
  errorCount: u32;

  commands: Ptr<AhciCommand>;
  /** Slots in the order in which the device got them. */
  order: usize;
  orderHead: u32;
  orderCount: u32;
  /** Queued commands that the device has, a bit a tag. */
  queued: u32;
  transfer: Ptr<AhciTransfer>;
  buffer: usize;
}

@unmanaged
export class Ahci {
  fn: usize;
  ghc: u32;
  is: u32;
  /** Ports implemented, a bit each. */
  implemented: u32;
  portCount: u32;
  resetEvent: u32;
  /** Where frames, command headers and PRDT entries are put together and taken apart. */
  scratch: usize;
  ports: Ptr<AhciPort>;
}

@inline
export function ahci(): Ahci {
  return changetype<Ahci>(machine().ahci);
}

@inline
export function ahciFunction(): PciFunction {
  return changetype<PciFunction>(ahci().fn);
}

@inline
export function portAt(index: u32): AhciPort {
  return changetype<AhciPort>(ahci().ports + <usize>index * offsetof<AhciPort>());
}

@inline
export function commandAt(port: AhciPort, slot: u32): AhciCommand {
  return changetype<AhciCommand>(port.commands + <usize>slot * offsetof<AhciCommand>());
}

@inline
export function transferOf(port: AhciPort): AhciTransfer {
  return changetype<AhciTransfer>(port.transfer);
}

/** Requester ID of the controller's DMA. */
@inline
export function ahciAddress(): u32 {
  return ahciFunction().address;
}
