/**
 * Runs a guest with a terminal on its serial port. It runs as fast as it can; while it idles, time
 * passes no faster than real time, so that a guest which waits for its user doesn't race ahead.
 */
import type { GdbServer } from "../../sim/host/gdb/server.ts";
import type { Machine } from "../../sim/host/machine.ts";
import type { StopReason } from "../../sim/host/reasons.ts";
import { Terminal } from "./terminal.ts";

export interface GuestRunOptions {
  /** Virtual time in ns at which the run ends. */
  readonly until?: bigint | undefined;
  /** Text that ends the run when the guest has printed it. */
  readonly untilConsole?: string | undefined;
  /** Nothing is shown, nothing is typed. */
  readonly quiet: boolean;
  /** Says when the machine runs; null: always. */
  readonly gdb: GdbServer | null;
}

export interface GuestEnd {
  readonly reason: StopReason;
  /** Whether it was `untilConsole` that ended it. */
  readonly shown: boolean;
  /** Where each CPU was seen last, the latest place last. */
  readonly places: readonly (readonly bigint[])[];
}

/** Micro-steps between two looks at the terminal: some 10 ms of work, most of them slices. */
const STEPS_AT_A_TIME = 100;
/** How far a guest that was busy may run ahead of real time afterwards, in ns. */
const CATCH_UP = 250_000_000n;
/** Real time for which a guest that has nothing to do is left alone, in ms. */
const IDLE_WAIT = 4;
/** The same for one that a debugger holds. */
const HELD_WAIT = 20;
const PLACES = 8;

export async function runGuest(machine: Machine, options: GuestRunOptions): Promise<GuestEnd> {
  const terminal = options.quiet ? null : new Terminal(machine);
  const awaited = options.untilConsole ? new AwaitedText(machine, options.untilConsole) : null;
  const places = machine.sim.cpus.map((): bigint[] => []);
  try {
    const reason = await runPaced(machine, options, { terminal, awaited }, places);
    return { reason, places, shown: awaited?.seen ?? false };
  } finally {
    awaited?.close();
    terminal?.close();
  }
}

/** Listens to the console until a text has come. */
class AwaitedText {
  seen = false;
  private readonly wanted: Buffer;
  private latest = Buffer.alloc(0);
  private readonly watch: { remove(): void };

  constructor(machine: Machine, text: string) {
    this.wanted = Buffer.from(text);
    this.watch = machine.onConsole((byte) => this.hear(byte));
  }

  close(): void {
    this.watch.remove();
  }

  private hear(byte: number): void {
    const kept = this.latest.subarray(-(this.wanted.length - 1) || this.latest.length);
    this.latest = Buffer.concat([kept, Uint8Array.of(byte)]);
    this.seen ||= this.latest.equals(this.wanted);
  }
}

/** Who looks on while the guest runs. */
interface Audience {
  readonly terminal: Terminal | null;
  readonly awaited: AwaitedText | null;
}

async function runPaced(
  machine: Machine,
  { until, gdb }: GuestRunOptions,
  { terminal, awaited }: Audience,
  places: bigint[][],
): Promise<StopReason> {
  const pace = new Pace(machine.time);
  for (;;) {
    if (terminal?.left || gdb?.killed || awaited?.seen) return "condition";
    const now = pace.now(machine.time);
    const limit = until !== undefined && until < now ? until : now;
    const reason = gdb
      ? await gdb.run(limit, STEPS_AT_A_TIME)
      : machine.run({ until: limit, steps: STEPS_AT_A_TIME });
    terminal?.flush();
    notePlaces(machine, places);
    if (reason === "limit" && limit === until) return reason;
    if (reason === "limit" || reason === "idle") await rest(IDLE_WAIT);
    else if (gdb && reason === "condition") await gdb.rest(HELD_WAIT);
    else if (reason === "steps") await rest(0);
    else return reason;
  }
}

/** Real time on the scale of virtual time. */
class Pace {
  private readonly started = process.hrtime.bigint();
  private offset: bigint;

  constructor(virtual: bigint) {
    this.offset = virtual;
  }

  /** How far the machine may have come by now; what a busy guest has lost is not all made good. */
  now(virtual: bigint): bigint {
    const elapsed = process.hrtime.bigint() - this.started;
    const behind = this.offset + elapsed - virtual;
    if (behind > CATCH_UP) this.offset -= behind - CATCH_UP;
    return this.offset + elapsed;
  }
}

function notePlaces({ sim }: Machine, places: bigint[][]): void {
  sim.cpus.forEach(({ rip }, n) => {
    const seen = places[n];
    if (!seen || seen.at(-1) === rip) return;
    seen.push(rip);
    if (seen.length > PLACES) seen.shift();
  });
}

/** Lets the terminal's input come in. */
function rest(ms: number): Promise<void> {
  return new Promise((resolve) => {
    if (ms === 0) setImmediate(resolve);
    else setTimeout(resolve, ms);
  });
}
