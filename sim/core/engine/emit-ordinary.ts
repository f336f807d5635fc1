/** Which instructions are executed where, and the micro-ops of those that go on to the next one. */
import { SEGMENT_SS } from "../cpu/cpu";
import { Instruction } from "../decode/instruction";
import { emitLeave, emitMoveOn, emitPop, emitPush, emitSetOn } from "./emit-control";
import {
  emitArithmetic,
  emitBitTest,
  emitExchange,
  emitExtend,
  emitFunction,
  emitLea,
  emitMov,
  emitNothing,
  emitProduct,
  emitScan,
  emitShift,
  emitTouch,
  emitTranslate,
  emitUnary,
  emitWidenAccumulator,
  integerCall,
} from "./emit-integer";
import { ADDRESS_OF_X87, addressInT3, emitCall, emitWide, in64, IN_STACK, inStack, SLOT_T2 } from "./emitter";
import { engine } from "./memory";
import {
  MODE_EMULATION,
  MODE_SSE,
  MODE_TASK_SWITCHED,
} from "./mode";
import { emitVector } from "../sse/emit";
import {
  KIND_N,
  KIND_P,
  KIND_Q,
  KIND_U,
  KIND_V,
  KIND_W,
} from "../../spec/isa/operands";
import { ENVIRONMENT_32 } from "../x87/image";
import { bytesRead, bytesWritten } from "../x87/memory";
import { VECTOR_NM, VECTOR_UD } from "../../spec/x86";
import { M_CALL_INTEGER, M_CALL_X87, M_MOV_I_64 } from "./micro.generated";
import {
  OP_AAA,
  OP_AAD,
  OP_AAM,
  OP_AAS,
  OP_ADC,
  OP_ADD,
  OP_AND,
  OP_BSF,
  OP_BSR,
  OP_BSWAP,
  OP_BT,
  OP_BTC,
  OP_BTR,
  OP_BTS,
  OP_CALL,
  OP_CBW,
  OP_CLC,
  OP_CLD,
  OP_CLFLUSH,
  OP_CMC,
  OP_CMOVCC,
  OP_CMP,
  OP_CMPXCHG,
  OP_CMPXCHG16B,
  OP_CMPXCHG8B,
  OP_CRC32,
  OP_CWD,
  OP_DAA,
  OP_DAS,
  OP_DEC,
  OP_DIV,
  OP_ENTER,
  OP_FXRSTOR,
  OP_FXSAVE,
  OP_IDIV,
  OP_IMUL,
  OP_IMUL_WIDE,
  OP_INC,
  OP_JCC,
  OP_JCXZ,
  OP_JMP,
  OP_LAHF,
  OP_LDMXCSR,
  OP_LEA,
  OP_LEAVE,
  OP_LFENCE,
  OP_LOOP,
  OP_LOOPE,
  OP_LOOPNE,
  OP_MFENCE,
  OP_MOV,
  OP_MOVNTI,
  OP_MOVSX,
  OP_MOVSXD,
  OP_MOVZX,
  OP_MUL,
  OP_NEG,
  OP_NOP,
  OP_NOT,
  OP_OR,
  OP_POP,
  OP_POPA,
  OP_POPCNT,
  OP_PREFETCHNTA,
  OP_PREFETCHT0,
  OP_PREFETCHT1,
  OP_PREFETCHT2,
  OP_PREFETCHW,
  OP_PUSH,
  OP_PUSHA,
  OP_PUSHF,
  OP_RCL,
  OP_RCR,
  OP_RDRAND,
  OP_RDSEED,
  OP_RET,
  OP_ROL,
  OP_ROR,
  OP_SAHF,
  OP_SALC,
  OP_SAR,
  OP_SBB,
  OP_SETCC,
  OP_SFENCE,
  OP_SHL,
  OP_SHLD,
  OP_SHR,
  OP_SHRD,
  OP_STC,
  OP_STD,
  OP_STMXCSR,
  OP_SUB,
  OP_TEST,
  OP_XADD,
  OP_XCHG,
  OP_XLAT,
  OP_XOR,
} from "../../spec/isa/operations.generated";

const OPCODE_WAIT: u32 = 0x9b;
const OPCODE_EMMS: u32 = 0x77;

/** Where an instruction is executed (`placeOf`). */
export const IN_BLOCK: u32 = 0;
export const CALLED_INTEGER: u32 = 1;
export const CALLED_X87: u32 = 2;
export const CALLED_SSE: u32 = 3;
/** By the turn, as a block of its own. */
export const CALLED_OUTSIDE: u32 = 4;

/** Micro-ops of an instruction that isn't a branch and isn't executed outside. */
export function emitOrdinary(ins: Instruction, place: u32): void {
  if (place == CALLED_INTEGER) emitCalled(ins);
  else if (place == IN_BLOCK) emitInBlock(ins);
  else if (place == CALLED_SSE) emitVector(ins);
  else emitUnit(ins);
}

/** Arithmetic in the order of its micro-ops. */
function arithmeticIndex(operation: u32): u32 {
  return operation == OP_TEST ? 8 : operation - OP_ADD;
}

function emitInBlock(ins: Instruction): void {
  const operation = ins.operation;
  switch (operation) {
    case OP_ADD:
    case OP_OR:
    case OP_ADC:
    case OP_SBB:
    case OP_AND:
    case OP_SUB:
    case OP_XOR:
    case OP_CMP:
    case OP_TEST:
      return emitArithmetic(ins, arithmeticIndex(operation));
    case OP_INC:
    case OP_DEC:
    case OP_NEG:
    case OP_NOT:
      return emitUnary(ins);
    case OP_ROL:
    case OP_ROR:
    case OP_RCL:
    case OP_RCR:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR:
      return emitShift(ins);
    case OP_MOV:
    case OP_MOVNTI:
      return emitMov(ins);
    case OP_MOVZX:
      return emitExtend(ins, false);
    case OP_MOVSX:
    case OP_MOVSXD:
      return emitExtend(ins, true);
    case OP_CBW:
      return emitWidenAccumulator(ins);
    case OP_LEA:
      return emitLea(ins);
    case OP_XCHG:
      return emitExchange(ins);
    case OP_IMUL:
      return emitProduct(ins);
    case OP_SETCC:
      return emitSetOn(ins);
    case OP_CMOVCC:
      return emitMoveOn(ins);
    case OP_PUSH:
      return emitPush(ins);
    case OP_POP:
      return emitPop(ins);
    case OP_LEAVE:
      return emitLeave(ins);
    case OP_XLAT:
      return emitTranslate(ins);
    case OP_CLFLUSH:
      return emitTouch(ins);
    default:
      return emitNothing();
  }
}

/** Instructions that are functions of slots (integer.ts). */
function emitCalled(ins: Instruction): void {
  switch (ins.operation) {
    case OP_BT:
    case OP_BTS:
    case OP_BTR:
    case OP_BTC:
      return emitBitTest(ins);
    case OP_BSF:
    case OP_BSR:
    case OP_POPCNT:
    case OP_CRC32:
      return emitScan(ins);
    case OP_SHLD:
    case OP_SHRD:
    case OP_CMPXCHG:
    case OP_XADD:
      return emitFunction(ins, true);
    case OP_CMPXCHG8B:
    case OP_CMPXCHG16B:
      addressInT3(ins, ins.operandBytes, true);
      return emitWide(M_CALL_INTEGER, 0, 0, 0, inStack(), <u64>ins.operation << 32);
    case OP_ENTER: {
      const frame = <i32>((<u32>ins.immediate & 0xffff) | (ins.immediate2 << 16));
      return emitCall(M_CALL_INTEGER, 0, 0, frame, integerCall(OP_ENTER, ins.operandBytes));
    }
    default:
      return emitFunction(ins, false);
  }
}

/**
 * An instruction of the x87 unit: a = ModR/M reg, b = r/m, or the segment of an operand in memory; c =
 * width in bytes (low 8 bits), bit 0 of s: it has a memory operand, whose linear address is in T3;
 * bits 3-1 log2 of the address size; imm = the immediate; y = operation | ModR/M << 16 | opcode << 24.
 * T2 is the instruction's RIP.
 */
function emitUnit(ins: Instruction): void {
  emitWide(M_MOV_I_64, SLOT_T2, 0, 0, 0, engine().emitRip);
  let b = ins.rm;
  let s = ins.memory | (<u32>ctz(ins.addressBytes) << 1) | (((ins.rex >> 3) & 1) << 4);
  if (ins.memory != 0) {
    x87AddressInT3(ins);
    b = ins.segment;
    if (b == SEGMENT_SS && in64()) s |= IN_STACK;
  }
  const y = ins.operation | (ins.modrm << 16) | (ins.opcode << 24);
  const imm = (ins.immediate & 0xffff_ffff) | (<u64>y << 32);
  emitWide(M_CALL_X87, ins.reg, b, ins.operandBytes & 0xff, s, imm);
}

/** What an x87 instruction reads and writes doesn't follow from its row: its only operand may be either. */
function x87AddressInT3(ins: Instruction): void {
  const form = ((ins.opcode & 7) << 8) | ins.modrm;
  const environment = ins.operandBytes == 2 ? 0 : ENVIRONMENT_32;
  const written = bytesWritten(form, environment);
  addressInT3(ins, max<u32>(bytesRead(form, environment), written), written != 0, ADDRESS_OF_X87);
}

/** What an instruction of a unit raises in this mode: a vector, or 0 (Intel SDM 3A, tables 2-2, 13-1). */
export function unitFault(ins: Instruction, mode: u32): u32 {
  const off = (mode & (MODE_EMULATION | MODE_TASK_SWITCHED)) != 0;
  if (placeOf(ins) == CALLED_X87)
    return off && ins.opcode != OPCODE_WAIT ? <u32>VECTOR_NM : 0;
  if (ins.operation == OP_FXSAVE || ins.operation == OP_FXRSTOR) return off ? <u32>VECTOR_NM : 0;
  if (mode & MODE_EMULATION) return VECTOR_UD;
  if (!(mode & MODE_SSE) && !onlyMmx(ins)) return VECTOR_UD;
  return mode & MODE_TASK_SWITCHED ? <u32>VECTOR_NM : 0;
}

@inline
function isEmms(ins: Instruction): bool {
  return ins.map == 1 && ins.opcode == OPCODE_EMMS;
}

function isMmx(kind: u32): bool {
  return kind == KIND_P || kind == KIND_Q || kind == KIND_N;
}

function isVector(kind: u32): bool {
  return kind == KIND_V || kind == KIND_W || kind == KIND_U;
}

function onlyMmx(ins: Instruction): bool {
  if (isEmms(ins)) return true;
  const mmx = isMmx(ins.kind0) || isMmx(ins.kind1);
  return mmx && !isVector(ins.kind0) && !isVector(ins.kind1);
}

/** By which part an instruction is executed. Branches are in the block, too. */
export function placeOf(ins: Instruction): u32 {
  const opcode = ins.opcode;
  if (ins.map == 0 && ((opcode & 0xf8) == 0xd8 || opcode == OPCODE_WAIT)) return CALLED_X87;
  if (isEmms(ins)) return CALLED_SSE;
  if (isMmx(ins.kind0) || isMmx(ins.kind1) || isVector(ins.kind0) || isVector(ins.kind1))
    return CALLED_SSE;
  switch (ins.operation) {
    case OP_FXSAVE:
    case OP_FXRSTOR:
    case OP_LDMXCSR:
    case OP_STMXCSR:
      return CALLED_SSE;
    case OP_ADD:
    case OP_OR:
    case OP_ADC:
    case OP_SBB:
    case OP_AND:
    case OP_SUB:
    case OP_XOR:
    case OP_CMP:
    case OP_TEST:
    case OP_INC:
    case OP_DEC:
    case OP_NEG:
    case OP_NOT:
    case OP_ROL:
    case OP_ROR:
    case OP_RCL:
    case OP_RCR:
    case OP_SHL:
    case OP_SHR:
    case OP_SAR:
    case OP_MOV:
    case OP_MOVNTI:
    case OP_MOVZX:
    case OP_MOVSX:
    case OP_MOVSXD:
    case OP_CBW:
    case OP_LEA:
    case OP_XCHG:
    case OP_IMUL:
    case OP_JCC:
    case OP_SETCC:
    case OP_CMOVCC:
    case OP_JMP:
    case OP_CALL:
    case OP_RET:
    case OP_PUSH:
    case OP_POP:
    case OP_LEAVE:
    case OP_XLAT:
    case OP_NOP:
    case OP_PREFETCHW:
    case OP_PREFETCHNTA:
    case OP_PREFETCHT0:
    case OP_PREFETCHT1:
    case OP_PREFETCHT2:
    case OP_CLFLUSH:
    case OP_LFENCE:
    case OP_MFENCE:
    case OP_SFENCE:
      return IN_BLOCK;
    default:
      return calledInteger(ins.operation) ? CALLED_INTEGER : CALLED_OUTSIDE;
  }
}

function calledInteger(operation: u32): bool {
  switch (operation) {
    case OP_BT:
    case OP_BTS:
    case OP_BTR:
    case OP_BTC:
    case OP_BSF:
    case OP_BSR:
    case OP_POPCNT:
    case OP_CRC32:
    case OP_SHLD:
    case OP_SHRD:
    case OP_CMPXCHG:
    case OP_XADD:
    case OP_CMPXCHG8B:
    case OP_CMPXCHG16B:
    case OP_MUL:
    case OP_IMUL_WIDE:
    case OP_DIV:
    case OP_IDIV:
    case OP_CWD:
    case OP_BSWAP:
    case OP_ENTER:
    case OP_PUSHA:
    case OP_POPA:
    case OP_PUSHF:
    case OP_SAHF:
    case OP_LAHF:
    case OP_SALC:
    case OP_CLC:
    case OP_STC:
    case OP_CMC:
    case OP_CLD:
    case OP_STD:
    case OP_LOOP:
    case OP_LOOPE:
    case OP_LOOPNE:
    case OP_JCXZ:
    case OP_DAA:
    case OP_DAS:
    case OP_AAA:
    case OP_AAS:
    case OP_AAM:
    case OP_AAD:
    case OP_RDRAND:
    case OP_RDSEED:
      return true;
    default:
      return false;
  }
}
