/**
 * Loops at whose head code can be entered from outside: what has to be skipped on the way to them.
 *
 * A way leads through blocks, loops and the first arms of ifs, in each of which nothing lies on the operand
 * stack before the next one. All that a round of such a loop needs is then in variables.
 */
import { Reader } from "./bytes.ts";
import type { FunctionType } from "./model.ts";
import * as op from "./operators.ts";

/** Metered loops come in pairs (meter.ts): the outer one only goes round when the code was stopped. */
const ENTERED_DEPTH = 2;
const VOID = -64;

/** A block, loop or if on the way to an entry. */
export interface Passage {
  readonly at: number;
  readonly opcode: number;
  /** The number of the first entry in it, from 1; entries behind it have higher ones. */
  readonly first: number;
  /** It is an entry itself. */
  readonly entered: boolean;
}

/** By the place of the level's opcode, or BODY: what leads on from it, in order. */
export type Passages = ReadonlyMap<number, readonly Passage[]>;
export const BODY = -1;

/** What is known of the functions that code may call. */
export interface Callees {
  readonly types: readonly FunctionType[];
  typeOf(index: number): FunctionType;
}

interface Level {
  readonly at: number;
  readonly opcode: number;
  /** It begins with nothing on the operand stack, and so does all around it. */
  readonly open: boolean;
  readonly loops: number;
  readonly results: number;
  readonly base: number;
  /** Of an if: it is the first arm. */
  first: boolean;
}

/** @param reader at a body's first operator */
export function passagesOf(reader: Reader, results: number, callees: Callees): Passages {
  return new Search(reader, results, callees).run();
}

class Search {
  private readonly reader: Reader;
  private readonly callees: Callees;
  private readonly levels: Level[];
  private readonly found = new Map<number, Passage[]>();
  private count = 0;
  private height = 0;

  constructor(reader: Reader, results: number, callees: Callees) {
    this.reader = reader;
    this.callees = callees;
    this.levels = [
      {
        at: BODY,
        opcode: op.OP_BLOCK,
        open: true,
        loops: 0,
        results,
        base: 0,
        first: true,
      },
    ];
  }

  run(): Passages {
    const { reader } = this;
    while (!reader.done) {
      const at = reader.at;
      const opcode = op.readOperator(reader);
      const immediates = new Reader(reader.bytes, reader.at);
      op.skipImmediates(reader, opcode);
      const { pops, pushes } = op.operatorOf(opcode);
      this.move(pops, pushes);
      this.step(opcode, at, immediates);
    }
    return this.found;
  }

  private step(opcode: number, at: number, immediates: Reader): void {
    const { callees, levels } = this;
    const top = levels.at(-1);
    switch (opcode) {
      case op.OP_BLOCK:
      case op.OP_LOOP:
      case op.OP_IF:
        this.enter(opcode, at, immediates);
        break;
      case op.OP_ELSE:
        if (top) {
          top.first = false;
          this.height = top.base;
        }
        break;
      case op.OP_END:
        levels.pop();
        if (top) this.height = top.base + top.results;
        break;
      case op.OP_CALL:
        this.apply(callees.typeOf(immediates.u32()));
        break;
      case op.OP_CALL_INDIRECT:
        this.apply(callees.types[immediates.u32()]);
        break;
      case op.OP_BR:
      case op.OP_BR_TABLE:
      case op.OP_RETURN:
      case op.OP_UNREACHABLE:
        this.height = top?.base ?? 0;
        break;
    }
  }

  private enter(opcode: number, at: number, immediates: Reader): void {
    const around = this.levels.at(-1);
    const code = immediates.s33();
    const type = code >= 0 ? this.callees.types[code] : undefined;
    // An if has taken its condition by now.
    this.height = Math.max(0, this.height - (opcode === op.OP_IF ? 1 : 0));
    const open =
      (around?.open ?? false) &&
      (around?.first ?? false) &&
      this.height === around?.base &&
      (type?.parameters.length ?? 0) === 0;
    const loops = (around?.loops ?? 0) + (opcode === op.OP_LOOP ? 1 : 0);
    const results = type ? type.results.length : code === VOID ? 0 : 1;
    this.levels.push({
      at,
      opcode,
      open,
      loops,
      results,
      base: this.height,
      first: true,
    });
    if (open && opcode === op.OP_LOOP && loops === ENTERED_DEPTH) this.record();
  }

  /** The innermost level is an entry: each around it leads there. */
  private record(): void {
    const first = ++this.count;
    for (let n = this.levels.length - 1; n > 0; n--) {
      const [level, around] = [this.levels[n], this.levels[n - 1]];
      if (!level || !around) return;
      const known = this.found.get(around.at) ?? [];
      this.found.set(around.at, known);
      // What leads to an earlier entry as well is known all the way.
      if (known.at(-1)?.at === level.at) return;
      const entered = n === this.levels.length - 1;
      known.push({ at: level.at, opcode: level.opcode, first, entered });
    }
  }

  private apply(type: FunctionType | undefined): void {
    if (type) this.move(type.parameters.length, type.results.length);
  }

  /** Code that can't be reached may pop what isn't there. */
  private move(pops: number, pushes: number): void {
    const floor = this.levels.at(-1)?.base ?? 0;
    this.height = Math.max(floor, this.height - pops) + pushes;
  }
}
