/**
 * Random functions that call each other and ask an import, with values in variables and on the operand
 * stack: cut after every few cycles they ask what they ask when the engine runs the module as it came.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { birthOf } from "../agent.ts";
import { CALL_YIELD, Instance } from "../instance.ts";
import { Writer } from "./bytes.ts";
import * as op from "./operators.ts";
import { type Prepared, prepare } from "./prepare.ts";

/** A number below 2^32 decides all that is random of it. */
type Dice = Generator<number, never>;

const VOID = 0x40;
const I32 = 0x7f;
const I64 = 0x7e;
const F64 = 0x7c;
const FUNCREF = 0x70;
const OP_I32_MUL = 0x6c;
const OP_I64_ADD = 0x7c;
const OP_F64_ADD = 0xa0;
const OP_I32_WRAP_I64 = 0xa7;
const OP_I64_EXTEND_I32_S = 0xac;
const OP_I32_TRUNC_SAT_F64_S = [0xfc, 0x02];
const OP_F64_CONVERT_I32_S = 0xb7;
/** The import: is told a number, gives 0 or 1. */
const ASK = 0;
const FUNCTIONS = 3;
const TYPE_OF_ALL = 1;
/** Of loops; behind so many types that its number needs two bytes. */
const OTHER_TYPES = 64;
const TYPE_OF_TWO = 3 + OTHER_TYPES;
/** Variables of each type, behind the parameters i32 and i64. */
const EACH = 3;
const DEPTH_MAX = 4;

const variable = (type: number, n: number): number =>
  type === I32
    ? ([0, 2, 3][n % EACH] ?? 0)
    : type === I64
      ? ([1, 5, 6][n % EACH] ?? 1)
      : 8 + (n % EACH);

/** Code of one function; it calls those behind it. */
class Maker {
  readonly out = new Writer();
  private readonly dice: Dice;
  private readonly next: number;
  private labels = 0;

  constructor(dice: Dice, index: number) {
    this.dice = dice;
    this.next = index + 1;
  }

  private roll(sides: number): number {
    return this.dice.next().value % sides;
  }

  body(): Uint8Array {
    const { out } = this;
    out.u32(3);
    for (const type of [I32, I64, F64]) out.u32(EACH).byte(type);
    this.statements(0);
    this.value(I32, 0);
    out.byte(op.OP_LOCAL_GET).u32(variable(I32, 1)).byte(op.OP_I32_ADD);
    this.value(I64, 0);
    return out.byte(op.OP_END).bytes;
  }

  private statements(depth: number): void {
    for (let count = 1 + this.roll(4); count > 0; count--) this.statement(depth);
  }

  private nested(opcode: number, depth: number, rest: () => void): void {
    this.out.byte(opcode).byte(VOID);
    this.labels++;
    this.statements(depth + 1);
    rest();
    this.labels--;
    this.out.byte(op.OP_END);
  }

  private statement(depth: number): void {
    const { out } = this;
    switch (depth < DEPTH_MAX ? this.roll(8) : 7) {
      case 0:
        this.nested(op.OP_BLOCK, depth, () => {});
        break;
      case 1:
      case 2:
        this.nested(op.OP_LOOP, depth, () => {
          this.value(I32, DEPTH_MAX);
          out.byte(op.OP_CALL).u32(ASK).byte(op.OP_BR_IF).u32(0);
        });
        break;
      case 3:
        this.value(I32, depth + 1);
        this.nested(op.OP_IF, depth, () => {
          if (this.roll(2) === 0) return;
          out.byte(op.OP_ELSE);
          this.statements(depth + 1);
        });
        break;
      case 4:
        // Only as long as the answers are 1: there are so many of them.
        out.byte(op.OP_LOCAL_GET).u32(variable(I32, this.roll(EACH)));
        out.byte(op.OP_CALL).u32(ASK);
        if (this.labels > 0) out.byte(op.OP_BR_IF).u32(this.roll(this.labels));
        else out.byte(op.OP_DROP);
        break;
      case 5:
        this.branchTable(depth);
        break;
      default: {
        const type = [I32, I64, F64][this.roll(3)] ?? I32;
        this.value(type, depth);
        out.byte(op.OP_LOCAL_SET).u32(variable(type, this.roll(EACH)));
      }
    }
  }

  /** Leaves a value on the operand stack; what is computed for it may ask, call and loop. */
  private value(type: number, depth: number): void {
    const { out } = this;
    const simple = depth >= DEPTH_MAX || this.roll(3) === 0;
    if (simple) out.byte(op.OP_LOCAL_GET).u32(variable(type, this.roll(EACH)));
    else if (this.roll(5) === 0) this.blockValue(type, depth + 1);
    else if (type === I32) this.integer(depth + 1);
    else if (type === I64) {
      this.value(I64, depth + 1);
      this.value(I32, depth + 1);
      out.byte(OP_I64_EXTEND_I32_S).byte(OP_I64_ADD);
    } else {
      this.value(F64, depth + 1);
      this.value(I32, depth + 1);
      out.byte(OP_F64_CONVERT_I32_S).byte(OP_F64_ADD);
    }
  }

  private integer(depth: number): void {
    const { out } = this;
    this.value(I32, depth);
    switch (this.roll(5)) {
      case 0:
        out.byte(op.OP_CALL).u32(ASK);
        break;
      case 1:
        if (this.next > FUNCTIONS) break;
        this.value(I64, depth);
        if (this.roll(2) === 0) out.byte(op.OP_CALL).u32(this.next);
        else this.throughTable(depth);
        this.takeSecond();
        break;
      case 2:
        this.value(I64, depth);
        out.byte(OP_I32_WRAP_I64).byte(op.OP_I32_ADD);
        break;
      case 3:
        this.value(F64, depth);
        out.raw(OP_I32_TRUNC_SAT_F64_S).byte(op.OP_I32_SUB);
        break;
      default:
        out.byte(op.OP_I32_CONST).signed(31).byte(OP_I32_MUL);
        out.byte(op.OP_I32_CONST).signed(this.roll(1000)).byte(op.OP_I32_ADD);
    }
  }

  /** Of two results. */
  private takeSecond(): void {
    this.out.byte(op.OP_LOCAL_SET).u32(variable(I64, this.roll(EACH)));
  }

  /** The next function or the one behind it; the table has them by their numbers. */
  private throughTable(depth: number): void {
    const { out, next } = this;
    this.value(I32, depth);
    out
      .byte(op.OP_I32_CONST)
      .signed(next < FUNCTIONS ? 1 : 0)
      .byte(op.OP_I32_AND);
    out.byte(op.OP_I32_CONST).signed(next).byte(op.OP_I32_ADD);
    out.byte(op.OP_CALL_INDIRECT).u32(TYPE_OF_ALL).u32(0);
  }

  /** Behind a question, so that loops end. */
  private branchTable(depth: number): void {
    const { out, labels } = this;
    this.value(I32, DEPTH_MAX);
    out.byte(op.OP_CALL).u32(ASK).byte(op.OP_IF).byte(VOID);
    this.value(I32, depth + 1);
    out.byte(op.OP_BR_TABLE).u32(labels);
    for (let n = 0; n <= labels; n++) out.u32(this.roll(labels + 1));
    out.byte(op.OP_END);
  }

  private blockValue(type: number, depth: number): void {
    const isLoop = type === I32 && this.roll(2) === 0;
    if (isLoop) this.out.byte(op.OP_LOOP).signed(TYPE_OF_TWO);
    else this.out.byte(op.OP_BLOCK).byte(type);
    const { labels } = this;
    // Nothing may branch to it, or past it, without a value.
    this.labels = 0;
    this.statements(depth);
    this.value(type, depth);
    if (isLoop) this.value(I64, depth);
    this.labels = labels;
    this.out.byte(op.OP_END);
    if (isLoop) this.takeSecond();
  }
}

/** Xorshift (Marsaglia 2003). */
function* diceOf(seed: number): Dice {
  let it = seed | 1;
  while (true) {
    it ^= it << 13;
    it ^= it >>> 17;
    it ^= it << 5;
    yield it >>> 0;
  }
}

/** Exports `main`, which has neither parameters nor results. */
function moduleOf(seed: number): Uint8Array {
  const dice = diceOf(seed);
  const out = new Writer().raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  const section = (id: number, contents: Writer) => out.byte(id).vector(contents.bytes);
  const types = new Writer().u32(TYPE_OF_TWO + 1);
  types.raw([0x60, 1, I32, 1, I32, 0x60, 2, I32, I64, 2, I32, I64, 0x60, 0, 0]);
  for (let n = 1; n <= OTHER_TYPES; n++) types.raw([0x60, n, ...Array(n).fill(I64), 0]);
  section(1, types.raw([0x60, 0, 2, I32, I64]));
  section(2, new Writer().u32(1).text("env").text("ask").raw([0, 0]));
  section(3, new Writer().u32(FUNCTIONS + 1).raw([...Array(FUNCTIONS).fill(1), 2]));
  section(4, new Writer().u32(1).raw([FUNCREF, 0, FUNCTIONS + 1]));
  section(
    7,
    new Writer()
      .u32(1)
      .text("main")
      .byte(0)
      .u32(FUNCTIONS + 1),
  );
  const numbers = Array.from({ length: FUNCTIONS }, (_, n) => n + 1);
  const table = new Writer().u32(1).u32(0).byte(op.OP_I32_CONST).signed(1).byte(op.OP_END);
  section(9, table.u32(FUNCTIONS).raw(numbers));
  const code = new Writer().u32(FUNCTIONS + 1);
  for (let index = 1; index <= FUNCTIONS; index++) code.vector(new Maker(dice, index).body());
  const main = new Writer().u32(0).byte(op.OP_I32_CONST).signed(7).byte(op.OP_I64_CONST).signed(9);
  main
    .byte(op.OP_CALL)
    .u32(1)
    .byte(op.OP_DROP)
    .byte(op.OP_CALL)
    .u32(ASK)
    .byte(op.OP_DROP)
    .byte(op.OP_END);
  section(10, code.vector(main.bytes));
  return out.bytes.slice();
}

/** What it asks, given these answers, and then 0. */
function plainly(bytes: Uint8Array, answers: readonly boolean[]): number[] {
  const asked: number[] = [];
  const ask = (told: number) => (answers[asked.push(told) - 1] ? 1 : 0);
  const module = new WebAssembly.Module(bytes as BufferSource);
  const { exports } = new WebAssembly.Instance(module, { env: { ask } });
  (exports.main as () => void)();
  return asked;
}

/** The same of the prepared code, which gets so many cycles at a time; and how many it takes in all. */
function cut(prepared: Prepared, answers: readonly boolean[], slice: number, freezing: boolean) {
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const thaw = (state = birthOf(prepared)) => new Instance(prepared, module, state, () => null);
  let it = thaw();
  const asked: number[] = [];
  let cycles = 0;
  it.cycles = slice;
  for (let done = it.start("main"); !done; ) {
    if (cycles > CYCLES_MAX) throw new Error("it goes on without end");
    let answer: number | undefined;
    if (it.pending?.import === CALL_YIELD) {
      cycles += slice - it.cycles;
      it.cycles = slice;
    } else answer = answers[asked.push(Number(it.pending?.args[0])) - 1] ? 1 : 0;
    if (freezing) {
      const left = it.cycles;
      it = thaw(it.freeze());
      it.cycles = left;
    }
    done = it.resume(answer);
  }
  return { asked, cycles: cycles + slice - it.cycles };
}

const RUNS = 12;
/** More than any of them takes. */
const CYCLES_MAX = 1e6;

test("code that is left and entered again at any moment computes what it computes undisturbed", async () => {
  let asked = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.nat(0xffff_ffff),
      fc.array(fc.boolean(), { minLength: 60, maxLength: 60 }),
      async (seed, answers) => {
        const bytes = moduleOf(seed);
        const expected = plainly(bytes, answers);
        const prepared = await prepare(bytes);
        const whole = cut(prepared, answers, 1e9, false);
        expect(whole.asked).toEqual(expected);
        for (const slice of [1, 37]) expect(cut(prepared, answers, slice, false)).toEqual(whole);
        expect(cut(prepared, answers, 11, true)).toEqual(whole);
        asked += expected.length;
      },
    ),
    { numRuns: RUNS },
  );
  expect(asked).toBeGreaterThan(10 * RUNS);
});
