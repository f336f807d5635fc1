/** The drives that the host attached; controllers turn them into namespaces and ports. */
import { allocate } from "../arena";
import { machine, Ptr } from "../machine";

export const DRIVES_MAX: u32 = 32;
export const DRIVE_NVME: u32 = 0;
export const DRIVE_AHCI: u32 = 1;

@unmanaged
export class Drive {
  /** Capacity in bytes; what does not fill a block is out of reach. */
  bytes: u64;
  /** Logical block: 512 or 4096 bytes. */
  blockBytes: u32;
  /** DRIVE_NVME or DRIVE_AHCI. */
  attachment: u16;
  readOnly: u16;
}

@inline
export function driveAt(index: u32): Drive {
  return changetype<Drive>(machine().drives + <usize>index * offsetof<Drive>());
}

export function createDrives(): void {
  machine().drives = allocate(<usize>DRIVES_MAX * offsetof<Drive>());
}

/** Attaches a drive before power-on; returns its index, or DRIVES_MAX when there is no room. */
export function addDrive(attachment: u32, bytes: f64, blockBytes: u32, readOnly: bool): u32 {
  const state = machine();
  const index = state.driveCount;
  if (index == DRIVES_MAX) return DRIVES_MAX;
  state.driveCount = index + 1;
  const drive = driveAt(index);
  drive.bytes = <u64>bytes;
  drive.blockBytes = blockBytes;
  drive.attachment = <u16>attachment;
  drive.readOnly = readOnly ? 1 : 0;
  return index;
}
