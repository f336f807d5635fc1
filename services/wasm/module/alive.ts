/**
 * Which variables asyncify saves for nothing.
 *
 * A function that is left saves the same variables wherever that is: all that are read after any of its calls. So
 * the engine has to keep each of them across every call, and most of them are in memory most of the time. At a
 * place where a variable will be set before it is read again it may be left as 0: here is found which those are.
 *
 * The code is gone over backwards (Aho et al., Compilers, 2nd edition, 9.2.5), as it is when nothing is being
 * restored: asyncify's questions for that state have one answer then (known.ts). What has been restored goes on in
 * that state from its call on. On the way there one thing depends on variables: whom a call through the table is
 * made to.
 */
import { Reader } from "./bytes.ts";
import type { Callees } from "./entries.ts";
import { Known } from "./known.ts";
import * as op from "./operators.ts";

const UNWINDING = 1;
/** Operators of a place at which code may be left: i32.const CALL, global.get STATE, i32.const 1, i32.eq, br_if. */
const EXIT_OPERATORS = 4;
/** What means harm could take hours. QuickJS has 59 variables and 150 KiB at most, and is settled in three rounds. */
const VARIABLES_MAX = 1024;
const BYTES_MAX = 1 << 20;
const ROUNDS_MAX = 16;

/** A place at which code may be left. */
export interface Exit {
  /** The number by which asyncify knows the call. */
  readonly call: number;
  /** Variables that are saved there, and not read again before they are set. */
  readonly dead: readonly number[];
}

/** Opcodes whose first immediate is wanted. */
const UNSIGNED = new Set<number>([
  ...[op.OP_BR, op.OP_BR_IF, op.OP_GLOBAL_GET],
  ...[op.OP_LOCAL_GET, op.OP_LOCAL_SET, op.OP_LOCAL_TEE],
]);

/** What is done with each of a call's results. */
const TAKES_RESULT = new Set<number>([op.OP_LOCAL_SET, op.OP_DROP]);

interface Operator {
  readonly opcode: number;
  readonly at: number;
  /** Of a variable, a constant or a label. */
  readonly index: number;
  readonly labels: readonly number[];
}

/** A bit for each variable. */
type Alive = Uint32Array<ArrayBuffer>;

/** By the place of the branch that leaves; none of code for which that is too much to find out. */
export function exitsOf(
  code: Reader,
  variables: number,
  state: number,
  callees: Callees,
): ReadonlyMap<number, Exit> {
  if (variables > VARIABLES_MAX || code.bytes.length > BYTES_MAX) return new Map();
  const taken = new Known(callees, state).conditions(new Reader(code.bytes, code.at));
  return new Liveness(operatorsOf(code), variables, state, taken).run();
}

function operatorsOf(reader: Reader): Operator[] {
  const all: Operator[] = [];
  while (!reader.done) {
    const at = reader.at;
    const opcode = op.readOperator(reader);
    const immediates = new Reader(reader.bytes, reader.at);
    op.skipImmediates(reader, opcode);
    const isTable = opcode === op.OP_BR_TABLE;
    const labels = isTable
      ? Array.from({ length: immediates.u32() + 1 }, () => immediates.u32())
      : [];
    const index = UNSIGNED.has(opcode)
      ? immediates.u32()
      : opcode === op.OP_I32_CONST
        ? immediates.s33()
        : 0;
    all.push({ opcode, at, index, labels });
  }
  return all;
}

interface Level {
  /** What is alive where branches to it go. */
  readonly label: Alive;
  /** What is alive behind it; of an if, where its second arm begins. */
  readonly behind: Alive;
  second: Alive;
}

class Liveness {
  private readonly operators: readonly Operator[];
  private readonly variables: number;
  private readonly state: number;
  /** By the place of an if: whether its condition holds, where that is known. */
  private readonly taken: ReadonlyMap<number, boolean>;
  private readonly words: number;
  /** By the place of a loop's end: what is alive at its head, as far as it is known. */
  private readonly heads = new Map<number, Alive>();
  private readonly exits = new Map<number, Exit>();
  private levels: Level[] = [];
  private alive: Alive;
  private isSettled = true;

  constructor(
    operators: readonly Operator[],
    variables: number,
    state: number,
    taken: ReadonlyMap<number, boolean>,
  ) {
    this.operators = operators;
    this.variables = variables;
    this.state = state;
    this.taken = taken;
    this.words = Math.ceil(variables / 32);
    this.alive = this.none();
  }

  /** What is alive at a loop's head is known once nothing is added to it any more. */
  run(): ReadonlyMap<number, Exit> {
    const loops = loopEnds(this.operators);
    for (let round = 0; round < ROUNDS_MAX; round++) {
      this.isSettled = true;
      this.levels = [];
      this.alive = this.none();
      for (let n = this.operators.length - 1; n >= 0; n--) this.step(n, loops);
      if (this.isSettled) return this.exits;
    }
    return new Map();
  }

  private none(): Alive {
    return new Uint32Array(this.words);
  }

  private step(n: number, loops: ReadonlySet<number>): void {
    const { opcode, at, index, labels } = this.operators[n] as Operator;
    switch (opcode) {
      case op.OP_END:
        this.open(at, loops.has(at));
        break;
      case op.OP_ELSE:
        this.second();
        break;
      case op.OP_BLOCK:
      case op.OP_LOOP:
      case op.OP_IF:
        this.close(opcode, at);
        break;
      case op.OP_LOCAL_GET:
        add(this.alive, index);
        break;
      case op.OP_LOCAL_SET:
      case op.OP_LOCAL_TEE:
        this.alive[index >>> 5] = (this.alive[index >>> 5] ?? 0) & ~(1 << (index & 31));
        break;
      case op.OP_BR:
        this.alive = this.label(index).slice();
        break;
      case op.OP_BR_IF:
        if (this.leaves(n)) this.exits.set(at, this.exit(n));
        else join(this.alive, this.label(index));
        break;
      case op.OP_BR_TABLE:
        this.alive = this.none();
        for (const label of labels) join(this.alive, this.label(label));
        break;
      case op.OP_RETURN:
      case op.OP_RETURN_CALL:
      case op.OP_UNREACHABLE:
        this.alive = this.none();
    }
  }

  private label(index: number): Alive {
    return this.levels.at(-1 - index)?.label ?? this.none();
  }

  private open(at: number, isLoop: boolean): void {
    const behind = this.alive.slice();
    let label = behind;
    if (isLoop) {
      label = this.heads.get(at) ?? this.none();
      this.heads.set(at, label);
    }
    this.levels.push({ label, behind, second: behind });
  }

  private second(): void {
    const level = this.levels.at(-1);
    if (!level) return;
    level.second = this.alive;
    this.alive = level.behind.slice();
  }

  private close(opcode: number, at: number): void {
    const level = this.levels.pop();
    if (!level) return;
    if (opcode === op.OP_LOOP && join(level.label, this.alive)) this.isSettled = false;
    if (opcode !== op.OP_IF) return;
    const taken = this.taken.get(at);
    if (taken === false) this.alive = level.second.slice();
    else if (taken === undefined) join(this.alive, level.second);
  }

  /** It is a branch that is taken when the code is being left. */
  private leaves(n: number): boolean {
    const [call, state, constant, compare] = this.operators.slice(n - EXIT_OPERATORS, n);
    return (
      call?.opcode === op.OP_I32_CONST &&
      state?.opcode === op.OP_GLOBAL_GET &&
      state.index === this.state &&
      constant?.opcode === op.OP_I32_CONST &&
      constant.index === UNWINDING &&
      compare?.opcode === op.OP_I32_EQ
    );
  }

  /** What is alive at its label is what is saved. */
  private exit(n: number): Exit {
    const first = n - EXIT_OPERATORS;
    const saved = this.label(this.operators[n]?.index ?? 0);
    const needed = this.alive.slice();
    this.addCallee(needed, saved, first);
    const dead: number[] = [];
    for (let variable = 0; variable < this.variables; variable++)
      if (has(saved, variable) && !has(needed, variable)) dead.push(variable);
    return { call: this.operators[first]?.index ?? 0, dead };
  }

  /** What says which function is called, by the call that comes before: all, where that can't be seen. */
  private addCallee(needed: Alive, saved: Alive, exit: number): void {
    let n = exit - 1;
    while (TAKES_RESULT.has(this.operators[n]?.opcode ?? -1)) n--;
    const [callee, call] = [this.operators[n - 1], this.operators[n]];
    if (call?.opcode === op.OP_CALL) return;
    const isSeen = call?.opcode === op.OP_CALL_INDIRECT && callee !== undefined;
    if (isSeen && callee.opcode === op.OP_LOCAL_GET) add(needed, callee.index);
    else if (!isSeen || callee.opcode !== op.OP_I32_CONST) join(needed, saved);
  }
}

const has = (alive: Alive, variable: number): boolean =>
  (((alive[variable >>> 5] ?? 0) >>> (variable & 31)) & 1) === 1;

function add(alive: Alive, variable: number): void {
  alive[variable >>> 5] = (alive[variable >>> 5] ?? 0) | (1 << (variable & 31));
}

/** Adds to the first what the second has; whether that was something. */
function join(to: Alive, from: Alive): boolean {
  let grown = false;
  for (const [n, word] of from.entries()) {
    const joined = ((to[n] ?? 0) | word) >>> 0;
    if (joined === to[n]) continue;
    to[n] = joined;
    grown = true;
  }
  return grown;
}

/** Places of the ends of loops. */
function loopEnds(operators: readonly Operator[]): ReadonlySet<number> {
  const ends = new Set<number>();
  const open: boolean[] = [];
  for (const { opcode, at } of operators)
    if (opcode === op.OP_BLOCK || opcode === op.OP_LOOP || opcode === op.OP_IF)
      open.push(opcode === op.OP_LOOP);
    else if (opcode === op.OP_END && open.pop()) ends.add(at);
  return ends;
}
