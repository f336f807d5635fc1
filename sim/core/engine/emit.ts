/** From bytes to blocks: decodes instruction by instruction and writes the micro-ops of each. */
import {
  CODE_64,
  DECODED,
  Instruction,
  NEED_MORE,
  TOO_LONG,
} from "../decode/instruction";
import { decode } from "../decode/decode";
import { isBreakpoint } from "../debug";
import { Block, BLOCK_HEADER, blockAt, MICRO_BYTES } from "./blocks";
import { ADDRESS_OF_AREA, ADDRESS_OF_SYSTEM, addressInT3, emitCall, emitWide } from "./emitter";
import {
  emitJump,
  emitJumpOn,
  emitLoop,
  emitNearCall,
  emitReturn,
} from "./emit-control";
import {
  CALLED_OUTSIDE,
  CALLED_SSE,
  CALLED_X87,
  emitOrdinary,
  placeOf,
  unitFault,
} from "./emit-ordinary";
import { improve } from "./improve";
import { engine, INSTRUCTION } from "./memory";
import { M_CLI, M_NEXT, M_RAISE, M_SET_AC, M_STI, M_SYSTEM } from "./micro.generated";
import { MODE_CODE } from "./mode";
import { KIND_A, KIND_DX, KIND_E, KIND_M } from "../../spec/isa/operands";
import {
  OP_CALL,
  OP_CLAC,
  OP_CLI,
  OP_JCC,
  OP_JCXZ,
  OP_JMP,
  OP_LOOP,
  OP_LOOPE,
  OP_LOOPNE,
  OP_MOV_FROM_SEGMENT,
  OP_RET,
  OP_SGDT,
  OP_SIDT,
  OP_SLDT,
  OP_SMSW,
  OP_STAC,
  OP_STI,
  OP_STR,
  OP_XSAVE,
  OP_XSAVEOPT,
} from "../../spec/isa/operations.generated";
import { VECTOR_GP, VECTOR_UD } from "../../spec/x86";

/** Most instructions of a block, and bytes that so many may need. */
export const BLOCK_INSTRUCTIONS: u32 = 32;
const INSTRUCTION_MICRO_OPS: u32 = 12;
export const BLOCK_BYTES_MAX: usize =
  BLOCK_HEADER + <usize>(BLOCK_INSTRUCTIONS * INSTRUCTION_MICRO_OPS + 1) * MICRO_BYTES;

/**
 * Makes a block of the instructions at linear address `code`, of which `available` bytes may be read
 * at `bytes` (elsewhere only when one instruction is on two pages); returns the end of its micro-ops,
 * or 0 when the first instruction needs more bytes.
 * @param most instructions at most
 */
export function makeBlock(
  at: usize,
  code: usize,
  bytes: usize,
  available: u32,
  rip: u64,
  mode: u32,
  most: u32,
): usize {
  const state = engine();
  const block = blockAt(at);
  const ins = changetype<Instruction>(INSTRUCTION);
  memory.fill(at, 0, BLOCK_HEADER);
  block.rip = rip;
  block.code = code;
  block.mode = mode;
  state.emitTop = at + BLOCK_HEADER;
  state.emitMode = mode;
  state.emitNextRip = rip;
  state.fusible = 0;
  let length: u32 = 0;
  let ended = false;
  let count: u32 = 0;
  while (count < most && length < available && !ended) {
    if (count != 0 && isBreakpoint(state.emitNextRip)) break;
    const verdict = decode(bytes + length, available - length, mode & MODE_CODE, ins);
    if (verdict == NEED_MORE && count == 0) return 0;
    if (count != 0 && (verdict != DECODED || isAlone(ins))) break;
    ended = append(block, ins, verdict);
    length += max(ins.length, 1);
    count += 1;
  }
  // The instruction in the shadow of an STI is to be in the same block.
  const last = state.emitTop - MICRO_BYTES;
  if (count != 0 && load<u16>(last) == M_STI) store<u16>(last, <u16>M_SYSTEM);
  else if (!ended) emitCall(M_NEXT, 0, 0, 0, 0);
  block.instructions = count;
  block.made = count;
  block.bytes = length;
  block.nextRip = state.emitNextRip;
  improve(at + BLOCK_HEADER, state.emitTop);
  return state.emitTop;
}

/** Whether an instruction is a block of its own. */
function isAlone(ins: Instruction): bool {
  return placeOf(ins) == CALLED_OUTSIDE && insideFirst(ins.operation) == M_SYSTEM;
}

/** Appends the micro-ops of one instruction; true when it ends the block. */
function append(block: Block, ins: Instruction, verdict: u32): bool {
  const state = engine();
  state.emitRip = state.emitNextRip;
  const mode = state.emitMode & MODE_CODE;
  const next = state.emitRip + ins.length;
  state.emitNextRip = mode == CODE_64 ? next : next & 0xffff_ffff;
  let ended = true;
  let pair = false;
  if (verdict == DECODED) {
    if (ins.operation != OP_JCC) state.fusible = 0;
    if (ins.operation == OP_JCC) pair = emitJumpOn(ins, block);
    else ended = translate(block, ins);
  } else emitRaise(verdict == TOO_LONG ? VECTOR_GP : VECTOR_UD);
  const last = state.emitTop - MICRO_BYTES;
  store<u8>(last, <u8>(ins.length + (pair ? <u32>load<u8>(last, 6) : 0)), 6);
  store<u8>(last, pair ? 2 : 1, 7);
  return ended;
}

function emitRaise(vector: u32): void {
  emitCall(M_RAISE, 0, 0, 0, vector);
}

/** Micro-ops of an instruction other than Jcc; true when it ends the block. */
function translate(block: Block, ins: Instruction): bool {
  switch (ins.operation) {
    case OP_LOOP:
    case OP_LOOPE:
    case OP_LOOPNE:
    case OP_JCXZ:
      emitLoop(ins, block);
      return true;
    case OP_JMP:
      emitJump(ins, block);
      return true;
    case OP_CALL:
      emitNearCall(ins, block);
      return true;
    case OP_RET:
      emitReturn(ins);
      return true;
  }
  const place = placeOf(ins);
  if (place == CALLED_OUTSIDE) return emitOutside(ins);
  if (place == CALLED_X87 || place == CALLED_SSE) {
    const fault = unitFault(ins, engine().emitMode);
    if (fault != 0) {
      emitRaise(fault);
      return true;
    }
  }
  emitOrdinary(ins, place);
  return false;
}

/** Bytes of the memory operand of an instruction that is executed outside, as far as one has to know. */
function memoryBytes(ins: Instruction): u32 {
  const bytes = ins.kind0 == KIND_M || ins.kind0 == KIND_E ? <u32>ins.bytes0 : <u32>ins.bytes1;
  return min<u32>(max<u32>(bytes, 1), ADDRESS_OF_AREA - 1);
}

/** Whether an instruction that is executed outside writes to its memory operand. */
function storesState(operation: u32): bool {
  switch (operation) {
    case OP_SGDT:
    case OP_SIDT:
    case OP_SLDT:
    case OP_STR:
    case OP_SMSW:
    case OP_MOV_FROM_SEGMENT:
    case OP_XSAVE:
    case OP_XSAVEOPT:
      return true;
    default:
      return false;
  }
}

/** The micro-op that executes an instruction in the block when nothing follows from it, or SYSTEM. */
function insideFirst(operation: u32): u32 {
  switch (operation) {
    case OP_CLI:
      return M_CLI;
    case OP_STI:
      return M_STI;
    case OP_CLAC:
    case OP_STAC:
      return M_SET_AC;
    default:
      return M_SYSTEM;
  }
}

/** True when it ends the block. */
function emitOutside(ins: Instruction): bool {
  emitSystem(ins);
  const at = engine().emitTop - MICRO_BYTES;
  const op = insideFirst(ins.operation);
  store<u16>(at, <u16>op);
  if (op == M_SET_AC) store<u8>(at, ins.operation == OP_STAC ? 1 : 0, 2);
  return op == M_SYSTEM;
}

/**
 * An instruction that is executed outside: a = ModR/M reg, b = ModR/M r/m, c = operand size in bytes;
 * bit 0 of s says that it has a memory operand, whose linear address is in T3, bits 3-1 log2 of the
 * address size, bits 6-4 the segment, bit 7 that the port is in DX; imm = the immediate; y = operation,
 * above it immediate2, or for string instructions the repeat prefix.
 */
function emitSystem(ins: Instruction): void {
  if (ins.memory != 0) addressInT3(ins, memoryBytes(ins), storesState(ins.operation), ADDRESS_OF_SYSTEM);
  const port: u32 = ins.kind0 == KIND_DX || ins.kind1 == KIND_DX ? 0x80 : 0;
  const s = ins.memory | (<u32>ctz(ins.addressBytes) << 1) | (ins.segment << 4) | port;
  // A repeat prefix means nothing before a far pointer.
  const above = ins.kind0 == KIND_A ? ins.immediate2 : ins.rep;
  const y = ins.operation | (above << 16);
  const imm = (ins.immediate & 0xffff_ffff) | (<u64>y << 32);
  emitWide(M_SYSTEM, ins.reg, ins.rm, ins.operandBytes, s, imm);
}
