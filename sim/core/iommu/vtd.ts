/** The IOMMU's registers (Intel VT-d 3.3, chapter 11). Registers take accesses of 4 and 8 bytes. */
import { addRegion } from "../bus/bus";
import { DEVICE_IOMMU } from "../kinds";
import { IOMMU_BASE } from "../../spec/platform";
import {
  VTD_BYTES,
  VTD_CAP,
  VTD_CCMD,
  VTD_CFI_BIT,
  VTD_DOMAIN,
  VTD_ECAP,
  VTD_EVENT_MASK_BIT,
  VTD_FEADDR,
  VTD_FECTL,
  VTD_FEDATA,
  VTD_FEUADDR,
  VTD_FRCD,
  VTD_FRCD_COUNT,
  VTD_FSTS,
  VTD_GCMD,
  VTD_GSTS,
  VTD_HANDLE_MASK_MAX,
  VTD_ICS,
  VTD_IEADDR,
  VTD_IECTL,
  VTD_IEDATA,
  VTD_IEUADDR,
  VTD_IOTLB,
  VTD_IQA,
  VTD_IQH,
  VTD_IQT,
  VTD_IRE_BIT,
  VTD_IRTA,
  VTD_IVA,
  VTD_MASK_MAX,
  VTD_QIE_BIT,
  VTD_RTADDR,
  VTD_SELECTIVE,
  VTD_SIRTP_BIT,
  VTD_SRTP_BIT,
  VTD_TE_BIT,
  VTD_VER,
} from "../../spec/vtd";
import { invalidateContexts, invalidateIotlb } from "./cache";
import { runQueue } from "./queue";
import {
  clearFaultStatus,
  clearInvalidation,
  clearRecord,
  writeEventControl,
} from "./records";
import {
  createIommuState,
  iommu,
  register32,
  register64,
  setRegister32,
  setRegister64,
} from "./state";

const NONE: u64 = 0xffff_ffff_ffff_ffff;
const VERSION: u32 = 0x10;
/**
 * 16-bit domain IDs, 39- and 48-bit guest addresses, zero-length reads, 2 MiB and 1 GiB pages,
 * page-selective invalidation, read and write draining (11.4.2). No caching mode, no write buffer.
 */
const CAPABILITIES: u64 =
  6 |
  (0b0110 << 8) |
  (47 << 16) |
  (1 << 22) |
  ((<u64>VTD_FRCD / 16) << 24) |
  (<u64>0b11 << 34) |
  (<u64>1 << 39) |
  (<u64>(VTD_FRCD_COUNT - 1) << 40) |
  (<u64>VTD_MASK_MAX << 48) |
  (<u64>0b11 << 54);
/**
 * Coherent walks, queued invalidation, interrupt remapping with 32-bit destinations, pass-through,
 * snoop control (11.4.3). No interrupt posting, no scalable mode.
 */
const EXTENDED: u64 =
  1 |
  (1 << 1) |
  (1 << 3) |
  (1 << 4) |
  (1 << 6) |
  (1 << 7) |
  ((VTD_IVA / 16) << 8) |
  (VTD_HANDLE_MASK_MAX << 20);

const TE: u32 = 1 << VTD_TE_BIT;
const SRTP: u32 = 1 << VTD_SRTP_BIT;
const QIE: u32 = 1 << VTD_QIE_BIT;
const IRE: u32 = 1 << VTD_IRE_BIT;
const SIRTP: u32 = 1 << VTD_SIRTP_BIT;
const CFI: u32 = 1 << VTD_CFI_BIT;
/** Commands that hold as long as software writes them, and those that leave a pointer behind. */
const LEVELS: u32 = TE | QIE | IRE | CFI;
const POINTERS: u32 = SRTP | SIRTP;
const EVENT_MASKED: u32 = 1 << VTD_EVENT_MASK_BIT;
/** Bit 63 of CCMD and IOTLB: software asks, hardware clears. */
const COMMAND_BUSY: u32 = 0x8000_0000;

export function createIommu(): void {
  createIommuState();
  addRegion(DEVICE_IOMMU, 0, <u64>IOMMU_BASE, VTD_BYTES, true);
  setRegister32(VTD_VER, VERSION);
  setRegister64(VTD_CAP, CAPABILITIES);
  setRegister64(VTD_ECAP, EXTENDED);
  setRegister32(VTD_FECTL, EVENT_MASKED);
  setRegister32(VTD_IECTL, EVENT_MASKED);
}

/** Reads a register; other widths and unaligned accesses are not answered (11.2). */
export function iommuRead(offset: u32, bytes: u32): u64 {
  if ((bytes != 4 && bytes != 8) || (offset & (bytes - 1)) != 0) return NONE;
  return bytes == 4 ? <u64>register32(offset) : register64(offset);
}

/** Writes a register; 64-bit ones act when their upper half is written. */
export function iommuWrite(offset: u32, bytes: u32, value: u64): void {
  if ((bytes != 4 && bytes != 8) || (offset & (bytes - 1)) != 0) return;
  writeRegister(offset, <u32>value);
  if (bytes == 8) writeRegister(offset + 4, <u32>(value >> 32));
}

function writeRegister(offset: u32, value: u32): void {
  if (offset >= <u32>VTD_FRCD) {
    const record = offset - VTD_FRCD;
    const isUpper = (record & 15) == 12 && (value & 0x8000_0000) != 0;
    if (isUpper && record < <u32>VTD_FRCD_COUNT * 16) clearRecord(record >> 4);
    return;
  }
  switch (offset) {
    case VTD_GCMD:
      return writeCommand(value);
    case VTD_FSTS:
      clearFaultStatus(value);
      return runQueue();
    case VTD_FECTL:
    case VTD_IECTL:
      return writeEventControl(offset, value);
    case VTD_ICS:
      if (value & 1) clearInvalidation();
      return;
    case VTD_CCMD + 4:
      return writeContextCommand(value);
    case VTD_IOTLB + 4:
      return writeIotlbCommand(value);
    case VTD_IQT:
      setRegister64(VTD_IQT, value & 0x7_fff0);
      return runQueue();
    default:
      setRegister32(offset, (register32(offset) & ~plainBits(offset)) | (value & plainBits(offset)));
  }
}

/** Bits of registers that only hold what software wrote. */
function plainBits(offset: u32): u32 {
  switch (offset) {
    case VTD_RTADDR:
      return 0xffff_f000;
    case VTD_IQA:
      return 0xffff_f007;
    case VTD_IRTA:
      return 0xffff_f80f;
    case VTD_IVA:
      return 0xffff_f07f;
    case VTD_FEADDR:
    case VTD_IEADDR:
      return 0xffff_fffc;
    case VTD_FEDATA:
    case VTD_IEDATA:
      return 0xffff;
    case VTD_RTADDR + 4:
    case VTD_IQA + 4:
    case VTD_IRTA + 4:
    case VTD_IVA + 4:
    case VTD_CCMD:
    case VTD_IOTLB:
    case VTD_FEUADDR:
    case VTD_IEUADDR:
      return 0xffff_ffff;
    default:
      return 0;
  }
}

/** GCMD (11.4.4): the pointers are latched before what is switched on uses them. */
function writeCommand(value: u32): void {
  const state = iommu();
  if (value & SRTP) state.root = register64(VTD_RTADDR);
  if (value & SIRTP) state.interruptTable = register64(VTD_IRTA);
  state.enabled = value & TE ? 1 : 0;
  state.remapping = value & IRE ? 1 : 0;
  const queueWasEnabled = state.queueEnabled;
  state.queueEnabled = value & QIE ? 1 : 0;
  setRegister32(VTD_GSTS, ((register32(VTD_GSTS) | value) & POINTERS) | (value & LEVELS));
  if (!state.queueEnabled) setRegister64(VTD_IQH, 0);
  else if (!queueWasEnabled) runQueue();
}

/** CCMD upper half: 31 ICC | 30-29 CIRG | 28-27 CAIG | 1-0 FM; lower half: source, domain. */
function writeContextCommand(value: u32): void {
  const granularity = (value >> 29) & 3;
  let actual: u32 = (register32(VTD_CCMD + 4) >> 27) & 3;
  if (value & COMMAND_BUSY) {
    const low = register32(VTD_CCMD);
    if (granularity != 0) invalidateContexts(granularity, low & 0xffff, low >> 16, value & 3);
    actual = granularity;
  }
  setRegister32(VTD_CCMD + 4, (value & 0x6000_0003) | (actual << 27));
}

/** IOTLB upper half: 31 IVT | 29-28 IIRG | 26-25 IAIG | 17 DR | 16 DW | 15-0 domain. */
function writeIotlbCommand(value: u32): void {
  let granularity = (value >> 28) & 3;
  let actual: u32 = (register32(VTD_IOTLB + 4) >> 25) & 3;
  if (value & COMMAND_BUSY) {
    const page = register64(VTD_IVA);
    const order = <u32>page & 0x3f;
    // A mask beyond what CAP tells is done at the next coarser granularity (11.4.8.1).
    if (granularity == VTD_SELECTIVE && order > <u32>VTD_MASK_MAX) granularity = VTD_DOMAIN;
    if (granularity != 0) invalidateIotlb(granularity, value & 0xffff, page & ~0xfff, order);
    actual = granularity;
  }
  setRegister32(VTD_IOTLB + 4, (value & 0x3003_ffff) | (actual << 25));
}
