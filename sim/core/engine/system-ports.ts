/** IN, OUT, INS, OUTS (Intel SDM 1, 19.5; permission 19.5.2). */
import { portRead, portWrite } from "../bus/bus";
import { charge, Cpu, SEGMENT_ES, SEGMENT_TR, segmentAt } from "../cpu/cpu";
import { notePort } from "../cpu/debug";
import { ACCESS_SYSTEM, loadLinear } from "../cpu/mmu";
import { PORT_CYCLES } from "../cpu/prices";
import { ioPrivilege } from "../cpu/return";
import { refuse, SEGMENT_PRESENT } from "../cpu/segments";
import { loadSlow, storeSlow, writable } from "./access";
import { linearOf } from "./address";
import { readSlot, writeSlot } from "./integer";
import {
  aboveOf,
  addressBytes,
  immediateOf,
  lengthOf,
  operandBytes,
  portInDx,
  registerSlot,
  segmentOf,
} from "./system-operands";
import { OP_IN, OP_INS, OP_OUT } from "../../spec/isa/operations.generated";
import { CR0_PE, RFLAGS_DF, RFLAGS_RF, RFLAGS_VM, VECTOR_GP } from "../../spec/x86";

const RCX: u32 = 1;
const RSI: u32 = 6;
const RDI: u32 = 7;
/** Where a 32- or 64-bit TSS has the offset of its I/O permission bitmap; type bit 3 tells it is one. */
const TSS_IO_MAP: u32 = 102;
const TASK_WIDE: u32 = 8;

export function executePort(cpu: Cpu, ip: usize, operation: u32): void {
  const bytes = operandBytes(ip);
  const port = portInDx(ip) ? <u32>cpu.rdx & 0xffff : immediateOf(ip) & 0xff;
  if (!mayAccess(cpu, port, bytes)) return;
  if (operation == OP_IN) writeSlot(changetype<usize>(cpu), bytes, read(cpu, port, bytes));
  else if (operation == OP_OUT) write(cpu, port, bytes, <u32>cpu.rax);
  else iterate(cpu, ip, operation == OP_INS, port, bytes);
}

function read(cpu: Cpu, port: u32, bytes: u32): u32 {
  charge(cpu, PORT_CYCLES);
  notePort(cpu, port, bytes);
  return portRead(<u16>port, bytes);
}

function write(cpu: Cpu, port: u32, bytes: u32, value: u32): void {
  charge(cpu, PORT_CYCLES);
  notePort(cpu, port, bytes);
  portWrite(<u16>port, bytes, value);
}

/** By IOPL, or by the bitmap of the task: the bits of all ports that are touched must be 0. */
function mayAccess(cpu: Cpu, port: u32, bytes: u32): bool {
  if (!(cpu.cr0 & CR0_PE)) return true;
  if (cpu.cpl <= ioPrivilege(cpu) && !(cpu.rflags & RFLAGS_VM)) return true;
  const task = segmentAt(cpu, SEGMENT_TR);
  const wide = SEGMENT_PRESENT | TASK_WIDE;
  if ((task.attributes & wide) != wide || task.limit < TSS_IO_MAP + 1) return refuse(cpu, VECTOR_GP, 0);
  const map = <u32>loadLinear(cpu, task.base + TSS_IO_MAP, 2, ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  // Two bytes are read always, so that one access knows all bits.
  const at = map + (port >> 3);
  if (at + 1 > task.limit) return refuse(cpu, VECTOR_GP, 0);
  const bits = <u32>loadLinear(cpu, task.base + at, 2, ACCESS_SYSTEM);
  if (cpu.fault != 0) return false;
  const touched = ((1 << bytes) - 1) << (port & 7);
  return (bits & touched) == 0 || refuse(cpu, VECTOR_GP, 0);
}

/** One iteration of INS or OUTS; a repeated one that has more to do stays at its RIP. */
function iterate(cpu: Cpu, ip: usize, input: bool, port: u32, bytes: u32): void {
  const width = addressBytes(ip);
  const repeated = aboveOf(ip) != 0;
  const count = registerSlot(cpu, RCX);
  if (repeated && readSlot(count, width) == 0) return;
  const slot = registerSlot(cpu, input ? RDI : RSI);
  const offset = readSlot(slot, width);
  const linear = linearOf(cpu, input ? SEGMENT_ES : segmentOf(ip), offset, bytes, input);
  if (cpu.fault != 0) return;
  if (input) {
    if (!writable(cpu, linear, bytes)) return;
    storeSlow(cpu, linear, bytes, read(cpu, port, bytes));
  } else {
    const value = loadSlow(cpu, linear, bytes);
    if (cpu.fault != 0) return;
    write(cpu, port, bytes, <u32>value);
  }
  writeSlot(slot, width, cpu.rflags & RFLAGS_DF ? offset - bytes : offset + bytes);
  if (!repeated) return;
  const left = readSlot(count, width) - 1;
  writeSlot(count, width, left);
  if (readSlot(count, width) == 0) return;
  cpu.rip -= lengthOf(ip);
  cpu.rflags |= RFLAGS_RF;
}
