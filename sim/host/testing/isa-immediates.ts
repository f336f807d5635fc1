/** Immediates of random instructions. */
import type { Form } from "../../spec/isa/notation.ts";
import * as O from "../../spec/isa/operands.ts";
import { littleEndian } from "./isa-address.ts";
import type { Random } from "./isa-draw.ts";

export interface DrawnImmediates {
  readonly bytes: readonly number[];
  /** 64 bits unsigned, extended as the decoder does. */
  readonly values: readonly bigint[];
}

const EDGES = [0n, 1n, 2n, 7n, 8n, 15n, 16n, 31n, 32n, 63n, 64n, -1n, -2n];

function drawImmediate(random: Random, bytes: number): bigint {
  const bits = bytes * 8;
  const highest = 1n << BigInt(bits - 1);
  const edge = [...EDGES, highest, highest - 1n][random((EDGES.length + 2) * 2)];
  let value = edge ?? 0n;
  if (edge === undefined) {
    for (let byte = 0; byte < bytes; byte++) value = (value << 8n) | BigInt(random(256));
  }
  return BigInt.asUintN(bits, value);
}

function immediateWidth(type: number, size: number): number {
  if (type === O.SIZE_B || type === O.SIZE_BS) return 1;
  if (type === O.SIZE_W) return 2;
  return type === O.SIZE_V ? size : Math.min(size, 4);
}

/** Ib, Iw and far pointers are zero-extended; Iv has all its bits; the rest is sign-extended. */
function extended(value: bigint, bytes: number, kind: number, type: number): bigint {
  const unsigned = kind === O.KIND_A || type === O.SIZE_B || type === O.SIZE_W;
  if (unsigned && kind !== O.KIND_J) return value;
  return BigInt.asUintN(64, BigInt.asIntN(bytes * 8, value));
}

export function drawImmediates(random: Random, form: Form, size: number): DrawnImmediates {
  const bytes: number[] = [];
  const values: bigint[] = [];
  for (const { kind, size: type } of form.operands) {
    if (kind !== O.KIND_I && kind !== O.KIND_J && kind !== O.KIND_A) continue;
    const width = immediateWidth(type, size);
    const value = drawImmediate(random, width);
    bytes.push(...littleEndian(value, width));
    values.push(extended(value, width, kind, type));
    if (kind !== O.KIND_A) continue;
    const selector = drawImmediate(random, 2);
    bytes.push(...littleEndian(selector, 2));
    values.push(selector);
  }
  return { bytes, values };
}
