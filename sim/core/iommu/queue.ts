/**
 * Queued invalidation (Intel VT-d 3.3, 6.5.2). A descriptor is 16 bytes:
 *
 *   context  low: 49-48 FM | 47-32 source | 31-16 domain | 5-4 granularity | 3-0 type 1
 *   IOTLB    low: 31-16 domain | 7 DR | 6 DW | 5-4 granularity | 3-0 type 2
 *            high: 63-12 address | 6 IH | 5-0 address mask
 *   IEC      low: 47-32 index | 31-27 index mask | 4 by index, not all | 3-0 type 4
 *   wait     low: 63-32 status data | 6 FN | 5 SW | 4 IF | 3-0 type 5     high: 63-2 status address
 */
import { codeWritten } from "../engine/blocks";
import { ramPointer } from "../ram";
import {
  VTD_FSTS,
  VTD_FSTS_IQE,
  VTD_HANDLE_MASK_MAX,
  VTD_INVALIDATE_CONTEXT,
  VTD_INVALIDATE_INTERRUPTS,
  VTD_INVALIDATE_IOTLB,
  VTD_INVALIDATE_WAIT,
  VTD_IQA,
  VTD_IQH,
  VTD_IQT,
  VTD_MASK_MAX,
  VTD_SELECTIVE,
  VTD_WAIT_INTERRUPT,
  VTD_WAIT_STATUS,
} from "../../spec/vtd";
import { invalidateContexts, invalidateInterrupts, invalidateIotlb } from "./cache";
import { completeInvalidation, raiseFault } from "./records";
import { iommu, register32, register64, setRegister64 } from "./state";

const DESCRIPTOR_BYTES: u64 = 16;
const CONTEXT_RESERVED: u64 = 0xfffc_0000_0000_ffc0;
const IOTLB_RESERVED: u64 = 0xffff_ffff_0000_ff00;
const IOTLB_HIGH_RESERVED: u64 = 0xf80;
const INTERRUPTS_RESERVED: u64 = 0xffff_0000_07ff_ffe0;
const BY_INDEX: u64 = 0x10;
/** An order at which all indices are one range. */
const ALL_INDICES: u32 = 16;
const WAIT_RESERVED: u64 = 0xffff_ff80;

/** Bytes of the queue: 2^QS pages (11.4.9.3). */
@inline
function queueBytes(): u64 {
  return <u64>4096 << (register64(VTD_IQA) & 7);
}

/**
 * Executes descriptors from head to tail, at most one queue's length. An invalid one stops the
 * queue with IQE, head at the descriptor, until software clears the error.
 */
export function runQueue(): void {
  const base = register64(VTD_IQA) & ~0xfff;
  const size = queueBytes();
  const tail = register64(VTD_IQT);
  let head = register64(VTD_IQH);
  if (!iommu().queueEnabled || (register32(VTD_FSTS) & VTD_FSTS_IQE) != 0) return;
  for (let left = size / DESCRIPTOR_BYTES; head != tail && left > 0; left--) {
    const at = head < size && tail < size ? ramPointer(base + head, DESCRIPTOR_BYTES) : 0;
    if (at == 0 || !execute(load<u64>(at), load<u64>(at, 8))) {
      raiseFault(VTD_FSTS_IQE);
      return;
    }
    head = (head + DESCRIPTOR_BYTES) & (size - 1);
    setRegister64(VTD_IQH, head);
  }
}

function execute(low: u64, high: u64): bool {
  switch (<u32>low & 0xf) {
    case VTD_INVALIDATE_CONTEXT:
      return executeContext(low, high);
    case VTD_INVALIDATE_IOTLB:
      return executeIotlb(low, high);
    case VTD_INVALIDATE_INTERRUPTS:
      return executeInterrupts(low, high);
    case VTD_INVALIDATE_WAIT:
      return executeWait(low, high);
    default:
      return false;
  }
}

function executeContext(low: u64, high: u64): bool {
  const granularity = <u32>(low >> 4) & 3;
  if (granularity == 0 || (low & CONTEXT_RESERVED) != 0 || high != 0) return false;
  invalidateContexts(
    granularity,
    <u32>(low >> 16) & 0xffff,
    <u32>(low >> 32) & 0xffff,
    <u32>(low >> 48) & 3,
  );
  return true;
}

function executeIotlb(low: u64, high: u64): bool {
  const granularity = <u32>(low >> 4) & 3;
  if (granularity == 0 || (low & IOTLB_RESERVED) != 0 || (high & IOTLB_HIGH_RESERVED) != 0) return false;
  const order = <u32>high & 0x3f;
  if (granularity == VTD_SELECTIVE && order > <u32>VTD_MASK_MAX) return false;
  invalidateIotlb(granularity, <u32>(low >> 16) & 0xffff, high & ~0xfff, order);
  return true;
}

function executeInterrupts(low: u64, high: u64): bool {
  if ((low & INTERRUPTS_RESERVED) != 0 || high != 0) return false;
  const order = <u32>(low >> 27) & 31;
  if ((low & BY_INDEX) == 0) invalidateInterrupts(0, ALL_INDICES);
  else if (order > <u32>VTD_HANDLE_MASK_MAX) return false;
  else invalidateInterrupts(<u32>(low >> 32) & 0xffff, order);
  return true;
}

function executeWait(low: u64, high: u64): bool {
  if ((low & WAIT_RESERVED) != 0 || (high & 3) != 0) return false;
  if (low & VTD_WAIT_STATUS) {
    const at = ramPointer(high, 4);
    if (at != 0) {
      codeWritten(at, 4);
      store<u32>(at, <u32>(low >> 32));
    }
  }
  if (low & VTD_WAIT_INTERRUPT) completeInvalidation();
  return true;
}
