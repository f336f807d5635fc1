/** Descriptor tables, task register, and what programs may ask about descriptors (Intel SDM 3A, 5.10). */
import { charge, Cpu, SEGMENT_LDTR, SEGMENT_TR, segmentAt } from "../cpu/cpu";
import { in64BitMode } from "../cpu/control";
import { ACCESS_SYSTEM, canonical, loadLinear } from "../cpu/mmu";
import { TABLE_CYCLES, TASK_CYCLES } from "../cpu/prices";
import {
  attributesOf,
  descriptorAddress,
  limitOf,
  loadSystemSegment,
  privilegeOf,
  readDescriptor,
  refuse,
  SEGMENT_CODE,
  SEGMENT_CONFORMING,
  SEGMENT_READABLE,
  SEGMENT_USER,
  SEGMENT_WRITABLE,
} from "../cpu/segments";
import { mayStoreIn } from "./address";
import { readSlot, writeSlot } from "./integer";
import {
  hasMemory,
  loadOperand,
  operandBytes,
  readRm,
  registerSlot,
  regOf,
  segmentOf,
  storeOperand,
  writableOperand,
  writeRm,
} from "./system-operands";
import {
  OP_ARPL,
  OP_LAR,
  OP_LGDT,
  OP_LIDT,
  OP_LLDT,
  OP_LSL,
  OP_LTR,
  OP_SGDT,
  OP_SIDT,
  OP_SLDT,
  OP_STR,
  OP_VERR,
  OP_VERW,
} from "../../spec/isa/operations.generated";
import { EFER_LMA, RFLAGS_ZF, VECTOR_GP } from "../../spec/x86";

export function executeTable(cpu: Cpu, ip: usize, operation: u32): void {
  const bytes = operandBytes(ip);
  switch (operation) {
    case OP_SGDT:
      return storeTable(cpu, ip, cpu.gdtLimit, cpu.gdtBase);
    case OP_SIDT:
      return storeTable(cpu, ip, cpu.idtLimit, cpu.idtBase);
    case OP_LGDT:
    case OP_LIDT:
      return loadTable(cpu, ip, operation == OP_LGDT, bytes);
    case OP_SLDT:
      return writeRm(cpu, ip, bytes, segmentAt(cpu, SEGMENT_LDTR).selector);
    case OP_STR:
      return writeRm(cpu, ip, bytes, segmentAt(cpu, SEGMENT_TR).selector);
    case OP_LLDT:
    case OP_LTR: {
      const selector = <u32>readRm(cpu, ip, 2);
      charge(cpu, TASK_CYCLES);
      if (cpu.fault == 0) loadSystemSegment(cpu, operation == OP_LTR ? SEGMENT_TR : SEGMENT_LDTR, selector);
      return;
    }
    case OP_ARPL:
      return adjustPrivilege(cpu, ip);
    default:
      ask(cpu, ip, operation, bytes);
  }
}

/** Limit and base: 2 and 4 bytes, or 2 and 8 in 64-bit mode. */
function storeTable(cpu: Cpu, ip: usize, limit: u32, base: u64): void {
  const bytes: u32 = in64BitMode(cpu) ? 8 : 4;
  if (!writableOperand(cpu, ip, 2 + bytes)) return;
  storeOperand(cpu, ip, 0, 2, limit);
  storeOperand(cpu, ip, 2, bytes, base);
}

/** With 16-bit operands the base has 24 bits (SDM 2A, LGDT/LIDT). */
function loadTable(cpu: Cpu, ip: usize, global: bool, bytes: u32): void {
  const limit = <u32>loadOperand(cpu, ip, 0, 2);
  if (cpu.fault != 0) return;
  const wide = in64BitMode(cpu);
  const value = loadOperand(cpu, ip, 2, wide ? 8 : 4);
  if (cpu.fault != 0) return;
  if (wide && !canonical(value)) {
    refuse(cpu, VECTOR_GP, 0);
    return;
  }
  const base = wide || bytes != 2 ? value : value & 0xff_ffff;
  charge(cpu, TABLE_CYCLES);
  if (global) {
    cpu.gdtLimit = limit;
    cpu.gdtBase = base;
  } else {
    cpu.idtLimit = limit;
    cpu.idtBase = base;
  }
}

function setZero(cpu: Cpu, on: bool): void {
  cpu.rflags = on ? cpu.rflags | RFLAGS_ZF : cpu.rflags & ~(<u64>RFLAGS_ZF);
}

/**
 * ARPL: the selector's RPL becomes no lower than that of the caller's. Nothing is stored, and nothing
 * has to be writable, when it already is so (the operation in SDM 2A, ARPL).
 */
function adjustPrivilege(cpu: Cpu, ip: usize): void {
  const selector = <u32>readRm(cpu, ip, 2);
  if (cpu.fault != 0) return;
  const least = <u32>readSlot(registerSlot(cpu, regOf(ip)), 2) & 3;
  const lower = (selector & 3) < least;
  if (lower && hasMemory(ip) && !mayStoreIn(cpu, segmentOf(ip))) return;
  if (lower) writeRm(cpu, ip, 2, (selector & ~3) | least);
  if (cpu.fault == 0) setZero(cpu, lower);
}

/** LAR, LSL, VERR, VERW: ZF tells whether the question may be asked; no exception if not. */
function ask(cpu: Cpu, ip: usize, operation: u32, bytes: u32): void {
  const selector = <u32>readRm(cpu, ip, 2) & 0xffff;
  if (cpu.fault != 0) return;
  const inTable = (selector & 0xfffc) != 0 && descriptorAddress(cpu, selector, 8) != 0;
  const descriptor = inTable ? readDescriptor(cpu, selector) : 0;
  if (cpu.fault != 0) return;
  const attributes = attributesOf(descriptor);
  const asked =
    inTable && answers(cpu, operation, attributes, selector & 3) && wellFormed(cpu, selector, attributes);
  if (cpu.fault != 0) return;
  setZero(cpu, asked);
  if (!asked) return;
  const slot = registerSlot(cpu, regOf(ip));
  // LAR: the descriptor's second doubleword without its base; real processors keep the limit's bits.
  if (operation == OP_LAR) writeSlot(slot, bytes, (descriptor >> 32) & 0x00ff_ff00);
  if (operation == OP_LSL) writeSlot(slot, bytes, limitOf(descriptor));
}

/** In IA-32e mode system descriptors have 16 bytes, and zeroes at the place of the second type field. */
function wellFormed(cpu: Cpu, selector: u32, attributes: u32): bool {
  if (!(cpu.efer & EFER_LMA) || attributes & SEGMENT_USER) return true;
  const at = descriptorAddress(cpu, selector, 16);
  const upper = at == 0 ? 0 : loadLinear(cpu, at + 8, 8, ACCESS_SYSTEM);
  return at != 0 && cpu.fault == 0 && ((upper >> 40) & 0x1f) == 0;
}

function answers(cpu: Cpu, operation: u32, attributes: u32, level: u32): bool {
  const dpl = privilegeOf(attributes);
  const user = (attributes & SEGMENT_USER) != 0;
  const code = user && (attributes & SEGMENT_CODE) != 0;
  const conforming = code && (attributes & SEGMENT_CONFORMING) != 0;
  const visible = conforming || (dpl >= cpu.cpl && dpl >= level);
  if (!visible) return false;
  switch (operation) {
    case OP_VERR:
      return user && (!code || (attributes & SEGMENT_READABLE) != 0);
    case OP_VERW:
      return user && !code && (attributes & SEGMENT_WRITABLE) != 0;
    default: {
      const types = cpu.efer & EFER_LMA ? LONG_TYPES : LEGACY_TYPES;
      const asked = operation == OP_LAR ? types >> 16 : types;
      return user || ((asked >> (attributes & 0xf)) & 1) != 0;
    }
  }
}

/**
 * System descriptors about which LAR (upper half) and LSL (lower half) tell something, by type (SDM
 * 2A, tables 3-53 and 3-56): TSS and LDT for both, call gates and task gates for LAR.
 */
const LEGACY_TYPES: u32 = 0b0001_1010_0011_1110_0000_1010_0000_1110;
const LONG_TYPES: u32 = 0b0001_1010_0000_0100_0000_1010_0000_0100;
