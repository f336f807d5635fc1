/** The table's operands and results against the engine: it validates a function just when they are right. */
import { expect, test } from "vitest";
import { Writer } from "./bytes.ts";
import { VALUE_F32, VALUE_F64, VALUE_I32, VALUE_I64, VALUE_V128 } from "./model.ts";
import * as op from "./operators.ts";

const TYPES = [VALUE_I32, VALUE_I64, VALUE_F32, VALUE_F64, VALUE_V128];
const LISTS: readonly (readonly number[])[] = [0, 1, 2].reduce<number[][]>(
  (lists) => [[], ...lists.flatMap((list) => TYPES.map((type) => [...list, type]))],
  [[], ...TYPES.map((type) => [type])],
);
/** Loads to the last conversion, and what has a prefix; the others' operands depend on more than the opcode. */
const RANGES = [
  [0x28, 0xc4],
  [0xfc000, 0xfc007],
  [0xfd000, 0xfd0ff],
] as const;
const PREFIX = 0x1000;
/** Enough zeroes for each kind of immediates. */
const ZEROES = { none: 0, leb: 1, leb2: 2, byte: 1, memory: 2, lane: 3 } as const;
const BYTES = { bytes4: 4, bytes8: 8, bytes16: 16 } as const;

function isValid(opcode: number, operands: readonly number[], results: number): boolean {
  const out = new Writer().raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  out.raw([1, operands.length + 4, 1, 0x60, operands.length, ...operands, 0]);
  out.raw([3, 2, 1, 0, 5, 3, 1, 0, 1]);
  const body = new Writer().u32(0);
  for (const n of operands.keys()) body.byte(op.OP_LOCAL_GET).u32(n);
  if (opcode < PREFIX) body.byte(opcode);
  else body.byte(Math.floor(opcode / PREFIX)).u32(opcode % PREFIX);
  const { immediates } = op.operatorOf(opcode);
  const zeroes = { ...ZEROES, ...BYTES, special: 0 }[immediates];
  body.raw(Array(zeroes).fill(0));
  for (let n = 0; n < results; n++) body.byte(op.OP_DROP);
  const code = new Writer().u32(1).vector(body.byte(op.OP_END).bytes);
  return WebAssembly.validate(out.byte(10).vector(code.bytes).bytes.slice());
}

test("operators take and leave as many values as the engine says", () => {
  const wrong: string[] = [];
  let known = 0;
  for (const [first, last] of RANGES)
    for (let opcode = first; opcode <= last; opcode++) {
      const { pops, pushes } = op.operatorOf(opcode);
      const takes = (count: number, results: number) =>
        LISTS.some((list) => list.length === count && isValid(opcode, list, results));
      // What it doesn't take stays below: the first that is valid takes the fewest.
      const real = [0, 1, 2, 3].flatMap((count) =>
        [0, 1].filter((n) => takes(count, n)).map((n) => [count, n]),
      )[0];
      if (!real) continue;
      known++;
      if (real.join() !== `${pops},${pushes}`) wrong.push(`0x${opcode.toString(16)}: ${real}`);
    }
  expect(wrong).toEqual([]);
  expect(known).toBeGreaterThan(380);
});
