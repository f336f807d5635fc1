/**
 * The choice. First the reservations by EDF, among which the fair class's server stands for the fair
 * class; then the fair class in time that no reservation wants; then the idle class.
 */
import { Agent } from "../agent/agent";
import { TIMER_NEVER } from "../../hal/timer";
import { fairChoose, fairLeft, fairPrecedes } from "./fair_class";
import { fairWork, idleLeft } from "./idle_class";
import { realtimeNextRelease, realtimePick } from "./realtime";
import { CONTEXT_SERVER, ON_EDF, ON_FAIR, ON_IDLE, ON_THROTTLED, Schedulable } from "./schedulable";
import { MODE_FAIR, MODE_IDLE, MODE_NONE, MODE_REALTIME, MODE_SLACK, SchedCpu } from "./sched";

/** The context on whose time the CPU is to run, and in `cpu.mode` how; 0 when nobody can run. */
export function pickContext(cpu: SchedCpu): usize {
  const first = realtimePick(cpu);
  if (first != 0) {
    if (changetype<Schedulable>(first).context == CONTEXT_SERVER) {
      cpu.mode = MODE_FAIR;
      return pickFair(cpu);
    }
    cpu.mode = MODE_REALTIME;
    return first;
  }
  if (fairWork(cpu)) {
    cpu.mode = MODE_SLACK;
    return pickFair(cpu);
  }
  cpu.mode = cpu.idleFirst == 0 ? MODE_NONE : MODE_IDLE;
  return cpu.idleFirst;
}

/** Whom the fair class's turn is for: an aged agent of the idle class, or one of its own. */
function pickFair(cpu: SchedCpu): usize {
  return cpu.agedLeft != 0 ? cpu.idleFirst : changetype<usize>(fairChoose(cpu));
}

/** Whether `it`, which has just come into a queue, is to run before what the CPU runs. */
export function preempts(cpu: SchedCpu, it: Schedulable): bool {
  if (cpu.current == 0) return true;
  if (it.on == ON_EDF) return realtimePick(cpu) == changetype<usize>(it);
  if (it.on == ON_FAIR) {
    if (cpu.mode == MODE_IDLE) return true;
    if (cpu.mode == MODE_REALTIME) return realtimePick(cpu) == cpu.server;
    return fairPrecedes(cpu, changetype<Agent>(it));
  }
  // The end of the slice may have to come earlier.
  return it.on == ON_THROTTLED && realtimeNextRelease(cpu, TIMER_NEVER) == it.nextRelease;
}

/** When the choice must be made again at the latest, ns. */
export function choiceEnd(cpu: SchedCpu): u64 {
  const release = realtimeNextRelease(cpu, TIMER_NEVER);
  if (cpu.current == 0) return release;
  const payer = changetype<Schedulable>(cpu.current);
  let left: u64 = 0;
  if (payer.on == ON_IDLE) left = cpu.agedLeft != 0 ? cpu.agedLeft : idleLeft(payer);
  else left = payer.on == ON_EDF ? <u64>payer.left : fairLeft(cpu, changetype<Agent>(payer));
  if (cpu.mode == MODE_FAIR) left = min(left, <u64>changetype<Schedulable>(cpu.server).left);
  return min(cpu.time + left, min(release, cpu.epochEnd));
}
