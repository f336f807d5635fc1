/**
 * Counts of cycles against a model: random code, and the operators that a walk through the same tree
 * passes. The random bits that decide its branches come from an import, so each is a call at which the count
 * has to be exact.
 */
import fc from "fast-check";
import { expect, test } from "vitest";
import { birthOf } from "../agent.ts";
import { CALL_YIELD, Instance } from "../instance.ts";
import { Writer } from "./bytes.ts";
import * as op from "./operators.ts";
import { type Prepared, prepare } from "./prepare.ts";

/** Statements; `depth` counts labels outwards, the function's own among them. */
type Code =
  | { readonly kind: "work"; readonly operators: number }
  | { readonly kind: "block"; readonly body: readonly Code[] }
  | { readonly kind: "loop"; readonly body: readonly Code[] }
  | { readonly kind: "if"; readonly yes: readonly Code[]; readonly no: readonly Code[] | null }
  | { readonly kind: "br" | "branch"; readonly depth: number }
  | { readonly kind: "table"; readonly depths: readonly number[] }
  | { readonly kind: "return" };

const { code } = fc.letrec<{ code: readonly Code[]; one: Code }>((tie) => ({
  code: fc.array(tie("one"), { maxLength: 5, depthIdentifier: "code" }),
  one: fc.oneof(
    { depthIdentifier: "code", maxDepth: 5 },
    fc.record({ kind: fc.constant("work" as const), operators: fc.integer({ min: 1, max: 5 }) }),
    fc.record({ kind: fc.constant("branch" as const), depth: fc.nat(6) }),
    fc.record({ kind: fc.constant("br" as const), depth: fc.nat(6) }),
    fc.record({
      kind: fc.constant("table" as const),
      depths: fc.array(fc.nat(6), { minLength: 1, maxLength: 3 }),
    }),
    fc.record({ kind: fc.constant("return" as const) }),
    fc.record({ kind: fc.constant("block" as const), body: tie("code") }),
    fc.record({ kind: fc.constant("loop" as const), body: tie("code") }),
    fc.record({
      kind: fc.constant("if" as const),
      yes: tie("code"),
      no: fc.option(tie("code")),
    }),
  ) as fc.Arbitrary<Code>,
}));

const IF_CYCLES = 1;
const OP_DROP = 0x1a;
const VOID = 0x40;
const I32 = 0x7f;
/** The import that gives 0 or 1. */
const BIT = 0;

function write(to: Writer, statements: readonly Code[], labels: number): void {
  const bit = () => to.byte(op.OP_CALL).u32(BIT);
  for (const it of statements)
    switch (it.kind) {
      case "work":
        for (let n = 0; n < it.operators; n++) to.byte(op.OP_I32_CONST).signed(n).byte(OP_DROP);
        break;
      case "block":
      case "loop":
        to.byte(it.kind === "block" ? op.OP_BLOCK : op.OP_LOOP).byte(VOID);
        write(to, it.body, labels + 1);
        to.byte(op.OP_END);
        break;
      case "if":
        bit();
        to.byte(op.OP_IF).byte(VOID);
        write(to, it.yes, labels + 1);
        if (it.no) write(to.byte(op.OP_ELSE), it.no, labels + 1);
        to.byte(op.OP_END);
        break;
      case "br":
        to.byte(op.OP_BR).u32(it.depth % labels);
        break;
      case "branch":
        bit();
        to.byte(op.OP_BR_IF).u32(it.depth % labels);
        break;
      case "table":
        bit();
        to.byte(op.OP_BR_TABLE).u32(it.depths.length - 1);
        for (const depth of it.depths) to.u32(depth % labels);
        break;
      case "return":
        to.byte(op.OP_RETURN);
    }
}

/** A function without a loop would be charged as a whole. */
const LOOP: Code = { kind: "loop", body: [] };

/** A module that imports env.bit, and whose `main` has this code. */
function moduleOf(statements: readonly Code[]): Uint8Array {
  const body = new Writer().u32(0);
  write(body, [LOOP], 1);
  write(body, statements, 1);
  body.byte(op.OP_END);
  const out = new Writer().raw([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);
  const section = (id: number, contents: Writer) => out.byte(id).vector(contents.bytes);
  section(1, new Writer().raw([2, 0x60, 0, 1, I32, 0x60, 0, 0]));
  section(2, new Writer().u32(1).text("env").text("bit").raw([0, 0]));
  section(3, new Writer().raw([1, 1]));
  section(7, new Writer().u32(1).text("main").raw([0, 1]));
  section(10, new Writer().u32(1).vector(body.bytes));
  return out.bytes.slice();
}

/** The walk ends with this: too many operators, or no more bits. */
class Enough extends Error {}

/** What bits are asked for, and how many cycles have passed at each, in the original code. */
class Walk {
  cycles = 0;
  readonly atCalls: number[] = [];
  private readonly bits: readonly boolean[];

  constructor(bits: readonly boolean[]) {
    this.bits = bits;
  }

  private step(operators: number): void {
    this.cycles += operators;
    if (this.cycles > 3000) throw new Enough();
  }

  /** A call is an operator, and has passed when it is made. */
  private bit(): number {
    this.step(1);
    this.atCalls.push(this.cycles);
    if (this.atCalls.length > this.bits.length) throw new Enough();
    return this.bits[this.atCalls.length - 1] ? 1 : 0;
  }

  /** Labels still to be left behind by a branch; none: it comes to the end. */
  run(statements: readonly Code[], labels: number): number | null {
    for (const it of statements) {
      const left = this.one(it, labels);
      if (left !== null) return left;
    }
    return null;
  }

  private one(it: Code, labels: number): number | null {
    switch (it.kind) {
      case "work":
        this.step(2 * it.operators);
        return null;
      case "block":
        return outOf(this.run(it.body, labels + 1));
      case "loop":
        for (let rounds = 0; ; rounds++) {
          // A loop may have no operator in it.
          if (rounds > 1000) throw new Enough();
          const left = this.run(it.body, labels + 1);
          if (left !== 0) return outOf(left);
        }
      case "if": {
        const arm = this.bit();
        this.step(IF_CYCLES);
        return outOf(this.run(arm ? it.yes : (it.no ?? []), labels + 1));
      }
      case "br":
        this.step(1);
        return it.depth % labels;
      case "branch": {
        const taken = this.bit();
        this.step(1);
        return taken ? it.depth % labels : null;
      }
      case "table": {
        const index = this.bit();
        this.step(1);
        return (it.depths[Math.min(index, it.depths.length - 1)] ?? 0) % labels;
      }
      case "return":
        this.step(1);
        return labels - 1;
    }
  }
}

const outOf = (left: number | null): number | null =>
  left === null || left === 0 ? null : left - 1;

/** Cycles at each call, and at the end. Null where the walk doesn't end. */
function expectedOf(statements: readonly Code[], bits: readonly boolean[]): number[] | null {
  const walk = new Walk(bits);
  try {
    walk.run(statements, 1);
  } catch (error) {
    if (error instanceof Enough) return null;
    throw error;
  }
  return [...walk.atCalls, walk.cycles];
}

const FUEL = 1e6;

/** The same of the metered code, which gets so many cycles at a time. */
function countsOf(prepared: Prepared, bits: readonly boolean[], slice: number): number[] {
  const module = new WebAssembly.Module(prepared.code as BufferSource);
  const it = new Instance(prepared, module, birthOf(prepared), () => null);
  const counts: number[] = [];
  let given = slice;
  it.cycles = slice;
  for (let done = it.start("main"); !done; ) {
    if (it.pending?.import === CALL_YIELD) {
      given += slice;
      it.cycles += slice;
      done = it.resume();
      continue;
    }
    counts.push(given - it.cycles);
    done = it.resume(bits[counts.length - 1] ? 1 : 0);
  }
  counts.push(given - it.cycles);
  return counts;
}

test("cycles are the operators that have been executed, at every call and at the end", async () => {
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(
      code,
      fc.array(fc.boolean(), { minLength: 40, maxLength: 40 }),
      async (statements, bits) => {
        const expected = expectedOf(statements, bits);
        fc.pre(expected !== null);
        const prepared = await prepare(moduleOf(statements));
        expect(countsOf(prepared, bits, FUEL)).toEqual(expected);
        expect(countsOf(prepared, bits, 7)).toEqual(expected);
        compared += expected?.length ?? 0;
      },
    ),
    { numRuns: 60 },
  );
  expect(compared).toBeGreaterThan(60);
});
