/** Frames from the device, stored in the port's received FIS area (AHCI 1.3.1, 4.2.1). */
import { dmaWrite } from "../../iommu/dma";
import {
  ATA_SIGNATURE,
  ATA_STATUS_ERR,
  FIS_D,
  FIS_D2H,
  FIS_DMA_SETUP,
  FIS_I,
  FIS_PIO_SETUP,
  FIS_SDB,
  PORT_CMD_FR,
  PORT_IS_DHRS,
  PORT_IS_HBFS,
  PORT_IS_PSS,
  PORT_IS_SDBS,
  PORT_IS_TFES,
  RFIS_D2H,
  RFIS_DMA_SETUP,
  RFIS_PIO_SETUP,
  RFIS_SDB,
} from "../../../spec/ahci";
import { raise } from "./interrupt";
import { ahci, ahciAddress, AhciCommand, AhciPort } from "./state";

/** Stores a FIS of `bytes` from the scratch area; nothing is stored while FRE is clear. */
function post(port: AhciPort, offset: u32, bytes: u32): void {
  if (!(port.cmd & PORT_CMD_FR)) return;
  if (!dmaWrite(ahciAddress(), port.fb + offset, ahci().scratch, bytes)) {
    port.halted = 1;
    raise(port, PORT_IS_HBFS);
  }
}

/** A cleared frame with its type, flags, status and error: what all frames begin with. */
function begin(kind: u32, flags: u32, status: u32, error: u32): usize {
  const frame = ahci().scratch;
  memory.fill(frame, 0, 64);
  store<u32>(frame, kind | (flags << 8) | (status << 16) | (error << 24));
  return frame;
}

function putAddress(frame: usize, lba: u64, device: u32, count: u32): void {
  store<u32>(frame, <u32>(lba & 0xff_ffff) | (device << 24), 4);
  store<u32>(frame, <u32>((lba >> 24) & 0xff_ffff), 8);
  store<u32>(frame, count & 0xffff, 12);
}

/** The signature, that waits until FIS are received. */
export function postSignature(port: AhciPort): void {
  port.signatureWaits = 0;
  const frame = begin(FIS_D2H, 0, port.tfd & 0xff, (port.tfd >> 8) & 0xff);
  store<u32>(frame, ATA_SIGNATURE >> 8, 4);
  store<u32>(frame, ATA_SIGNATURE & 0xff, 12);
  post(port, RFIS_D2H, 20);
}

/**
 * Register - device to host: the task file at the end of a command, or on the acceptance of a
 * queued one, which raises no interrupt.
 */
export function postRegisters(
  port: AhciPort,
  command: AhciCommand,
  lba: u64,
  count: u32,
  interrupt: bool,
): void {
  const flags = interrupt ? FIS_I : 0;
  const frame = begin(FIS_D2H, flags, port.tfd & 0xff, (port.tfd >> 8) & 0xff);
  putAddress(frame, lba, command.device, count);
  post(port, RFIS_D2H, 20);
  let status: u32 = interrupt ? PORT_IS_DHRS : 0;
  if (port.tfd & ATA_STATUS_ERR) status |= PORT_IS_TFES;
  if (status) raise(port, status);
}

/**
 * PIO setup, before each block of data: `bytes` of it, `status` before and `ending` after the block.
 */
export function postPioSetup(
  port: AhciPort,
  command: AhciCommand,
  bytes: u32,
  toHost: bool,
  status: u32,
  ending: u32,
): void {
  const frame = begin(FIS_PIO_SETUP, FIS_I | (toHost ? FIS_D : 0), status, 0);
  putAddress(frame, command.lba, command.device, command.count);
  store<u8>(frame, <u8>ending, 15);
  store<u16>(frame, <u16>bytes, 16);
  post(port, RFIS_PIO_SETUP, 20);
}

/** The block that a PIO setup FIS with its I bit announced has been moved. */
export function pioBlockDone(port: AhciPort): void {
  raise(port, PORT_IS_PSS);
}

/** DMA setup, before the data of queued command `tag`. */
export function postDmaSetup(port: AhciPort, tag: u32, bytes: u32, toHost: bool): void {
  const frame = begin(FIS_DMA_SETUP, toHost ? FIS_D : 0, 0, 0);
  store<u32>(frame, tag, 4);
  store<u32>(frame, bytes, 20);
  post(port, RFIS_DMA_SETUP, 28);
}

/**
 * Set device bits: queued commands `done` are complete. Bits 3 and 7 of the status are not in the
 * frame and keep their values (AHCI 1.3.1, 3.3.8).
 */
export function postDeviceBits(port: AhciPort, done: u32, status: u32, error: u32): void {
  const frame = begin(FIS_SDB, FIS_I, status & 0x77, error);
  store<u32>(frame, done, 4);
  post(port, RFIS_SDB, 8);
  port.tfd = (port.tfd & 0x88) | (status & 0x77) | (error << 8);
  port.sact &= ~done;
  raise(port, PORT_IS_SDBS | (status & ATA_STATUS_ERR ? PORT_IS_TFES : 0));
}
