/**
 * Operations of agents that the host runs: inputs to a CPU that waits for one at RUNTIME_HOST.
 *
 * Each ends the wait and counts in R13; a second wait begins with the CPU's next turn, so what has
 * become pending meanwhile is delivered in between. A CPU that doesn't wait takes nothing.
 */
import { physicalRead, physicalWrite } from "../bus/bus";
import { charge, Cpu, cpuAt } from "../cpu/cpu";
import { raise, raiseFault } from "../cpu/exceptions";
import { codeWritten } from "../engine/blocks";
import { ACCESS_READ, ACCESS_USER, ACCESS_WRITE, translate } from "../cpu/mmu";
import { fastWriteUpTo } from "../cpu/tlb";
import { HOST_BUFFER } from "../host";
import { machine, NO_CPU } from "../machine";
import { ramPointer } from "../ram";
import { accessCycles } from "./access";
import { runtimeAddress } from "./runtime";
import { LOAD_BYTES_SHIFT } from "../../spec/chain";
import { RUNTIME_CALL, RUNTIME_CHAIN } from "../../spec/user";
import { VECTOR_UD } from "../../spec/x86";

const PAGE_BYTES: u32 = 4096;

function waits(cpu: u32): bool {
  return cpu < machine().cpuCount && cpuAt(cpu).waitsForHost != 0;
}

function endWait(cpu: u32): Cpu {
  const target = cpuAt(cpu);
  target.waitsForHost = 0;
  target.loadedAt = 0;
  target.r13 += 1;
  return target;
}

/** Argument `n` of a call, which the host has left in its buffer as a double or as an integer. */
@inline
function argument(n: u32, integers: u32): u64 {
  const at = HOST_BUFFER + (<usize>n << 3);
  return (integers >> n) & 1 ? load<u64>(at) : <u64>(<i64>load<f64>(at));
}

/**
 * A system call: RAX, RDI, RSI, RDX, R10, R8 and R9 come from the host's buffer, eight bytes each.
 * @param cycles what the operation burns before SYSCALL, up to 2^53
 * @param integers bit n: value n is a 64-bit integer, else a double that is a whole number
 */
export function agentCall(cpu: u32, cycles: f64, integers: u32): bool {
  if (!waits(cpu)) return false;
  const target = endWait(cpu);
  target.rax = argument(0, integers);
  target.rdi = argument(1, integers);
  target.rsi = argument(2, integers);
  target.rdx = argument(3, integers);
  target.r10 = argument(4, integers);
  target.r8 = argument(5, integers);
  target.r9 = argument(6, integers);
  target.r12 = <u64>cycles;
  target.rip = runtimeAddress(RUNTIME_CALL);
  return true;
}

/**
 * A chain of system calls whose first record is at `chain`. `bytes` bytes of the host's buffer go to
 * `to` before; when the last call has succeeded, `wanted` bytes at `from` are to be loaded. Each is on
 * one page. Addresses are whole numbers below 2^48. Answers as `agentStore` does: after a fault nothing
 * has been called.
 * @param cycles what the operation burns before its first call, up to 2^53
 */
export function agentChain(
  cpu: u32,
  cycles: f64,
  chain: f64,
  to: f64,
  bytes: u32,
  from: f64,
  wanted: u32,
): u32 {
  const target = <u64>to;
  const source = <u64>from;
  if (!waits(cpu) || !onOnePage(target, bytes) || !onOnePage(source, wanted)) return ACCESS_REFUSED;
  if (((target | source) >> LOAD_BYTES_SHIFT) != 0) return ACCESS_REFUSED;
  const user = endWait(cpu);
  if (bytes != 0 && !storeForChain(user, target, bytes)) return ACCESS_FAULTED;
  user.rbx = <u64>chain;
  user.rbp = wanted == 0 ? 0 : (<u64>wanted << LOAD_BYTES_SHIFT) | source;
  user.r12 = <u64>cycles;
  user.rip = runtimeAddress(RUNTIME_CHAIN);
  return ACCESS_DONE;
}

@inline
function onOnePage(address: u64, bytes: u32): bool {
  return bytes <= PAGE_BYTES - (<u32>address & (PAGE_BYTES - 1));
}

function storeForChain(cpu: Cpu, to: u64, bytes: u32): bool {
  const pointer = fastWriteUpTo(cpu, to, bytes - 1);
  if (pointer == 0) return accessAs(cpu, to, bytes, ACCESS_WRITE) == ACCESS_DONE;
  charge(cpu, accessCycles(bytes));
  memory.copy(pointer, HOST_BUFFER, bytes);
  return true;
}

/** The agent faults: #UD at RUNTIME_HOST, where nothing can be executed for it. */
export function agentFault(cpu: u32): bool {
  if (!waits(cpu)) return false;
  raise(endWait(cpu), VECTOR_UD, 0);
  return true;
}

/** Outcomes of a memory access. */
const ACCESS_REFUSED: u32 = 0;
const ACCESS_DONE: u32 = 1;
const ACCESS_FAULTED: u32 = 2;

/**
 * Writes `bytes` bytes of the host's buffer to linear address `high` : `low`, as ring 3. They must
 * be on one page. Answers 1 when done, 2 when it has faulted, 0 when the CPU doesn't wait.
 */
export function agentStore(cpu: u32, low: u32, high: u32, bytes: u32): u32 {
  return access(cpu, low, high, bytes, ACCESS_WRITE);
}

/** Reads into the host's buffer, in the same way. */
export function agentLoad(cpu: u32, low: u32, high: u32, bytes: u32): u32 {
  return access(cpu, low, high, bytes, ACCESS_READ);
}

function access(cpu: u32, low: u32, high: u32, bytes: u32, kind: u32): u32 {
  const address = (<u64>high << 32) | low;
  if (!waits(cpu) || !onOnePage(address, bytes)) return ACCESS_REFUSED;
  return accessAs(endWait(cpu), address, bytes, kind);
}

function accessAs(cpu: Cpu, linear: u64, bytes: u32, kind: u32): u32 {
  cpu.fault = 0;
  charge(cpu, accessCycles(bytes));
  if (bytes == 0) return ACCESS_DONE;
  const address = translate(cpu, linear, kind | ACCESS_USER);
  if (raiseFault(cpu)) return ACCESS_FAULTED;
  const pointer = ramPointer(address, bytes);
  if (pointer == 0) accessDevice(cpu.index, address, bytes, kind);
  else if (kind == ACCESS_WRITE) {
    codeWritten(pointer, bytes);
    memory.copy(pointer, HOST_BUFFER, bytes);
  } else memory.copy(HOST_BUFFER, pointer, bytes);
  return ACCESS_DONE;
}

/** Registers of a device that is mapped for the agent: byte by byte, like REP MOVSB. */
function accessDevice(cpu: u32, address: u64, bytes: u32, kind: u32): void {
  const state = machine();
  state.running = cpu;
  for (let n: u32 = 0; n < bytes; n++) {
    const at = HOST_BUFFER + <usize>n;
    if (kind == ACCESS_WRITE) physicalWrite(address + n, 1, load<u8>(at));
    else store<u8>(at, <u8>physicalRead(address + n, 1));
  }
  state.running = NO_CPU;
}
