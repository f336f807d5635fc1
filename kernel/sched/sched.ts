/** The scheduler's state: one structure for all, one for each CPU. */
import { Agent } from "../agent/agent";
import { kernel, Ptr } from "../state";
import { Reservation } from "./admission";
import { Heap } from "./heap";
import { FairQueue } from "./fair";
import { GroupCpu } from "./group";
import { Schedulable } from "./schedulable";

/** How a CPU's current context came to run. */
export const MODE_NONE: u32 = 0;
export const MODE_REALTIME: u32 = 1;
/** The fair class, on its server's budget. */
export const MODE_FAIR: u32 = 2;
/** The fair class, in time that no reservation wanted. */
export const MODE_SLACK: u32 = 3;
export const MODE_IDLE: u32 = 4;

/** The fair class's reserve is so many parts of this. */
export const RESERVE_PARTS: u32 = 1024;
/** A CPU without reservations. */
export const CAPACITY: u32 = 1 << 20;

@unmanaged
export class Sched {
  cpus: Ptr<SchedCpu>;
  cpuCount: u32;
  /** Longest stretch that an agent of the fair class runs while others wait, ns. */
  quantum: u32;
  /** Requests of foreground agents, ns. */
  foreground: u32;
  /** Parts of RESERVE_PARTS of each epoch that real-time agents can't take. */
  fairReserve: u32;
  ageingEpochs: u32;
  epoch: u64;
  /** Bit n: CPU n has nothing to run. */
  idle: u64;
  /** Cycles that agents which are gone gave to others, and got. */
  gaveGone: u64;
  gotGone: u64;
  /** Scratch of the admission test, and of AgentSchedule. */
  set: Ptr<Reservation>;
  wish: usize;
}

/** A reservation that was given up before its period ended. */
@unmanaged
export class Departed extends Reservation {
  until: u64;
}

@unmanaged
export class SchedCpu {
  index: u32;
  /** MODE_…. */
  mode: u32;
  /** The context that pays for what runs; 0 when nothing does. */
  current: Ptr<Schedulable>;
  /** Time up to which all contexts are charged, ns: what the CPU's queues take for now. */
  time: u64;
  /** When the current epoch ends. */
  epochEnd: u64;
  /** The agent that runs, since when, and whether it asked to be preempted. */
  running: Ptr<Agent>;
  runningSince: u64;
  yielded: u32;
  /** 1: an epoch has begun since the last balancing. */
  balance: u32;
  /** ns for which it has run agents, up to `time`. */
  busy: u64;
  /** Choices made, and deadlines of reservations that were missed. */
  decisions: u64;
  misses: u64;

  // --- real-time class ---
  /** Contexts with budget that want to run, by deadline. */
  edf: Ptr<Heap>;
  /** Contexts with budget left that can't run, by deadline. */
  draining: Ptr<Heap>;
  /** Contexts without budget that want to run, by their next release. */
  throttled: Ptr<Heap>;
  /** The context through which the fair class is one of the reservations. */
  server: Ptr<Schedulable>;
  /** Admitted agents, and reservations given up. */
  reservations: Ptr<Agent>;
  reservationCount: u32;
  departedCount: u32;
  /** What admitted agents may take of the CPU, in parts of CAPACITY. */
  reserved: u32;
  departed: Ptr<Departed>;
  /** Reservations given up that `departed` had no room for: nobody new begins before. */
  quietUntil: u64;

  // --- fair class ---
  fair: Ptr<FairQueue>;
  /** Weight of what is runnable in `fair`. */
  load: u64;
  /** Agents of the fair class that are in queues of this CPU, longest there first. */
  fairFirst: Ptr<Schedulable>;
  fairLast: Ptr<Schedulable>;
  fairCount: u32;
  /** Groups with somebody to run here. */
  groupCount: u32;
  groupFirst: Ptr<GroupCpu>;
  groupLast: Ptr<GroupCpu>;

  // --- idle class ---
  idleFirst: Ptr<Schedulable>;
  idleLast: Ptr<Schedulable>;
  idleCount: u32;
  /** Left of the quantum that ageing gave the first of them, ns. */
  agedLeft: u32;
}

@inline
export function sched(): Sched {
  return changetype<Sched>(kernel().sched);
}

@inline
export function schedCpu(index: u32): SchedCpu {
  return changetype<SchedCpu>(sched().cpus + <usize>index * offsetof<SchedCpu>());
}

