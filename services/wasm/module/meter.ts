/**
 * Makes code count its cycles, and stop for others when it has used up what it was given.
 *
 * A cycle is an operator. Cycles are counted where straight-line code ends, in a local variable, which
 * is in a register most of the time; around calls it is in the global `aios:fuel`. Small functions
 * without loops are charged as a whole when they are entered. Bulk operations take a cycle for
 * each 16 bytes more.
 *
 * At the head of every loop, and at the entry of functions that calls.ts has chosen, code with no
 * fuel left calls `aios.yield`. For that call to be one from which a thread can be suspended, every piece
 * of code from which it can be reached has to be rewritten (asyncify), and loops become two to three
 * times slower by that. Therefore the call isn't in the loop. A loop
 *
 *     loop $L  body  end
 *
 * becomes one that is left when the fuel is used up, and entered again behind the call:
 *
 *     block $X
 *       loop $O
 *         block $Y
 *           loop $L  (br_if $Y (fuel < 0))  body  end
 *           br $X
 *         end
 *         call $yield
 *         br $O
 *       end
 *     end
 *
 * All that a round leaves for the next is in variables, so nothing is lost. An innermost loop without
 * calls has nothing to be rewritten in it, and runs as it did.
 */
import { Body, costOf } from "./body.ts";
import { Reader, Writer } from "./bytes.ts";
import type { Metering } from "./calls.ts";
import { WasmError } from "./errors.ts";
import { VALUE_I32, VALUE_I64, type WasmModule } from "./model.ts";
import * as op from "./operators.ts";

const VOID = 0x40;
/** Functions of at most so many operators are charged when they are entered. */
const FLAT_COST_MAX = 48;
const BULK_BYTES_PER_CYCLE_LOG2 = 4;
/** Labels of $Y in $L, of $X in $Y, of $O in itself. */
const LABEL_YIELD = 1;
const LABEL_OUT = 2;
const LABEL_AGAIN = 0;

/** Indices in the module that is written. */
export interface Places {
  /** Where defined functions were, and how many are now before them. */
  readonly defined: number;
  readonly added: number;
  readonly yield: number;
  readonly grow: number;
  readonly deep: number;
  readonly fuel: number;
  readonly pages: number;
  readonly room: number;
  /** Index of the type of a block with these results. */
  blockType(results: readonly number[]): number;
}

export const movedFunction = (places: Places, index: number): number =>
  index < places.defined ? index : index + places.added;

/** A block, loop or if that is open. */
interface Level {
  /** Where a branch to it goes, counted from the outside. */
  readonly target: number;
  readonly loop: boolean;
}

/** A function's body as the code section has it. */
export function meterBody(
  module: WasmModule,
  places: Places,
  metering: Metering,
  index: number,
): Uint8Array {
  return new Meter(module, places, metering, index).run();
}

class Meter {
  private readonly module: WasmModule;
  private readonly places: Places;
  private readonly metering: Metering;
  private readonly body: Body;
  private readonly out = new Writer();
  private readonly levels: Level[] = [];
  /** Open blocks of what is written. */
  private depth = 0;
  /** Cycles not yet counted. */
  private cost = 0;
  /** It is charged as a whole, and has no variable for the fuel. */
  private readonly flat: boolean;
  private readonly fuel: number;
  private readonly scratch: number;

  constructor(module: WasmModule, places: Places, metering: Metering, index: number) {
    this.module = module;
    this.places = places;
    this.metering = metering;
    this.body = new Body(module, index);
    const { facts, looks } = metering;
    this.flat = !looks && !facts.loops && !facts.bulk && facts.cost <= FLAT_COST_MAX;
    this.fuel = this.body.variables;
    this.scratch = this.fuel + 1;
  }

  run(): Uint8Array {
    const { body, out } = this;
    const runs = this.flat
      ? body.locals
      : [...body.locals, { count: 1, type: VALUE_I64 }, { count: 1, type: VALUE_I32 }];
    out.u32(runs.length);
    for (const { count, type } of runs) out.u32(count).byte(type);
    this.enter();
    while (body.next()) {
      this.cost += costOf(body.opcode);
      this.operator(body.opcode);
    }
    return out.bytes;
  }

  private enter(): void {
    const { out, places, metering } = this;
    if (this.flat) {
      this.levels.push({ target: 0, loop: false });
      out.byte(op.OP_GLOBAL_GET).u32(places.fuel);
      out.byte(op.OP_I64_CONST).signed(metering.facts.cost).byte(op.OP_I64_SUB);
      out.byte(op.OP_GLOBAL_SET).u32(places.fuel);
      return;
    }
    if (metering.looks) this.look();
    this.load();
    this.open(op.OP_BLOCK, this.body.type.results);
    this.levels.push({ target: this.depth, loop: false });
  }

  /** Is there room on the stack, and fuel? */
  private look(): void {
    const { out, places, metering } = this;
    out.byte(op.OP_GLOBAL_GET).u32(places.room);
    out.byte(op.OP_I32_CONST).signed(metering.stackBytes).byte(op.OP_I32_LT_S);
    out.byte(op.OP_IF).byte(VOID).byte(op.OP_CALL).u32(places.deep);
    out.byte(op.OP_UNREACHABLE).byte(op.OP_END);
    this.changeRoom(op.OP_I32_SUB);
    out.byte(op.OP_GLOBAL_GET).u32(places.fuel);
    out.byte(op.OP_I64_CONST).signed(0).byte(op.OP_I64_LT_S);
    out.byte(op.OP_IF).byte(VOID).byte(op.OP_CALL).u32(places.yield).byte(op.OP_END);
  }

  private changeRoom(opcode: number): void {
    const { out, places, metering } = this;
    out.byte(op.OP_GLOBAL_GET).u32(places.room);
    out.byte(op.OP_I32_CONST).signed(metering.heldBytes).byte(opcode);
    out.byte(op.OP_GLOBAL_SET).u32(places.room);
  }

  private operator(opcode: number): void {
    const { out, places, body } = this;
    switch (opcode) {
      case op.OP_BLOCK:
      case op.OP_IF:
        this.count();
        this.copy();
        this.depth++;
        this.levels.push({ target: this.depth, loop: false });
        break;
      case op.OP_LOOP:
        this.count();
        this.openLoop();
        break;
      case op.OP_ELSE:
        this.count();
        this.copy();
        break;
      case op.OP_END:
        this.count();
        this.close();
        break;
      case op.OP_BR:
      case op.OP_BR_IF:
        this.count();
        out.byte(opcode).u32(this.label(body.index()));
        break;
      case op.OP_BR_TABLE:
        this.count();
        this.branchTable();
        break;
      case op.OP_RETURN:
        this.count();
        if (this.flat) this.copy();
        else out.byte(op.OP_BR).u32(this.label(this.levels.length - 1));
        break;
      case op.OP_CALL:
        this.call(() => out.byte(opcode).u32(movedFunction(places, body.index())));
        break;
      case op.OP_CALL_INDIRECT:
        this.call(() => this.copy());
        break;
      case op.OP_REF_FUNC:
        out.byte(opcode).u32(movedFunction(places, body.index()));
        break;
      case op.OP_MEMORY_SIZE:
        out.byte(op.OP_GLOBAL_GET).u32(places.pages);
        break;
      case op.OP_MEMORY_GROW:
        this.call(() => out.byte(op.OP_CALL).u32(places.grow));
        break;
      case op.OP_MEMORY_INIT:
      case op.OP_MEMORY_COPY:
      case op.OP_MEMORY_FILL:
        this.countBulk();
        this.copy();
        break;
      default:
        this.copy();
    }
  }

  /** The operator as it is. */
  private copy(): void {
    const { body, out } = this;
    out.raw(body.reader.bytes.subarray(body.at, body.reader.at));
  }

  private open(opcode: number, results: readonly number[]): void {
    const [only] = results;
    this.out.byte(opcode);
    if (only === undefined) this.out.byte(VOID);
    else if (results.length === 1) this.out.byte(only);
    else this.out.u32(this.places.blockType(results));
    this.depth++;
  }

  private label(index: number): number {
    return this.depth - (this.levels.at(-1 - index)?.target ?? 0);
  }

  private branchTable(): void {
    const { out, body } = this;
    const immediates = new Reader(body.reader.bytes, body.immediates, body.reader.at);
    const labels = immediates.u32();
    out.byte(op.OP_BR_TABLE).u32(labels);
    for (let n = 0; n <= labels; n++) out.u32(this.label(immediates.u32()));
  }

  private openLoop(): void {
    const { out, body, module } = this;
    const { parameters, results } = body.blockType(module);
    if (parameters.length > 0)
      throw new WasmError(
        "wasm-feature",
        body.at,
        "an agent's code can't have loops with parameters",
      );
    this.open(op.OP_BLOCK, results);
    this.open(op.OP_LOOP, results);
    this.open(op.OP_BLOCK, []);
    this.open(op.OP_LOOP, results);
    out.byte(op.OP_LOCAL_GET).u32(this.fuel);
    out.byte(op.OP_I64_CONST).signed(0).byte(op.OP_I64_LT_S);
    out.byte(op.OP_BR_IF).u32(LABEL_YIELD);
    this.levels.push({ target: this.depth, loop: true });
  }

  private close(): void {
    const { out, places } = this;
    const level = this.levels.pop();
    if (this.levels.length === 0 && !this.flat) {
      out.byte(op.OP_END);
      this.store();
      if (this.metering.looks) this.changeRoom(op.OP_I32_ADD);
    }
    out.byte(op.OP_END);
    this.depth--;
    if (!level?.loop) return;
    out.byte(op.OP_BR).u32(LABEL_OUT).byte(op.OP_END);
    this.store();
    out.byte(op.OP_CALL).u32(places.yield);
    this.load();
    out.byte(op.OP_BR).u32(LABEL_AGAIN).byte(op.OP_END).byte(op.OP_END);
    this.depth -= 3;
  }

  private call(write: () => void): void {
    if (this.flat) {
      write();
      return;
    }
    this.count();
    this.store();
    write();
    this.load();
  }

  /** Takes the cycles of the code since the last time. */
  private count(): void {
    if (this.cost === 0 || this.flat) return;
    const { out } = this;
    out.byte(op.OP_LOCAL_GET).u32(this.fuel);
    out.byte(op.OP_I64_CONST).signed(this.cost).byte(op.OP_I64_SUB);
    out.byte(op.OP_LOCAL_SET).u32(this.fuel);
    this.cost = 0;
  }

  /** The number of bytes is on the operand stack, and stays there. */
  private countBulk(): void {
    const { out } = this;
    out.byte(op.OP_LOCAL_TEE).u32(this.scratch);
    out.byte(op.OP_LOCAL_GET).u32(this.fuel);
    out.byte(op.OP_LOCAL_GET).u32(this.scratch);
    out.byte(op.OP_I32_CONST).signed(BULK_BYTES_PER_CYCLE_LOG2).byte(op.OP_I32_SHR_U);
    out.byte(op.OP_I64_EXTEND_I32_U).byte(op.OP_I64_SUB);
    out.byte(op.OP_LOCAL_SET).u32(this.fuel);
  }

  /** Between the variable and the global. */
  private load(): void {
    this.out.byte(op.OP_GLOBAL_GET).u32(this.places.fuel);
    this.out.byte(op.OP_LOCAL_SET).u32(this.fuel);
  }

  private store(): void {
    this.out.byte(op.OP_LOCAL_GET).u32(this.fuel);
    this.out.byte(op.OP_GLOBAL_SET).u32(this.places.fuel);
  }
}
