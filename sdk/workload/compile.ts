/** Compiles tasks of a workload into synthetic programs, and says what these need. */

import { SCHEDULE_BYTES } from "../../kernel/syscall/layouts.ts";
import * as Calls from "../../kernel/syscall/numbers.ts";
import * as R from "../../sim/spec/user.ts";
import { waitersOf } from "./conditions.ts";
import type { Phase, Scheduling, Step, Task, Workload } from "./model.ts";
import { DATA, MARK_WEIGHT, ProgramWriter, type Resource, SELF } from "./program.ts";
import { encodeSchedule, scheduleOf, weightDivisor } from "./schedule.ts";
import { bufferOf, emitStep, type Surroundings } from "./steps-code.ts";

export interface CompiledTask {
  readonly task: Task;
  /** Text of its image: it begins at the first instruction. */
  readonly text: Uint8Array;
  /** What an agent of the task is to have handles of, in the order of its start message. */
  readonly resources: readonly Resource[];
  /** Bytes that it allocates. */
  readonly memoryBytes: number;
}

export interface CompiledWorkload {
  readonly workload: Workload;
  readonly tasks: readonly CompiledTask[];
  /** All resources that tasks share, each once; what single agents wait on is beside them. */
  readonly resources: readonly Resource[];
  /** What the kernel's weights are multiplied by to give those of the file. */
  readonly weightDivisor: number;
}

/** What is the same for all tasks of a workload. */
interface Whole {
  readonly workload: Workload;
  readonly divisor: number;
  /** Names of timers that more than one agent uses. */
  readonly sharedTimers: readonly string[];
}

const stepsOf = (task: Task): readonly Step[] => task.phases.flatMap((phase) => phase.steps);

/** Instances that may be there at a time; forks have no bound. */
function usersOf(task: Task, workload: Workload): number {
  const forked = workload.tasks.some((each) =>
    stepsOf(each).some((step) => step.kind === "fork" && step.task === task.name),
  );
  return forked ? Number.POSITIVE_INFINITY : task.instances;
}

/** Timers that others may use as well. */
const timersOf = (task: Task): string[] =>
  stepsOf(task).flatMap((step) => (step.kind === "timer" && !step.unique ? [step.timer] : []));

function sharedTimersOf(workload: Workload): string[] {
  const users = new Map<string, number>();
  for (const task of workload.tasks) {
    for (const name of new Set(timersOf(task)))
      users.set(name, (users.get(name) ?? 0) + usersOf(task, workload));
  }
  return [...users].filter(([, count]) => count > 1).map(([name]) => name);
}

const sameCpus = (a: readonly number[] | null, b: readonly number[] | null) =>
  String(a) === String(b);
const sameScheduling = (a: Scheduling, b: Scheduling) => JSON.stringify(a) === JSON.stringify(b);

/** Scheduling and processors during a phase. */
interface Setting {
  readonly scheduling: Scheduling;
  readonly cpus: readonly number[] | null;
}

/** What holds in each phase: scheduling stays until a phase changes it, processors don't. */
function settingsOf({ phases, scheduling, cpus }: Task): Setting[] {
  let current = scheduling;
  return phases.map((phase) => {
    current = phase.scheduling ?? current;
    return { scheduling: current, cpus: phase.cpus ?? cpus };
  });
}

/** Whether phase `index` has to set what holds in it: something else may have held before. */
function mustSet(task: Task, settings: readonly Setting[], index: number): boolean {
  const now = settings[index];
  const initial: Setting = { scheduling: task.scheduling, cpus: task.cpus };
  const before = index > 0 ? [settings[index - 1]] : [initial];
  if (index === 0 && task.loop !== 1) before.push(settings.at(-1));
  return before.some(
    (each) =>
      now !== undefined &&
      each !== undefined &&
      !(sameCpus(now.cpus, each.cpus) && sameScheduling(now.scheduling, each.scheduling)),
  );
}

/** AgentSchedule on itself, with the structure built in the agent's memory. */
function emitSetting(
  { scheduling, cpus }: Setting,
  at: number,
  divisor: number,
  to: ProgramWriter,
) {
  const { code } = to;
  const bytes = encodeSchedule(scheduleOf(scheduling, cpus, divisor));
  const view = new DataView(bytes.buffer);
  for (let offset = 0; offset < SCHEDULE_BYTES; offset += 8) {
    code.set(R.REGISTER_RAX, view.getBigUint64(offset, true));
    code.store(R.REGISTER_RAX, R.REGISTER_R15, at + offset);
  }
  code.load(R.REGISTER_RDI, R.REGISTER_R15, SELF);
  to.arguments(DATA + at, 0, 0);
  to.call(Calls.SYSCALL_AGENT_SCHEDULE);
  code.set(R.REGISTER_RAX, scheduling.weight);
  code.mark(MARK_WEIGHT, R.REGISTER_RAX);
}

function emitPhases(task: Task, divisor: number, around: Surroundings): void {
  const { program } = around;
  const settings = settingsOf(task);
  const structure = program.local(SCHEDULE_BYTES);
  const emitPhase = (phase: Phase, index: number) => {
    const setting = settings[index];
    if (setting && mustSet(task, settings, index))
      emitSetting(setting, structure, divisor, program);
    program.repeat(phase.loop, () => {
      for (const step of phase.steps) emitStep(step, around);
    });
  };
  program.repeat(task.loop, () => task.phases.forEach(emitPhase));
}

/** One pass over the task; the first finds out what it needs, the second knows. */
function emitTask(task: Task, whole: Whole, handles: number, dataBytes: number): ProgramWriter {
  const { workload, divisor, sharedTimers } = whole;
  const program = new ProgramWriter(handles);
  const around: Surroundings = {
    program,
    bufferBytes: workload.bufferBytes,
    barrier: (name) => workload.barriers.get(name) ?? 0,
    sharedTimer: (name) => (sharedTimers.includes(name) ? sharedTimers.indexOf(name) : null),
    task: (name) => {
      const number = workload.tasks.findIndex((each) => each.name === name);
      return { number, group: workload.tasks[number]?.group ?? "" };
    },
    waiters: (condition) => {
      const all = waitersOf(condition, workload);
      return { first: all.findIndex((each) => each.task === task.name), count: all.length };
    },
    timers: new Map(),
    sides: new Map(),
  };
  const board = timersOf(task).some((name) => sharedTimers.includes(name));
  program.prologue(dataBytes, bufferBytesOf(task, workload), task.delay, board);
  emitPhases(task, divisor, around);
  program.epilogue();
  return program;
}

const bufferBytesOf = (task: Task, { bufferBytes }: Workload) =>
  Math.max(...stepsOf(task).map((step) => bufferOf(step, bufferBytes)));

/** More handles than any task has: the first pass has them all, the second as many as it needs. */
const HANDLES_DRAFT = 1 << 20;

function compileTask(task: Task, whole: Whole): CompiledTask {
  const draft = emitTask(task, whole, HANDLES_DRAFT, 0);
  const handles = draft.used.length;
  const dataBytes = draft.dataBytes - 8 * (HANDLES_DRAFT - handles);
  const program = emitTask(task, whole, handles, dataBytes);
  return {
    task,
    text: program.code.bytes(),
    resources: program.used,
    memoryBytes: dataBytes + bufferBytesOf(task, whole.workload),
  };
}

export function compileWorkload(workload: Workload): CompiledWorkload {
  const divisor = weightDivisor(workload);
  const sharedTimers = sharedTimersOf(workload);
  const whole: Whole = { workload, divisor, sharedTimers };
  const tasks = workload.tasks.map((task) => compileTask(task, whole));
  const resources = new Map<string, Resource>();
  for (const { resources: used } of tasks)
    for (const resource of used)
      if (resource.kind !== "wake" && resource.kind !== "own")
        resources.set(`${resource.kind} ${resource.name}`, resource);
  return { workload, tasks, resources: [...resources.values()], weightDivisor: divisor };
}
