/** What has to be known of a function's blocks before its code is written again. */
import { Body, costOf } from "./body.ts";
import type { WasmModule } from "./model.ts";
import * as op from "./operators.ts";

/** Place of a function's own block: none. */
export const BODY = 0;

export interface Shape {
  /** Places of blocks that a br_table goes to. */
  readonly tabled: ReadonlySet<number>;
  /** Places of loops whose rounds are written several times, and how often. */
  readonly copies: ReadonlyMap<number, number>;
}

/** Rounds of so many operators in all are written one behind the other, but of so many rounds at most. */
const COPIED_OPERATORS_MAX = 64;
const COPIES_MAX = 4;

interface Open {
  readonly at: number;
  readonly loop: boolean;
  operators: number;
  /** Neither loops nor calls are in it. */
  simple: boolean;
}

export function shapeOf(module: WasmModule, index: number): Shape {
  const body = new Body(module, index);
  const open: Open[] = [{ at: BODY, loop: false, operators: 0, simple: true }];
  const tabled = new Set<number>();
  const copies = new Map<number, number>();
  while (body.next()) {
    const { opcode, at } = body;
    const top = open.at(-1);
    if (top) top.operators += costOf(opcode);
    switch (opcode) {
      case op.OP_LOOP:
      case op.OP_BLOCK:
      case op.OP_IF:
        open.push({ at, loop: opcode === op.OP_LOOP, operators: 0, simple: true });
        break;
      case op.OP_END: {
        const closed = open.pop();
        if (!closed) break;
        const rounds = Math.floor(COPIED_OPERATORS_MAX / closed.operators);
        if (closed.loop && closed.simple && rounds > 1)
          copies.set(closed.at, Math.min(rounds, COPIES_MAX));
        const around = open.at(-1);
        if (!around) break;
        around.operators += closed.operators;
        around.simple &&= closed.simple && !closed.loop;
        break;
      }
      case op.OP_CALL:
      case op.OP_CALL_INDIRECT:
      case op.OP_MEMORY_GROW:
        if (top) top.simple = false;
        break;
      case op.OP_BR_TABLE:
        for (const label of body.labels()) tabled.add(open.at(-1 - label)?.at ?? BODY);
    }
  }
  return { tabled, copies };
}
