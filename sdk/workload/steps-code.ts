/** What each step of a workload becomes in a synthetic program. */

import { INFO_BYTES } from "../../kernel/syscall/layouts.ts";
import * as Calls from "../../kernel/syscall/numbers.ts";
import * as R from "../../sim/spec/user.ts";
import type { Span, Step } from "./model.ts";
import {
  BOARD,
  BUFFER,
  DATA,
  INSTANCE,
  MARK_OVERRUN,
  MARK_TICK,
  type ProgramWriter,
  SELF,
  START,
} from "./program.ts";
import { MESSAGE_BYTES_MAX } from "./steps.ts";

/** A line of the cache: what one write of "mem" brings in. */
const LINE_BYTES = 64;
/** Pieces in which "runtime" looks at the clock (as rt-app does). */
const RUNTIME_PIECE_NS = 32_000;
/** Messages that a queue holds before its senders wait. */
export const QUEUE_MESSAGES = 64;

/** What steps of one task have in common. */
export interface Surroundings {
  readonly program: ProgramWriter;
  readonly bufferBytes: number;
  /** Agents that pass a barrier. */
  barrier(name: string): number;
  /** Index of a timer on the board, or null when it is the agent's own. */
  sharedTimer(name: string): number | null;
  /** Number and group of a task, for forks. */
  task(name: string): { readonly number: number; readonly group: string };
  /** How many may wait for a condition, and the number of this task's first instance there. */
  waiters(condition: string): { readonly first: number; readonly count: number };
  /** Offsets of the agent's own timers ("" is scratch), and of its side at each barrier. */
  readonly timers: Map<string, number>;
  readonly sides: Map<string, number>;
}

/** Leaves a number of ns in a register: the same each time, or drawn. */
function spanInto(register: number, { least, most }: Span, { program: { code } }: Surroundings) {
  if (least === most) code.set(register, least);
  else code.random(register, R.REGISTER_R12, least, most);
}

/** 1 cycle is 1 ns: 1,000 a microsecond. */
function run(span: Span, around: Surroundings): void {
  const { code } = around.program;
  if (span.most === 0) return;
  if (span.least === span.most) {
    code.run(span.least);
    return;
  }
  spanInto(R.REGISTER_RAX, span, around);
  code.runRegister(R.REGISTER_RAX);
}

/** RAX = the time that lies the span ahead. */
function ahead(span: Span, around: Surroundings): void {
  const { code } = around.program;
  spanInto(R.REGISTER_RAX, span, around);
  code.time(R.REGISTER_RCX);
  code.addRegister(R.REGISTER_RAX, R.REGISTER_RCX);
}

function runtime(span: Span, around: Surroundings): void {
  const { code } = around.program;
  if (span.most === 0) return;
  ahead(span, around);
  code.move(R.REGISTER_RBP, R.REGISTER_RAX);
  const again = code.here();
  code.run(RUNTIME_PIECE_NS);
  code.time(R.REGISTER_RAX);
  code.jumpBelow(R.REGISTER_RAX, R.REGISTER_RBP, again);
}

function sleep(span: Span, around: Surroundings): void {
  ahead(span, around);
  around.program.sleepUntil(R.REGISTER_RAX);
}

/**
 * The next tick is a period after the one before; before the first, that is the start. A relative
 * timer that is late goes on from now.
 */
function timer(step: Extract<Step, { kind: "timer" }>, around: Surroundings): void {
  const { program } = around;
  const { code } = program;
  const [base, at] = timerPlace(step, around);
  const [running, late, done] = [code.label(), code.label(), code.label()];
  code.set(R.REGISTER_RBP, base);
  code.load(R.REGISTER_RAX, R.REGISTER_RBP, at);
  code.jumpIf(R.REGISTER_RAX, running);
  code.load(R.REGISTER_RAX, R.REGISTER_R15, START);
  code.place(running);
  code.add(R.REGISTER_RAX, R.REGISTER_RAX, step.period);
  code.store(R.REGISTER_RAX, R.REGISTER_RBP, at);
  code.time(R.REGISTER_RCX);
  code.add(R.REGISTER_RCX, R.REGISTER_RCX, 1);
  // The tick is at RAX; RCX - 1 is now: late unless now < tick.
  code.jumpBelow(R.REGISTER_RAX, R.REGISTER_RCX, late);
  code.move(R.REGISTER_RBP, R.REGISTER_RAX);
  program.sleepUntil(R.REGISTER_RAX);
  code.mark(MARK_TICK, R.REGISTER_RBP);
  code.jump(done);
  code.place(late);
  code.mark(MARK_OVERRUN, R.REGISTER_RAX);
  if (step.mode === "relative") {
    code.add(R.REGISTER_RCX, R.REGISTER_RCX, -1);
    code.store(R.REGISTER_RCX, R.REGISTER_RBP, at);
  }
  code.place(done);
}

function timerPlace(
  step: Extract<Step, { kind: "timer" }>,
  { program, sharedTimer, timers }: Surroundings,
): [base: number, offset: number] {
  const shared = step.unique ? null : sharedTimer(step.timer);
  if (shared !== null) return [BOARD, 8 * shared];
  const at = timers.get(step.timer) ?? program.local();
  timers.set(step.timer, at);
  return [DATA, at];
}

/**
 * Conditions: who waits puts its number into the condition's queue before it lets go of the mutex,
 * then waits on an event of its own; who signals takes a number out and signals that one's event. So
 * the first that came is woken, nobody who comes later can take its place, and a signal that nobody
 * waits for is lost, as it is to be. (With one event for all, a signaller that goes on to wait might
 * take its own signal: Birrell 2003, "Implementing condition variables with semaphores".)
 */
function waitFor(condition: string, mutex: string | null, around: Surroundings): void {
  const { program } = around;
  const { code } = program;
  const number = scratch(around);
  code.load(R.REGISTER_RAX, R.REGISTER_R15, INSTANCE);
  code.add(R.REGISTER_RAX, R.REGISTER_RAX, 8 * around.waiters(condition).first);
  code.store(R.REGISTER_RAX, R.REGISTER_R15, number);
  post(program.handle("waiters", condition), DATA + number, 8, around);
  if (mutex !== null) program.signal(program.handle("mutex", mutex));
  program.take(program.handle("own", ""));
  if (mutex !== null) program.take(program.handle("mutex", mutex));
}

/** Wakes so many that wait for the condition, or as many as there are. */
function signal(condition: string, most: number, around: Surroundings): void {
  if (around.waiters(condition).count === 0) return;
  const { program } = around;
  const { code } = program;
  const none = code.label();
  const number = scratch(around);
  const wake = program.wakeHandles(condition, around.waiters(condition).count);
  program.repeat(most, () => {
    code.load(R.REGISTER_RDI, R.REGISTER_R15, program.handle("waiters", condition));
    program.arguments(DATA + number, 8, 0);
    program.receiveOr(none);
    code.load(R.REGISTER_RBP, R.REGISTER_R15, number);
    code.addRegister(R.REGISTER_RBP, R.REGISTER_R15);
    code.load(R.REGISTER_RDI, R.REGISTER_RBP, wake);
    program.signalLoaded(1);
  });
  code.place(none);
}

/** Offset in DATA of a number on its way to or from a queue. */
function scratch({ program, timers }: Surroundings): number {
  const at = timers.get("") ?? program.local();
  timers.set("", at);
  return at;
}

function sync(step: Extract<Step, { kind: "sync" }>, around: Surroundings): void {
  const mutex = around.program.handle("mutex", step.mutex);
  if (step.locks) around.program.take(mutex);
  signal(step.condition, 1, around);
  waitFor(step.condition, step.mutex, around);
  if (step.locks) around.program.signal(mutex);
}

/**
 * All but the last take a token and wait at the gate. The last finds none, puts them back and opens
 * the gate. Turns alternate between two gates, so that who comes back early can't go through in the
 * place of one who is late (sense reversal: Mellor-Crummey, Scott 1991).
 */
function barrier(name: string, { program, barrier: users, sides }: Surroundings): void {
  const others = users(name) - 1;
  if (others < 1) return;
  const { code } = program;
  const tokens = program.handle("tokens", name);
  const gates = [program.handle("gate0", name), program.handle("gate1", name)];
  const side = sides.get(name) ?? program.local();
  sides.set(name, side);
  const [last, done, odd, turned] = [code.label(), code.label(), code.label(), code.label()];
  // RBP is the address of this turn's gate; the next turn's is the other.
  code.load(R.REGISTER_RAX, R.REGISTER_R15, side);
  code.jumpIf(R.REGISTER_RAX, odd);
  code.set(R.REGISTER_RBP, DATA + (gates[0] ?? 0));
  code.set(R.REGISTER_RAX, 1);
  code.jump(turned);
  code.place(odd);
  code.set(R.REGISTER_RBP, DATA + (gates[1] ?? 0));
  code.set(R.REGISTER_RAX, 0);
  code.place(turned);
  code.store(R.REGISTER_RAX, R.REGISTER_R15, side);
  program.poll(tokens, last);
  program.takeAt(R.REGISTER_RBP);
  code.jump(done);
  code.place(last);
  program.signal(tokens, others);
  code.load(R.REGISTER_RDI, R.REGISTER_RBP, 0);
  program.signalLoaded(others);
  code.place(done);
}

/** Writes to the buffer, from its beginning again when it is full. */
function mem(bytes: number, { program, bufferBytes }: Surroundings): void {
  const full = Math.floor(bytes / bufferBytes);
  const lines = (count: number) => Math.ceil(count / LINE_BYTES);
  if (full > 0)
    program.repeat(full, () => program.code.touch(BUFFER, LINE_BYTES, lines(bufferBytes)));
  const rest = bytes % bufferBytes;
  if (rest > 0) program.code.touch(BUFFER, LINE_BYTES, lines(rest));
}

/** A write to the null device is a call that does nothing: AgentInfo is the nearest. */
function iorun(bytes: number, { program, bufferBytes }: Surroundings): void {
  const { code } = program;
  const writes = Math.ceil(bytes / bufferBytes);
  if (writes === 0) return;
  program.repeat(writes, () => {
    code.load(R.REGISTER_RDI, R.REGISTER_R15, SELF);
    program.arguments(BUFFER, INFO_BYTES, 0);
    program.call(Calls.SYSCALL_AGENT_INFO);
  });
}

/** Sends what stands at `address`; senders wait for room, so that the queue is never full. */
function post(queue: number, address: number, bytes: number, { program }: Surroundings): void {
  program.code.load(R.REGISTER_RDI, R.REGISTER_R15, queue);
  program.arguments(address, bytes, 0);
  program.call(Calls.SYSCALL_IPC_SEND);
}

function send(step: Extract<Step, { kind: "send" }>, around: Surroundings): void {
  const { program } = around;
  program.take(program.handle("room", step.queue));
  post(program.handle("queue", step.queue), BUFFER, step.bytes, around);
}

/** Somebody else may have been quicker to the message that was there: then it waits for the next. */
function receive(queue: string, { program }: Surroundings): void {
  const { code } = program;
  const handle = program.handle("queue", queue);
  const again = code.here();
  program.take(handle);
  code.load(R.REGISTER_RDI, R.REGISTER_R15, handle);
  program.arguments(BUFFER, MESSAGE_BYTES_MAX, 0);
  program.receiveOr(again);
  program.signal(program.handle("room", queue));
}

function fork(task: string, around: Surroundings): void {
  const { program } = around;
  const { code } = program;
  const at = scratch(around);
  const { number, group } = around.task(task);
  code.set(R.REGISTER_RAX, number);
  code.store(R.REGISTER_RAX, R.REGISTER_R15, at);
  post(program.handle("forks", group), DATA + at, 8, around);
}

function yieldProcessor({ program }: Surroundings): void {
  program.code.load(R.REGISTER_RDI, R.REGISTER_R15, SELF);
  program.call(Calls.SYSCALL_YIELD);
}

/** Whether a step reads or writes the buffer, and how much of it. */
export function bufferOf(step: Step, bufferBytes: number): number {
  switch (step.kind) {
    case "mem":
      return Math.min(step.bytes, bufferBytes);
    case "iorun":
      return step.bytes === 0 ? 0 : INFO_BYTES;
    case "send":
      return step.bytes;
    case "receive":
      return MESSAGE_BYTES_MAX;
    default:
      return 0;
  }
}

/** The step of a kind. */
type StepOf<K> = Step extends infer S
  ? S extends { readonly kind: infer L }
    ? K extends L
      ? S
      : never
    : never
  : never;

const EMITTERS: {
  readonly [K in Step["kind"]]: (step: StepOf<K>, around: Surroundings) => void;
} = {
  run: (step, around) => run(step.span, around),
  runtime: (step, around) => runtime(step.span, around),
  sleep: (step, around) => sleep(step.span, around),
  timer,
  lock: (step, { program }) => program.take(program.handle("mutex", step.mutex)),
  unlock: (step, { program }) => program.signal(program.handle("mutex", step.mutex)),
  wait: (step, around) => waitFor(step.condition, step.mutex, around),
  sync,
  signal: (step, around) => signal(step.condition, 1, around),
  broad: (step, around) => signal(step.condition, around.waiters(step.condition).count, around),
  // A condition of that name; the mutex that rt-app has around it protects nothing else.
  suspend: (step, around) => waitFor(step.name, null, around),
  resume: (step, around) => signal(step.name, around.waiters(step.name).count, around),
  barrier: (step, around) => barrier(step.barrier, around),
  mem: (step, around) => mem(step.bytes, around),
  iorun: (step, around) => iorun(step.bytes, around),
  yield: (_, around) => yieldProcessor(around),
  fork: (step, around) => fork(step.task, around),
  send,
  receive: (step, around) => receive(step.queue, around),
};

export function emitStep(step: Step, around: Surroundings): void {
  const emit = EMITTERS[step.kind] as (step: Step, around: Surroundings) => void;
  emit(step, around);
}
