/** The command set as a table: what each opcode moves, how, and which address it takes (ACS-2, 7). */
import {
  ATA_CHECK_POWER_MODE,
  ATA_DATA_SET_MANAGEMENT,
  ATA_FLUSH,
  ATA_FLUSH_EXT,
  ATA_IDENTIFY,
  ATA_IDLE,
  ATA_IDLE_IMMEDIATE,
  ATA_READ_DMA,
  ATA_READ_DMA_EXT,
  ATA_READ_FPDMA,
  ATA_READ_LOG_DMA_EXT,
  ATA_READ_LOG_EXT,
  ATA_READ_SECTORS,
  ATA_READ_SECTORS_EXT,
  ATA_READ_VERIFY,
  ATA_READ_VERIFY_EXT,
  ATA_SET_FEATURES,
  ATA_SMART,
  ATA_STANDBY,
  ATA_STANDBY_IMMEDIATE,
  ATA_WRITE_DMA,
  ATA_WRITE_DMA_EXT,
  ATA_WRITE_DMA_FUA_EXT,
  ATA_WRITE_FPDMA,
  ATA_WRITE_SECTORS,
  ATA_WRITE_SECTORS_EXT,
} from "../../../spec/ahci";
import { AhciCommand } from "./state";

/** The device knows the command. */
const KNOWN: u32 = 0x01;
/** Data goes from the device to memory, or the other way; neither for a command without data. */
export const DATA_IN: u32 = 0x02;
export const DATA_OUT: u32 = 0x04;
/** The data are logical sectors of the drive; else they are 512-byte blocks about it. */
export const SECTORS: u32 = 0x08;
export const PIO: u32 = 0x10;
export const QUEUED: u32 = 0x20;
/** 48-bit address and 16-bit count. */
const EXTENDED: u32 = 0x40;
/** Forced unit access: on the medium before it is reported. */
const FUA: u32 = 0x80;
/** LBA and count must lie on the drive. */
export const ADDRESSED: u32 = 0x100;

const READ: u32 = KNOWN | DATA_IN | SECTORS | ADDRESSED;
const WRITE: u32 = KNOWN | DATA_OUT | SECTORS | ADDRESSED;

/** What the opcode is; 0 for one that the device aborts. */
export function attributesOf(opcode: u32): u32 {
  switch (opcode) {
    case ATA_READ_SECTORS:
      return READ | PIO;
    case ATA_READ_SECTORS_EXT:
      return READ | PIO | EXTENDED;
    case ATA_READ_DMA:
      return READ;
    case ATA_READ_DMA_EXT:
      return READ | EXTENDED;
    case ATA_READ_FPDMA:
      return READ | QUEUED | EXTENDED;
    case ATA_WRITE_SECTORS:
      return WRITE | PIO;
    case ATA_WRITE_SECTORS_EXT:
      return WRITE | PIO | EXTENDED;
    case ATA_WRITE_DMA:
      return WRITE;
    case ATA_WRITE_DMA_EXT:
      return WRITE | EXTENDED;
    case ATA_WRITE_DMA_FUA_EXT:
      return WRITE | EXTENDED | FUA;
    case ATA_WRITE_FPDMA:
      return WRITE | QUEUED | EXTENDED;
    case ATA_READ_VERIFY:
      return KNOWN | ADDRESSED;
    case ATA_READ_VERIFY_EXT:
      return KNOWN | ADDRESSED | EXTENDED;
    case ATA_IDENTIFY:
    case ATA_SMART:
      return KNOWN | DATA_IN | PIO;
    case ATA_READ_LOG_EXT:
      return KNOWN | DATA_IN | PIO | EXTENDED;
    case ATA_READ_LOG_DMA_EXT:
      return KNOWN | DATA_IN | EXTENDED;
    case ATA_DATA_SET_MANAGEMENT:
      return KNOWN | DATA_OUT | EXTENDED;
    case ATA_FLUSH:
    case ATA_FLUSH_EXT:
    case ATA_SET_FEATURES:
    case ATA_STANDBY:
    case ATA_STANDBY_IMMEDIATE:
    case ATA_IDLE:
    case ATA_IDLE_IMMEDIATE:
    case ATA_CHECK_POWER_MODE:
      return KNOWN;
    default:
      return 0;
  }
}

/*
 * Register FIS, host to device (Serial ATA, 10.5.5):
 *
 *   2 command    3 features 7:0    4-6 LBA 23:0    7 device
 *   8-10 LBA 47:24    11 features 15:8    12-13 count    15 control
 */

/** Takes a register FIS apart, as its opcode's attributes say. */
export function decode(command: AhciCommand, fis: usize): u32 {
  const opcode = <u32>load<u8>(fis, 2);
  const attributes = attributesOf(opcode);
  const device = <u32>load<u8>(fis, 7);
  const low = <u64>(load<u32>(fis, 4) & 0xff_ffff);
  const high = <u64>(load<u32>(fis, 8) & 0xff_ffff);
  const features = <u32>load<u8>(fis, 3);
  const count = <u32>load<u16>(fis, 12);
  command.opcode = opcode;
  command.device = device;
  command.features = features;
  command.rawCount = count;
  command.resultLba = 0;
  command.resultCount = 0;
  command.fua = attributes & FUA ? 1 : 0;
  if (attributes & QUEUED) {
    command.count = features | (<u32>load<u8>(fis, 11) << 8);
    command.fua = device >> 7;
  } else command.count = attributes & EXTENDED ? count : count & 0xff;
  // A count of zero is the largest one.
  if (command.count == 0) command.count = attributes & EXTENDED ? 65536 : 256;
  command.lba = attributes & EXTENDED ? low | (high << 24) : low | (<u64>(device & 0xf) << 24);
  return attributes;
}
