/** Identify (5.15): what the controller and its namespaces say of themselves. */
import {
  NVME_CNS_ACTIVE_LIST,
  NVME_CNS_CONTROLLER,
  NVME_CNS_DESCRIPTORS,
  NVME_CNS_NAMESPACE,
  NVME_CQE_SHIFT,
  NVME_INVALID_NAMESPACE,
  NVME_SQE_CDW10,
  NVME_SQE_NSID,
  NVME_SQE_SHIFT,
  NVME_SUCCESS,
  NVME_VERSION,
} from "../../../spec/nvme";
import { sendScratch } from "./dma";
import { invalidField, refuse } from "./errors";
import {
  ABORTS_MAX,
  ASYNC_EVENTS_MAX,
  ERROR_ENTRIES,
  field32,
  findNamespace,
  MDTS,
  nvme,
  NvmeNamespace,
  NvmeSlot,
  SCRATCH_BYTES,
} from "./state";

/** PCI vendor and subsystem vendor: those of QEMU's controller, which is driven by class. */
export const VENDOR: u16 = 0x1b36;
/** The locally administered identifier that virtual devices use. */
const IEEE_OUI: u32 = 0x52_54_00;
/** Temperatures in kelvin: now, warning, critical. */
export const TEMPERATURE: u16 = 310;
export const TEMPERATURE_WARNING: u16 = 343;
const TEMPERATURE_CRITICAL: u16 = 353;

/** Optional commands: Compare, Dataset Management, Write Zeroes, Save and Select of features. */
const ONCS: u16 = 0x1 | 0x4 | 0x8 | 0x10;
/** Log pages: commands supported, and extended data (offset and 32-bit length). */
const LPA: u8 = 0x2 | 0x4;
/** A write cache is there; Flush with the NSID of all namespaces flushes all. */
const VWC: u8 = 0x1 | 0x6;

export function identify(slot: NvmeSlot): u32 {
  const nsid = field32(slot, NVME_SQE_NSID);
  memory.fill(nvme().scratch, 0, SCRATCH_BYTES);
  const status = fill(field32(slot, NVME_SQE_CDW10) & 0xff, nsid);
  if (status != NVME_SUCCESS) return status;
  return sendScratch(slot, 0, SCRATCH_BYTES, SCRATCH_BYTES);
}

function fill(structure: u32, nsid: u32): u32 {
  if (structure == NVME_CNS_CONTROLLER) {
    describeController(nvme().scratch);
    return NVME_SUCCESS;
  }
  if (structure == NVME_CNS_ACTIVE_LIST) {
    // FFFFFFFEh and FFFFFFFFh are no place to begin after (5.15.2.3).
    if (nsid >= 0xffff_fffe) return refuse(NVME_INVALID_NAMESPACE, NVME_SQE_NSID);
    listNamespaces(nvme().scratch, nsid);
    return NVME_SUCCESS;
  }
  if (structure != NVME_CNS_NAMESPACE && structure != NVME_CNS_DESCRIPTORS)
    return invalidField(NVME_SQE_CDW10);
  const namespace = findNamespace(nsid);
  if (namespace == null) return refuse(NVME_INVALID_NAMESPACE, NVME_SQE_NSID);
  if (structure == NVME_CNS_NAMESPACE) describeNamespace(nvme().scratch, namespace, nsid);
  else describeIdentifiers(nvme().scratch, nsid);
  return NVME_SUCCESS;
}

/** Text in a field of `bytes` bytes, padded with `pad` (1.6: strings). */
export function putText(at: usize, text: string, bytes: u32, pad: u8 = 0x20): void {
  memory.fill(at, pad, bytes);
  for (let index: i32 = 0; index < text.length && <u32>index < bytes; index++)
    store<u8>(at + index, <u8>text.charCodeAt(index));
}

/** Identify Controller data structure (figure 247); what is not set is zero: not supported. */
function describeController(at: usize): void {
  store<u16>(at, VENDOR, 0);
  store<u16>(at, VENDOR, 2);
  putText(at + 4, "AIOS0001", 20);
  putText(at + 24, "AIOS NVMe Controller", 40);
  putText(at + 64, "1.0", 8);
  putOui(at + 73);
  store<u8>(at, <u8>MDTS, 77);
  store<u32>(at, NVME_VERSION, 80);
  store<u8>(at, 1, 111); // CNTRLTYPE: I/O controller
  store<u8>(at, <u8>(ABORTS_MAX - 1), 258);
  store<u8>(at, <u8>(ASYNC_EVENTS_MAX - 1), 259);
  store<u8>(at, 0x3, 260); // FRMW: one slot, read-only
  store<u8>(at, LPA, 261);
  store<u8>(at, <u8>(ERROR_ENTRIES - 1), 262);
  store<u16>(at, TEMPERATURE_WARNING, 266);
  store<u16>(at, TEMPERATURE_CRITICAL, 268);
  store<u8>(at, (NVME_SQE_SHIFT << 4) | NVME_SQE_SHIFT, 512);
  store<u8>(at, (NVME_CQE_SHIFT << 4) | NVME_CQE_SHIFT, 513);
  store<u32>(at, nvme().namespaceCount, 516);
  store<u16>(at, ONCS, 520);
  store<u8>(at, VWC, 525);
  putText(at + 768, "nqn.2014-08.org.nvmexpress:uuid:a105a105-0001-4000-8000-525400000001", 256, 0);
  store<u16>(at, 2500, 2048); // power state 0: 25 W, in hundredths
}

/** Identify Namespace data structure (figure 245). */
function describeNamespace(at: usize, namespace: NvmeNamespace, nsid: u32): void {
  store<u64>(at, namespace.blocks, 0);
  store<u64>(at, namespace.blocks, 8);
  store<u64>(at, namespace.blocks, 16);
  store<u8>(at, 1, 25); // NLBAF: two formats
  store<u8>(at, namespace.blockShift == 12 ? 1 : 0, 26);
  store<u8>(at, 0x9, 33); // DLFEAT: deallocated blocks read as zeroes; Write Zeroes may deallocate
  store<u64>(at, namespace.blocks << namespace.blockShift, 48);
  store<u8>(at, <u8>namespace.readOnly, 99); // NSATTR: write protected
  putNguid(at + 104, nsid);
  putEui64(at + 120, nsid);
  store<u32>(at, 9 << 16, 128);
  store<u32>(at, 12 << 16, 132);
}

/** Active namespaces above `nsid`, ascending, closed by zero when the page is not full. */
function listNamespaces(at: usize, nsid: u32): void {
  let to = at;
  for (let next = nsid + 1; next <= nvme().namespaceCount; next++) {
    store<u32>(to, next);
    to += 4;
  }
}

/** Namespace Identification Descriptors (figure 249): type, length, two reserved bytes, value. */
function describeIdentifiers(at: usize, nsid: u32): void {
  store<u16>(at, (8 << 8) | 1);
  putEui64(at + 4, nsid);
  store<u16>(at, (16 << 8) | 2, 12);
  putNguid(at + 16, nsid);
}

/** Identify Controller has it least significant byte first (figure 247, bytes 73-75). */
function putOui(at: usize): void {
  store<u8>(at, <u8>IEEE_OUI);
  store<u8>(at, <u8>(IEEE_OUI >> 8), 1);
  store<u8>(at, <u8>(IEEE_OUI >> 16), 2);
}

/** EUI-64: big-endian, OUI and five bytes of extension. */
function putEui64(at: usize, nsid: u32): void {
  store<u64>(at, bswap<u64>((<u64>IEEE_OUI << 40) | <u64>nsid));
}

/** NGUID: vendor-specific extension, OUI, extension; big-endian. */
function putNguid(at: usize, nsid: u32): void {
  store<u64>(at, bswap<u64>(0xa105_a105_0000_0000));
  putEui64(at + 8, nsid);
}
