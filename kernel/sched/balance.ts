/**
 * Balancing between CPUs, by the weight of the fair class for what admitted reservations leave of the
 * CPU. When an epoch begins on a CPU that has the least weight, or while another one has nothing to run,
 * agents move from the CPU with the most to the one with the least; and a CPU that runs out of work takes
 * some. Everything is decided by weights, then by index and by who has been queued for longest, so the
 * same run is balanced in the same way each time.
 *
 * Only agents of the fair and idle classes that are waiting for a CPU move, to where their affinity
 * lets them. Whoever has had more than its share has had it on the other CPU too (fairMigrate).
 */
import { Agent } from "../agent/agent";
import { AGENT_READY } from "../agent/states";
import { BALANCE_MOVES_MAX, BALANCE_PAIRS_MAX, BALANCE_SCAN_MAX } from "../limits";
import { settle } from "./account";
import { moveTo } from "./contexts";
import { fairEffectiveWeight } from "./fair_class";
import { allCpus, capacityOf, leastLoaded, lighter } from "./place";
import { Schedulable } from "./schedulable";
import { sched, SchedCpu, schedCpu } from "./sched";

/** An epoch has begun on `cpu`. */
export function balance(cpu: SchedCpu): void {
  if (sched().cpuCount == 1) return;
  const source = schedCpu(mostLoaded());
  settle(source);
  const target = schedCpu(sched().idle == 0 ? leastLoaded(allCpus()) : <u32>ctz(sched().idle));
  if (target == cpu || sched().idle != 0) relieve(source, target);
  else if (excessOf(source, cpu) != 0) exchange(source, cpu, excessOf(source, cpu));
}

/**
 * Twice the weight that would have to go from `source` to `target` to make weight for capacity the same
 * on both; 0 when there is none too much. Beside each other without reservations: the difference.
 */
function excessOf(source: SchedCpu, target: SchedCpu): u64 {
  const capacity = capacityOf(source) + capacityOf(target);
  const here = source.load * capacityOf(target);
  const there = target.load * capacityOf(source);
  return here > there ? ((here - there) << 1) / capacity : 0;
}

/** Moves agents from `source` to `target` while that makes the two more alike. */
function relieve(source: SchedCpu, target: SchedCpu): void {
  if (source == target) return;
  settle(target);
  for (let moves: u32 = 0; moves < BALANCE_MOVES_MAX; moves++) {
    const excess = excessOf(source, target);
    if (excess == 0) return;
    const found = movable(source, target, excess);
    if (found == 0) return exchange(source, target, excess);
    if (!moveTo(changetype<Agent>(found), target.index)) return;
  }
}

/**
 * One agent goes from `source` to `target` and a lighter one comes back, such that what goes over is as
 * near to half the `excess` as can be: where no agent is light enough to move, or for a CPU between
 * the most and the least loaded.
 */
function exchange(source: SchedCpu, target: SchedCpu, excess: u64): void {
  let best: u64 = excess;
  let heavy: usize = 0;
  let light: usize = 0;
  let at = source.fairFirst;
  for (let scanned: u32 = 0; at != 0 && scanned < BALANCE_PAIRS_MAX; scanned++) {
    const agent = changetype<Agent>(at);
    at = agent.next;
    if (!mayMove(source, target, agent)) continue;
    const weight = fairEffectiveWeight(source, agent);
    let back = target.fairFirst;
    for (let tried: u32 = 0; back != 0 && tried < BALANCE_PAIRS_MAX; tried++) {
      const other = changetype<Agent>(back);
      back = other.next;
      const less = fairEffectiveWeight(target, other);
      if (less >= weight || weight - less >= excess || !mayMove(target, source, other)) continue;
      const goes = (weight - less) << 1;
      const off = goes > excess ? goes - excess : excess - goes;
      if (off >= best) continue;
      best = off;
      heavy = changetype<usize>(agent);
      light = changetype<usize>(other);
    }
  }
  if (heavy == 0 || !moveTo(changetype<Agent>(heavy), target.index)) return;
  moveTo(changetype<Agent>(light), source.index);
}

/** `cpu` has nothing to run of the fair class: takes an agent of another one; whether there was one. */
export function pullFair(cpu: SchedCpu): bool {
  let best: usize = 0;
  let load: u64 = 0;
  for (let index: u32 = 0; index < sched().cpuCount; index++) {
    const other = schedCpu(index);
    if (other == cpu || other.fairCount == 0 || (best != 0 && other.load <= load)) continue;
    settle(other);
    const found = movable(other, cpu, u64.MAX_VALUE);
    if (found == 0) continue;
    best = found;
    load = other.load;
  }
  return best != 0 && moveTo(changetype<Agent>(best), cpu.index);
}

/** `cpu` has nothing to run at all: takes an agent of the idle class; whether there was one. */
export function pullIdle(cpu: SchedCpu): bool {
  let best: usize = 0;
  for (let index: u32 = 0; best == 0 && index < sched().cpuCount; index++)
    if (index != cpu.index) best = movableIdle(schedCpu(index), cpu);
  return best != 0 && moveTo(changetype<Agent>(best), cpu.index);
}

function mostLoaded(): u32 {
  let best: u32 = 0;
  for (let index: u32 = 1; index < sched().cpuCount; index++)
    if (lighter(schedCpu(best), schedCpu(index))) best = index;
  return best;
}

/** The first agent of the fair class that waits on `source`, may run on `target` and weighs less than `most`. */
function movable(source: SchedCpu, target: SchedCpu, most: u64): usize {
  let at = source.fairFirst;
  for (let scanned: u32 = 0; at != 0 && scanned < BALANCE_SCAN_MAX; scanned++) {
    const agent = changetype<Agent>(at);
    at = agent.next;
    if (mayMove(source, target, agent) && fairEffectiveWeight(source, agent) < most) return changetype<usize>(agent);
  }
  return 0;
}

function movableIdle(source: SchedCpu, target: SchedCpu): usize {
  let at = source.idleFirst;
  for (let scanned: u32 = 0; at != 0 && scanned < BALANCE_SCAN_MAX; scanned++) {
    if (mayMove(source, target, changetype<Agent>(at))) return at;
    at = changetype<Schedulable>(at).next;
  }
  return 0;
}

/** Whether the agent waits for its own turn on `source`, on nobody else's time, and may run on `target`. */
function mayMove(source: SchedCpu, target: SchedCpu, agent: Agent): bool {
  if (agent.state != AGENT_READY || agent.running != 0) return false;
  if (source.current == changetype<usize>(agent)) return false;
  return ((agent.affinity >> target.index) & 1) != 0;
}
