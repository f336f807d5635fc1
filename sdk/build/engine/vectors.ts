/**
 * Micro-ops of MMX and SSE: moves between vectors, general registers and memory; packed.ts has the
 * packed instructions. Vectors are in the CPU's FXSAVE image and named by their place in units of 16
 * bytes: 2 to 9 MMX registers, 10 to 25 XMM registers, 26 a temporary.
 */
import { FLOAT_MICRO_OPS } from "./floats.ts";
import {
  CHECK,
  lineForbids,
  type MicroOp,
  POINTER,
  READ_TAG,
  reaching,
  SLOWLY,
  WRITE_TAG,
} from "./micro-ops.ts";
import { PACKED_MICRO_OPS, VECTORS } from "./packed.ts";

const field = (n: number) => `<usize>load<u8>(ip, ${n})`;
const unit = (n: number) => `${VECTORS} + (${field(n)} << 4)`;
const A = unit(2);
const B = unit(3);
const SLOT_A = `cpu + ${field(2)}`;
const SLOT_B = `cpu + ${field(3)}`;
const ADDRESS = `const va = load<u64>(cpu + ${field(3)})
          + (load<u64>(cpu + ${field(4)}) << load<u8>(ip, 5)) + load<u64>(ip, 8);`;
/** An operand of 16 bytes must be aligned, whatever the segment (Intel SDM 3A, 6.15, #GP). */
const ALIGNED = `if ((<u32>va & 15) != 0) return misaligned(cpu, block, ip, left, va);`;

/** An access of so many bytes: by the fast line if it allows that, else by a function. */
function access(bytes: number, tag: number, fast: string, slow: string, aligned = false) {
  const before = aligned ? `${ADDRESS}\n        ${ALIGNED}` : ADDRESS;
  return {
    code: `${before}
        ${lineForbids(aligned ? 1 : bytes, tag)} ${SLOWLY}
        ${fast}`,
    slow: `${before}
        ${reaching(bytes)}
        ${slow}`,
  };
}

const clearing = (bits: number) => `v128.load${bits}_zero`;

/** Loads clear what is above them. */
const loads: MicroOp[] = [
  ...[32, 64].map((bits) => ({
    name: `V_LOAD_${bits}`,
    ...access(
      bits / 8,
      READ_TAG,
      `v128.store(${A}, ${clearing(bits)}(${POINTER}));`,
      `const value = loadSlow(changetype<Cpu>(cpu), at, ${bits / 8});
          ${CHECK}
          v128.store(${A}, i64x2.replace_lane(i64x2.splat(0), 0, <i64>value));`,
    ),
  })),
  ...[false, true].map((aligned) => ({
    name: aligned ? "V_LOAD_ALIGNED" : "V_LOAD_128",
    ...access(
      16,
      READ_TAG,
      `v128.store(${A}, v128.load(${POINTER}));`,
      `const value = loadVector(changetype<Cpu>(cpu), at);
          ${CHECK}
          v128.store(${A}, value);`,
      aligned,
    ),
  })),
];

const stores: MicroOp[] = [
  ...[32, 64].map((bits) => ({
    name: `V_STORE_${bits}`,
    ...access(
      bits / 8,
      WRITE_TAG,
      `store<u${bits}>(${POINTER}, load<u${bits}>(${A}));`,
      `storeSlow(changetype<Cpu>(cpu), at, ${bits / 8}, <u64>load<u${bits}>(${A}));
          ${CHECK}`,
    ),
  })),
  ...[false, true].map((aligned) => ({
    name: aligned ? "V_STORE_ALIGNED" : "V_STORE_128",
    ...access(
      16,
      WRITE_TAG,
      `v128.store(${POINTER}, v128.load(${A}));`,
      `storeVector(changetype<Cpu>(cpu), at, v128.load(${A}));
          ${CHECK}`,
      aligned,
    ),
  })),
];

const moves: MicroOp[] = [
  { name: "V_MOV", code: `v128.store(${A}, v128.load(${B}));` },
  /** The low part alone; the rest stays. */
  { name: "V_LOW_32", code: `store<u32>(${A}, load<u32>(${B}));` },
  { name: "V_LOW_64", code: `store<u64>(${A}, load<u64>(${B}));` },
  { name: "V_HIGH_TO_LOW", code: `store<u64>(${A}, load<u64>(${B}, 8));` },
  /** The low half, and zeros above it. */
  { name: "V_ZX_64", code: `v128.store(${A}, v128.load64_zero(${B}));` },
  { name: "V_FROM_32", code: `v128.store(${A}, v128.load32_zero(${SLOT_B}));` },
  { name: "V_FROM_64", code: `v128.store(${A}, v128.load64_zero(${SLOT_B}));` },
  { name: "V_TO_32", code: `store<u64>(${SLOT_A}, <u64>load<u32>(${B}));` },
  { name: "V_TO_64", code: `store<u64>(${SLOT_A}, load<u64>(${B}));` },
  {
    name: "V_MASK_8",
    code: `store<u64>(${SLOT_A}, <u64><u32>i8x16.bitmask(v128.load(${B})));`,
  },
  {
    name: "V_MASK_32",
    code: `store<u64>(${SLOT_A}, <u64><u32>i32x4.bitmask(v128.load(${B})));`,
  },
  {
    name: "V_MASK_64",
    code: `store<u64>(${SLOT_A}, <u64><u32>i64x2.bitmask(v128.load(${B})));`,
  },
  /** MMX: before the instruction, and after it; a = the MMX register that was written, or 0. */
  { name: "MMX_BEGIN", code: SLOWLY, slow: "beginMmx(changetype<Cpu>(cpu));" },
  { name: "MMX_END", code: SLOWLY, slow: "endMmx(changetype<Cpu>(cpu), load<u8>(ip, 2));" },
];

export const VECTOR_MICRO_OPS: readonly MicroOp[] = [
  ...loads,
  ...stores,
  ...moves,
  ...PACKED_MICRO_OPS,
  ...FLOAT_MICRO_OPS,
];
