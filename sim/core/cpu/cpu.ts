/** The architectural state of one logical processor (Intel SDM 3A, 2 and 3; AMD64 APM 2). */
import { allocate, allocateMany } from "../arena";
import { machine, NO_CPU, Ptr } from "../machine";
import { createTlb, Tlb } from "./tlb";

/** What a CPU is doing between two turns. */
export const CPU_WAIT_FOR_SIPI: u32 = 0;
export const CPU_RUNNING: u32 = 1;
export const CPU_HALTED: u32 = 2;
export const CPU_SHUTDOWN: u32 = 3;

/** Behind STI, and behind a load of SS (`interruptShadow`). */
export const SHADOW_STI: u32 = 1;
export const SHADOW_STACK: u32 = 2;

/**
 * Visible and hidden part of a segment register (Intel SDM 3A, 3.4.3).
 *
 *   attributes: bits 0-3 type, 4 S, 5-6 DPL, 7 P, 8 AVL, 9 L, 10 D/B, 11 G
 */
@unmanaged
export class Segment {
  base: u64;
  limit: u32;
  selector: u16;
  attributes: u16;
}

export const SEGMENT_ES: u32 = 0;
export const SEGMENT_CS: u32 = 1;
export const SEGMENT_SS: u32 = 2;
export const SEGMENT_DS: u32 = 3;
export const SEGMENT_FS: u32 = 4;
export const SEGMENT_GS: u32 = 5;
export const SEGMENT_LDTR: u32 = 6;
export const SEGMENT_TR: u32 = 7;
export const SEGMENTS: u32 = 8;
/** FXSAVE image: x87, MMX, SSE state (Intel SDM 1, 10.5.1). */
const FXSAVE_BYTES: usize = 512;

/**
 * The first 168 bytes are the slots: what a micro-op (engine/) names by its offset in one byte. The
 * bytes AH, CH, DH and BH are the offsets 1, 9, 17 and 25.
 *
 * While machine code runs the status flags are kept as the last result left them, and worked out
 * when somebody asks; `engine/flags.ts` says how. Between two turns they are in `rflags`, and all
 * fields that only a turn uses are 0.
 */
@unmanaged
export class Cpu {
  // General registers in encoding order: index n is at offset 8 n.
  rax: u64;
  rcx: u64;
  rdx: u64;
  rbx: u64;
  rsp: u64;
  rbp: u64;
  rsi: u64;
  rdi: u64;
  r8: u64;
  r9: u64;
  r10: u64;
  r11: u64;
  r12: u64;
  r13: u64;
  r14: u64;
  r15: u64;
  /** Always 0: the base or index of an address that has none. */
  zero: u64;
  /** Temporaries of one instruction. */
  t0: u64;
  t1: u64;
  t2: u64;
  t3: u64;
  /** The last result, sign-extended to 64 bits. */
  flagResult: u64;
  /** First operand ^ second ^ result, sign-extended: the carries into each bit. */
  flagAux: u64;
  /** Bit 0 CF; bit 1 SF, bits 15-8 PF, as differences to what the result says. */
  flagCarry: u32;
  /**
   * The next instruction ends before an interrupt is taken: SHADOW_STI, or SHADOW_STACK, which keeps
   * off NMIs and debug traps too (Intel SDM 3A, 6.8.3).
   */
  interruptShadow: u32;
  rip: u64;
  rflags: u64;

  cr0: u64;
  cr2: u64;
  cr3: u64;
  cr4: u64;
  efer: u64;
  /** The registers of PAE paging (Intel SDM 3A, 4.4.1), while it is on. */
  pdpte0: u64;
  pdpte1: u64;
  pdpte2: u64;
  pdpte3: u64;
  xcr0: u64;
  dr0: u64;
  dr1: u64;
  dr2: u64;
  dr3: u64;
  dr6: u64;
  dr7: u64;
  gdtBase: u64;
  idtBase: u64;
  gdtLimit: u32;
  idtLimit: u32;
  segments: Ptr<Segment>;
  fxsave: usize;

  // Model-specific registers that are plain storage; the rest are computed.
  star: u64;
  lstar: u64;
  cstar: u64;
  fmask: u64;
  kernelGsBase: u64;
  sysenterCs: u64;
  sysenterEsp: u64;
  sysenterEip: u64;
  tscAux: u64;
  tscAdjust: u64;
  tscOffset: u64;
  pat: u64;
  miscEnable: u64;
  speculationControl: u64;
  mtrrDefault: u64;
  mtrrs: usize;

  /** This CPU's position in virtual time, in cycles. */
  clock: u64;
  /** Instructions of machine code that have ended. */
  retired: u64;
  index: u32;
  activity: u32;
  /** Exception to be raised when the running kernel entry returns: vector + 1, or 0. */
  pendingException: u32;
  pendingErrorCode: u32;
  /** 1: the running kernel entry ends with IRETQ, whatever its kind. */
  returnsByInterrupt: u32;
  /** 1: the agent on this CPU waits for its next operation, an input (user/host.ts). */
  waitsForHost: u32;
  /** While it does: linear address of what its chain was to load (user/chain.ts); 0 for nothing. */
  loadedAt: usize;
  /** Time before which nothing is taken that another CPU has sent: then it had not sent it yet. */
  notBefore: u64;
  /** Startup vector + 1 of an accepted SIPI, or 0. */
  pendingSipi: u32;
  pendingNmi: u32;
  /** NMIs are blocked until the next IRET (Intel SDM 3A, 6.7.1). */
  nmiBlocked: u32;
  pendingInit: u32;
  /** Interrupts delivered, exceptions included. */
  interruptCount: u64;
  /** Current privilege level, 0-3. */
  cpl: u32;
  /** Breakpoints on data and ports that the last instruction has met (debug.ts): bits of DR6. */
  breakpointsMet: u32;
  /** Fault of the operation that is being carried out: its vector, or 0. */
  fault: u32;
  faultCode: u32;
  faultAddress: u64;
  /** Fast lines (tlb.ts) of the current privilege: user or supervisor. */
  fastLines: usize;
  /** Lines with another context in their tags are stale; 1 to 4095. */
  fastContext: u64;
  tlb: Ptr<Tlb>;
}

/** Memory for the fixed-range and eight variable-range MTRR pairs (Intel SDM 3A, 11.11). */
const MTRR_BYTES: usize = (11 + 16) * 8;

export function createCpus(count: u32): void {
  const state = machine();
  state.cpus = allocateMany<Cpu>(count);
  for (let index: u32 = 0; index < count; index++) {
    const cpu = cpuAt(index);
    cpu.index = index;
    cpu.segments = allocateMany<Segment>(SEGMENTS);
    cpu.fxsave = allocate(FXSAVE_BYTES);
    cpu.mtrrs = allocate(MTRR_BYTES);
    createTlb(cpu);
  }
}

@inline
export function cpuAt(index: u32): Cpu {
  return changetype<Cpu>(machine().cpus + <usize>index * offsetof<Cpu>());
}

@inline
export function segmentAt(cpu: Cpu, index: u32): Segment {
  return changetype<Segment>(cpu.segments + <usize>index * offsetof<Segment>());
}

/**
 * Tells the run loop that the CPU may have something to do: an interrupt, INIT, SIPI or NMI.
 *
 * In a slice CPUs run one after the other, so what one sends may reach one that is behind it in time.
 * Then the slice ends at the sender's time, and the other takes nothing before.
 */
export function cpuSignal(index: u32): void {
  const state = machine();
  state.attention |= <u64>1 << index;
  const running = state.running;
  if (running == NO_CPU || running == index) return;
  const sent = cpuAt(running).clock;
  const target = cpuAt(index);
  if (target.clock >= sent) return;
  target.notBefore = sent;
  if (sent < state.sliceEnd) state.sliceEnd = sent;
}

/** The same for a CPU that has an interrupt to take already: the new one comes behind it. */
@inline
export function cpuSignalAgain(index: u32): void {
  machine().attention |= <u64>1 << index;
}

/** The CPU that executes now; device models may ask only inside one of its accesses. */
@inline
export function runningCpu(): Cpu {
  return cpuAt(machine().running);
}

/** Lets `cycles` pass on the running CPU: the price of what it has just done. */
@inline
export function charge(cpu: Cpu, cycles: u64): void {
  cpu.clock += cycles;
}
