/** A workload as a file describes it, checked, with defaults filled in. Times are nanoseconds. */

/** A span of time, drawn evenly from [least, most] each time; mostly the two are the same. */
export interface Span {
  readonly least: number;
  readonly most: number;
}

export type SchedulingClass = "realtime" | "fair" | "idle";

/** A constant-bandwidth budget: `runtime` within `deadline` of each release, one every `period`. */
export interface Budget {
  readonly runtime: number;
  readonly deadline: number;
  readonly period: number;
}

export interface Scheduling {
  readonly class: SchedulingClass;
  /** Of the fair class, 1 to WEIGHT_MAX; 0 for others. */
  readonly weight: number;
  /** Of the real-time class; null for others. */
  readonly budget: Budget | null;
  /** Whether the user waits for it. */
  readonly foreground: boolean;
}

export type TimerMode = "relative" | "absolute";

/** What an agent does, one step after the other. Names are those of rt-app's events. */
export type Step =
  /** Uses that much processor time. */
  | { readonly kind: "run"; readonly span: Span }
  /** Keeps the processor busy until that much time has passed, preemption included. */
  | { readonly kind: "runtime"; readonly span: Span }
  | { readonly kind: "sleep"; readonly span: Span }
  | {
      readonly kind: "timer";
      readonly timer: string;
      /** Each agent has its own timer of this name. */
      readonly unique: boolean;
      readonly period: number;
      readonly mode: TimerMode;
    }
  | { readonly kind: "lock" | "unlock"; readonly mutex: string }
  | { readonly kind: "wait"; readonly condition: string; readonly mutex: string }
  /** `locks`: the mutex isn't held yet; the step takes it and gives it back. */
  | {
      readonly kind: "sync";
      readonly condition: string;
      readonly mutex: string;
      readonly locks: boolean;
    }
  | { readonly kind: "signal" | "broad"; readonly condition: string }
  /** Waits for a `resume` of that name, which wakes all who wait. */
  | { readonly kind: "suspend" | "resume"; readonly name: string }
  | { readonly kind: "barrier"; readonly barrier: string }
  /** Writes that many bytes to the agent's buffer ("mem"), or to the null device ("iorun"). */
  | { readonly kind: "mem" | "iorun"; readonly bytes: number }
  | { readonly kind: "yield" }
  /** Starts another instance of a task. */
  | { readonly kind: "fork"; readonly task: string }
  | { readonly kind: "send"; readonly queue: string; readonly bytes: number }
  | { readonly kind: "receive"; readonly queue: string };

export interface Phase {
  readonly name: string;
  /** Times in a row; -1 is for ever. */
  readonly loop: number;
  /** Scheduling from here on; null leaves it as it is. */
  readonly scheduling: Scheduling | null;
  /** Processors during this phase; null: those of the task. */
  readonly cpus: readonly number[] | null;
  readonly steps: readonly Step[];
}

export interface Task {
  readonly name: string;
  /** Agents that start with the workload; a task that is only forked has none. */
  readonly instances: number;
  /** From the workload's start to the agent's first step. */
  readonly delay: number;
  /** Times through all phases; -1 is for ever. */
  readonly loop: number;
  readonly scheduling: Scheduling;
  /** Processors that it may run on; null: all. */
  readonly cpus: readonly number[] | null;
  /** Path of its group like "/db/readers"; "" is none. */
  readonly group: string;
  readonly phases: readonly Phase[];
}

export interface Group {
  readonly path: string;
  readonly weight: number;
}

export interface Workload {
  readonly file: string;
  /** What it shows, in a sentence; "" when the file doesn't say. */
  readonly description: string;
  /** How long it is to run; null: until all agents have ended. */
  readonly duration: number | null;
  /** Whether who holds a mutex inherits from who waits for it. */
  readonly inheritance: boolean;
  /** Size of each agent's buffer that "mem" and "iorun" steps write from. */
  readonly bufferBytes: number;
  /** All groups that tasks are in and the groups around those, parents first. */
  readonly groups: readonly Group[];
  readonly tasks: readonly Task[];
  /** Agents that pass each barrier. */
  readonly barriers: ReadonlyMap<string, number>;
  /** Keys that are understood but change nothing here, and oddities; for people to read. */
  readonly notes: readonly string[];
}
