/** The scheduler's structures, and its configuration. */
import { DEPARTED_PER_CPU_MAX, RESERVATIONS_PER_CPU_MAX, TRAP_NS } from "../limits";
import { kernel, rootAllocate } from "../state";
import { Reservation } from "./admission";
import { ScheduleAttributes } from "./attributes";
import { edfInit } from "./edf";
import { FairQueue, fairInit } from "./fair";
import { Heap, heapReserve } from "./heap";
import {
  DEFAULT_AGEING,
  DEFAULT_EPOCH,
  DEFAULT_FAIR_RESERVE,
  DEFAULT_FOREGROUND,
  DEFAULT_QUANTUM,
} from "./defaults";
import { allCpus } from "./place";
import { CONTEXT_SERVER, Schedulable } from "./schedulable";
import { Departed, RESERVE_PARTS, sched, Sched, SchedCpu, schedCpu } from "./sched";

/** Makes empty queues for `cpuCount` CPUs; false when RAM is short. */
export function schedCreate(cpuCount: u32): bool {
  kernel().sched = rootAllocate(offsetof<Sched>());
  const state = sched();
  state.cpuCount = cpuCount;
  state.cpus = rootAllocate(<usize>cpuCount * offsetof<SchedCpu>());
  state.idle = allCpus();
  state.set = rootAllocate((RESERVATIONS_PER_CPU_MAX + DEPARTED_PER_CPU_MAX + 3) * offsetof<Reservation>());
  state.wish = rootAllocate(offsetof<ScheduleAttributes>());
  for (let index: u32 = 0; index < cpuCount; index++) if (!createCpu(index)) return false;
  return schedConfigure(
    DEFAULT_EPOCH,
    DEFAULT_QUANTUM,
    DEFAULT_FOREGROUND,
    DEFAULT_FAIR_RESERVE,
    DEFAULT_AGEING,
  );
}

function createCpu(index: u32): bool {
  const cpu = schedCpu(index);
  cpu.index = index;
  cpu.fair = rootAllocate(offsetof<FairQueue>());
  cpu.departed = rootAllocate(DEPARTED_PER_CPU_MAX * offsetof<Departed>());
  cpu.server = rootAllocate(offsetof<Schedulable>());
  changetype<Schedulable>(cpu.server).context = CONTEXT_SERVER;
  cpu.edf = rootAllocate(offsetof<Heap>());
  cpu.draining = rootAllocate(offsetof<Heap>());
  cpu.throttled = rootAllocate(offsetof<Heap>());
  return (
    fairInit(changetype<FairQueue>(cpu.fair)) &&
    createHeap(changetype<Heap>(cpu.edf)) &&
    createHeap(changetype<Heap>(cpu.draining)) &&
    createHeap(changetype<Heap>(cpu.throttled))
  );
}

/** Room for all reservations of a CPU and the fair class's server. */
function createHeap(heap: Heap): bool {
  edfInit(heap);
  return heapReserve(heap, RESERVATIONS_PER_CPU_MAX + 1);
}

/**
 * Sets the configuration, before the first agent runs: epoch, quantum and the requests of foreground
 * agents in ns, the part of each epoch that is the fair class's in parts of RESERVE_PARTS, and after
 * how many epochs an agent of the idle class is served; false, and nothing changed, when that makes
 * no sense.
 */
export function schedConfigure(epoch: u64, quantum: u32, foreground: u32, fairReserve: u32, ageing: u32): bool {
  if (fairReserve > RESERVE_PARTS || ageing == 0) return false;
  if (foreground < 2 * TRAP_NS || quantum < foreground || epoch < quantum) return false;
  const state = sched();
  state.epoch = epoch;
  state.quantum = quantum;
  state.foreground = foreground;
  state.fairReserve = fairReserve;
  state.ageingEpochs = ageing;
  for (let index: u32 = 0; index < state.cpuCount; index++) {
    const server = changetype<Schedulable>(schedCpu(index).server);
    server.budget = (epoch * fairReserve) / RESERVE_PARTS;
    server.period = epoch;
    server.relativeDeadline = epoch;
  }
  return true;
}
