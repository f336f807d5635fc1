/**
 * Micro-ops of MMX and SSE instructions. Operands in memory are loaded first, into the destination or
 * a temporary, so that what computes sees registers only; results for memory are stored last.
 *
 * What has no micro-op of its own is CALL_SSE: a, b = destination and source, each a unit of the FXSAVE
 * image or a slot; c = 8 for MMX registers, else 16; bit 4 of s: REX.W; imm = the immediate; y =
 * operation.
 */
import { SEGMENT_SS } from "../cpu/cpu";
import { Instruction } from "../decode/instruction";
import {
  addressFromT3,
  ADDRESS_OF_AREA,
  addressInT3,
  emit,
  emitLoad,
  emitLoadKind,
  emitMemory,
  emitStore,
  emitWide,
  in64,
  IN_STACK,
  linearAddress,
  SLOT_T0,
  SLOT_T3,
  SLOT_ZERO,
  slotOf,
} from "../engine/emitter";
import {
  M_CALL_SSE,
  M_LEA_32,
  M_LEA_64,
  M_MMX_BEGIN,
  M_MMX_END,
  M_V_FROM_32,
  M_V_FROM_64,
  M_V_HIGH_TO_LOW,
  M_V_LOAD_128,
  M_V_LOAD_32,
  M_V_LOAD_64,
  M_V_LOAD_ALIGNED,
  M_V_LOW_32,
  M_V_LOW_64,
  M_V_MASK_32,
  M_V_MASK_64,
  M_V_MASK_8,
  M_V_MOV,
  M_V_STORE_128,
  M_V_STORE_32,
  M_V_STORE_64,
  M_V_STORE_ALIGNED,
  M_V_TO_32,
  M_V_TO_64,
  M_V_ZX_64,
  M_ZX16,
} from "../engine/micro.generated";
import { MICRO_OF_FLOATS, MICRO_OF_SHIFTS, MICRO_OF_VECTORS } from "./micro.generated";
import { isNarrow } from "./narrow";
import {
  KIND_G,
  KIND_I,
  KIND_M,
  KIND_N,
  KIND_NONE,
  KIND_P,
  KIND_Q,
  KIND_U,
  KIND_V,
  KIND_W,
} from "../../spec/isa/operands";
import {
  OP_CVTPD2PI,
  OP_CVTPI2PD,
  OP_CVTPI2PS,
  OP_EMMS,
  OP_EXTRACTPS,
  OP_FXRSTOR,
  OP_FXSAVE,
  OP_INSERTPS,
  OP_LDDQU,
  OP_LDMXCSR,
  OP_MASKMOVDQU,
  OP_MASKMOVQ,
  OP_MOVAPD,
  OP_MOVAPS,
  OP_MOVD_LOAD,
  OP_MOVD_STORE,
  OP_MOVDQ2Q,
  OP_MOVDQA,
  OP_MOVDQU,
  OP_MOVHLPS,
  OP_MOVHPD,
  OP_MOVHPS,
  OP_MOVLPD,
  OP_MOVLPS,
  OP_MOVMSKPD,
  OP_MOVMSKPS,
  OP_MOVNTDQA,
  OP_MOVQ,
  OP_MOVQ2DQ,
  OP_MOVSD,
  OP_MOVSS,
  OP_MOVUPD,
  OP_MOVUPS,
  OP_PACKSSWB,
  OP_PCMPESTRI,
  OP_PCMPESTRM,
  OP_PCMPISTRI,
  OP_PCMPISTRM,
  OP_PEXTRB,
  OP_PEXTRD,
  OP_PEXTRQ,
  OP_PEXTRW,
  OP_PMOVMSKB,
  OP_STMXCSR,
} from "../../spec/isa/operations.generated";

/** Places in the FXSAVE image, in units of 16 bytes. */
export const UNIT_MMX: u32 = 2;
export const UNIT_XMM: u32 = 10;
export const UNIT_TEMPORARY: u32 = 26;
const SLOT_RDI: u32 = 56;
const REX_W: u32 = 8;
/** Places of zero-extending loads among the engine's loads, by the width. */
const LOAD_KIND_32: u32 = 2;
const LOAD_KIND_64: u32 = 3;
const LOAD_KIND_ZX8: u32 = 4;
const LOAD_KIND_ZX16: u32 = 5;

@inline
function isMmx(kind: u32): bool {
  return kind == KIND_P || kind == KIND_Q || kind == KIND_N;
}

@inline
function isVector(kind: u32): bool {
  return isMmx(kind) || kind == KIND_V || kind == KIND_W || kind == KIND_U;
}

/** The unit or slot of an operand that is a register. */
function placeOfOperand(ins: Instruction, kind: u32): u32 {
  switch (kind) {
    case KIND_P:
      return UNIT_MMX + (ins.reg & 7);
    case KIND_Q:
    case KIND_N:
      return UNIT_MMX + (ins.rm & 7);
    case KIND_V:
      return UNIT_XMM + ins.reg;
    case KIND_W:
    case KIND_U:
      return UNIT_XMM + ins.rm;
    case KIND_G:
      return slotOf(ins.reg);
    default:
      return slotOf(ins.rm);
  }
}

/** Whether the first operand is the one in memory. */
function storesResult(ins: Instruction): bool {
  const kind = ins.kind0;
  return ins.memory != 0 && kind != KIND_P && kind != KIND_V && kind != KIND_G;
}

/** CVTPI2PS and CVTPI2PD don't touch MMX registers when their source is in memory. */
function usesMmx(ins: Instruction): bool {
  const converts = ins.operation == OP_CVTPI2PD || ins.operation == OP_CVTPI2PS;
  return (isMmx(ins.kind0) || isMmx(ins.kind1)) && !(converts && ins.memory != 0);
}

export function emitVector(ins: Instruction): void {
  switch (ins.operation) {
    case OP_FXSAVE:
    case OP_FXRSTOR:
    case OP_LDMXCSR:
    case OP_STMXCSR:
    case OP_EMMS:
    case OP_MASKMOVQ:
    case OP_MASKMOVDQU:
      return emitState(ins);
  }
  const mmx = usesMmx(ins);
  if (mmx) emit(M_MMX_BEGIN, 0);
  if (storesResult(ins)) emitVectorStore(ins);
  else emitVectorResult(ins);
  const written = isMmx(ins.kind0) && !storesResult(ins);
  if (mmx) emit(M_MMX_END, written ? placeOfOperand(ins, ins.kind0) : 0);
}

/** Instructions that mustn't be aligned to use 16 bytes of memory. */
function toleratesUnaligned(operation: u32): bool {
  switch (operation) {
    case OP_MOVUPS:
    case OP_MOVUPD:
    case OP_MOVDQU:
    case OP_LDDQU:
    case OP_PCMPESTRI:
    case OP_PCMPESTRM:
    case OP_PCMPISTRI:
    case OP_PCMPISTRM:
      return true;
    default:
      return false;
  }
}

/** Loads `bytes` bytes of memory into a unit, zeros above them. */
function emitVectorLoad(ins: Instruction, bytes: u32, unit: u32): void {
  linearAddress(ins, bytes, false);
  if (bytes == 16) return emitMemory(toleratesUnaligned(ins.operation) ? M_V_LOAD_128 : M_V_LOAD_ALIGNED, unit);
  if (bytes == 8) return emitMemory(M_V_LOAD_64, unit);
  if (bytes == 4) return emitMemory(M_V_LOAD_32, unit);
  emitLoadKind(LOAD_KIND_ZX16, SLOT_T0);
  emit(M_V_FROM_64, unit, SLOT_T0);
}

/** Loads an integer of memory into T0, zero-extended. */
function emitIntegerLoad(ins: Instruction, bytes: u32): void {
  linearAddress(ins, bytes, false);
  const kind =
    bytes == 8 ? LOAD_KIND_64 : bytes == 4 ? LOAD_KIND_32 : bytes == 2 ? LOAD_KIND_ZX16 : LOAD_KIND_ZX8;
  emitLoadKind(kind, SLOT_T0);
}

/** Where the second operand is; what is in memory has been loaded. */
function sourcePlace(ins: Instruction): u32 {
  const kind = ins.kind1;
  const bytes = <u32>ins.bytes1;
  if (kind == KIND_NONE || kind == KIND_I) return 0;
  const inMemory = ins.memory != 0 && !storesResult(ins);
  if (!inMemory || kind == KIND_V || kind == KIND_P) return placeOfOperand(ins, kind);
  if (isVector(kind) || (kind == KIND_M && bytes > 2)) {
    emitVectorLoad(ins, bytes, UNIT_TEMPORARY);
    return UNIT_TEMPORARY;
  }
  emitIntegerLoad(ins, bytes);
  return SLOT_T0;
}

/** Instructions whose first operand is a register. */
function emitVectorResult(ins: Instruction): void {
  const to = placeOfOperand(ins, ins.kind0);
  const bytes = loadedBytes(ins);
  if (bytes != 0) return emitVectorLoad(ins, bytes, to);
  const from = sourcePlace(ins);
  const move = moveOf(ins);
  if (move != 0) return emit(move, to, from);
  const micro = ins.kind1 == KIND_I ? microOf(MICRO_OF_SHIFTS, ins) : microOf(MICRO_OF_VECTORS, ins);
  const narrow = isMmx(ins.kind0) && isNarrow(ins.operation);
  if (micro != 0 && !narrow) return emit(micro, to, from, <i32>ins.immediate);
  // A conversion that raises an exception has become an MMX instruction already.
  const converts = ins.operation - OP_CVTPI2PS <= <u32>(OP_CVTPD2PI - OP_CVTPI2PS);
  if (usesMmx(ins) && converts) emit(M_MMX_END, 0);
  emitVectorCall(ins, to, from);
}

@inline
function microOf(table: StaticArray<u16>, ins: Instruction): u32 {
  return ins.operation < <u32>OP_PACKSSWB ? 0 : unchecked(table[ins.operation - OP_PACKSSWB]);
}

function emitVectorCall(ins: Instruction, to: u32, from: u32): void {
  const mmx = isMmx(ins.kind0) || (isMmx(ins.kind1) && !isVector(ins.kind0));
  const wide = (ins.rex & REX_W) << 1;
  // The source in memory is one single, whatever the immediate says.
  const mask: u64 = ins.operation == OP_INSERTPS && ins.memory != 0 ? 0x3f : 0xff;
  const imm = (ins.immediate & mask) | (<u64>ins.operation << 32);
  const micro = microOf(MICRO_OF_FLOATS, ins);
  const area = ins.operation == OP_FXSAVE || ins.operation == OP_FXRSTOR;
  const s = area && ins.segment == SEGMENT_SS && in64() ? wide | IN_STACK : wide;
  emitWide(micro != 0 ? micro : M_CALL_SSE, to, from, mmx ? 8 : 16, s, imm);
}

/** Bytes of memory that are simply loaded into the destination; 0 when it isn't that. */
function loadedBytes(ins: Instruction): u32 {
  if (ins.memory == 0) return 0;
  switch (ins.operation) {
    case OP_MOVAPS:
    case OP_MOVAPD:
    case OP_MOVUPS:
    case OP_MOVUPD:
    case OP_MOVDQA:
    case OP_MOVDQU:
    case OP_LDDQU:
    case OP_MOVNTDQA:
      return 16;
    case OP_MOVSD:
    case OP_MOVQ:
      return 8;
    case OP_MOVSS:
      return 4;
    case OP_MOVD_LOAD:
      return ins.bytes1;
    default:
      return 0;
  }
}

/** The micro-op of a move between registers; 0 for what isn't one. */
function moveOf(ins: Instruction): u32 {
  switch (ins.operation) {
    case OP_MOVAPS:
    case OP_MOVAPD:
    case OP_MOVUPS:
    case OP_MOVUPD:
    case OP_MOVDQA:
    case OP_MOVDQU:
      return M_V_MOV;
    case OP_MOVSS:
      return M_V_LOW_32;
    case OP_MOVSD:
    case OP_MOVLPS:
    case OP_MOVLPD:
      return M_V_LOW_64;
    case OP_MOVHLPS:
      return M_V_HIGH_TO_LOW;
    case OP_MOVQ:
    case OP_MOVQ2DQ:
    case OP_MOVDQ2Q:
      return M_V_ZX_64;
    case OP_MOVD_LOAD:
      return ins.bytes1 == 8 ? M_V_FROM_64 : M_V_FROM_32;
    case OP_MOVD_STORE:
      return ins.bytes0 == 8 ? M_V_TO_64 : M_V_TO_32;
    case OP_PMOVMSKB:
      return isMmx(ins.kind1) ? 0 : M_V_MASK_8;
    case OP_MOVMSKPS:
      return M_V_MASK_32;
    case OP_MOVMSKPD:
      return M_V_MASK_64;
    default:
      return 0;
  }
}

/** Instructions whose first operand is in memory. */
function emitVectorStore(ins: Instruction): void {
  let from = sourcePlace(ins);
  const bytes = <u32>ins.bytes0;
  switch (ins.operation) {
    case OP_PEXTRB:
    case OP_PEXTRW:
    case OP_PEXTRD:
    case OP_PEXTRQ:
    case OP_EXTRACTPS:
      emitVectorCall(ins, SLOT_T0, from);
      return emitStore(ins, bytes, SLOT_T0);
    case OP_MOVHPS:
    case OP_MOVHPD:
      emit(M_V_HIGH_TO_LOW, UNIT_TEMPORARY, from);
      from = UNIT_TEMPORARY;
  }
  linearAddress(ins, bytes, true);
  const whole = toleratesUnaligned(ins.operation) ? M_V_STORE_128 : M_V_STORE_ALIGNED;
  emitMemory(bytes == 16 ? whole : bytes == 8 ? M_V_STORE_64 : M_V_STORE_32, from);
}

/** State and stores under a mask: functions that reach memory by the address in T3, or use T0. */
function emitState(ins: Instruction): void {
  const operation = ins.operation;
  const mmx = operation == OP_EMMS || operation == OP_MASKMOVQ;
  if (mmx) emit(M_MMX_BEGIN, 0);
  if (operation == OP_LDMXCSR) emitLoad(ins, 4, SLOT_T0);
  else if (operation == OP_FXSAVE || operation == OP_FXRSTOR)
    addressInT3(ins, ADDRESS_OF_AREA, operation == OP_FXSAVE);
  else if (operation == OP_MASKMOVQ || operation == OP_MASKMOVDQU) emitDestination(ins);
  emitVectorCall(ins, placeOfOperand(ins, ins.kind0), placeOfOperand(ins, ins.kind1));
  if (operation == OP_STMXCSR) emitStore(ins, 4, SLOT_T0);
  if (operation == OP_MASKMOVQ) emit(M_MMX_END, 0);
}

/** T3 = the linear address of DS:rDI. */
function emitDestination(ins: Instruction): void {
  const lea = ins.addressBytes == 8 ? M_LEA_64 : ins.addressBytes == 4 ? M_LEA_32 : M_ZX16;
  if (lea == M_ZX16) emit(M_ZX16, SLOT_T3, SLOT_RDI);
  else emitWide(lea, SLOT_T3, SLOT_RDI, SLOT_ZERO, 0, 0);
  addressFromT3(ins, ins.bytes0, true);
}
