/**
 * What an agent does with a secret can't be told by an agent that has no capability in common with it
 * and runs on other CPUs: not by what its own calls answer, not by when. Noninterference as in Goguen
 * and Meseguer, "Security Policies and Security Models", 1982, with the clock among what is observed.
 */
import { expect, test } from "vitest";
import type { Step, Sys } from "../sdk/agent/index.ts";
import type { Machine } from "../sim/host/machine.ts";
import { agentMachine, SPINNER } from "./host/testing/agents.ts";

const US = 1_000;
const MS = 1_000_000;
const PAGE = 4096;
/** By then all agents have begun; ns. */
const START = 160 * MS;

/** Uses every kind of resource that there is, in an order and an amount that its secret decides. */
function* keeper(sys: Sys, note: () => void): Step<void> {
  const { bytes, capability: spinner } = yield* sys.receive();
  const secret = bytes[0] ?? 0;
  for (let round = 0; round < 150 + 25 * secret; round++) {
    sys.work(20 * US + 333 * US * ((round * secret) % 5));
    yield* sys.yield();
    note();
    if (secret === 0 && round % 3 !== 0) continue;
    const pages = 1 + ((round * 7 * secret) % 29);
    const at = yield* sys.allocate(pages * PAGE);
    yield* sys.store(at, new Uint8Array(pages * PAGE).fill(round));
    yield* sys.random(64);
    const pipe = yield* sys.endpoint("pipe", 64 + 100 * secret);
    yield* sys.write(pipe, new Uint8Array(32 + secret));
    if (round % 10 === secret % 10) {
      const child = yield* sys.spawn({ image: spinner, affinity: 1, weight: 1 + round * secret });
      if (secret === 2) yield* sys.kill(child.capability);
    }
    if (secret === 1 || round % 2 === 0) yield* sys.close(pipe);
    yield* sys.free(at, pages * PAGE);
  }
  if (secret === 2) throw new Error("a fault can't be seen either");
}

/** Looks at everything that an agent can look at, over and over; `see` notes it with the time. */
function* observer(sys: Sys, see: (what: unknown) => void): Step<void> {
  yield* sys.schedule(sys.self, { affinity: 2 });
  for (let round = 0; round < 60; round++) {
    sys.work(50 * US + (round % 7) * 90 * US);
    yield* sys.yield();
    see(["yield"]);
    const at = yield* sys.allocate((1 + (round % 5)) * PAGE);
    yield* sys.store(at, new Uint8Array([round]));
    see(["memory", at, yield* sys.load(at, 1)]);
    see(["random", yield* sys.random(32)]);
    const queue = yield* sys.endpoint("queue", 4);
    see(["endpoint", queue]);
    yield* sys.send(queue, new Uint8Array([round, 1, 2]));
    see(["message", yield* sys.receive(queue)]);
    see(["info", yield* sys.info(sys.self)]);
    if (round % 2 === 0) yield* sys.close(queue);
    if (round % 3 === 0) yield* sys.free(at, (1 + (round % 5)) * PAGE);
    const due = yield* sys.wait({ deadline: START + round * 3 * MS });
    see(["waited", due]);
  }
}

interface Seen {
  readonly trace: readonly string[];
  readonly end: string;
}

/** All that the observer on CPU 1 sees while the keeper on CPU 0 acts on its secret. */
async function seen(secret: number): Promise<Seen> {
  const trace: string[] = [];
  const text = (what: unknown) =>
    JSON.stringify(what, (_, value) => (typeof value === "bigint" ? `${value}n` : value));
  let machine: Machine | null = null;
  const see = (what: unknown) => {
    trace.push(`${machine?.state.cpusAt(1).clock} ${text(what)}`);
  };
  let rounds = 0;
  const note = () => {
    if ((machine?.time ?? 0n) > BigInt(START)) rounds++;
  };
  function* init(sys: Sys): Step<void> {
    const quota = 8 << 20;
    const image = (name: string) => sys.image(name);
    yield* sys.spawn({ image: yield* image("observer"), quota, affinity: 2 });
    yield* sys.schedule(sys.self, { affinity: 1 });
    const child = yield* sys.spawn({ image: yield* image("keeper"), quota, affinity: 1 });
    yield* sys.send(child.capability, new Uint8Array([secret]), yield* image("spinner"));
    yield* sys.receive();
  }
  machine = await agentMachine(
    { init, keeper: (sys) => keeper(sys, note), observer: (sys) => observer(sys, see) },
    { cpus: 2, images: { spinner: SPINNER } },
  );
  machine.boot({ until: BigInt(START + 250 * MS) });
  // It was at work while the other one looked.
  expect(rounds).toBeGreaterThan(40);
  expect(machine.agents.failures.length).toBe(secret === 2 ? 1 : 0);
  return { trace, end: `${machine.kernel.runqueues[1]?.decisions}` };
}

test("an agent on another CPU can't tell by answers or by the clock what an agent does with its secret", async () => {
  const first = await seen(0);
  expect(first.trace.length).toBe(60 * 7);
  for (const secret of [1, 2]) {
    const other = await seen(secret);
    expect(other.trace).toEqual(first.trace);
    expect(other.end).toBe(first.end);
  }
});
