/**
 * Who pays for the time that passes. `settle` brings a CPU's queues to the present: it charges the
 * context on whose time the CPU has run since, lets unused budgets drain, and begins epochs.
 *
 * The time of an entry comes from the clock of the CPU that makes it, and clocks of two CPUs may
 * differ a little. A CPU's queues have a time of their own, which never goes back: the latest that any
 * entry has seen that dealt with them.
 */
import { Agent } from "../agent/agent";
import { now } from "../time";
import { fairDivide, fairPay } from "./fair_class";
import { Heap, heapFirst } from "./heap";
import { idleAge, idlePay, updateServer } from "./idle_class";
import { realtimeCharge, realtimeDrain, realtimeIdlePeriod, realtimePayer } from "./realtime";
import { ON_IDLE, ON_NONE, Schedulable } from "./schedulable";
import { MODE_FAIR, MODE_REALTIME, sched, SchedCpu } from "./sched";

/** Brings the CPU's queues to the present. */
export function settle(cpu: SchedCpu): void {
  const end = now();
  while (cpu.time < end) {
    if (cpu.epochEnd <= cpu.time) beginEpoch(cpu);
    const until = min(end, cpu.epochEnd);
    const passed = until - cpu.time;
    cpu.time = until;
    charge(cpu, passed);
    if (until == cpu.epochEnd && until < end) skipIdleEpochs(cpu, end);
  }
  if (cpu.epochEnd <= cpu.time) beginEpoch(cpu);
}

/** A CPU that has slept for long, with nothing left to drain, goes straight to the last epoch. */
function skipIdleEpochs(cpu: SchedCpu, end: u64): void {
  if (cpu.current == 0 && heapFirst(changetype<Heap>(cpu.draining)) == 0) cpu.time = max(cpu.time, end - (end % sched().epoch));
}

function beginEpoch(cpu: SchedCpu): void {
  const start = cpu.time - (cpu.time % sched().epoch);
  cpu.epochEnd = start + sched().epoch;
  cpu.balance = 1;
  const server = changetype<Schedulable>(cpu.server);
  // A server that has work begins its period when it is due, as all do.
  if (server.budget != 0 && server.on == ON_NONE) realtimeIdlePeriod(cpu, server, start);
  idleAge(cpu);
  updateServer(cpu);
  fairDivide(cpu);
}

/** Charges `cycles` that end now. */
function charge(cpu: SchedCpu, cycles: u64): void {
  realtimeDrain(cpu, realtimePayer(cpu), cycles);
  if (cpu.current == 0) return;
  const payer = changetype<Agent>(cpu.current);
  const runner = changetype<Agent>(cpu.running);
  cpu.busy += cycles;
  payer.charged += cycles;
  runner.ran += cycles;
  if (payer != runner) {
    payer.gave += cycles;
    runner.got += cycles;
  }
  if (cpu.mode == MODE_REALTIME) return realtimeCharge(cpu, payer, cycles);
  if (cpu.mode == MODE_FAIR) realtimeCharge(cpu, changetype<Schedulable>(cpu.server), cycles);
  if (payer.on == ON_IDLE) {
    idlePay(cpu, payer, cycles);
    updateServer(cpu);
  } else fairPay(cpu, payer, cycles);
}
