/** What scheduling looks like from outside: the stream that reports, plots and traces are made of. */
import type { Budget, SchedulingClass } from "./model.ts";

/** An agent of a workload. */
export interface AgentInfo {
  readonly id: number;
  /** Its task's name, with the instance's number when there are several. */
  readonly name: string;
  readonly task: string;
  readonly class: SchedulingClass;
  /** Of the fair class; 0 for others. */
  readonly weight: number;
  readonly budget: Budget | null;
  /** Processors that it may run on; null: all. */
  readonly cpus: readonly number[] | null;
  /** Path of its group; "" is none. */
  readonly group: string;
}

/**
 * Why an agent left its processor. "preempted" and "yielded" leave it runnable; "throttled" is out
 * of budget until its next period.
 */
export type DescheduleReason = "preempted" | "yielded" | "blocked" | "throttled" | "ended";

/** Times are ns of virtual time. Of one processor they don't go back; two are up to a slice apart. */
export type SchedulingEvent =
  /** `payer`: on whose time it runs, when that isn't its own (it holds what another waits for). */
  | {
      readonly kind: "dispatch";
      readonly time: number;
      readonly cpu: number;
      readonly agent: number;
      readonly payer?: number;
    }
  | {
      readonly kind: "deschedule";
      readonly time: number;
      readonly cpu: number;
      readonly agent: number;
      readonly reason: DescheduleReason;
    }
  /** Became runnable, in the queue of `cpu`; also when it begins, or has a budget again. */
  | { readonly kind: "wake"; readonly time: number; readonly cpu: number; readonly agent: number }
  /** Was moved to the queue of `cpu` while it was runnable. */
  | {
      readonly kind: "migrate";
      readonly time: number;
      readonly cpu: number;
      readonly agent: number;
    }
  /** Has another weight, or is of the fair class no more (weight 0), from now on. */
  | {
      readonly kind: "reweigh";
      readonly time: number;
      readonly agent: number;
      readonly weight: number;
    }
  /** A deadline of a budget passed with work left. */
  | { readonly kind: "miss"; readonly time: number; readonly agent: number }
  /** The agent's own timer: it runs again `late` ns after the tick. */
  | { readonly kind: "tick"; readonly time: number; readonly agent: number; readonly late: number }
  /** The tick of the agent's own timer was past already when it came to wait for it. */
  | { readonly kind: "overrun"; readonly time: number; readonly agent: number };

/** Whoever is told of agents as they come, then of what happens to them. */
export interface SchedulingSink {
  agent(info: AgentInfo, time: number): void;
  event(event: SchedulingEvent): void;
  /** Nothing follows. */
  finish(time: number): void;
}
