/**
 * CPUID (Intel SDM 2A): what this processor has, and no more. Its frequency isn't enumerated (no
 * leaf 0x15), so software calibrates the TSC.
 */
import { Cpu } from "./cpu";
import { isEnabled, lapicOf } from "../interrupts/state";
import { machine } from "../machine";
import {
  CR4_OSXSAVE,
  LINEAR_ADDRESS_BITS,
  PHYSICAL_ADDRESS_BITS,
} from "../../spec/x86";

const BASIC_MAX: u32 = 0xd;
const HYPERVISOR_MAX: u32 = 0x4000_0000;
const EXTENDED_MAX: u32 = 0x8000_0008;

/** Family 6, model 0x3a, stepping 9; also the contents of EDX after reset. */
export const SIGNATURE: u32 = 0x0003_06a9;

/**
 * Leaf 1, ECX: SSE3, PCLMULQDQ, SSSE3, CMPXCHG16B, PCID, SSE4.1, SSE4.2, x2APIC, POPCNT, TSC deadline,
 * AES, XSAVE, RDRAND, and that this is a simulated machine.
 */
const FEATURES_ECX: u32 = 0xc7ba_2203;
const OSXSAVE: u32 = 1 << 27;
/**
 * Leaf 1, EDX: FPU, DE, PSE, TSC, MSR, PAE, CX8, APIC, SEP, MTRR, PGE, CMOV, PAT, PSE-36, CLFSH,
 * MMX, FXSR, SSE, SSE2.
 */
const FEATURES_EDX: u32 = 0x078b_bb7d;
const MULTITHREADING: u32 = 1 << 28;
/** Gone while IA32_APIC_BASE has the local APIC disabled (SDM 3A, 10.4.3). */
const APIC: u32 = 1 << 9;
/** Leaf 6, EAX: the APIC timer never stops. */
const ALWAYS_RUNNING_TIMER: u32 = 1 << 2;
/** Leaf 7, EBX: FSGSBASE, TSC_ADJUST, SMEP, INVPCID, no selectors in x87 state, RDSEED, SMAP. */
const STRUCTURED_EBX: u32 =
  (1 << 0) | (1 << 1) | (1 << 7) | (1 << 10) | (1 << 13) | (1 << 18) | (1 << 20);
/** Leaf 7, ECX: UMIP. */
const STRUCTURED_ECX: u32 = 1 << 2;
/** Leaf 7, EDX: IBRS and IBPB, and ARCH_CAPABILITIES, which says that they are not needed. */
const STRUCTURED_EDX: u32 = (1 << 26) | (1 << 29);
/** Leaf 0x80000001, ECX: LAHF and SAHF in 64-bit mode, PREFETCHW. */
const EXTENDED_ECX: u32 = (1 << 0) | (1 << 8);
/** Leaf 0x80000001, EDX: SYSCALL, NX, 1 GiB pages, RDTSCP, long mode. */
const EXTENDED_EDX: u32 = (1 << 11) | (1 << 20) | (1 << 26) | (1 << 27) | (1 << 29);
const INVARIANT_TSC: u32 = 1 << 8;
/** Leaf 0xd, subleaf 1, EAX. */
const XSAVEOPT: u32 = 1;
/** FXSAVE image and XSAVE header. */
const XSAVE_BYTES: u32 = 576;

/** Rows of type | level << 5, line - 1 | ways - 1 << 22, sets - 1: L1 data, L1 code, L2, L3. */
const CACHES: StaticArray<u32> = [
  0x0000_0021, 0x01c0_003f, 63,
  0x0000_0022, 0x01c0_003f, 63,
  0x0000_0043, 0x01c0_003f, 511,
  0x0000_0063, 0x03c0_003f, 8191,
];
const SELF_INITIALIZING: u32 = 1 << 8;

/** "AIOS simulated x86_64 processor", padded to 48 bytes, as little-endian words. */
const BRAND: StaticArray<u32> = [
  0x534f_4941, 0x6d69_7320, 0x7461_6c75, 0x7820_6465, 0x365f_3638, 0x7270_2034,
  0x7365_636f, 0x0072_6f73, 0, 0, 0, 0,
];

/** Bits that an APIC ID needs to tell this machine's CPUs apart. */
@inline
function topologyShift(): u32 {
  const count = machine().cpuCount;
  return count <= 1 ? 0 : 32 - clz<u32>(count - 1);
}

@inline
function answer(cpu: Cpu, a: u32, b: u32, c: u32, d: u32): void {
  cpu.rax = a;
  cpu.rbx = b;
  cpu.rcx = c;
  cpu.rdx = d;
}

/** CPUID: the answer goes to RAX, RBX, RCX and RDX, upper halves cleared. */
export function cpuidInstruction(cpu: Cpu, leaf: u32, subleaf: u32): void {
  if (leaf == HYPERVISOR_MAX) return answer(cpu, HYPERVISOR_MAX, 0x534f_4941, 0x534f_4941, 0x534f_4941);
  if (leaf >= 0x8000_0000 && leaf <= EXTENDED_MAX) return extended(cpu, leaf);
  // Beyond the highest leaf, an Intel processor answers as for the highest basic one.
  basic(cpu, leaf <= BASIC_MAX ? leaf : BASIC_MAX, subleaf);
}

function basic(cpu: Cpu, leaf: u32, subleaf: u32): void {
  switch (leaf) {
    case 0: // "GenuineIntel"
      return answer(cpu, BASIC_MAX, 0x756e_6547, 0x6c65_746e, 0x4965_6e69);
    case 1:
      return features(cpu);
    case 2: // one descriptor byte: 0xff, see leaf 4
      return answer(cpu, 0x00ff_0001, 0, 0, 0);
    case 4:
      return caches(cpu, subleaf);
    case 6:
      return answer(cpu, ALWAYS_RUNNING_TIMER, 0, 0, 0);
    case 7:
      if (subleaf != 0) return answer(cpu, 0, 0, 0, 0);
      return answer(cpu, 0, STRUCTURED_EBX, STRUCTURED_ECX, STRUCTURED_EDX);
    case 0xb:
      return topology(cpu, subleaf);
    case 0xd:
      return extendedState(cpu, subleaf);
    default:
      return answer(cpu, 0, 0, 0, 0);
  }
}

function features(cpu: Cpu): void {
  const count = machine().cpuCount;
  const ebx = (cpu.index << 24) | ((<u32>1 << topologyShift()) << 16) | (8 << 8);
  const ecx = cpu.cr4 & CR4_OSXSAVE ? FEATURES_ECX | OSXSAVE : FEATURES_ECX;
  let edx = count > 1 ? FEATURES_EDX | MULTITHREADING : FEATURES_EDX;
  if (!isEnabled(lapicOf(cpu))) edx &= ~APIC;
  answer(cpu, SIGNATURE, ebx, ecx, edx);
}

/** Leaf 4: the last-level cache is shared by the package, the others belong to one core. */
function caches(cpu: Cpu, subleaf: u32): void {
  if (subleaf >= 4) return answer(cpu, 0, 0, 0, 0);
  const cores = (<u32>1 << topologyShift()) - 1;
  const sharing = subleaf == 3 ? cores << 14 : 0;
  const row = subleaf * 3;
  const eax = unchecked(CACHES[row]) | SELF_INITIALIZING | sharing | (cores << 26);
  answer(cpu, eax, unchecked(CACHES[row + 1]), unchecked(CACHES[row + 2]), 0);
}

/** Leaf 0xb: one thread a core, all cores in one package; the x2APIC ID is the CPU's index. */
function topology(cpu: Cpu, subleaf: u32): void {
  const level = subleaf & 0xff;
  if (level == 0) return answer(cpu, 0, 1, level | (1 << 8), cpu.index);
  if (level == 1) return answer(cpu, topologyShift(), machine().cpuCount, level | (2 << 8), cpu.index);
  answer(cpu, 0, 0, level, cpu.index);
}

/** Leaf 0xd: x87 and SSE, both in the legacy area. */
function extendedState(cpu: Cpu, subleaf: u32): void {
  if (subleaf == 0) return answer(cpu, 3, XSAVE_BYTES, XSAVE_BYTES, 0);
  answer(cpu, subleaf == 1 ? XSAVEOPT : 0, 0, 0, 0);
}

function extended(cpu: Cpu, leaf: u32): void {
  switch (leaf) {
    case 0x8000_0000:
      return answer(cpu, EXTENDED_MAX, 0, 0, 0);
    case 0x8000_0001:
      return answer(cpu, 0, 0, EXTENDED_ECX, EXTENDED_EDX);
    case 0x8000_0006: // L2: 256 KiB, 8 ways, lines of 64 bytes
      return answer(cpu, 0, 0, 0x0100_6040, 0);
    case 0x8000_0007:
      return answer(cpu, 0, 0, 0, INVARIANT_TSC);
    case 0x8000_0008:
      return answer(cpu, PHYSICAL_ADDRESS_BITS | (LINEAR_ADDRESS_BITS << 8), 0, 0, 0);
    default:
  }
  if (leaf < 0x8000_0002 || leaf > 0x8000_0004) return answer(cpu, 0, 0, 0, 0);
  const word = (leaf - 0x8000_0002) << 2;
  answer(
    cpu,
    unchecked(BRAND[word]),
    unchecked(BRAND[word + 1]),
    unchecked(BRAND[word + 2]),
    unchecked(BRAND[word + 3]),
  );
}
