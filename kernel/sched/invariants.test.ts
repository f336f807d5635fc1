import { beforeEach, describe, expect, test } from "vitest";
import { AGENT_READY, AGENT_RUNNING, AGENT_WAITING } from "../agent/states.ts";
import * as names from "../invariant_names.ts";
import { Scheduler, type SimAgent } from "../testing/scheduler-host.ts";

const NUMBERS = new Map<string, number>(Object.entries(names));
const MS = 1_000_000;

let it: Scheduler;
let running: SimAgent;
let ready: SimAgent;
let waiting: SimAgent;
let donor: SimAgent;
let realtime: SimAgent;

beforeEach(async () => {
  it = await Scheduler.create({ cpus: 2, ramBytes: 8 << 20 });
  const pinned = { affinity: 1 };
  const one = it.make(pinned);
  const two = it.make(pinned);
  waiting = it.make(pinned);
  donor = it.make(pinned);
  realtime = it.make({ class: "realtime", budget: MS, period: 50 * MS, affinity: 1 });
  for (const agent of [one, two, realtime]) it.wake(agent);
  expect(it.donate(donor, one)).toBe("OK");
  it.wake(donor);
  it.stop(donor);
  it.run(5 * MS);
  running = it.running[0] as SimAgent;
  ready = running === one ? two : one;
  expect(it.invariant).toBe(names.INVARIANTS_HOLD);
});

describe("each invariant of the scheduler, broken on purpose, is noticed by name", () => {
  const breaks: readonly (readonly [keyof typeof names, string, () => void])[] = [
    [
      "SCHED_QUEUES_MATCH_STATES",
      "an agent that can run is in no queue",
      () => {
        waiting.view.state = AGENT_READY;
      },
    ],
    [
      "SCHED_QUEUES_MATCH_STATES",
      "one that waits is in a queue",
      () => {
        ready.view.donee = 0;
        ready.view.state = AGENT_WAITING;
      },
    ],
    [
      "SCHED_ONE_QUEUE_EACH",
      "the list of a CPU has lost one",
      () => {
        it.cpu(0).fairCount -= 1;
      },
    ],
    [
      "SCHED_ONE_QUEUE_EACH",
      "an agent says that it is on another CPU",
      () => {
        ready.view.cpu = 1;
      },
    ],
    [
      "SCHED_WEIGHTS_SUM",
      "the load of a CPU is not that of its agents",
      () => {
        it.cpu(0).load += 1n;
      },
    ],
    [
      "SCHED_QUEUES_IN_ORDER",
      "the weight of a fair queue is not the sum of its members'",
      () => {
        it.cpu(0).fairAt(0).weight += 1n;
      },
    ],
    [
      "SCHED_QUEUES_IN_ORDER",
      "a context does not know its position in the heap",
      () => {
        realtime.view.position += 1;
      },
    ],
    [
      "SCHED_TIME_CONSERVED",
      "an agent got time that nobody gave",
      () => {
        running.view.got += 1n;
        running.view.ran += 1n;
      },
    ],
    [
      "SCHED_TIME_CONSERVED",
      "a context is charged for what nobody ran",
      () => {
        ready.view.charged += 1n;
      },
    ],
    [
      "SCHED_DONATIONS_A_FOREST",
      "a donor is counted twice",
      () => {
        donor.view.doneeAt(0).donorCount += 1;
      },
    ],
    [
      "SCHED_DONATIONS_A_FOREST",
      "donations run in a ring",
      () => {
        donor.view.doneeAt(0).donee = donor.view.address;
      },
    ],
    [
      "SCHED_RESERVATIONS_FIT",
      "a budget has grown after its admission",
      () => {
        realtime.view.budget = 49n * BigInt(MS);
      },
    ],
    [
      "SCHED_CURRENT_RUNS",
      "the agent that a CPU runs is not RUNNING",
      () => {
        running.view.state = AGENT_READY;
      },
    ],
    [
      "SCHED_CURRENT_RUNS",
      "one that no CPU runs is RUNNING",
      () => {
        ready.view.state = AGENT_RUNNING;
      },
    ],
  ];
  test.each(breaks)("%s: %s", (name, _, damage) => {
    damage();
    expect(it.invariant).toBe(NUMBERS.get(name));
  });
});
