/**
 * Reads and checks a workload in rt-app's JSON format (github.com/scheduler-tools/rt-app,
 * doc/tutorial.txt). What is unknown, of a bad type or impossible is refused with its place, key
 * and reason; docs/workloads.md lists what is understood.
 */

import { WEIGHT_DEFAULT } from "../../kernel/sched/defaults.ts";
import { waitersOf, waitsFor } from "./conditions.ts";
import { checkResources, groupsOf, readGlobal, readGroupPath, readGroupWeights } from "./global.ts";
import { type Member, parseJson, type Value } from "./json.ts";
import { HeldMutexes } from "./locks.ts";
import type { Phase, Scheduling, Step, Task, Workload } from "./model.ts";
import { LEGACY_KEYS, readScheduling, SCHEDULING_KEYS } from "./scheduling.ts";
import { EVENT_NAMES, eventOf, microseconds, readStep } from "./steps.ts";

/** Agents of one workload; the kernel's own limit is not below it. */
export const AGENTS_MAX = 1_000_000;
/** Whoever signals a condition holds a capability to each agent that may wait for it. */
export const CONDITION_WAITERS_MAX = 512;
/** Processors of the platform. */
const CPUS_MAX = 64;
/** C's int, in which rt-app counts. */
const LOOPS_MAX = 2 ** 31 - 1;
const UTILISATION_MAX = 1024;

const SHARED_KEYS = [
  ...SCHEDULING_KEYS,
  "loop",
  "cpus",
  "taskgroup",
  "util_min",
  "util_max",
  "nodes_membind",
  "membind_nodes",
] as const;
const TASK_KEYS = [...SHARED_KEYS, ...LEGACY_KEYS, "instance", "delay", "phases"] as const;

type Key = (typeof TASK_KEYS)[number];
type Fields = Map<Key, Value>;

/** What reading a file gathers along the way. */
interface Gathered {
  readonly notes: Set<string>;
  readonly barriers: Map<string, number>;
  readonly forks: { readonly task: string; readonly value: Value }[];
}

/** Settings and events of a task or a phase, which stand in one object. */
interface Parts {
  readonly fields: Fields;
  readonly events: Member[];
}

function split(value: Value, known: readonly Key[]): Parts {
  const fields: Fields = new Map();
  const events: Member[] = [];
  for (const member of value.members()) {
    const { key } = member;
    const field = known.find((each) => each === key);
    // "runtime" is an event and the old name of a budget; without phases it may be both.
    if (eventOf(key) !== null && !(field === "runtime" && hasPhases(value))) events.push(member);
    if (field === undefined) {
      if (eventOf(key) === null)
        member.value.refuse(
          `unknown key; settings are ${known.join(", ")}; events are ${EVENT_NAMES.join(", ")}`,
        );
    } else if (!fields.has(field)) fields.set(field, member.value);
    else if (eventOf(key) === null) member.value.refuse("the key is given twice");
  }
  return { fields, events };
}

const hasPhases = (value: Value) => value.members().some(({ key }) => key === "phases");

function readCpus(value: Value | undefined, cpus: number): readonly number[] | null {
  if (!value) return null;
  const list = value.elements().map((each) => {
    const cpu = each.integer(0, CPUS_MAX - 1);
    return cpu < cpus ? cpu : each.refuse(`there is no CPU ${cpu}; the machine has ${cpus}`);
  });
  if (list.length === 0) value.refuse("no CPU is left to run on");
  return [...new Set(list)].sort((a, b) => a - b);
}

/** Checks what Linux would heed and this kernel has no counterpart of, and says so. */
function ignore(fields: Fields, gathered: Gathered): void {
  for (const key of ["util_min", "util_max"] as const) {
    const value = fields.get(key);
    value?.integer(-1, UTILISATION_MAX);
    if (value) gathered.notes.add(`${key} has no effect: processors run at one speed`);
  }
  for (const key of ["nodes_membind", "membind_nodes"] as const) {
    const value = fields.get(key);
    for (const node of value?.elements() ?? []) node.integer(0, CPUS_MAX - 1);
    if (value) gathered.notes.add(`${key} has no effect: all memory is equally near`);
  }
}

/** Scheduling with a note on what a fair agent's dl-runtime would be in Linux. */
function readClass(fields: Fields, before: Scheduling, value: Value, { notes }: Gathered) {
  const scheduling = readScheduling(fields, before, value);
  if (scheduling.class === "fair" && fields.has("dl-runtime"))
    notes.add("dl-runtime has no effect in the fair class: requests are a quantum, or foreground");
  return scheduling;
}

function readLoop(value: Value | undefined, missing: number): number {
  const loop = value?.integer(-1, LOOPS_MAX) ?? missing;
  return loop === 0 ? (value?.refuse("nothing would be done; -1 is for ever") ?? loop) : loop;
}

/** What the phases of one task share while they are read. */
interface Surroundings {
  readonly task: string;
  readonly instances: number;
  readonly cpus: number;
  readonly held: HeldMutexes;
  readonly gathered: Gathered;
}

function readSteps(events: readonly Member[], place: Value, around: Surroundings): Step[] {
  if (events.length === 0) place.refuse("there is nothing to do: no events");
  const { barriers, forks } = around.gathered;
  return events.map((event) => {
    const step = readStep(event, around.task);
    if (!step) return event.value.refuse("no event");
    if (step.kind === "barrier")
      barriers.set(step.barrier, (barriers.get(step.barrier) ?? 0) + around.instances);
    if (step.kind === "fork") forks.push({ task: step.task, value: event.value });
    return around.held.pass(step, event.value);
  });
}

function readPhase(
  { key, value }: Member,
  before: Scheduling,
  group: string,
  around: Surroundings,
): Phase {
  const { fields, events } = split(value, SHARED_KEYS);
  ignore(fields, around.gathered);
  const taskgroup = fields.get("taskgroup");
  if (taskgroup && readGroupPath(taskgroup) !== group)
    taskgroup.refuse("an agent stays in its task's group");
  const held = around.held.names;
  const loop = readLoop(fields.get("loop"), 1);
  const steps = readSteps(events, value, around);
  if (loop !== 1) around.held.requireSame(held, value, "the phase");
  const changes = SCHEDULING_KEYS.some((name) => fields.has(name));
  return {
    name: key,
    loop,
    scheduling: changes ? readClass(fields, before, value, around.gathered) : null,
    cpus: readCpus(fields.get("cpus"), around.cpus),
    steps,
  };
}

/** Phases as the file has them, or the task's own events as its one phase. */
function readPhases(
  parts: Parts,
  value: Value,
  scheduling: Scheduling,
  group: string,
  around: Surroundings,
): { readonly loop: number; readonly phases: Phase[] } {
  const given = parts.fields.get("phases");
  const loop = parts.fields.get("loop");
  if (!given) {
    const steps = readSteps(parts.events, value, around);
    const phase = { name: "", loop: 1, scheduling: null, cpus: null, steps };
    return { loop: readLoop(loop, -1), phases: [phase] };
  }
  const [stray] = parts.events;
  stray?.value.refuse("events stand in the phases when there are phases");
  let current = scheduling;
  const names = new Set<string>();
  const phases = given.members().map((member) => {
    if (names.has(member.key)) member.value.refuse("two phases have this name");
    names.add(member.key);
    const phase = readPhase(member, current, group, around);
    current = phase.scheduling ?? current;
    return phase;
  });
  if (phases.length === 0) given.refuse("there is nothing to do: no phases");
  return { loop: readLoop(loop, -1), phases };
}

function readTask(member: Member, fallback: Scheduling, cpus: number, gathered: Gathered): Task {
  const { key: name, value } = member;
  const parts = split(value, TASK_KEYS);
  const { fields } = parts;
  ignore(fields, gathered);
  const scheduling = readClass(fields, fallback, value, gathered);
  if (scheduling.class !== "realtime")
    for (const key of LEGACY_KEYS)
      if (key !== "runtime" || fields.has("phases"))
        fields.get(key)?.refuse(`says nothing about the ${scheduling.class} class`);
  const group = readGroupPathOf(fields.get("taskgroup"), scheduling);
  const instances = fields.get("instance")?.integer(0, AGENTS_MAX) ?? 1;
  const delay = fields.get("delay");
  const held = new HeldMutexes();
  const around = { task: name, instances, cpus, held, gathered };
  const { loop, phases } = readPhases(parts, value, scheduling, group, around);
  if (loop !== 1) held.requireSame([], value, "the task");
  return {
    name,
    instances,
    delay: delay ? microseconds(delay) : 0,
    loop,
    scheduling,
    cpus: readCpus(fields.get("cpus"), cpus),
    group,
    phases,
  };
}

function readGroupPathOf(value: Value | undefined, scheduling: Scheduling): string {
  const path = value ? readGroupPath(value) : "";
  if (value && path !== "" && scheduling.class === "realtime")
    value.refuse("groups share what is left of the processors; a budget stands by itself");
  return path;
}

function checkForks(tasks: readonly Task[], { forks, barriers }: Gathered): void {
  for (const { task: name, value } of forks) {
    const task = tasks.find((each) => each.name === name);
    const steps = (task ?? value.refuse(`there is no task "${name}"`)).phases.flatMap(
      (phase) => phase.steps,
    );
    const barrier = steps.find((step) => step.kind === "barrier");
    if (barrier?.kind === "barrier" && barriers.has(barrier.barrier))
      value.refuse(`"${name}" waits at a barrier: how many pass it can't be known`);
    if (steps.some((step) => waitsFor(step) !== null))
      value.refuse(`"${name}" waits for a condition, whose waiters are known from the start`);
  }
}

function checkConditions(workload: Workload, section: Value): Workload {
  const steps = workload.tasks.flatMap((task) => task.phases.flatMap((phase) => phase.steps));
  for (const condition of new Set(steps.map(waitsFor)))
    if (condition !== null && waitersOf(condition, workload).length > CONDITION_WAITERS_MAX)
      section.refuse(`more than ${CONDITION_WAITERS_MAX} agents may wait for "${condition}"`);
  return workload;
}

/** Agents that would wait for ever, for a person to read. */
function noteUnsignalled(tasks: readonly Task[], notes: Set<string>): void {
  const steps = tasks.flatMap((task) => task.phases.flatMap((phase) => phase.steps));
  const signalled = new Set(
    steps.flatMap((step) => {
      if (step.kind === "signal" || step.kind === "broad" || step.kind === "sync")
        return [`condition ${step.condition}`];
      if (step.kind === "resume") return [`suspended ${step.name}`];
      return step.kind === "send" ? [`queue ${step.queue}`] : [];
    }),
  );
  for (const step of steps) {
    if (step.kind === "wait" && !signalled.has(`condition ${step.condition}`))
      notes.add(`nobody signals "${step.condition}": who waits for it waits for ever`);
    if (step.kind === "suspend" && !signalled.has(`suspended ${step.name}`))
      notes.add(`nobody resumes "${step.name}": who suspends on it waits for ever`);
    if (step.kind === "receive" && !signalled.has(`queue ${step.queue}`))
      notes.add(`nobody sends to "${step.queue}": who receives from it waits for ever`);
  }
}

function readTasks(value: Value, fallback: Scheduling, cpus: number, gathered: Gathered): Task[] {
  const names = new Set<string>();
  let agents = 0;
  const tasks = value.members().map((member) => {
    if (names.has(member.key)) member.value.refuse("two tasks have this name");
    names.add(member.key);
    const task = readTask(member, fallback, cpus, gathered);
    agents += task.instances;
    if (agents > AGENTS_MAX) member.value.refuse(`more than ${AGENTS_MAX} agents in all`);
    return task;
  });
  if (tasks.length === 0) value.refuse("there are no tasks");
  if (agents === 0) value.refuse("no task has an instance: nothing would begin");
  return tasks;
}

/**
 * @param text of the file
 * @param file its name, for errors
 * @param cpus processors of the machine that is to run it
 * @throws WorkloadError
 */
export function parseWorkload(text: string, file: string, cpus = CPUS_MAX): Workload {
  const root = parseJson(text, file);
  const sections = root.fields(["description", "tasks", "resources", "global", "groups"]);
  const { policy, duration, inheritance, bufferBytes } = readGlobal(sections.get("global"));
  checkResources(sections.get("resources"));
  const fallback: Scheduling = {
    class: policy,
    weight: policy === "fair" ? WEIGHT_DEFAULT : 0,
    budget: null,
    foreground: false,
  };
  const gathered: Gathered = { notes: new Set(), barriers: new Map(), forks: [] };
  const section = sections.get("tasks") ?? root.refuse('"tasks" is missing');
  const tasks = readTasks(section, fallback, cpus, gathered);
  checkForks(tasks, gathered);
  noteUnsignalled(tasks, gathered.notes);
  const groups = sections.get("groups");
  const workload: Workload = {
    file,
    description: sections.get("description")?.string() ?? "",
    duration,
    inheritance,
    bufferBytes,
    groups: groupsOf(
      tasks.map((task) => task.group),
      readGroupWeights(groups),
      groups,
    ),
    tasks,
    barriers: gathered.barriers,
    notes: [...gathered.notes],
  };
  return checkConditions(workload, section);
}
