/**
 * Makes code count its cycles, and stop for others when it has used up what it was given.
 *
 * A cycle is an operator. Cycles are counted in a local variable, which is in a register most of the
 * time; around calls it is in the global `aios:fuel`. Small functions without loops are charged as a whole
 * when they are entered. Bulk operations take a cycle for each 16 bytes more.
 *
 * What has been executed is owed until it is counted, and it is counted as late as possible: before
 * calls, at the heads of loops and at the end. All ways to a label have to owe the same there. The first
 * that comes decides how much that is; the others count, before they branch, what they owe more. So a
 * round of an innermost loop is usually counted once, whatever branches it has. The counts are exact
 * at every call, and whenever the code is left.
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
 * calls has nothing to be rewritten in it, and runs as it did. If it is short, its body is written
 * several times (shape.ts), and only the last one goes back to the head: cycles are counted and fuel is
 * looked at once for them all.
 */
import { Body, costOf } from "./body.ts";
import { Writer } from "./bytes.ts";
import type { Metering } from "./calls.ts";
import { Fuel } from "./fuel.ts";
import type { Level, Owing, Round } from "./levels.ts";
import { VALUE_I32, VALUE_I64, type WasmModule } from "./model.ts";
import * as op from "./operators.ts";
import { movedFunction, type Places } from "./places.ts";
import { BODY, type Shape, shapeOf } from "./shape.ts";

const VOID = 0x40;
/** Functions of at most so many operators are charged when they are entered. */
const FLAT_COST_MAX = 48;
/** Labels of $Y in $L, of $X in $Y, of $O in itself. */
const LABEL_YIELD = 1;
const LABEL_OUT = 2;
const LABEL_AGAIN = 0;

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
  /** Cycles not yet counted. Below zero: too many are counted, by code that owed less than its label. */
  private owed = 0;
  /** Control gets here. */
  private reached = true;
  private readonly shape: Shape;
  /** It is charged as a whole, and has no variable for the fuel. */
  private readonly flat: boolean;
  private readonly fuel: Fuel;

  constructor(module: WasmModule, places: Places, metering: Metering, index: number) {
    this.module = module;
    this.places = places;
    this.metering = metering;
    this.body = new Body(module, index);
    const { facts, looks } = metering;
    this.shape = shapeOf(module, index);
    this.flat = !looks && !facts.loops && !facts.bulk && facts.cost <= FLAT_COST_MAX;
    this.fuel = new Fuel(this.out, places, metering, this.body.variables);
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
      this.owed += costOf(body.opcode);
      this.operator(body.opcode);
    }
    return out.bytes;
  }

  private enter(): void {
    const { metering } = this;
    if (this.flat) {
      this.levels.push({
        target: 0,
        loop: false,
        bare: true,
        otherwise: null,
        round: null,
        owed: null,
      });
      this.fuel.chargeWhole();
      return;
    }
    if (metering.looks) this.fuel.look();
    this.fuel.load();
    this.open(op.OP_BLOCK, this.body.type.results);
    this.push(false, this.body.type.results, BODY);
  }

  /** A label for the block that has just been opened; `at`: its place in the module. */
  private push(
    loop: boolean,
    results: readonly number[],
    at: number,
    round: Round | null = null,
  ): void {
    // A br_table can't count for each of its labels.
    const owed = loop || this.shape.tabled.has(at) ? 0 : null;
    const bare = loop || results.length === 0;
    const { owed: before, reached } = this;
    const otherwise =
      round === null && this.body.opcode === op.OP_IF ? { owed: before, reached } : null;
    this.levels.push({ target: this.depth, loop, bare, otherwise, round, owed });
  }

  private operator(opcode: number): void {
    const { out, places, body, module } = this;
    switch (opcode) {
      case op.OP_BLOCK:
      case op.OP_IF:
        this.copy();
        this.depth++;
        this.push(false, body.blockType(module).results, body.at);
        break;
      case op.OP_LOOP:
        this.count(0);
        this.openLoop();
        break;
      case op.OP_ELSE:
        this.else();
        break;
      case op.OP_END:
        this.close();
        break;
      case op.OP_BR:
      case op.OP_RETURN:
        this.branch(opcode === op.OP_BR ? body.index() : this.levels.length - 1);
        break;
      case op.OP_BR_IF:
        this.branchIf(body.index());
        break;
      case op.OP_BR_TABLE:
        this.count(0);
        this.branchTable();
        this.reached = false;
        break;
      case op.OP_UNREACHABLE:
        this.copy();
        this.reached = false;
        break;
      case op.OP_CALL:
        if (body.index() === places.tellsRoom) out.byte(op.OP_GLOBAL_GET).u32(places.room);
        else this.call(() => out.byte(opcode).u32(movedFunction(places, body.index())));
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
        this.fuel.chargeBulk();
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
    else this.out.signed(this.places.blockType(results));
    this.depth++;
  }

  private label(index: number): number {
    return this.depth - (this.levels.at(-1 - index)?.target ?? 0);
  }

  private branchTable(): void {
    const { out, body } = this;
    const labels = body.labels();
    out.byte(op.OP_BR_TABLE).u32(labels.length - 1);
    for (const label of labels) out.u32(this.label(label));
  }

  /** Comes to a label, owing what is owed there. */
  private arrive(level: Owing): void {
    if (!this.reached) return;
    level.owed ??= this.owed;
    this.count(level.owed);
  }

  private branch(index: number): void {
    const level = this.levels.at(-1 - index);
    if (this.flat) this.copy();
    else if (level) {
      this.arrive(level);
      this.out.byte(op.OP_BR).u32(this.label(index));
    }
    this.reached = false;
  }

  /** Out of a loop it counts behind the condition: the loop itself isn't delayed by it. */
  private branchIf(index: number): void {
    const { out } = this;
    const level = this.levels.at(-1 - index);
    if (this.flat || !level) {
      this.copy();
      return;
    }
    level.owed ??= this.owed;
    const { owed } = this;
    if (owed === level.owed || !this.reached || level.loop || !level.bare) {
      this.arrive(level);
      out.byte(op.OP_BR_IF).u32(this.label(index));
      return;
    }
    out.byte(op.OP_IF).byte(VOID);
    this.count(level.owed);
    out
      .byte(op.OP_BR)
      .u32(this.label(index) + 1)
      .byte(op.OP_END);
    this.owed = owed;
  }

  private else(): void {
    const level = this.levels.pop();
    if (!level?.otherwise) return;
    this.arrive(level);
    this.copy();
    this.owed = level.otherwise.owed;
    this.reached = level.otherwise.reached;
    this.levels.push({ ...level, otherwise: null });
  }

  private openLoop(): void {
    const { out, body, module } = this;
    const { results } = body.blockType(module);
    this.open(op.OP_BLOCK, results);
    const exit = this.depth;
    this.open(op.OP_LOOP, results);
    this.open(op.OP_BLOCK, []);
    this.open(op.OP_LOOP, results);
    this.fuel.isUsedUp();
    out.byte(op.OP_BR_IF).u32(LABEL_YIELD);
    const more = (this.shape.copies.get(body.at) ?? 1) - 1;
    this.openRound({ more, code: body.reader.at, at: body.at, exit: { owed: null }, out: exit });
  }

  private close(): void {
    const level = this.levels.pop();
    if (level?.round) this.closeRound(level, level.round);
    else if (level) this.closeBlock(level);
  }

  private closeBlock(level: Level): void {
    const { out, flat } = this;
    const { otherwise } = level;
    // Without an else, the way around costs nothing if possible.
    if (otherwise?.reached) level.owed ??= otherwise.owed;
    this.arrive(level);
    if (otherwise?.reached && otherwise.owed !== level.owed && !flat) {
      out.byte(op.OP_ELSE);
      this.owed = otherwise.owed;
      this.reached = true;
      this.arrive(level);
    }
    out.byte(op.OP_END);
    this.depth--;
    this.reached = level.owed !== null;
    this.owed = level.owed ?? 0;
    if (this.levels.length > 0 || flat) return;
    this.count(0);
    this.fuel.store();
    if (this.metering.looks) this.fuel.giveRoomBack();
    out.byte(op.OP_END);
  }

  /** Its label is behind it, where the next one is, or at the loop's head. */
  private openRound(round: Round): void {
    if (round.more > 0) this.open(op.OP_BLOCK, []);
    this.push(round.more === 0, [], round.at, round);
  }

  private closeRound(level: Level, round: Round): void {
    const { out } = this;
    this.arrive(round.exit);
    if (round.more === 0) {
      this.closeLoop();
      this.reached = round.exit.owed !== null;
      this.owed = round.exit.owed ?? 0;
      return;
    }
    out
      .byte(op.OP_BR)
      .u32(this.depth - round.out)
      .byte(op.OP_END);
    this.depth--;
    this.reached = level.owed !== null;
    this.owed = level.owed ?? 0;
    this.body.reader.at = round.code;
    this.openRound({ ...round, more: round.more - 1 });
  }

  private closeLoop(): void {
    const { out, places } = this;
    out.byte(op.OP_END).byte(op.OP_BR).u32(LABEL_OUT).byte(op.OP_END);
    this.fuel.store();
    out.byte(op.OP_CALL).u32(places.yield);
    this.fuel.load();
    out.byte(op.OP_BR).u32(LABEL_AGAIN).byte(op.OP_END).byte(op.OP_END);
    this.depth -= 4;
  }

  private call(write: () => void): void {
    if (this.flat) {
      write();
      return;
    }
    this.count(0);
    this.fuel.store();
    write();
    this.fuel.load();
  }

  /** Counts what has been executed, but for so many cycles. */
  private count(owed: number): void {
    const cycles = this.owed - owed;
    this.owed = owed;
    if (cycles === 0 || this.flat || !this.reached) return;
    this.fuel.charge(cycles);
  }
}
