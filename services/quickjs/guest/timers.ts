/** What is to happen at a time of the machine's clock. */
import { host } from "./host.ts";
import * as op from "./operations.ts";

const NS_PER_MS = 1_000_000;
/** As browsers have it: a longer time fits no 32 bits. */
const MS_MAX = 2 ** 31 - 1;

interface Timer {
  readonly id: number;
  deadline: bigint;
  /** ns; 0 for one that fires once. */
  readonly period: bigint;
  readonly run: () => void;
}
/** By their deadlines. */
const timers: Timer[] = [];
let lastTimer = 0;

export const time = (): bigint => host(op.OP_NOW) as bigint;

function place(timer: Timer): void {
  let at = timers.length;
  while (at > 0 && (timers[at - 1] as Timer).deadline > timer.deadline) at--;
  timers.splice(at, 0, timer);
}

export function addTimer(run: () => void, ms: unknown, repeat = false): number {
  const delay = Math.min(Math.max(Number(ms) || 0, repeat ? 1 : 0), MS_MAX);
  const ns = BigInt(Math.round(delay * NS_PER_MS));
  const id = ++lastTimer;
  place({ id, deadline: time() + ns, period: repeat ? ns : 0n, run });
  return id;
}

export function removeTimer(id: unknown): void {
  const at = timers.findIndex((timer) => timer.id === id);
  if (at >= 0) timers.splice(at, 1);
}

/** Of the next one, ns; undefined without any. */
export const nextDeadline = (): bigint | undefined => timers[0]?.deadline;

/** Runs one that is due. */
export function fire(): void {
  const [timer] = timers;
  if (timer === undefined || timer.deadline > time()) return;
  timers.shift();
  if (timer.period > 0n) {
    timer.deadline += timer.period;
    place(timer);
  }
  timer.run();
}
