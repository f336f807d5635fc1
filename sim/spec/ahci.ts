/**
 * AHCI 1.3.1: registers of the host bus adapter, frame information structures and command lists.
 * Bits that don't fit 31 bits are given by their number (`_SHIFT`).
 */

/** PCI identity: Intel ICH9, SATA controller in AHCI mode (class 01h, 06h, interface 01h). */
export const AHCI_VENDOR_DEVICE = 0x2922_8086;
export const AHCI_CLASS = 0x01_0601;
/** ABAR; its size is what AHCI 2.1.11 leaves of the address bits. */
export const AHCI_BAR = 5;
export const AHCI_BAR_BYTES = 0x2000;

// Generic host control (3.1).
export const AHCI_CAP = 0x00;
export const AHCI_GHC = 0x04;
export const AHCI_IS = 0x08;
export const AHCI_PI = 0x0c;
export const AHCI_VS = 0x10;
export const AHCI_CAP2 = 0x24;
export const AHCI_BOHC = 0x28;

/** CAP (3.1.1): number of ports and of command slots, both counted from zero. */
export const CAP_NP_MASK = 0x1f;
export const CAP_NCS_SHIFT = 8;
/** Interface speed support: 3 = 6 Gbit/s. */
export const CAP_ISS_SHIFT = 20;
/** Partial and slumber are not entered; AHCI mode only; command list override; NCQ; 64 bits. */
export const CAP_SAM = 0x0004_0000;
export const CAP_SCLO = 0x0100_0000;
export const CAP_SNCQ = 0x4000_0000;
export const CAP_S64A_SHIFT = 31;

export const GHC_HR = 0x1;
export const GHC_IE = 0x2;
export const GHC_AE_SHIFT = 31;

export const AHCI_VERSION = 0x0001_0301;

// Port registers (3.3), port n at AHCI_PORTS + n * AHCI_PORT_BYTES.
export const AHCI_PORTS = 0x100;
export const AHCI_PORT_BYTES = 0x80;
export const PORT_CLB = 0x00;
export const PORT_CLBU = 0x04;
export const PORT_FB = 0x08;
export const PORT_FBU = 0x0c;
export const PORT_IS = 0x10;
export const PORT_IE = 0x14;
export const PORT_CMD = 0x18;
export const PORT_TFD = 0x20;
export const PORT_SIG = 0x24;
export const PORT_SSTS = 0x28;
export const PORT_SCTL = 0x2c;
export const PORT_SERR = 0x30;
export const PORT_SACT = 0x34;
export const PORT_CI = 0x38;
export const PORT_SNTF = 0x3c;

// PxIS and PxIE (3.3.5, 3.3.6).
export const PORT_IS_DHRS = 0x0000_0001;
export const PORT_IS_PSS = 0x0000_0002;
export const PORT_IS_DSS = 0x0000_0004;
export const PORT_IS_SDBS = 0x0000_0008;
export const PORT_IS_UFS = 0x0000_0010;
export const PORT_IS_DPS = 0x0000_0020;
export const PORT_IS_PCS = 0x0000_0040;
export const PORT_IS_PRCS = 0x0040_0000;
export const PORT_IS_IPMS = 0x0080_0000;
export const PORT_IS_OFS = 0x0100_0000;
export const PORT_IS_INFS = 0x0400_0000;
export const PORT_IS_IFS = 0x0800_0000;
export const PORT_IS_HBDS = 0x1000_0000;
export const PORT_IS_HBFS = 0x2000_0000;
export const PORT_IS_TFES = 0x4000_0000;
/** What PxIE can enable here: no mechanical switch (bit 7), no cold presence (bit 31). */
export const PORT_IE_MASK = 0x7dc0_007f;

// PxCMD (3.3.7).
export const PORT_CMD_ST = 0x0001;
export const PORT_CMD_SUD = 0x0002;
export const PORT_CMD_POD = 0x0004;
export const PORT_CMD_CLO = 0x0008;
export const PORT_CMD_FRE = 0x0010;
export const PORT_CMD_CCS_SHIFT = 8;
export const PORT_CMD_FR = 0x4000;
export const PORT_CMD_CR = 0x8000;
export const PORT_CMD_ATAPI = 0x0100_0000;

// PxTFD: the task file's status (ACS-2, 7.1.6) and error (7.1.5) registers.
export const ATA_STATUS_ERR = 0x01;
export const ATA_STATUS_DRQ = 0x08;
export const ATA_STATUS_DSC = 0x10;
export const ATA_STATUS_DF = 0x20;
export const ATA_STATUS_DRDY = 0x40;
export const ATA_STATUS_BSY = 0x80;
export const ATA_ERROR_ABRT = 0x04;
export const ATA_ERROR_IDNF = 0x10;
export const ATA_ERROR_UNC = 0x40;
/** Signature of an ATA device in PxSIG: LBA 00_00_01h, count 01h. */
export const ATA_SIGNATURE = 0x0000_0101;

// PxSSTS and PxSCTL (3.3.10, 3.3.11).
export const SSTS_DET_MASK = 0xf;
export const SSTS_DET_NONE = 0;
/** A device is there, but the link is not up. */
export const SSTS_DET_PRESENT = 1;
export const SSTS_DET_READY = 3;
export const SSTS_DET_OFFLINE = 4;
/** Interface active. */
export const SSTS_IPM_ACTIVE = 0x100;
export const SCTL_DET_MASK = 0xf;
export const SCTL_DET_RESET = 1;
export const SCTL_DET_OFFLINE = 4;
export const SCTL_MASK = 0xfff;

// PxSERR (3.3.12): protocol error, PhyRdy changed, device exchanged.
export const SERR_MASK = 0x07ff_0f03;
export const SERR_P = 0x0400;
export const SERR_N = 0x0001_0000;
export const SERR_F = 0x0200_0000;
export const SERR_X = 0x0400_0000;

/*
 * Command header (4.2.2), 32 bytes, 32 of them in the command list:
 *
 *   dword 0: 0-4 CFL, 5 A, 6 W, 7 P, 8 R, 9 B, 10 C, 12-15 PMP, 16-31 PRDTL
 *   dword 1: PRDBC, bytes transferred    dwords 2-3: CTBA, 128-byte aligned
 */
export const AHCI_SLOTS = 32;
export const COMMAND_LIST_BYTES = 1024;
export const COMMAND_HEADER_BYTES = 32;
export const HEADER_CFL_MASK = 0x1f;
export const HEADER_A = 0x0020;
export const HEADER_W = 0x0040;
export const HEADER_R = 0x0100;
export const HEADER_C = 0x0400;
export const HEADER_PRDTL_SHIFT = 16;

/*
 * Command table (4.2.3): CFIS at 0, ACMD at 40h, PRDT at 80h. A PRDT entry:
 *
 *   dwords 0-1: data base address, bit 0 zero
 *   dword 3: 0-21 byte count less one (bit 0 one: counts are even), 31 interrupt on completion
 */
export const TABLE_CFIS = 0x00;
export const TABLE_PRDT = 0x80;
export const PRD_BYTES = 16;
export const PRD_COUNT_MASK = 0x003f_ffff;
export const PRD_I_SHIFT = 31;

// Received FIS area (4.2.1).
export const RFIS_BYTES = 256;
export const RFIS_DMA_SETUP = 0x00;
export const RFIS_PIO_SETUP = 0x20;
export const RFIS_D2H = 0x40;
export const RFIS_SDB = 0x58;

// Frame information structures (Serial ATA 3.x, 10.5).
export const FIS_H2D = 0x27;
export const FIS_D2H = 0x34;
export const FIS_DMA_SETUP = 0x41;
export const FIS_PIO_SETUP = 0x5f;
export const FIS_SDB = 0xa1;
export const FIS_H2D_BYTES = 20;
/** Byte 1: the FIS carries a command; D: device to host; I: interrupt. */
export const FIS_C = 0x80;
export const FIS_D = 0x20;
export const FIS_I = 0x40;
/** Device Control, soft reset. */
export const CONTROL_SRST = 0x04;

// Commands (ACS-2, 7).
export const ATA_DATA_SET_MANAGEMENT = 0x06;
export const ATA_READ_SECTORS = 0x20;
export const ATA_READ_SECTORS_EXT = 0x24;
export const ATA_READ_DMA_EXT = 0x25;
export const ATA_READ_LOG_EXT = 0x2f;
export const ATA_WRITE_SECTORS = 0x30;
export const ATA_WRITE_SECTORS_EXT = 0x34;
export const ATA_WRITE_DMA_EXT = 0x35;
export const ATA_WRITE_DMA_FUA_EXT = 0x3d;
export const ATA_READ_VERIFY = 0x40;
export const ATA_READ_VERIFY_EXT = 0x42;
export const ATA_READ_LOG_DMA_EXT = 0x47;
export const ATA_READ_FPDMA = 0x60;
export const ATA_WRITE_FPDMA = 0x61;
export const ATA_SMART = 0xb0;
export const ATA_READ_DMA = 0xc8;
export const ATA_WRITE_DMA = 0xca;
export const ATA_STANDBY_IMMEDIATE = 0xe0;
export const ATA_IDLE_IMMEDIATE = 0xe1;
export const ATA_STANDBY = 0xe2;
export const ATA_IDLE = 0xe3;
export const ATA_CHECK_POWER_MODE = 0xe5;
export const ATA_FLUSH = 0xe7;
export const ATA_FLUSH_EXT = 0xea;
export const ATA_IDENTIFY = 0xec;
export const ATA_SET_FEATURES = 0xef;

// Subcommands, in the Features field.
export const FEATURE_WRITE_CACHE_ON = 0x02;
export const FEATURE_TRANSFER_MODE = 0x03;
export const FEATURE_WRITE_CACHE_OFF = 0x82;
export const DSM_TRIM = 0x01;
export const SMART_READ_DATA = 0xd0;
export const SMART_ENABLE = 0xd8;
export const SMART_DISABLE = 0xd9;
export const SMART_RETURN_STATUS = 0xda;
/** LBA 23:8 of every SMART command. */
export const SMART_KEY = 0xc24f;
/** General purpose log: the queued command that failed (ACS-2, A.14). */
export const LOG_DIRECTORY = 0x00;
export const LOG_NCQ_ERROR = 0x10;
/** Power modes that CHECK POWER MODE reports. */
export const POWER_STANDBY = 0x00;
export const POWER_IDLE = 0x80;
export const POWER_ACTIVE = 0xff;
