/**
 * Frees code from most of what asyncify costs.
 *
 * Asyncify lets a function's frame be saved and restored. Its code asks at every step whether it is being
 * restored; so a call costs twice what it did. But a function that is called while nothing is being
 * restored will not be restored in this call: if it is left, another call restores it. Therefore each
 * function is written twice:
 *
 *     f        if (state = rewinding) return f'(...)
 *              the code for the state "normal": it only looks, after a call, whether it is to be left
 *     f'       the code as asyncify has made it
 *
 * Both save the same frames. What has been restored goes on in f' until it returns, or comes to the head of
 * a loop that can be entered (entries.ts): there it puts its variables where frames are saved, and calls
 * f, in place of its own frame, in a state that asyncify doesn't know:
 *
 *     f        if (state = entering) variables = those; skip what is before the loop
 */
import { type Exit, exitsOf } from "./alive.ts";
import { Reader, Writer } from "./bytes.ts";
import { BODY, type Callees, type Passage, type Passages, passagesOf } from "./entries.ts";
import { WasmError } from "./errors.ts";
import * as op from "./operators.ts";
import { readSections, type Sections, writeSections } from "./sections.ts";
import { functionTypeOf, Slots } from "./slots.ts";

const VOID = 0x40;
const I32 = 0x7f;
/** Asyncify's states (Binaryen's Asyncify.cpp), and one more. */
const STATE_NORMAL = 0;
const STATE_UNWINDING = 1;
const STATE_REWINDING = 2;
const STATE_ENTERING = 3;
/** Its function that begins to unwind: it sets the state's global, and the one of the frames' place. */
const EXPORT_UNWIND = "asyncify_start_unwind";

interface Globals {
  readonly state: number;
  readonly frames: number;
}

/** @param bytes what asyncify has made, before anything else has been done to it */
export function splitFunctions(bytes: Uint8Array): Uint8Array {
  const sections = readSections(bytes);
  const { bodies, functions, imported } = sections;
  const globals = globalsOf(sections);
  const callees: Callees = {
    types: sections.types,
    typeOf: (index) => functionTypeOf(sections, index),
  };
  const written = [...bodies];
  const types = [...functions];
  for (const [n, body] of bodies.entries()) {
    if (!restores(body, globals)) continue;
    const fast = imported.length + n;
    const slow = imported.length + written.length;
    const split = new Split(body, callees, fast, slow, globals);
    written[n] = split.fast();
    written.push(split.slow());
    types.push(functions[n] ?? 0);
  }
  return writeSections(sections, types, written);
}

/** The first two globals that the function sets. */
function globalsOf({ bodies, imported, exports }: Sections): Globals {
  const body = bodies[(exports.get(EXPORT_UNWIND) ?? -1) - imported.length];
  const set: number[] = [];
  if (body)
    for (const it of operators(body))
      if (it.opcode === op.OP_GLOBAL_SET) set.push(it.immediates.u32());
  const [state, frames] = set;
  if (state === undefined || frames === undefined)
    throw new WasmError("wasm-invalid", null, "asyncify's globals aren't where they were");
  return { state, frames };
}

interface Operator {
  readonly opcode: number;
  readonly at: number;
  readonly end: number;
  readonly immediates: Reader;
}

function* operators(body: Uint8Array): Generator<Operator> {
  const reader = new Reader(body);
  skipVariables(reader);
  while (!reader.done) {
    const at = reader.at;
    const opcode = op.readOperator(reader);
    const immediates = new Reader(body, reader.at);
    op.skipImmediates(reader, opcode);
    yield { opcode, at, end: reader.at, immediates };
  }
}

/** Its frame can be restored: it compares the state with "rewinding". */
function restores(body: Uint8Array, { state }: Globals): boolean {
  for (const { opcode, end, immediates } of operators(body))
    if (opcode === op.OP_GLOBAL_GET && immediates.u32() === state)
      if (comparedWith(body, end) === STATE_REWINDING) return true;
  return false;
}

/** The constant that what is on the operand stack is compared with; null if it isn't. */
function comparedWith(body: Uint8Array, at: number): number | null {
  const reader = new Reader(body, at);
  if (reader.byte() !== op.OP_I32_CONST) return null;
  const constant = reader.s33();
  return reader.byte() === op.OP_I32_EQ ? constant : null;
}

function skipVariables(reader: Reader): void {
  const runs = reader.u32();
  for (let n = 0; n < runs; n++) {
    reader.u32();
    reader.byte();
  }
}

class Split {
  private readonly body: Uint8Array;
  private readonly callees: Callees;
  private readonly own: number;
  private readonly other: number;
  private readonly globals: Globals;
  private readonly slots: Slots;
  private readonly passages: Passages;
  /** Places of them, and those that are entries. */
  private readonly places = new Set<number>();
  private readonly entries = new Map<number, Passage>();
  private readonly exits: ReadonlyMap<number, Exit>;
  private out = new Writer();
  /** Blocks that are open in what is written, and for each that was open before where branches to it go. */
  private depth = 0;
  private targets: number[] = [];

  constructor(body: Uint8Array, callees: Callees, own: number, other: number, globals: Globals) {
    this.body = body;
    this.callees = callees;
    this.own = own;
    this.other = other;
    this.globals = globals;
    const type = callees.typeOf(own);
    this.slots = new Slots(body, type.parameters);
    const code = new Reader(body);
    skipVariables(code);
    const { variables } = this.slots;
    this.exits = exitsOf(new Reader(body, code.at), variables, globals.state, callees);
    this.passages = this.slots.storable
      ? passagesOf(code, type.results.length, callees)
      : new Map();
    for (const it of [...this.passages.values()].flat()) {
      this.places.add(it.at);
      if (it.entered) this.entries.set(it.at, it);
    }
  }

  /** As asyncify has made it; at a loop that can be entered it goes over to the other one. */
  slow(): Uint8Array {
    const { body, entries, globals } = this;
    this.out = new Writer(body.length);
    let from = 0;
    for (const { at, end } of operators(body)) {
      const entry = entries.get(at);
      if (!entry) continue;
      this.out.raw(body.subarray(from, end));
      from = end;
      this.out.byte(op.OP_GLOBAL_GET).u32(globals.state).byte(op.OP_I32_EQZ);
      this.out.byte(op.OP_IF).byte(VOID);
      this.slots.save(this.out, globals.frames, entry.first);
      this.setState(STATE_ENTERING);
      this.goOver(this.own);
      this.out.byte(op.OP_END);
    }
    return this.out.raw(body.subarray(from)).bytes;
  }

  fast(): Uint8Array {
    const { body, globals, entries } = this;
    this.out = new Writer(body.length);
    this.depth = 0;
    this.targets = [0];
    this.slots.declare(this.out, entries.size > 0);
    this.enter();
    this.openPassages(BODY);
    for (const it of operators(body)) {
      const { opcode, at, end } = it;
      const looks = opcode === op.OP_GLOBAL_GET && it.immediates.u32() === globals.state;
      if (looks && comparedWith(body, end) !== STATE_UNWINDING)
        this.out.byte(op.OP_I32_CONST).signed(STATE_NORMAL);
      else this.operator(it, body.subarray(at, end));
    }
    return this.out.bytes;
  }

  /** Is it called to be restored, or to be entered? */
  private enter(): void {
    const { out, globals, entries } = this;
    out.byte(op.OP_GLOBAL_GET).u32(globals.state).byte(op.OP_IF).byte(VOID);
    out.byte(op.OP_GLOBAL_GET).u32(globals.state);
    out.byte(op.OP_I32_CONST).signed(STATE_REWINDING).byte(op.OP_I32_EQ);
    out.byte(op.OP_IF).byte(VOID);
    this.goOver(this.other);
    out.byte(op.OP_END);
    if (entries.size > 0) {
      this.slots.restore(out, globals.frames);
      this.setState(STATE_NORMAL);
    }
    out.byte(op.OP_END);
  }

  private setState(state: number): void {
    this.out.byte(op.OP_I32_CONST).signed(state);
    this.out.byte(op.OP_GLOBAL_SET).u32(this.globals.state);
  }

  /** In place of its own frame: a stack that is restored takes no more than it did. */
  private goOver(to: number): void {
    const parameters = this.callees.typeOf(this.own).parameters.length;
    for (let n = 0; n < parameters; n++) this.out.byte(op.OP_LOCAL_GET).u32(n);
    this.out.byte(op.OP_RETURN_CALL).u32(to);
  }

  private operator({ opcode, at, immediates }: Operator, bytes: Uint8Array): void {
    const { out, targets } = this;
    const opens = opcode === op.OP_BLOCK || opcode === op.OP_LOOP || opcode === op.OP_IF;
    if (opens) {
      this.closePassage(at);
      out.raw(bytes);
      targets.push(++this.depth);
      this.openPassages(at);
    } else if (opcode === op.OP_END) {
      targets.pop();
      this.depth--;
      out.raw(bytes);
    } else if (this.exits.has(at)) this.leave(at, immediates.u32());
    else if (opcode === op.OP_BR || opcode === op.OP_BR_IF)
      out.byte(opcode).u32(this.label(immediates.u32()));
    else if (opcode === op.OP_BR_TABLE) {
      const labels = immediates.u32();
      out.byte(opcode).u32(labels);
      for (let n = 0; n <= labels; n++) out.u32(this.label(immediates.u32()));
    } else out.raw(bytes);
  }

  /** The condition is on the operand stack, and below it the call's number, which stays where it isn't left. */
  private leave(at: number, label: number): void {
    const { out, slots } = this;
    const { call = 0, dead = [] } = this.exits.get(at) ?? {};
    out.byte(op.OP_IF).byte(VOID);
    for (const variable of dead) slots.clear(out, variable);
    out.byte(op.OP_I32_CONST).signed(call);
    out.byte(op.OP_BR).u32(this.label(label) + 1);
    out.byte(op.OP_END);
  }

  private label(index: number): number {
    return this.depth - (this.targets.at(-1 - index) ?? 0);
  }

  /** Behind what begins at `level`: a block around all that is before each passage, which is left at once. */
  private openPassages(level: number): void {
    const { out, slots } = this;
    for (const { opcode, first } of [...(this.passages.get(level) ?? [])].reverse()) {
      const conditional = opcode === op.OP_IF;
      out.byte(op.OP_BLOCK).byte(conditional ? I32 : VOID);
      this.depth++;
      // The way leads through the first arm.
      if (conditional) out.byte(op.OP_I32_CONST).signed(1);
      out.byte(op.OP_LOCAL_GET).u32(slots.entry);
      out.byte(op.OP_I32_CONST).signed(first).byte(op.OP_I32_GE_U);
      out.byte(op.OP_BR_IF).u32(0);
      if (conditional) out.byte(op.OP_DROP);
    }
  }

  private closePassage(at: number): void {
    const { out, slots } = this;
    if (!this.places.has(at)) return;
    out.byte(op.OP_END);
    this.depth--;
    if (!this.entries.has(at)) return;
    out.byte(op.OP_I32_CONST).signed(0);
    out.byte(op.OP_LOCAL_SET).u32(slots.entry);
  }
}
