/** IDENTIFY DEVICE data (ACS-2, 7.12.7). */
import { driveAt } from "../drive";
import { AHCI_SLOTS } from "../../../spec/ahci";
import { checksum, TRIM_BLOCKS_MAX } from "./pages";
import { AhciPort } from "./state";

const LBA28_MAX: u64 = 0x0fff_ffff;
/** Transfer modes: the group in bits 7-3, the mode in bits 2-0 (ACS-2, table 98). */
const MODE_UDMA: u32 = 0x40;
const MODE_MWDMA: u32 = 0x20;

@inline
function word(page: usize, index: u32, value: u32): void {
  store<u16>(page + (<usize>index << 1), <u16>value);
}

/** ASCII with the bytes of each word swapped, padded with spaces (ACS-2, 3.3.9). */
function text(page: usize, first: u32, words: u32, value: string): void {
  for (let n: u32 = 0; n < words * 2; n++) {
    const character = <i32>n < value.length ? value.charCodeAt(n) : 0x20;
    store<u8>(page + (<usize>first << 1) + (n ^ 1), <u8>character);
  }
}

/** Writes the page for the port's drive: 512 bytes, zeroed before. */
export function identify(port: AhciPort, page: usize): void {
  const drive = driveAt(port.drive);
  const sectors = drive.bytes / drive.blockBytes;
  word(page, 0, 0x0040);
  text(page, 10, 10, "AIOSAHCI0000");
  // The serial number's last digit is the port's.
  store<u8>(page + 20 + (11 ^ 1), <u8>(0x30 + port.index));
  text(page, 23, 4, "1.0");
  text(page, 27, 20, "AIOS SATA DRIVE");
  word(page, 47, 0x8000);
  // DMA, LBA, IORDY, standard standby timers.
  word(page, 49, 0x2f00);
  word(page, 50, 0x4000);
  word(page, 53, 0x0006);
  store<u32>(page + 60 * 2, <u32>min(sectors, LBA28_MAX));
  transferModes(port, page);
  for (let index: u32 = 65; index <= 68; index++) word(page, index, 120);
  // Trimmed sectors read as zeroes, and always the same.
  word(page, 69, 0x4020);
  word(page, 75, AHCI_SLOTS - 1);
  // NCQ, generations 1 to 3; negotiated speed.
  word(page, 76, 0x010e);
  word(page, 77, ((port.ssts >> 4) & 7) << 1);
  word(page, 80, 0x03f0);
  featureSets(port, page);
  store<u64>(page + 100 * 2, sectors);
  word(page, 105, TRIM_BLOCKS_MAX);
  if (drive.blockBytes > 512) {
    word(page, 106, 0x5000);
    store<u32>(page + 117 * 2, drive.blockBytes >> 1);
  } else word(page, 106, 0x4000);
  worldWideName(port, page);
  word(page, 169, 1);
  word(page, 209, 0x4000);
  word(page, 217, 1);
  word(page, 222, 0x103f);
  store<u8>(page, 0xa5, 510);
  store<u8>(page, checksum(page), 511);
}

/** Words 63, 64 and 88: what the device can, and which mode was set last. */
function transferModes(port: AhciPort, page: usize): void {
  const mode = port.transferMode;
  const selected: u32 = 0x100 << (mode & 7);
  word(page, 63, 0x0007 | (mode < MODE_UDMA && mode >= MODE_MWDMA ? selected : 0));
  word(page, 64, 0x0003);
  word(page, 88, 0x007f | (mode >= MODE_UDMA ? selected : 0));
}

/** Words 82 to 87: SMART, power management, write cache, 48 bits, flush, FUA, logs, name. */
function featureSets(port: AhciPort, page: usize): void {
  word(page, 82, 0x0029);
  word(page, 83, 0x7400);
  word(page, 84, 0x4160);
  word(page, 85, 0x0008 | (port.writeCache ? 0x20 : 0) | (port.smart ? 1 : 0));
  word(page, 86, 0x3400);
  word(page, 87, 0x4160);
}

/** Words 108 to 111: NAA 5, no registered company, the port's number; high word first. */
function worldWideName(port: AhciPort, page: usize): void {
  word(page, 108, 0x5000);
  word(page, 111, port.index + 1);
}
