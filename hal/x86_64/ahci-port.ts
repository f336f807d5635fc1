/** Registers, memory and commands of one AHCI port, for the driver (AHCI 1.3.1, 3.3 and 4.2). */
import { BLOCK_NEVER, BlockController, BlockRequest } from "../block";
import { pointer, Ptr } from "../memory";
import { mmioRead32, mmioWrite32 } from "./machine";
import {
  AHCI_PORT_BYTES,
  AHCI_PORTS,
  AHCI_SLOTS,
  ATA_STATUS_BSY,
  ATA_STATUS_DRQ,
  COMMAND_HEADER_BYTES,
  FIS_C,
  FIS_H2D,
  FIS_H2D_BYTES,
  HEADER_PRDTL_SHIFT,
  HEADER_W,
  PORT_CI,
  PORT_CLB,
  PORT_CLBU,
  PORT_CMD,
  PORT_CMD_FRE,
  PORT_CMD_ST,
  PORT_CMD_SUD,
  PORT_FB,
  PORT_FBU,
  PORT_IS,
  PORT_SERR,
  PORT_TFD,
  TABLE_PRDT,
} from "../../sim/spec/ahci";

/** Ports that the driver serves; what an adapter has beyond them is left alone. */
export const PORTS_SERVED: u32 = 8;
/** Steps of a port. */
export const PORT_ABSENT: u32 = 0;
/** Waits for the link and for the device's signature. */
export const PORT_LINK: u32 = 1;
export const PORT_IDENTIFY: u32 = 2;
export const PORT_READY: u32 = 3;
/** ST is cleared; waits for CR. */
export const PORT_HALTING: u32 = 4;
/** COMRESET is being sent. */
export const PORT_COMRESET: u32 = 5;
/** Writes its cache back before a stop. */
export const PORT_FLUSHING: u32 = 6;
export const PORT_DONE: u32 = 7;
export const PORT_FAILED: u32 = 8;

/*
 * Memory of a port, three pages: command list at 0, received FIS at 400h, IDENTIFY data at 800h,
 * TRIM ranges at A00h, then a command table of 256 bytes for each slot.
 */
export const PORT_PAGES: u64 = 3;
const FRAMES_OFFSET: u64 = 0x400;
export const IDENTIFY_OFFSET: u64 = 0x800;
export const RANGES_OFFSET: u64 = 0xa00;
const TABLES_OFFSET: u64 = 0x1000;
const TABLE_BYTES: u64 = 0x100;
const DEVICE_LBA: u32 = 0x40;

@unmanaged
export class AhciDriverPort {
  /** Physical address of its registers, and of its memory. */
  registers: u64;
  memory: u64;
  step: u32;
  /** Slots that the adapter has. */
  outstanding: u32;
  /** The next step after PORT_HALTING is a COMRESET. */
  mustReset: u32;
  /** Link resets since a command last succeeded. */
  attempts: u32;
  /** When the step is looked at again, and when it must be over. */
  stepDeadline: u64;
  stepEnd: u64;
  /**
   * When the next of the commands must be done. They are served one after the other, so each has
   * its time from the end of the one before.
   */
  commandEnd: u64;
  /** A `BlockRequest` a slot, 0 for the driver's own command. */
  requests: usize;
}

@unmanaged
export class AhciDriver extends BlockController {
  step: u32;
  stepDeadline: u64;
  ports: Ptr<AhciDriverPort>;
}

@inline
export function portRead(port: AhciDriverPort, offset: u32): u32 {
  return mmioRead32(port.registers + <u64>offset);
}

@inline
export function portWrite(port: AhciDriverPort, offset: u32, value: u32): void {
  mmioWrite32(port.registers + <u64>offset, value);
}

@inline
export function requestAt(port: AhciDriverPort, slot: u32): usize {
  return load<usize>(port.requests + (<usize>slot << 2));
}

/** Gives port `number` its registers and memory; the engines are stopped. */
export function setUpPort(port: AhciDriverPort, base: u64, number: u32): void {
  port.registers = base + <u64>(AHCI_PORTS + number * AHCI_PORT_BYTES);
  portWrite(port, PORT_CLB, <u32>port.memory);
  portWrite(port, PORT_CLBU, <u32>(port.memory >> 32));
  portWrite(port, PORT_FB, <u32>(port.memory + FRAMES_OFFSET));
  portWrite(port, PORT_FBU, <u32>((port.memory + FRAMES_OFFSET) >> 32));
  portWrite(port, PORT_CMD, PORT_CMD_FRE | PORT_CMD_SUD);
}

/** Clears what went wrong and lets the command engine run (10.3.1). */
export function startEngine(port: AhciDriverPort): void {
  portWrite(port, PORT_SERR, 0xffff_ffff);
  portWrite(port, PORT_IS, 0xffff_ffff);
  portWrite(port, PORT_CMD, PORT_CMD_ST | PORT_CMD_FRE | PORT_CMD_SUD);
}

@inline
export function isBusy(port: AhciDriverPort): bool {
  return (portRead(port, PORT_TFD) & (ATA_STATUS_BSY | ATA_STATUS_DRQ)) != 0;
}

/** A slot that the adapter doesn't have, or AHCI_SLOTS. */
export function freeSlot(port: AhciDriverPort): u32 {
  return port.outstanding == 0xffff_ffff ? AHCI_SLOTS : <u32>ctz(~port.outstanding);
}

/** Writes a command into `slot`: its header, register FIS and at most one PRDT entry. */
export function prepareCommand(
  port: AhciDriverPort,
  slot: u32,
  opcode: u32,
  features: u32,
  lba: u64,
  count: u32,
  buffer: u64,
  bytes: u32,
  write: bool,
): void {
  const table = port.memory + TABLES_OFFSET + <u64>slot * TABLE_BYTES;
  const header = pointer(port.memory) + <usize>(slot * COMMAND_HEADER_BYTES);
  const entries: u32 = bytes == 0 ? 0 : 1;
  const flags = (FIS_H2D_BYTES >> 2) | (write ? HEADER_W : 0);
  store<u32>(header, flags | (entries << HEADER_PRDTL_SHIFT));
  store<u32>(header, 0, 4);
  store<u64>(header, table, 8);
  const fis = pointer(table);
  memory.fill(fis, 0, 64);
  store<u32>(fis, FIS_H2D | (FIS_C << 8) | (opcode << 16) | (features << 24));
  store<u32>(fis, <u32>(lba & 0xff_ffff) | (DEVICE_LBA << 24), 4);
  store<u32>(fis, <u32>((lba >> 24) & 0xff_ffff), 8);
  store<u16>(fis, <u16>count, 12);
  store<u64>(fis + TABLE_PRDT, buffer);
  store<u32>(fis + TABLE_PRDT, 0, 8);
  store<u32>(fis + TABLE_PRDT, bytes - 1, 12);
}

/** Whether the command engine runs; while it is stopped, PxCI says nothing of the commands. */
@inline
export function isRunning(port: AhciDriverPort): bool {
  return port.step == PORT_READY || port.step == PORT_IDENTIFY || port.step == PORT_FLUSHING;
}

/** Hands the prepared slot to the adapter, or keeps it until the engine runs again. */
export function issueCommand(port: AhciDriverPort, slot: u32, request: usize, deadline: u64): void {
  store<usize>(port.requests + (<usize>slot << 2), request);
  if (port.outstanding == 0) port.commandEnd = deadline;
  port.outstanding |= 1 << slot;
  if (isRunning(port)) portWrite(port, PORT_CI, 1 << slot);
}

/** When the first of the port's commands must be done, or its step; BLOCK_NEVER for neither. */
export function portDeadline(port: AhciDriverPort): u64 {
  return port.outstanding == 0 || !isRunning(port) ? port.stepDeadline : min(port.stepDeadline, port.commandEnd);
}

/** The request in `slot`; 0 for the driver's own command. */
export function takeSlot(port: AhciDriverPort, slot: u32): usize {
  port.outstanding &= ~(1 << slot);
  return requestAt(port, slot);
}

/** A port with no command and no step to wait for. */
export function clearPort(port: AhciDriverPort): void {
  port.outstanding = 0;
  port.mustReset = 0;
  port.attempts = 0;
  port.stepDeadline = BLOCK_NEVER;
}

@inline
export function requestOf(address: usize): BlockRequest {
  return changetype<BlockRequest>(address);
}
