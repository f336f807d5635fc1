/**
 * The kernel of the tests of ring 3, as little as there can be of one: agents from a table that the
 * host has written, round robin over all CPUs with a quantum, pages on demand, six system calls.
 *
 *   0x20_0000  page tables: 0 to 1 GiB as in RAM for ring 0, the window of runtime text
 *   0x21_0000  a page table an agent: 2 MiB of linear addresses each from 1 GiB on
 *   0x26_0000  a page a CPU: GDT, TSS        0x2f_0000  IDT
 *   0x30_0000  a stack a CPU                 0x3e_0000  state of this kernel
 *   0x40_0000  agents                        0x80_0000  256 KiB of memory an agent
 */
import { pointer } from "../memory";
import {
  halt,
  loadGdt,
  loadIdt,
  loadRegisters,
  loadSegment,
  loadTask,
  readControl,
  readRegister,
  returnByInterrupt,
  saveRegisters,
  timestamp,
  writeControl,
  writeMsr,
  writeRegister,
} from "../x86_64/machine";
import { ENTRY_BYTES, ENTRY_IDLE, ENTRY_START, ENTRY_SYSCALL } from "../../sim/spec/entries";
import * as User from "../../sim/spec/user";
import * as X86 from "../../sim/spec/x86";

const TABLES: u64 = 0x20_0000;
const AGENT_TABLES: u64 = 0x21_0000;
const CPU_PAGES: u64 = 0x26_0000;
const IDT: u64 = 0x2f_0000;
const STACKS: u64 = 0x30_0000;
const STATE: u64 = 0x3e_0000;
const AGENTS: u64 = 0x40_0000;
const MEMORY: u64 = 0x80_0000;
const MEMORY_PAGES: u64 = 64;
const AGENT_BASE: u64 = 0x4000_0000;
const AGENT_SPAN_SHIFT: u64 = 21;
const AGENTS_MAX: u32 = 64;
const KERNEL_TEXT: u64 = 0xffff_ffff_8000_0000;
const STAR: u64 = 0x0010_0008_0000_0000;
const FLAGS: u64 = 0x202;
const VECTOR_TIMER: u32 = 0x40;
const VECTOR_INTERRUPT: u32 = 0x41;
const EXCEPTIONS: u32 = 32;
const QUANTUM: u64 = 30_000;
const MSR_X2APIC: u32 = 0x800;

const FREE: u32 = 0;
const READY: u32 = 1;
const RUNNING: u32 = 2;
const ENDED: u32 = 3;

/** An agent: what the host writes into the table, and its registers while it doesn't run. */
@unmanaged
class Agent {
  state: u32;
  /** Exception that has ended it, plus 1. */
  exception: u32;
  rip: u64;
  rflags: u64;
  /** RAX to R15. */
  registers: u64;
}
const AGENT_BYTES: usize = 256;
const REGISTERS: usize = 24;

@unmanaged
class State {
  ready: u32;
  /** The agent that was dispatched last. */
  last: u32;
  faults: u64;
}

@inline
function state(): State {
  return changetype<State>(pointer(STATE));
}

@inline
function agentAt(index: u32): Agent {
  return changetype<Agent>(pointer(AGENTS) + <usize>index * AGENT_BYTES);
}

/** Index of the agent on each CPU, plus 1. */
@inline
function currentAt(cpu: u32): usize {
  return pointer(STATE) + 0x100 + (<usize>cpu << 2);
}

@inline
function register(agent: Agent, number: usize): usize {
  return changetype<usize>(agent) + REGISTERS + (number << 3);
}

export function enter(cpu: u32, entry: u32, errorCode: u32): void {
  if (entry == ENTRY_START) start(cpu);
  else if (entry == ENTRY_IDLE) dispatch(cpu);
  else if (entry == ENTRY_SYSCALL) call(cpu);
  else interrupt(cpu, entry, errorCode);
}

function start(cpu: u32): void {
  if (cpu == 0) buildTables();
  writeControl(0, X86.CR0_PE | X86.CR0_NE | X86.CR0_WP);
  writeControl(4, X86.CR4_PAE);
  writeControl(3, TABLES);
  writeMsr(<u32>X86.MSR_EFER, X86.EFER_SCE | X86.EFER_LME | X86.EFER_NXE);
  writeControl(0, X86.CR0_PG | X86.CR0_PE | X86.CR0_NE | X86.CR0_WP);
  const page = CPU_PAGES + (<u64>cpu << 12);
  loadGdt(page, 0x37);
  loadSegment(X86.SEGMENT_NUMBER_CS, 0x08);
  loadSegment(X86.SEGMENT_NUMBER_SS, 0x10);
  loadTask(0x28);
  loadIdt(IDT, 0xfff);
  writeMsr(<u32>X86.MSR_STAR, STAR);
  writeMsr(<u32>X86.MSR_LSTAR, KERNEL_TEXT + ENTRY_SYSCALL * ENTRY_BYTES);
  writeMsr(<u32>X86.MSR_FMASK, 0x4_7700);
  writeMsr(0x1b, 0xfee0_0c00 | (cpu == 0 ? 0x100 : 0));
  writeMsr(MSR_X2APIC + 0x0f, 0x1ff);
  writeMsr(MSR_X2APIC + 0x32, 0x4_0000 | VECTOR_TIMER);
  if (cpu != 0) return;
  state().ready = 1;
  writeMsr(MSR_X2APIC + 0x30, 0xc_4500);
  writeMsr(MSR_X2APIC + 0x30, 0xc_4608);
}

function buildTables(): void {
  state().last = AGENTS_MAX - 1;
  table(0, 0, TABLES + 0x1000);
  for (let n: u64 = 0; n < 512; n++) store<u64>(pointer(TABLES + 0x2000 + (n << 3)), (n << 21) | 0x83);
  table(0x1000, 0, TABLES + 0x2000);
  table(0x1000, 1, TABLES + 0x6000);
  for (let n: u64 = 0; n < AGENTS_MAX; n++) table(0x6000, n, AGENT_TABLES + (n << 12));
  table(0, 255, TABLES + 0x3000);
  table(0x3000, 511, TABLES + 0x4000);
  table(0x4000, 511, TABLES + 0x5000);
  store<u64>(pointer(TABLES + 0x5000 + 0x1f0 * 8), MEMORY | 5);
  for (let cpu: u64 = 0; cpu < AGENTS_MAX; cpu++) buildCpu(CPU_PAGES + (cpu << 12), STACKS + ((cpu + 1) << 12));
  for (let vector: u64 = 0; vector < 256; vector++) {
    const target = KERNEL_TEXT + vector * ENTRY_BYTES;
    const low = (target & 0xffff) | 0x8e00_0008_0000 | ((target & 0xffff_0000) << 32);
    store<u64>(pointer(IDT + (vector << 4)), low);
    store<u64>(pointer(IDT + (vector << 4) + 8), target >> 32);
  }
}

function table(at: u64, index: u64, to: u64): void {
  store<u64>(pointer(TABLES + at + (index << 3)), to | 7);
}

function buildCpu(page: u64, stack: u64): void {
  const at = pointer(page);
  store<u64>(at + 0x08, 0x00af_9b00_0000_ffff);
  store<u64>(at + 0x10, 0x00cf_9300_0000_ffff);
  store<u64>(at + 0x18, 0x00cf_f300_0000_ffff);
  store<u64>(at + 0x20, 0x00af_fb00_0000_ffff);
  store<u64>(at + 0x28, 0x0000_8900_0000_0067 | ((page + 0x100) << 16));
  store<u64>(at + 0x104, stack);
}

/** The next agent that is ready goes on this CPU; none: the idle loop. */
function dispatch(cpu: u32): void {
  store<u32>(currentAt(cpu), 0);
  let busy = false;
  for (let n: u32 = 1; n <= AGENTS_MAX; n++) {
    const index = (state().last + n) % AGENTS_MAX;
    const agent = agentAt(index);
    if (agent.state == RUNNING) busy = true;
    if (agent.state != READY || state().ready == 0) continue;
    state().last = index;
    agent.state = RUNNING;
    store<u32>(currentAt(cpu), index + 1);
    arm();
    loadRegisters(register(agent, 0));
    return leave(cpu, agent.rip, 0x23, agent.rflags, load<u64>(register(agent, 4)), 0x1b);
  }
  if (busy) arm();
  leave(cpu, KERNEL_TEXT + ENTRY_IDLE * ENTRY_BYTES, 0x08, FLAGS, STACKS + (<u64>(cpu + 1) << 12), 0x10);
  halt();
}

function arm(): void {
  writeMsr(0x6e0, timestamp() + QUANTUM);
}

function leave(cpu: u32, rip: u64, cs: u64, flags: u64, rsp: u64, ss: u64): void {
  const frame = STACKS + (<u64>(cpu + 1) << 12) - 40;
  const at = pointer(frame);
  store<u64>(at, rip);
  store<u64>(at, cs, 8);
  store<u64>(at, flags, 16);
  store<u64>(at, rsp, 24);
  store<u64>(at, ss, 32);
  writeRegister(X86.REGISTER_RSP, frame);
  returnByInterrupt();
}

function interrupt(cpu: u32, vector: u32, errorCode: u32): void {
  if (vector >= EXCEPTIONS) writeMsr(MSR_X2APIC + 0x0b, 0);
  const current = load<u32>(currentAt(cpu));
  if (current == 0) return;
  const agent = agentAt(current - 1);
  if (vector == X86.VECTOR_PF && mapPage(current - 1, errorCode)) return;
  const frame = pointer(readRegister(X86.REGISTER_RSP));
  saveRegisters(register(agent, 0));
  agent.rip = load<u64>(frame);
  agent.rflags = load<u64>(frame, 16);
  store<u64>(register(agent, 4), load<u64>(frame, 24));
  agent.state = vector < EXCEPTIONS ? ENDED : READY;
  if (vector < EXCEPTIONS) agent.exception = vector + 1;
  dispatch(cpu);
}

/** Gives the agent the page at CR2, if it is one of its own that isn't there yet. */
function mapPage(index: u32, errorCode: u32): bool {
  const offset = readControl(2) - AGENT_BASE - (<u64>index << AGENT_SPAN_SHIFT);
  const page = offset >> 12;
  if (errorCode & X86.FAULT_PRESENT || page >= MEMORY_PAGES) return false;
  const entry = pointer(AGENT_TABLES + (<u64>index << 12) + (page << 3));
  store<u64>(entry, (MEMORY + ((<u64>index * MEMORY_PAGES + page) << 12)) | 7);
  state().faults += 1;
  return true;
}

/**
 * System calls: 0 gives the processor up, 1 adds its arguments, 2 ends the agent, 3 sets a free slot
 * to READY (its number, RIP, RDX, R15), 4 answers an error, 5 interrupts a CPU.
 */
function call(cpu: u32): void {
  const agent = agentAt(load<u32>(currentAt(cpu)) - 1);
  const number = readRegister(User.REGISTER_RAX);
  const first = readRegister(User.REGISTER_RDI);
  if (number == 0 || number == 2) {
    writeRegister(User.REGISTER_RAX, 0);
    saveRegisters(register(agent, 0));
    agent.rip = readRegister(User.REGISTER_RCX);
    agent.rflags = readRegister(User.REGISTER_R11);
    agent.state = number == 0 ? READY : ENDED;
    return dispatch(cpu);
  }
  if (number == 3) spawn(<u32>first);
  if (number == 5) writeMsr(MSR_X2APIC + 0x30, (first << 32) | VECTOR_INTERRUPT);
  const sum =
    first +
    readRegister(User.REGISTER_RSI) +
    readRegister(User.REGISTER_RDX) +
    readRegister(User.REGISTER_R10) +
    readRegister(User.REGISTER_R8) +
    readRegister(User.REGISTER_R9);
  writeRegister(User.REGISTER_RAX, number == 4 ? 77 : 0);
  writeRegister(User.REGISTER_RDX, sum);
}

function spawn(index: u32): void {
  const agent = agentAt(index);
  if (index >= AGENTS_MAX || agent.state != FREE) return;
  agent.rip = readRegister(User.REGISTER_RSI);
  agent.rflags = FLAGS;
  store<u64>(register(agent, User.REGISTER_RDX), readRegister(User.REGISTER_RDX));
  store<u64>(register(agent, User.REGISTER_R14), index + 1);
  store<u64>(register(agent, User.REGISTER_R15), readRegister(User.REGISTER_R10));
  agent.state = READY;
}
