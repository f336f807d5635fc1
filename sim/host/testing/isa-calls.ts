/**
 * Draws programs of functions: a loop that calls one or two, of which one may call the other.
 *
 *   MOV dword [counter], n;  body: CALL f; …; CALL g; …;  SUB dword [counter], 1;  JNZ body;  exit
 *   f: …; RET
 *   g: …; CALL f; …; RET 16
 *
 * Calls and returns are drawn rows as all others. What a function drops of the stack was mostly pushed in
 * front of its CALL. Where flags come together, a CMP defines all of them. Between, a conditional jump may
 * lead over an instruction.
 */
import { FORMS } from "../../spec/isa/forms.ts";
import type { Form } from "../../spec/isa/notation.ts";
import * as O from "../../spec/isa/operands.ts";
import { CODE_16, CODE_64 } from "../decoder.ts";
import { aim } from "./isa-aim.ts";
import * as L from "./isa-cases.ts";
import { drawComparable, placeCode, undefinedAfter } from "./isa-comparable.ts";
import type { Drawn, Random } from "./isa-draw.ts";
import { initialImage } from "./isa-float.ts";
import { loopHead, loopTail } from "./isa-loops.ts";
import { drawState, prepare, type State } from "./isa-operands.ts";
import type { Plan } from "./isa-plans.ts";
import { randomFrom } from "./random.ts";

const HLT = 0xf4;
const EXIT_BYTES = 8;
const RSP = 4;
/** LEAVE loads the stack pointer from it, and names no register. */
const RBP = 5;
/** DrawnOperand.register of AH. */
const HIGH_BYTES = 16;

const rowsOf = (operation: string, chosen: (form: Form) => boolean = () => true) =>
  [...FORMS.keys()].filter((index) => {
    const form = FORMS[index] as Form;
    return form.operation === operation && chosen(form);
  });
const CALLS = rowsOf("CALL");
const JUMPS = rowsOf("JCC", ({ operands }) => operands[0]?.size === O.SIZE_B);
const RETURNS = rowsOf("RET", ({ operands }) => operands.length === 0);
const RETURNS_DROPPING = rowsOf("RET", ({ operands }) => operands.length > 0);

/** A piece of the code. */
interface Part {
  readonly bytes: Uint8Array;
  readonly drawn?: Drawn;
  /** The function that it calls, or whose address it loads. */
  readonly calls?: number;
  readonly loads?: number;
  /** Bytes that a RET drops. */
  readonly drops?: number;
  /** The part that a jump leads to lies so many parts behind it. */
  readonly skips?: number;
}
/** Where instructions are drawn in between, until the code is full. */
const SLOT = "slot";
type Shape = (Part | typeof SLOT)[];

const raw = (...bytes: number[]): Part => ({ bytes: Uint8Array.from(bytes) });

/** The case of this seed. */
export function drawCalls(plan: Plan, seed: number): L.Case {
  const random = randomFrom(seed);
  const record = Buffer.alloc(L.RECORD_BYTES);
  const state = drawState(random, record, plan.mode, true);
  initialImage(record);
  const head = raw(...loopHead(random, plan.mode));
  const tailBytes = loopTail(plan.mode, 0, 0, null).length;
  const room = L.CODE_ROOM - (head.bytes.length + tailBytes + EXIT_BYTES);
  let program = drawProgram(random, plan, room);
  while (pointsToCode(program.flat())) program = drawProgram(random, plan, room);
  const [body = [], ...functions] = program;
  const tailAt = head.bytes.length + lengthOf(body);
  const end = raw(...loopTail(plan.mode, tailAt, head.bytes.length, null));
  const exit = raw(...Array<number>(EXIT_BYTES).fill(HLT));
  const parts = [head, ...body, end, exit, ...functions.flat()];
  const rip = placeCode(random, record, lengthOf(parts), plan.mode);
  L.exitJump(rip + tailAt + tailBytes, plan.mode).copy(exit.bytes);
  const starts = functions.map(
    (_, n) => tailAt + tailBytes + EXIT_BYTES + lengthOf(functions.slice(0, n).flat()),
  );
  const steps = place(random, state, parts, rip, starts);
  const undefinedBetween = steps.reduce((flags, { drawn }) => flags | drawn.undefinedFlags, 0);
  return { record, steps, undefinedFlags: 0, undefinedBetween, patches: true };
}

/** The parts of the loop's body and of the functions. */
function drawProgram(random: Random, plan: Plan, room: number): Part[][] {
  let shapes = drawShapes(random, plan);
  while (lengthOf(fixedParts(shapes)) > room) shapes = drawShapes(random, plan);
  return fillSlots(random, plan, shapes, room);
}

/**
 * Whether an instruction names a register that holds a function's address, or has the stack pointer for an
 * operand: it, or what is pushed, might write to the code. What becomes of that can't be compared, because
 * Linux emulates some of it, and flags may be undefined there.
 */
function pointsToCode(parts: readonly Part[]): boolean {
  const calls = (part: Part) => part.drawn?.operation === "CALL";
  const pointers = new Set([RSP, ...parts.filter(calls).flatMap(operandsOf)]);
  if (pointers.has(RBP)) return true;
  const others = parts.filter((part) => !calls(part));
  const addressed = others.flatMap(({ drawn }) => [drawn?.memory?.base, drawn?.memory?.index]);
  const named = [
    ...others.flatMap(operandsOf),
    ...addressed.filter((register) => register !== RSP),
  ];
  return named.some((register) => typeof register === "number" && pointers.has(register));
}

/** Registers that are operands, whole or in part. */
function operandsOf({ drawn }: Part): number[] {
  return (drawn?.operands ?? []).flatMap(({ register }) =>
    register === null ? [] : [register >= HIGH_BYTES ? register - HIGH_BYTES : register],
  );
}

/** The loop's body, and one function or two. */
function drawShapes(random: Random, plan: Plan): Shape[] {
  const numbers = random(3) === 0 ? [0] : [0, 1];
  // How many words are pushed for each.
  const pushed = numbers.map(() => Math.max(0, random(4) - 1));
  const body: Shape = [
    SLOT,
    ...numbers.flatMap((n) => [...callOf(random, plan, n, pushed), SLOT] as Shape),
  ];
  return [body, ...numbers.map((n) => functionOf(random, plan, n, pushed))];
}

const fixedParts = (shapes: readonly Shape[]) => shapes.flat().filter((part) => part !== SLOT);

const lengthOf = (parts: readonly Part[]) =>
  parts.reduce((sum, { bytes }) => sum + bytes.length, 0);

/** CMP AL, any: all status flags have a value. */
const compare = (random: Random) => raw(0x3c, random(256));

/** A CALL or RET: 66 in front of it, which mostly leads to nowhere, is seldom there. */
function drawTransfer(random: Random, plan: Plan, forms: readonly number[]): Drawn {
  const first = drawComparable(random, { ...plan, forms }, 0, 1);
  return first.prefixes.has66 ? drawComparable(random, { ...plan, forms }, 0, 1) : first;
}

/** Pushes, and a CALL, by a register that has just been loaded or straight away. */
function callOf(random: Random, plan: Plan, to: number, pushed: readonly number[]): Shape {
  let drawn = drawTransfer(random, plan, CALLS);
  while (drawn.memory !== null || drawn.operands[0]?.register === RSP)
    drawn = drawTransfer(random, plan, CALLS);
  const pushes = Array.from({ length: pushed[to] ?? 0 }, () => raw(0x6a, random(128)));
  const register = drawn.operands[0]?.register ?? null;
  const load = register === null ? [] : [{ ...loadOf(plan.mode, register), loads: to }];
  const link = register === null ? { calls: to } : {};
  return [...pushes, ...load, { bytes: drawn.bytes, drawn, ...link }, compare(random)];
}

/** MOV register, an immediate of 16 bits in 16-bit code, else of 32. */
function loadOf(mode: number, register: number): Part {
  const rex = register >= 8 ? [0x41] : [];
  const immediate = Array<number>(mode === CODE_16 ? 2 : 4).fill(0);
  return raw(...rex, 0xb8 | (register & 7), ...immediate);
}

/** Function 1 may call function 0. */
function functionOf(random: Random, plan: Plan, number: number, pushed: readonly number[]): Shape {
  const count = pushed[number] ?? 0;
  const forms = count > 0 ? RETURNS_DROPPING : RETURNS;
  const drawn = drawTransfer(random, plan, forms);
  const wordBytes = plan.mode === CODE_64 ? 8 : plan.mode === CODE_16 ? 2 : 4;
  const drops = random(24) === 0 ? random(0x1_0000) : count * wordBytes;
  const inner = number > 0 && random(2) === 0 ? callOf(random, plan, 0, pushed) : [];
  return [compare(random), SLOT, ...inner, SLOT, { bytes: drawn.bytes, drawn, drops }];
}

/**
 * Instructions whose AF is undefined in the manual, and 0 on all processors. Of others no flag is undefined: a
 * RET may lead anywhere, and what is there reads what it likes.
 */
const LOGICAL = /^(AND|OR|XOR|TEST)$/;

function drawDefined(random: Random, plan: Plan, unknown: number): Drawn {
  while (true) {
    const drawn = drawComparable(random, plan, unknown, 2);
    if (drawn.undefinedFlags === 0 || LOGICAL.test(drawn.operation)) return drawn;
  }
}

/** Draws instructions into the slots of all shapes as far as there is room. */
function fillSlots(random: Random, plan: Plan, shapes: readonly Shape[], all: number): Part[][] {
  let room = all - lengthOf(fixedParts(shapes));
  return shapes.map((shape) => {
    let unknown = 0;
    return shape.flatMap((part) => {
      if (part !== SLOT) {
        // Every other part but a slot's is in front of a CMP, or leaves flags as they are.
        if (part.drawn === undefined) unknown = 0;
        return [part];
      }
      const drawn = drawDefined(random, plan, unknown);
      const jump =
        random(3) === 0 && unknown === 0
          ? drawComparable(random, { ...plan, forms: JUMPS }, 0, 1)
          : null;
      const bytes = drawn.bytes.length + (jump?.bytes.length ?? 0);
      if (bytes > room) return [];
      room -= bytes;
      unknown = undefinedAfter(drawn, unknown) | (jump === null ? 0 : unknown);
      const own = { bytes: drawn.bytes, drawn };
      return jump === null ? [own] : [{ bytes: jump.bytes, drawn: jump, skips: 1 }, own];
    });
  });
}

/** Writes the parts, gives each instruction its operands, and links calls, returns and jumps. */
function place(
  random: Random,
  state: State,
  parts: readonly Part[],
  rip: number,
  starts: readonly number[],
): L.Step[] {
  const { record } = state;
  const at = parts.map((_, n) => lengthOf(parts.slice(0, n)));
  const steps: L.Step[] = [];
  parts.forEach(({ bytes, drawn }, n) => {
    const from = at[n] as number;
    record.set(bytes, L.CODE_AT + from);
    if (drawn === undefined) return;
    steps.push({ drawn, at: from });
    if (/^(CALL|RET|JCC)$/.test(drawn.operation)) return;
    prepare(random, state, drawn);
    aim(random, state, drawn, L.CODE_AT + from, rip + from);
  });
  const code = record.subarray(L.CODE_AT);
  parts.forEach((part, n) => {
    const { bytes, drawn, calls, loads, drops, skips } = part;
    const end = (at[n] as number) + bytes.length;
    const wide = state.mode === CODE_16 ? 2 : 4;
    if (loads !== undefined) code.writeUIntLE(rip + (starts[loads] as number), end - wide, wide);
    if (calls !== undefined) {
      const size = drawn?.operandBytes === 2 ? 2 : 4;
      code.writeIntLE((starts[calls] as number) - end, end - size, size);
    }
    if (drops !== undefined && drawn?.operands.length === 1) code.writeUInt16LE(drops, end - 2);
    if (skips !== undefined) code.writeInt8(parts[n + skips]?.bytes.length ?? 0, end - 1);
  });
  return steps;
}
