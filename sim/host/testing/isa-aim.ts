/** Chooses registers, or the displacement, so that a memory operand is where something is. */
import * as O from "../../spec/isa/operands.ts";
import { CODE_64 } from "../decoder.ts";
import type { DrawnMemory } from "./isa-address.ts";
import * as L from "./isa-cases.ts";
import type { Drawn, Random } from "./isa-draw.ts";
import { MXCSR_MASK_AT } from "./isa-float.ts";
import { drawTarget, SELECTED, type State } from "./isa-operands.ts";
import { baseOf, drawFarTarget, drawSelector } from "./isa-segments.ts";

const RAX = 0;
const RCX = 1;
const RDX = 2;
const RBX = 3;

/** Multiplicative inverses of 1 + 2, 1 + 4 and 1 + 8 modulo 2^64. */
const INVERSES: readonly bigint[] = [
  0n,
  0xaaaa_aaaa_aaaa_aaabn,
  0xcccc_cccc_cccc_cccdn,
  0x8e38_e38e_38e3_8e39n,
];

const IMMEDIATE_KINDS = new Set([O.KIND_I, O.KIND_J, O.KIND_A]);

/** The drawn bytes lie at `at` of the record, and `address` in the processor's memory. */
export function aim(random: Random, state: State, drawn: Drawn, at: number, address: number): void {
  const { memory } = drawn;
  // FXSAVE's has to be known, because not all that it writes can be compared.
  if (memory === null || (random(20) === 0 && drawn.operation !== "FXSAVE")) return;
  const bytes = Math.max(1, ...drawn.operands.map((operand) => operand.bytes));
  const bits = memory.addressBytes * 8;
  const segment = baseOf(state.record, memory.segment);
  let target = drawTarget(random, bytes);
  // AMD's processors want the offset to be canonical, too.
  while (segment !== 0n && target > L.DATA_END) target = drawTarget(random, bytes);
  const offset = BigInt.asUintN(bits, target - segment);
  const { base, index } = memory;
  if (base === "rip") patch(state, drawn, at, offset - BigInt(address + drawn.bytes.length));
  else if (base === null && index === null) patch(state, drawn, at, offset);
  else solve(random, state, drawn, offset);
  fill(random, state, drawn, reached(state, memory) ?? target);
}

/** The address by registers, which an index that is scaled may have missed by a few bytes; or null. */
function reached(state: State, memory: DrawnMemory): bigint | null {
  const { base, index, scale, displacement, addressBytes, segment } = memory;
  if (base === "rip" || (base === null && index === null)) return null;
  const first = base === null ? 0n : state.register(base);
  const second = index === null ? 0n : state.register(index) << BigInt(scale);
  const offset = BigInt.asUintN(8 * addressBytes, first + second + displacement);
  const bits = state.mode === CODE_64 ? 64 : 32;
  return BigInt.asUintN(bits, offset + baseOf(state.record, segment));
}

/** Writes another displacement, or offset, in front of the immediates. */
function patch(state: State, drawn: Drawn, at: number, value: bigint): void {
  const behind = drawn.operands.reduce(
    (sum, { kind, bytes }) => sum + (IMMEDIATE_KINDS.has(kind) ? bytes : 0),
    0,
  );
  const whole = drawn.operands.some(({ kind }) => kind === O.KIND_O);
  const size = whole ? (drawn.memory?.addressBytes ?? 8) : drawn.memory?.addressBytes === 2 ? 2 : 4;
  const end = at + drawn.bytes.length - behind;
  for (let n = 0; n < size; n++)
    state.record[end - size + n] = Number((value >> BigInt(8 * n)) & 0xffn);
}

/** Gives base and index values whose sum is `offset`. */
function solve(random: Random, state: State, drawn: Drawn, offset: bigint): void {
  const memory = drawn.memory;
  if (memory === null || memory.base === "rip") return;
  const { base, index, scale, displacement, addressBytes } = memory;
  const bits = addressBytes * 8;
  const rest = offset - displacement;
  const set = (register: number, value: bigint) => {
    const low = BigInt.asUintN(bits, value);
    const garbage = bits < 64 && random(4) === 0 ? BigInt(random(0x1_0000)) << BigInt(bits) : 0n;
    state.setRegister(register, low | garbage);
  };
  if (base === null) {
    if (index !== null) set(index, BigInt.asUintN(bits, rest) >> BigInt(scale));
  } else if (base === index) {
    const inverse = INVERSES[scale] ?? 0n;
    set(base, scale === 0 ? rest >> 1n : BigInt.asUintN(bits, rest) * inverse);
  } else if (index === null) set(base, rest);
  else {
    if (random(2) === 0) state.setRegister(index, BigInt(random(256) - 128));
    set(base, rest - (state.register(index) << BigInt(scale)));
  }
}

/** What the operand has to be for the instruction to do something. */
function fill(
  random: Random,
  state: State,
  { operation, operandBytes }: Drawn,
  target: bigint,
): void {
  if (operation === "CMPXCHG" && random(2) === 0)
    state.setMemory(target, operandBytes, state.register(RAX));
  if ((operation === "JMP" || operation === "CALL") && random(2) === 0)
    state.setMemory(target, 8, state.exit);
  if (operation === "CMPXCHG8B" || operation === "CMPXCHG16B") {
    if (random(2) === 0) return;
    const half = operation === "CMPXCHG8B" ? 4 : 8;
    state.setMemory(target, half, state.register(RAX));
    state.setMemory(target + BigInt(half), half, state.register(RDX));
  }
  if (operation === "DIV" && random(2) === 0)
    state.setMemory(target, operandBytes, state.register(RBX));
  if (operation === "LOOP") state.setRegister(RCX, 1n);
  if (operation.endsWith("_FAR")) {
    const { selector, offset } = drawFarTarget(
      random,
      operation === "CALL_FAR" && state.mode !== CODE_64,
    );
    state.setMemory(target, operandBytes, BigInt(offset));
    state.setMemory(target + BigInt(operandBytes), 2, BigInt(selector));
  }
  if (SELECTED.has(operation)) {
    const pointer = /^L[EDSFG]S$/.test(operation) ? operandBytes : 0;
    state.setMemory(target + BigInt(pointer), 2, BigInt(drawSelector(random)));
  }
  // MXCSR_MASK is what a processor says of itself.
  if (operation === "FXSAVE") state.ignore(target + BigInt(MXCSR_MASK_AT), 4);
}
