/** One function's code, operator by operator, and what a first reading of it tells. */
import { Reader } from "./bytes.ts";
import { type FunctionType, functionType, VALUE_V128, type WasmModule } from "./model.ts";
import * as op from "./operators.ts";

export interface LocalsRun {
  readonly count: number;
  readonly type: number;
}

/** A cursor over a body. After `next`, `opcode` and its immediates at `immediates` to `end`. */
export class Body {
  readonly type: FunctionType;
  readonly locals: LocalsRun[] = [];
  readonly reader: Reader;
  opcode = 0;
  /** Where the opcode is, where its immediates are; the reader is behind them. */
  at = 0;
  immediates = 0;

  constructor(module: WasmModule, index: number) {
    this.type = functionType(module, index);
    const { at, end } = module.bodies[index - module.imports.length] ?? { at: 0, end: 0 };
    this.reader = new Reader(module.bytes, at, end);
    const runs = this.reader.u32();
    for (let n = 0; n < runs; n++)
      this.locals.push({ count: this.reader.u32(), type: this.reader.byte() });
  }

  /** Parameters and locals. */
  get variables(): number {
    return this.locals.reduce((sum, { count }) => sum + count, this.type.parameters.length);
  }

  next(): boolean {
    const { reader } = this;
    if (reader.done) return false;
    this.at = reader.at;
    this.opcode = op.readOperator(reader);
    this.immediates = reader.at;
    op.skipImmediates(reader, this.opcode);
    return true;
  }

  /** The first immediate. */
  index(): number {
    return new Reader(this.reader.bytes, this.immediates, this.reader.end).u32();
  }

  /** A br_table's labels; the last is the default. */
  labels(): number[] {
    const immediates = new Reader(this.reader.bytes, this.immediates, this.reader.end);
    return Array.from({ length: immediates.u32() + 1 }, () => immediates.u32());
  }

  /** The type of a block, a loop or an if. */
  blockType(module: WasmModule): FunctionType {
    const code = new Reader(this.reader.bytes, this.immediates, this.reader.end).s33();
    if (code >= 0) return module.types[code] ?? NO_TYPE;
    return code === VOID ? NO_TYPE : { parameters: [], results: [code & 0x7f] };
  }
}

const VOID = -64;
const NO_TYPE: FunctionType = { parameters: [], results: [] };
/** Operators that only give structure. */
const FREE = new Set([0x01, op.OP_BLOCK, op.OP_LOOP, op.OP_ELSE, op.OP_END]);
export const costOf = (opcode: number): number => (FREE.has(opcode) ? 0 : 1);

export interface Facts {
  /** Cycles of all its operators, each taken once. */
  readonly cost: number;
  /** Bytes of the host's stack that a frame may take: an estimate from above. */
  readonly frameBytes: number;
  /** Functions that it calls, once for every call. */
  readonly calls: readonly number[];
  /** Types of what it calls through a table, once for every call. */
  readonly indirectCalls: readonly number[];
  readonly loops: boolean;
  /** It has operations whose time depends on a number of bytes. */
  readonly bulk: boolean;
}

/** A baseline compiler keeps every variable and every operand on the stack, and some of its own. */
const SLOT_BYTES = 8;
const V128_BYTES = 16;
const FRAME_BYTES = 96;

interface Level {
  readonly base: number;
  readonly type: FunctionType;
}

class Scan {
  private readonly module: WasmModule;
  private readonly body: Body;
  private readonly levels: Level[] = [];
  private height = 0;
  private heightMax = 0;
  private cost = 0;
  private loops = false;
  private bulk = false;
  private readonly indirect: number[] = [];
  private readonly calls: number[] = [];

  constructor(module: WasmModule, index: number) {
    this.module = module;
    this.body = new Body(module, index);
    this.levels.push({ base: 0, type: this.body.type });
  }

  run(): Facts {
    const { body } = this;
    while (body.next()) {
      this.cost += costOf(body.opcode);
      this.step(body.opcode);
      this.heightMax = Math.max(this.heightMax, this.height);
    }
    const wide = [...body.type.parameters, ...body.locals.map(({ type }) => type)];
    const variable = wide.includes(VALUE_V128) ? V128_BYTES : SLOT_BYTES;
    return {
      cost: this.cost,
      frameBytes: FRAME_BYTES + variable * body.variables + V128_BYTES * this.heightMax,
      calls: this.calls,
      indirectCalls: this.indirect,
      loops: this.loops,
      bulk: this.bulk,
    };
  }

  private step(opcode: number): void {
    const { pops, pushes } = op.operatorOf(opcode);
    this.move(pops, pushes);
    switch (opcode) {
      case op.OP_LOOP:
        this.loops = true;
        this.enter();
        break;
      case op.OP_BLOCK:
      case op.OP_IF:
        this.enter();
        break;
      case op.OP_ELSE: {
        const level = this.levels.at(-1);
        if (level) this.height = level.base + level.type.parameters.length;
        break;
      }
      case op.OP_END: {
        const level = this.levels.pop();
        if (level) this.height = level.base + level.type.results.length;
        break;
      }
      case op.OP_CALL: {
        const callee = this.body.index();
        this.calls.push(callee);
        this.apply(functionType(this.module, callee));
        break;
      }
      case op.OP_CALL_INDIRECT: {
        const index = this.body.index();
        this.indirect.push(index);
        const type = this.module.types[index];
        if (type) this.apply(type);
        break;
      }
      case op.OP_MEMORY_INIT:
      case op.OP_MEMORY_COPY:
      case op.OP_MEMORY_FILL:
        this.bulk = true;
        break;
      case op.OP_BR:
      case op.OP_BR_TABLE:
      case op.OP_RETURN:
      case op.OP_UNREACHABLE:
        this.height = this.levels.at(-1)?.base ?? 0;
        break;
    }
  }

  private enter(): void {
    const type = this.body.blockType(this.module);
    this.levels.push({ base: Math.max(0, this.height - type.parameters.length), type });
  }

  private apply({ parameters, results }: FunctionType): void {
    this.move(parameters.length, results.length);
  }

  /** Code that can't be reached may pop what isn't there. */
  private move(pops: number, pushes: number): void {
    const floor = this.levels.at(-1)?.base ?? 0;
    this.height = Math.max(floor, this.height - pops) + pushes;
  }
}

export const scanBody = (module: WasmModule, index: number): Facts => new Scan(module, index).run();
