/** Immediates, relative displacements and far pointers in the instruction. */
import { Form } from "./forms";
import { Instruction } from "./instruction";
import { KIND_A, KIND_I, KIND_J, SIZE_B, SIZE_BS, SIZE_V, SIZE_W } from "../../spec/isa/operands";

/**
 * Reads them in the order of the operands; false when bytes are missing. Only ENTER has two, and
 * its second goes to `immediate2`.
 */
export function readImmediates(at: usize, limit: u32, form: Form, into: Instruction): bool {
  if (!readImmediate(at, limit, form.kind0, form.size0, false, into)) return false;
  const second = form.kind0 == KIND_I;
  if (!readImmediate(at, limit, form.kind1, form.size1, second, into)) return false;
  return readImmediate(at, limit, form.kind2, form.size2, false, into);
}

function readImmediate(at: usize, limit: u32, kind: u32, size: u32, second: bool, into: Instruction): bool {
  if (kind != KIND_I && kind != KIND_J && kind != KIND_A) return true;
  const from = at + into.length;
  const bytes = immediateBytes(size, into.operandBytes);
  const more: u32 = kind == KIND_A ? 2 : 0;
  if (into.length + bytes + more > limit) return false;
  into.length += bytes + more;
  const signed = kind == KIND_J || (kind == KIND_I && size != SIZE_B && size != SIZE_W);
  const value = loadImmediate(from, bytes, signed);
  if (second) into.immediate2 = <u32>value;
  else into.immediate = value;
  if (more != 0) into.immediate2 = load<u16>(from + bytes);
  return true;
}

/** Iv has the operand size; Iz, Jz and the offset of Ap have 4 bytes where that is 8. */
@inline
function immediateBytes(size: u32, operandBytes: u32): u32 {
  if (size == SIZE_B || size == SIZE_BS) return 1;
  if (size == SIZE_W) return 2;
  return size == SIZE_V ? operandBytes : min(operandBytes, 4);
}

@inline
function loadImmediate(from: usize, bytes: u32, signed: bool): u64 {
  if (bytes == 1) return signed ? <u64>load<i8>(from) : <u64>load<u8>(from);
  if (bytes == 2) return signed ? <u64>load<i16>(from) : <u64>load<u16>(from);
  if (bytes == 4) return signed ? <u64>load<i32>(from) : <u64>load<u32>(from);
  return load<u64>(from);
}
