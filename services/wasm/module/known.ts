/** Conditions that are known while nothing is restored: asyncify asks for its state everywhere. */
import { Reader } from "./bytes.ts";
import type { Callees } from "./entries.ts";
import * as op from "./operators.ts";

const VOID = -64;
/** A value on the operand stack; null: it isn't known. */
type Value = number | null;
/** It isn't known, but that it isn't 0. */
const SOME = Number.NaN;

export class Known {
  private readonly callees: Callees;
  private readonly state: number;
  private readonly stack: Value[] = [];
  private readonly levels: { base: number; results: number }[] = [];
  private readonly found = new Map<number, boolean>();

  /** @param state the global that has asyncify's state, which is 0 */
  constructor(callees: Callees, state: number) {
    this.callees = callees;
    this.state = state;
  }

  /** By the place of an if: whether its condition holds. */
  conditions(reader: Reader): ReadonlyMap<number, boolean> {
    while (!reader.done) {
      const at = reader.at;
      const opcode = op.readOperator(reader);
      const immediates = new Reader(reader.bytes, reader.at);
      op.skipImmediates(reader, opcode);
      this.step(opcode, at, immediates);
    }
    return this.found;
  }

  private step(opcode: number, at: number, immediates: Reader): void {
    const { callees, levels, stack } = this;
    const top = levels.at(-1) ?? { base: 0, results: 0 };
    switch (opcode) {
      case op.OP_BLOCK:
      case op.OP_LOOP:
      case op.OP_IF:
        this.enter(opcode, at, immediates);
        return;
      case op.OP_ELSE:
        stack.length = top.base;
        return;
      case op.OP_END:
        levels.pop();
        stack.length = top.base;
        this.push(top.results);
        return;
      case op.OP_GLOBAL_GET:
        stack.push(immediates.u32() === this.state ? 0 : null);
        return;
      case op.OP_I32_CONST:
        stack.push(immediates.s33());
        return;
      case op.OP_I32_EQZ:
        stack.push(known(this.pop(), (value) => (value === 0 ? 1 : 0)));
        return;
      case op.OP_I32_EQ: {
        const [b, a] = [this.pop(), this.pop()];
        stack.push(isExact(a) && isExact(b) ? Number(a === b) : null);
        return;
      }
      case op.OP_I32_OR:
      case op.OP_I32_AND: {
        const [b, a] = [this.pop(), this.pop()];
        stack.push(opcode === op.OP_I32_OR ? either(a, b) : both(a, b));
        return;
      }
      case op.OP_CALL:
        this.call(callees.typeOf(immediates.u32()));
        return;
      case op.OP_CALL_INDIRECT:
        this.pop();
        this.call(callees.types[immediates.u32()]);
        return;
    }
    const { pops, pushes } = op.operatorOf(opcode);
    for (let n = 0; n < pops; n++) this.pop();
    this.push(pushes);
    if (LEAVES.has(opcode)) stack.length = top.base;
  }

  private pop(): Value {
    const floor = this.levels.at(-1)?.base ?? 0;
    return this.stack.length > floor ? (this.stack.pop() ?? null) : null;
  }

  private push(count: number): void {
    for (let n = 0; n < count; n++) this.stack.push(null);
  }

  private enter(opcode: number, at: number, immediates: Reader): void {
    const condition = opcode === op.OP_IF ? this.pop() : null;
    if (condition !== null) this.found.set(at, condition !== 0);
    const code = immediates.s33();
    const results = code >= 0 ? (this.callees.types[code]?.results.length ?? 0) : 1;
    this.levels.push({ base: this.stack.length, results: code === VOID ? 0 : results });
  }

  private call(type: Callees["types"][number] | undefined): void {
    for (let n = type?.parameters.length ?? 0; n > 0; n--) this.pop();
    this.push(type?.results.length ?? 0);
  }
}

/** What never goes on behind them. */
const LEAVES = new Set<number>([op.OP_BR, op.OP_BR_TABLE, op.OP_RETURN, op.OP_UNREACHABLE]);

const known = (value: Value, of: (value: number) => number): Value =>
  value === null ? null : of(value);

const isExact = (value: Value): value is number => value !== null && !Number.isNaN(value);

function either(a: Value, b: Value): Value {
  if (isExact(a) && isExact(b)) return a | b;
  return (a !== null && a !== 0) || (b !== null && b !== 0) ? SOME : null;
}

function both(a: Value, b: Value): Value {
  if (isExact(a) && isExact(b)) return a & b;
  return a === 0 || b === 0 ? 0 : null;
}
