/**
 * What drives the machine in real time. It runs while there is something to do, gives way to sockets and
 * files every few milliseconds, and else sleeps until the machine's next timer or a bell.
 */
import { MachineError } from "../../sim/host/errors.ts";
import type { Machine } from "../../sim/host/machine.ts";
import type { StopReason } from "../../sim/host/reasons.ts";
import { Pace } from "./pace.ts";

/** Real time, ms, after which sockets get their turns. */
const TURN_MS = 4;
/** Rounds of Node's loop that they get: each takes one new connection from a socket. */
const SOCKET_TURNS = 8;
/** Micro-steps between two looks at the clock: an agent's code may take a millisecond in one of fifty. */
const STEPS_AT_A_TIME = 32;
/** Activity of a CPU that executes (sim/core/cpu/cpu.ts); others wait for an event. */
const CPU_RUNNING = 1;
/** The longest sleep, ms: the wall clock is looked at after it. */
const REST_MAX_MS = 1000;

export class Loop {
  private readonly machine: Machine;
  private readonly pace: Pace;
  private stopped = false;
  /** The machine has come to an end by itself. */
  private over = false;
  private rung = false;
  private wake: (() => void) | null = null;

  constructor(machine: Machine, pace = new Pace(machine.time)) {
    this.machine = machine;
    this.pace = pace;
  }

  /** Something has come from outside: the machine runs at once. */
  ring(): void {
    this.rung = true;
    this.wake?.();
  }

  /** Gives the machine an input, which it hears at once. Nothing comes into one that is over. */
  give(input: () => void): void {
    if (this.over) return;
    giveInput(this.machine, input);
    this.ring();
  }

  stop(): void {
    this.stopped = true;
    this.ring();
  }

  /** Runs until `stop` ("condition"), or until the machine comes to an end: why. */
  async run(): Promise<StopReason> {
    const { machine } = this;
    while (!this.stopped) {
      this.rung = false;
      const reason = this.turn();
      if (reason === "steps") await giveWay();
      else if (reason === "journal-full") machine.dropJournal();
      else if (reason === "limit" || reason === "idle") await this.rest();
      else {
        this.over = true;
        return reason;
      }
    }
    return "condition";
  }

  private turn(): StopReason {
    const until = this.pace.now();
    const end = performance.now() + TURN_MS;
    for (;;) {
      const reason = this.machine.run({ until, steps: STEPS_AT_A_TIME });
      if (reason !== "steps" || performance.now() >= end) return reason;
    }
  }

  private async rest(): Promise<void> {
    if (!this.rung) await this.sleep();
    await giveWay();
  }

  private sleep(): Promise<void> {
    const due = dueOf(this.machine);
    const ms = due === null ? REST_MAX_MS : this.pace.msUntil(due);
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.wake?.(), Math.min(Math.ceil(ms), REST_MAX_MS));
      this.wake = () => {
        this.wake = null;
        clearTimeout(timer);
        resolve();
      };
    });
  }
}

/** Gives the machine an input; inputs that nobody has taken out make room for it. */
export function giveInput(machine: Machine, give: () => void): void {
  try {
    give();
  } catch (error) {
    if (!(error instanceof MachineError) || error.code !== "journal-full") throw error;
    machine.dropJournal();
    give();
  }
}

/** All that has come is heard before the machine goes on: it does it in one go. */
async function giveWay(): Promise<void> {
  for (let turn = 0; turn < SOCKET_TURNS; turn++)
    await new Promise((resolve) => setImmediate(resolve));
}

/** When the machine has something to do next, in ns of its time; null for never. */
function dueOf({ sim, time }: Machine): bigint | null {
  if (sim.cpus.some(({ activity }) => activity === CPU_RUNNING)) return time;
  return sim.events[0]?.time ?? null;
}
