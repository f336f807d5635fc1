/**
 * A block whose flags were left out where nobody sees them, and whose micro-ops were made one, does what
 * its instructions do one at a time, of which each is a block that has neither. Faults in the middle of
 * blocks are in exactness.test.ts.
 */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { RAM_BASE } from "../../host/core.ts";
import { CODE, CodeBench, DATA, REGISTERS } from "../../host/testing/code.ts";

const RUNS = 400;
const INSTRUCTIONS = 24;
/** Both operands and stack are in so many bytes. */
const MEMORY = 0x200;
const STACK = DATA + MEMORY - 0x20;

const hex = (...bytes: number[]) =>
  bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("");
const register = fc.integer({ min: 0, max: 3 });
const byte = fc.integer({ min: 0, max: 255 });
/** REX.W or no prefix: 64 or 32 bits. */
const width = fc.constantFrom("48", "40");
const offset = fc.integer({ min: 0, max: 100 });
const rows = (...opcodes: string[]) => fc.constantFrom(...opcodes);

/** Instructions of registers: none can fault. */
const ofRegisters = fc.oneof(
  fc
    .tuple(width, rows("01", "09", "11", "19", "21", "29", "31", "39", "85", "89", "0faf"), byte)
    .map(([w, op, n]) => w + op + hex(0xc0 | (n & 0x1b))),
  fc
    .tuple(width, byte, register, byte)
    .map(([w, n, r, i]) => `${w}83${hex(0xc0 | (n & 0x38) | r, i)}`),
  fc
    .tuple(width, rows("e0", "e8", "f8"), register, byte)
    .map(([w, op, r, i]) => `${w}c1${hex(Number.parseInt(op, 16) | r, i)}`),
  fc
    .tuple(rows("4863", "400fb6", "480fb7", "4801"), byte)
    .map(([op, n]) => op + hex(0xc0 | (n & 0x1b))),
  fc.tuple(width, byte, byte).map(([w, n, i]) => `${w}8d${hex(0x40 | (n & 0x1b), i)}`),
  fc.tuple(byte, register).map(([n, r]) => `0f${hex(0x90 | (n & 15), 0xc0 | r)}`),
  fc
    .tuple(width, byte, byte)
    .map(([w, c, n]) => `${w}0f${hex(0x40 | (c & 15), 0xc0 | (n & 0x1b))}`),
);
/** Of memory at RDI, at RDI + RSI, and on the stack. */
const ofMemory = fc.oneof(
  fc
    .tuple(width, rows("8b", "89", "88", "8a", "0fb6"), register, offset)
    .map(([w, op, r, at]) => w + op + hex(0x47 | (r << 3), at)),
  fc
    .tuple(width, rows("8b", "89", "0fb6"), register, byte)
    .map(([w, op, r, s]) => w + op + hex(0x04 | (r << 3), 0x37 | (s & 0xc0))),
  fc.tuple(offset, byte).map(([at, i]) => `c647${hex(at, i)}`),
  fc.tuple(offset, byte).map(([at, i]) => `807f${hex(at, i)}`),
  fc.tuple(offset, byte).map(([at, i]) => `f647${hex(at, i)}`),
  fc.tuple(register, rows("50", "58")).map(([r, op]) => hex(Number.parseInt(op, 16) | r)),
);
/** To the next instruction, or over a NOP. */
const jump = byte.map((n) => `${hex(0x70 | (n & 15))}0190`);
const program = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: ofRegisters },
    { weight: 5, arbitrary: ofMemory },
    { weight: 2, arbitrary: jump },
  ),
  { minLength: 2, maxLength: INSTRUCTIONS },
);

describe("a block", () => {
  test("does what its instructions do one at a time", async () => {
    const on = await CodeBench.create();
    const { cpu } = on;
    /** The state at HLT, of a run in turns of so many cycles. */
    const end = (values: readonly bigint[], cycles: number) => {
      for (const [n, name] of REGISTERS.entries()) cpu[name] = BigInt(n) * 0x1234_5678n;
      for (const [n, value] of values.entries()) cpu[REGISTERS[n] ?? "rax"] = value;
      Object.assign(cpu, { rsp: BigInt(STACK), rsi: 24n, rdi: BigInt(DATA) });
      Object.assign(cpu, { rip: BigInt(CODE), rflags: 2n, activity: 1 });
      on.put(hex(...Array.from({ length: MEMORY }, (_, n) => (n * 37) & 255)), DATA);
      const { retired, clock } = cpu;
      for (let turn = 0; turn < 100 && cpu.activity === 1; turn++) on.run(cycles);
      expect(cpu.activity).toBe(2);
      const registers = REGISTERS.map((name) => cpu[name]);
      const at = RAM_BASE + DATA;
      const memory = [...on.bytes.subarray(at, at + MEMORY)].join();
      return {
        ...{ registers, memory, rip: cpu.rip, rflags: cpu.rflags },
        ...{ retired: cpu.retired - retired, clock: cpu.clock - clock },
      };
    };
    fc.assert(
      fc.property(
        program,
        fc.array(fc.bigInt({ min: 0n, max: (1n << 64n) - 1n }), { minLength: 4, maxLength: 4 }),
        (code, values) => {
          on.put(`${code.join("")}f4`);
          expect(end(values, 100)).toEqual(end(values, 1));
        },
      ),
      { numRuns: RUNS, endOnFailure: true },
    );
  });
});
