/** Draws cases for the comparison with the real processor: a function of the plan and a seed. */
import * as O from "../../spec/isa/operands.ts";
import { aim } from "./isa-aim.ts";
import { drawCalls } from "./isa-calls.ts";
import * as L from "./isa-cases.ts";
import { drawComparable, exactlyUndefined, placeCode, undefinedAfter } from "./isa-comparable.ts";
import type { Random } from "./isa-draw.ts";
import { drawImage, initialImage } from "./isa-float.ts";
import { LOOP_TAIL_BYTES, loopHead, loopTail, patchedByte } from "./isa-loops.ts";
import { drawState, prepare } from "./isa-operands.ts";
import type { Plan } from "./isa-plans.ts";
import { baseOf, drawFarTarget, SEGMENT_CS } from "./isa-segments.ts";
import { randomFrom } from "./random.ts";

const JUMP_BYTES = 8;
const HLT = 0xf4;

/** The case of this seed. */
export function drawCase(plan: Plan, seed: number): L.Case {
  return plan.calls === true ? drawCalls(plan, seed) : drawSteps(plan, seed);
}

function drawSteps(plan: Plan, seed: number): L.Case {
  const random = randomFrom(seed);
  const record = Buffer.alloc(L.RECORD_BYTES);
  const count = 1 + random(plan.steps);
  const state = drawState(random, record, plan.mode, plan.loop === true);
  const steps: L.Step[] = [];
  let undefinedNow = 0;
  let undefinedBetween = 0;
  const head = plan.loop === true ? loopHead(random, plan.mode) : [];
  const tailRoom = plan.loop === true ? LOOP_TAIL_BYTES : 0;
  record.set(head, L.CODE_AT);
  let length = head.length;
  for (let n = 0; n < count; n++) {
    const drawn = drawComparable(random, plan, undefinedNow, plan.loop === true ? 2 : count);
    if (length + drawn.bytes.length + tailRoom + JUMP_BYTES > L.CODE_ROOM) break;
    steps.push({ drawn, at: length });
    length += drawn.bytes.length;
    undefinedBetween |= undefinedNow;
    undefinedNow = undefinedAfter(drawn, undefinedNow);
  }
  const first = steps[0]?.drawn.form;
  if (plan.float && first !== undefined) drawImage(random, record, first);
  else initialImage(record);
  const rip = placeCode(random, record, length + tailRoom + JUMP_BYTES, plan.mode);
  let at = L.CODE_AT + head.length;
  for (const step of steps) {
    record.set(step.drawn.bytes, at);
    prepare(random, state, step.drawn);
    aim(random, state, step.drawn, at, rip + step.at);
    if (step.drawn.form.operands[0]?.kind === O.KIND_A) linkFar(random, record, step, at);
    at += step.drawn.bytes.length;
  }
  linkBranches(random, record, steps);
  if (plan.loop === true) {
    const patched = random(2) === 0 ? patchedByte(random, steps) : null;
    const linear = patched === null ? null : rip + Number(baseOf(record, SEGMENT_CS)) + patched;
    const tail = loopTail(plan.mode, length, head.length, linear);
    record.set(tail, at);
    at += tail.length;
    length += tail.length;
    undefinedBetween |= undefinedNow;
    undefinedNow = 0;
  }
  // HLT is behind the jump, too: code that changes the jump shouldn't make instructions that Linux emulates.
  record.fill(HLT, at, at + JUMP_BYTES);
  L.exitJump(rip + length, plan.mode).copy(record, at);
  const single = steps.length === 1 && plan.loop !== true;
  const undefinedFlags = single ? exactlyUndefined(record, steps) : undefinedNow;
  return { record, steps, undefinedFlags, undefinedBetween, patches: plan.loop === true };
}

/** A far pointer in the code leads to where cases end. */
function linkFar(random: Random, record: Buffer, { drawn }: L.Step, at: number): void {
  const { selector, offset } = drawFarTarget(random, drawn.operation === "CALL_FAR");
  const end = at + drawn.bytes.length;
  const bytes = drawn.operandBytes;
  record.writeUIntLE(bytes === 2 ? offset & 0xffff : offset, end - 2 - bytes, bytes);
  record.writeUInt16LE(selector, end - 2);
}

/** In sequences, jumps go to one of the instructions behind them; alone, not into themselves nor into the jump to EXIT. */
function linkBranches(random: Random, record: Buffer, steps: readonly L.Step[]): void {
  const last = steps[steps.length - 1] as L.Step;
  steps.forEach(({ drawn, at }, n) => {
    const operand = drawn.form.operands[0];
    if (operand?.kind !== O.KIND_J) return;
    const end = at + drawn.bytes.length;
    const near = operand.size === O.SIZE_BS || operand.size === O.SIZE_B;
    const wide = drawn.operandBytes === 2 ? 2 : 4;
    const size = near ? 1 : wide;
    const here = record.readIntLE(L.CODE_AT + end - size, size);
    if (steps.length === 1 && (here >= JUMP_BYTES || here < -drawn.bytes.length)) return;
    const target = steps[n + 1 + random(steps.length - n)]?.at;
    const distance = (target ?? last.at + last.drawn.bytes.length) - end;
    record.writeIntLE(distance, L.CODE_AT + end - size, size);
  });
}
