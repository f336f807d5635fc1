/**
 * Model-specific registers (Intel SDM 4, 2). Those that are plain storage are rows of a table; those
 * with an effect are computed. What isn't here doesn't exist: #GP(0), left in `cpu.fault`.
 */
import { writeEfer } from "./control";
import { Cpu, Segment, SEGMENT_FS, SEGMENT_GS, segmentAt } from "./cpu";
import { refuse } from "./segments";
import { canonical } from "./mmu";
import { MTRRS, mtrrIndex, mtrrValid, patValid, MTRR_CAPABILITY } from "./mtrr";
import { lapicMsrRead, lapicMsrReadable, lapicMsrWrite, lapicTscChanged } from "../interrupts/lapic";
import {
  MSR_ARCH_CAPABILITIES,
  MSR_CSTAR,
  MSR_EFER,
  MSR_FEATURE_CONTROL,
  MSR_FMASK,
  MSR_FS_BASE,
  MSR_GS_BASE,
  MSR_KERNEL_GS_BASE,
  MSR_LSTAR,
  MSR_MICROCODE,
  MSR_MISC_ENABLE,
  MSR_MTRR_CAPABILITY,
  MSR_MTRR_DEFAULT,
  MSR_PAT,
  MSR_PREDICTION_COMMAND,
  MSR_SPECULATION_CONTROL,
  MSR_STAR,
  MSR_SYSENTER_CS,
  MSR_SYSENTER_EIP,
  MSR_SYSENTER_ESP,
  MSR_TSC,
  MSR_TSC_ADJUST,
  MSR_TSC_AUX,
  VECTOR_GP,
} from "../../spec/x86";
import { MSR_APIC_BASE, MSR_TSC_DEADLINE, X2APIC_MSR_FIRST } from "../../spec/apic";

/** What a value must be to be stored. */
const CHECK_NONE: u32 = 0;
/** A canonical linear address. */
const CHECK_CANONICAL: u32 = 1;
/** 32 bits. */
const CHECK_LOW: u32 = 2;
const CHECK_PAT: u32 = 3;
const CHECK_MTRR_DEFAULT: u32 = 4;
const CHECK_MISC: u32 = 5;
const CHECK_SPECULATION: u32 = 6;

/** Rows of number, offset in Cpu, check. */
const STORED: StaticArray<u32> = [
  MSR_SYSENTER_CS, <u32>offsetof<Cpu>("sysenterCs"), CHECK_LOW,
  MSR_SYSENTER_ESP, <u32>offsetof<Cpu>("sysenterEsp"), CHECK_CANONICAL,
  MSR_SYSENTER_EIP, <u32>offsetof<Cpu>("sysenterEip"), CHECK_CANONICAL,
  MSR_MISC_ENABLE, <u32>offsetof<Cpu>("miscEnable"), CHECK_MISC,
  MSR_SPECULATION_CONTROL, <u32>offsetof<Cpu>("speculationControl"), CHECK_SPECULATION,
  MSR_PAT, <u32>offsetof<Cpu>("pat"), CHECK_PAT,
  MSR_MTRR_DEFAULT, <u32>offsetof<Cpu>("mtrrDefault"), CHECK_MTRR_DEFAULT,
  <u32>MSR_STAR, <u32>offsetof<Cpu>("star"), CHECK_NONE,
  <u32>MSR_LSTAR, <u32>offsetof<Cpu>("lstar"), CHECK_CANONICAL,
  <u32>MSR_CSTAR, <u32>offsetof<Cpu>("cstar"), CHECK_CANONICAL,
  <u32>MSR_FMASK, <u32>offsetof<Cpu>("fmask"), CHECK_LOW,
  <u32>MSR_KERNEL_GS_BASE, <u32>offsetof<Cpu>("kernelGsBase"), CHECK_CANONICAL,
  <u32>MSR_TSC_AUX, <u32>offsetof<Cpu>("tscAux"), CHECK_LOW,
];
const ROW: i32 = 3;

/** FEATURE_CONTROL: locked by the firmware with nothing enabled; any write is #GP. */
const FEATURE_CONTROL_LOCKED: u64 = 1;
/**
 * MISC_ENABLE: fast strings (0) and the like are storage; BTS and PEBS unavailable (11, 12) are
 * read-only 1. Execute-disable (34) and the CPUID limit (22) may not be turned on here.
 */
const MISC_WRITABLE: u64 = 0x9;
const MISC_FIXED: u64 = 0x1800;
/** SPEC_CTRL has IBRS, PRED_CMD IBPB; nothing is predicted, so neither changes anything. */
const SPECULATION_IBRS: u64 = 1;
const PREDICTION_BARRIER: u64 = 1;
/**
 * What a processor that executes in order and speculates about nothing can say of itself: RDCL_NO (0),
 * IBRS_ALL (1), SKIP_L1DFL_VMENTRY (3), SSB_NO (4), MDS_NO (5), IF_PSCHANGE_MC_NO (6), TAA_NO (8),
 * SBDR_SSDP_NO (13), FBSDP_NO (14), PSDP_NO (15), BHI_NO (20), PBRSB_NO (24), GDS_NO (26), RFDS_NO (27)
 * (SDM 4, table 2-2).
 */
const CAPABILITIES: u64 = 0x0d10_e17b;
/** MTRR default type: type 0-7, fixed-range enable 10, enable 11. */
const MTRR_DEFAULT_BITS: u64 = 0xcff;

/** Address of the register's storage, or 0 when it isn't one of those. */
function storedAt(cpu: Cpu, index: u32): usize {
  for (let row = 0; row < STORED.length; row += ROW) {
    if (unchecked(STORED[row]) == index)
      return changetype<usize>(cpu) + <usize>unchecked(STORED[row + 1]);
  }
  if (index == <u32>MSR_FS_BASE) return segmentBase(cpu, SEGMENT_FS);
  if (index == <u32>MSR_GS_BASE) return segmentBase(cpu, SEGMENT_GS);
  const mtrr = mtrrIndex(index);
  return mtrr < MTRRS ? cpu.mtrrs + (<usize>mtrr << 3) : 0;
}

@inline
function segmentBase(cpu: Cpu, index: u32): usize {
  return changetype<usize>(segmentAt(cpu, index)) + offsetof<Segment>("base");
}

/** Whether `value` may be stored in the register. */
function storable(index: u32, value: u64): bool {
  if (index == <u32>MSR_FS_BASE || index == <u32>MSR_GS_BASE) return canonical(value);
  if (mtrrIndex(index) < MTRRS) return mtrrValid(mtrrIndex(index), value);
  for (let row = 0; row < STORED.length; row += ROW) {
    if (unchecked(STORED[row]) == index) return passes(unchecked(STORED[row + 2]), value);
  }
  return false;
}

function passes(check: u32, value: u64): bool {
  switch (check) {
    case CHECK_CANONICAL:
      return canonical(value);
    case CHECK_LOW:
      return value >> 32 == 0;
    case CHECK_PAT:
      return patValid(value);
    case CHECK_MTRR_DEFAULT:
      return (value & ~MTRR_DEFAULT_BITS) == 0 && patValid(value & 0xff) && (value & 0xff) != 7;
    case CHECK_SPECULATION:
      return (value & ~SPECULATION_IBRS) == 0;
    case CHECK_MISC:
      return (value & ~(MISC_WRITABLE | MISC_FIXED)) == 0;
    default:
      return true;
  }
}

@inline
function belongsToApic(index: u32): bool {
  return index == MSR_APIC_BASE || index == MSR_TSC_DEADLINE || index >> 8 == X2APIC_MSR_FIRST >> 8;
}

/** RDTSC's value: virtual time, moved by what software wrote. */
@inline
export function readTsc(cpu: Cpu): u64 {
  return cpu.clock + cpu.tscOffset;
}

/** RDMSR: #GP(0) for a register that doesn't exist or can't be read. */
export function readMsrRegister(cpu: Cpu, index: u32): u64 {
  const stored = storedAt(cpu, index);
  if (stored != 0) {
    const value = load<u64>(stored);
    return index == MSR_MISC_ENABLE ? value | MISC_FIXED : value;
  }
  if (belongsToApic(index)) {
    if (lapicMsrReadable(cpu, index)) return lapicMsrRead(cpu, index);
    refuse(cpu, VECTOR_GP, 0);
    return 0;
  }
  switch (index) {
    case MSR_TSC:
      return readTsc(cpu);
    case MSR_TSC_ADJUST:
      return cpu.tscAdjust;
    case MSR_FEATURE_CONTROL:
      return FEATURE_CONTROL_LOCKED;
    case MSR_MICROCODE:
      return 0;
    case MSR_ARCH_CAPABILITIES:
      return CAPABILITIES;
    case MSR_MTRR_CAPABILITY:
      return MTRR_CAPABILITY;
    case <u32>MSR_EFER:
      return cpu.efer;
    default:
      refuse(cpu, VECTOR_GP, 0);
      return 0;
  }
}

/** WRMSR: #GP(0) for a register that doesn't exist, is read-only, or a value it can't hold. */
export function writeMsrRegister(cpu: Cpu, index: u32, value: u64): void {
  if (!tryWrite(cpu, index, value)) refuse(cpu, VECTOR_GP, 0);
}

function tryWrite(cpu: Cpu, index: u32, value: u64): bool {
  const stored = storedAt(cpu, index);
  if (stored != 0) {
    if (!storable(index, value)) return false;
    store<u64>(stored, value);
    return true;
  }
  if (belongsToApic(index)) return lapicMsrWrite(cpu, index, value);
  switch (index) {
    case MSR_TSC:
      adjustTsc(cpu, value - readTsc(cpu));
      return true;
    case MSR_TSC_ADJUST:
      adjustTsc(cpu, value - cpu.tscAdjust);
      return true;
    case MSR_MICROCODE:
      return true;
    case MSR_PREDICTION_COMMAND:
      return (value & ~PREDICTION_BARRIER) == 0;
    case <u32>MSR_EFER:
      return writeEfer(cpu, value);
    default:
      return false;
  }
}

/** A write to the TSC moves TSC_ADJUST by as much, and the other way round (SDM 3B, 17.17.3). */
function adjustTsc(cpu: Cpu, by: u64): void {
  cpu.tscOffset += by;
  cpu.tscAdjust += by;
  lapicTscChanged(cpu);
}
