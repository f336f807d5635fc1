import { beforeAll, describe, expect, test } from "vitest";
import { SYSCALL_AGENT_KILL } from "../../kernel/syscall/numbers.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { machineWith, type Run } from "../../sdk/agent/testing.ts";
import { Machine } from "../../sim/host/machine.ts";
import { Snapshot } from "../../sim/host/snapshot.ts";
import { type Code, type WasmState, wasmProgram } from "./agent.ts";
import { Awake } from "./awake.ts";
import { prepare } from "./module/prepare.ts";
import { compileSource } from "./testing/compile.ts";
import { replayed } from "./testing/replayed.ts";
import {
  cloneWorker,
  KIND_ADD,
  KIND_FORK,
  KIND_STIR,
  startWorker,
  WORKER,
  workerHost,
} from "./testing/worker.ts";

let code: Code;
beforeAll(async () => {
  const prepared = await prepare(await compileSource(WORKER));
  code = { prepared, module: await WebAssembly.compile(prepared.code as BufferSource) };
});

/** A machine whose init, too, can be frozen. */
const boot = (init: Run, { cpus = 1, awake = new Awake() } = {}) =>
  machineWith(
    {},
    {
      cpus,
      programs: { init: replayed(init), worker: wasmProgram({ ...workerHost(code), awake }) },
    },
  );

function finish(machine: Machine): Machine {
  machine.run({ until: 60_000_000_000n });
  const [failure] = machine.agents.failures;
  if (failure) throw failure.error.cause ?? failure.error;
  return machine;
}

const STIRRERS = 3;
/** Several workers that write blocks of several pages, and a parent that reads them. */
function* stirring(sys: Sys): Step<void> {
  const pipes: number[] = [];
  for (let n = 0; n < STIRRERS; n++) {
    const pipe = yield* sys.endpoint("pipe", 30_000);
    yield* startWorker(sys, KIND_STIR, [pipe, pipe]);
    pipes.push(pipe);
  }
  for (let read = 0; read < STIRRERS * 6 * 20_000; ) {
    const woken = yield* sys.wait({ on: pipes });
    if (woken.what !== "object") throw new Error(`woken by ${woken.what}`);
    read += (yield* sys.read(pipes[woken.index] ?? 0, 30_000)).length;
  }
}

const PART = 110;
/** Runs to the end; the hashes at the end of each part. */
function hashes(machine: Machine): string[] {
  const seen: string[] = [];
  while (machine.run({ steps: PART, until: 60_000_000_000n }) === "steps")
    seen.push(machine.stateHash());
  expect(machine.agents.failures).toEqual([]);
  return [...seen, machine.stateHash()];
}

describe("copies of a machine with WebAssembly agents on two processors", () => {
  let whole: string[];
  let original: Machine;
  beforeAll(async () => {
    original = await boot(stirring, { cpus: 2 });
    whole = hashes(original);
  });

  test("go on as it does: forks, and machines restored from files, at any moment", async () => {
    const machine = await boot(stirring, { cpus: 2 });
    expect(whole.length).toBeGreaterThan(8);
    for (let n = 0; n < whole.length - 1; n++) {
      machine.run({ steps: PART });
      // Copies of copies, some of which have not run.
      const fork = machine.fork().fork();
      expect(fork.stateHash()).toBe(whole[n]);
      fork.run({ steps: PART, until: 60_000_000_000n });
      expect(fork.stateHash()).toBe(whole[n + 1]);
      if (n % 4 !== 2) continue;
      const file = await machine.snapshot().toBytes();
      const restored = await Machine.restore(await Snapshot.fromBytes(file), {
        drives: machine.drives.map(({ options }) => options),
        programs: machine.agents.programs,
      });
      expect(hashes(restored)).toEqual(whole.slice(n + 1));
    }
  });

  test("are in the middle of accesses of several pages, and of chains", async () => {
    const machine = await boot(stirring, { cpus: 2 });
    const seen = new Set<string>();
    while (machine.run({ steps: 1 }) === "steps" && seen.size < 4)
      for (const { access, chainBegun } of machine.agents.freeze().agents) {
        if (chainBegun) seen.add("chain");
        if (access === null) continue;
        seen.add(access.loaded ? "load" : "store");
        if (access.done > 0 && access.done % 20_000 !== 0) seen.add("partly");
      }
    expect([...seen].sort()).toEqual(["chain", "load", "partly", "store"]);
  });

  test("by a replay, too: programs run along, and a machine goes on behind the journal's end", async () => {
    const machine = await boot(stirring, { cpus: 2 });
    for (let n = 0; n < 5; n++) machine.run({ steps: PART });
    const again = await Machine.replay(machine.journal, {
      drives: machine.drives.map(({ options }) => options),
      programs: machine.agents.programs,
    });
    expect(hashes(again)).toEqual(whole);
    expect(again.journal.entries).toEqual(original.journal.entries);
  });

  test("with room for a single instance do the same as with room for all", async () => {
    const awake = new Awake(1);
    expect(hashes(await boot(stirring, { cpus: 2, awake }))).toEqual(whole);
    expect(awake.count).toBeLessThanOrEqual(1);
  });
});

test("machines that differ in an agent's WebAssembly memory alone have different hashes", async () => {
  const machine = await boot(stirring);
  machine.run({ steps: 5 * PART });
  const snapshot = machine.snapshot();
  const options = {
    drives: machine.drives.map(({ options }) => options),
    programs: machine.agents.programs,
  };
  const [first, ...others] = snapshot.agents.agents.filter(
    ({ state }) => (state as WasmState<unknown>).instance?.pages,
  );
  const state = first?.state as WasmState<unknown>;
  if (!first || !state.instance) throw new Error("no worker has memory");
  const pages = [...state.instance.pages];
  const page = pages[8]?.slice() ?? new Uint8Array(4096);
  page[5] = (page[5] ?? 0) ^ 1;
  pages[8] = page;
  const changed = { ...first, state: { ...state, instance: { ...state.instance, pages } } };
  const init = snapshot.agents.agents.filter((it) => it !== first && !others.includes(it));
  const agents = { ...snapshot.agents, agents: [...init, changed, ...others] };
  const same = await Machine.restore(snapshot, options);
  const other = await Machine.restore(new Snapshot({ ...snapshot, agents }), options);
  expect(same.stateHash()).toBe(machine.stateHash());
  expect(other.stateHash()).not.toBe(machine.stateHash());
});

const bytes = (...values: number[]) => Uint8Array.from(values);

/** A worker that adds, with its pipes. */
function* adder(sys: Sys) {
  const pipes = [yield* sys.endpoint("pipe", 64), yield* sys.endpoint("pipe", 64)] as const;
  return { pipes, child: yield* startWorker(sys, KIND_ADD, pipes) };
}

function* ask(sys: Sys, [input, output]: readonly [number, number], value: number): Step<number> {
  yield* sys.write(input, bytes(value));
  yield* sys.sleep(5_000_000);
  return (yield* sys.read(output, 64))[0] ?? -1;
}

describe("a clone", () => {
  test("goes on where its original stood, with memory, capabilities and pipes of its own", async () => {
    const seen: unknown[] = [];
    const machine = await boot(function* (sys) {
      const one = yield* adder(sys);
      seen.push(yield* ask(sys, one.pipes, 5));
      yield* sys.suspend(one.child.capability);
      const pipes = [yield* sys.endpoint("pipe", 64), yield* sys.endpoint("pipe", 64)] as const;
      const two = yield* cloneWorker(sys, one.child.capability, KIND_ADD, pipes);
      yield* sys.resume(one.child.capability);
      seen.push(yield* ask(sys, one.pipes, 1), yield* ask(sys, pipes, 2));
      seen.push(yield* ask(sys, one.pipes, 1), yield* ask(sys, pipes, 2));
      const info = [yield* sys.info(one.child.capability), yield* sys.info(two.capability)];
      seen.push(info[0]?.mapped === info[1]?.mapped);
      for (const it of [one.pipes, pipes]) yield* sys.write(it[0], bytes(0));
      const ends = [yield* sys.ended(one.child.id), yield* sys.ended(two.id)];
      seen.push(...ends.map(({ reason, code }) => `${reason} ${code}`));
    });
    finish(machine);
    expect(seen).toEqual([5, 6, 7, 7, 9, true, "exited 7", "exited 9"]);
  });

  test("has the state of the call, though its original has gone on, or is over and another has its slot", async () => {
    const seen: unknown[] = [];
    const machine = await boot(function* (sys) {
      for (const over of [false, true]) {
        const one = yield* adder(sys);
        seen.push(yield* ask(sys, one.pipes, 10));
        yield* sys.suspend(one.child.capability);
        const late = [];
        for (let n = 0; n < 2; n++) {
          const child = yield* cloneWorker(sys, one.child.capability, KIND_ADD, one.pipes);
          yield* sys.suspend(child.capability);
          late.push(child);
        }
        if (over) {
          yield* sys.kill(one.child.capability);
          yield* sys.ended(one.child.id);
          seen.push(yield* ask(sys, (yield* adder(sys)).pipes, 7));
        } else {
          yield* sys.resume(one.child.capability);
          seen.push(yield* ask(sys, one.pipes, 1));
          yield* sys.suspend(one.child.capability);
        }
        // A clone of a clone that has not begun begins where that would.
        const child = yield* cloneWorker(sys, late[0]?.capability ?? 0, KIND_ADD, one.pipes);
        for (const [n, it] of [child, ...late].entries()) {
          if (n > 0) yield* sys.resume(it.capability);
          seen.push(yield* ask(sys, one.pipes, n + 1));
          yield* sys.suspend(it.capability);
        }
      }
    });
    finish(machine);
    expect(seen).toEqual([10, 11, 11, 12, 13, 10, 7, 11, 12, 13]);
  });

  test("that has not begun is in a fork of its machine, with the state that it waits for", async () => {
    const results: number[] = [];
    const machine = await boot(function* (sys) {
      const one = yield* adder(sys);
      yield* ask(sys, one.pipes, 10);
      yield* sys.suspend(one.child.capability);
      const child = yield* cloneWorker(sys, one.child.capability, KIND_ADD, one.pipes);
      yield* sys.suspend(child.capability);
      yield* sys.resume(one.child.capability);
      yield* ask(sys, one.pipes, 1);
      yield* sys.kill(one.child.capability);
      yield* sys.sleep(1_000_000_000);
      yield* sys.resume(child.capability);
      results.push(yield* ask(sys, one.pipes, 4));
    });
    machine.run({ until: 500_000_000n });
    const fork = finish(machine.fork());
    const mine = finish(machine);
    expect(results).toEqual([14, 14]);
    expect(fork.stateHash()).toBe(mine.stateHash());
  });

  test("that its original makes itself sees 0 as the answer of that call", async () => {
    const ends: string[] = [];
    const machine = await boot(function* (sys) {
      const child = yield* startWorker(sys, KIND_FORK, []);
      const { reason, code } = yield* sys.ended(child.id);
      ends.push(`${reason} ${code}`);
    });
    finish(machine);
    expect(ends).toEqual(["exited 42"]);
    // Nobody is told of the clone's end, since its parent is over: its own last call is in the journal.
    const exits = machine.journal.entries.filter(
      ({ input }) => input.kind === "agent" && input.call === SYSCALL_AGENT_KILL,
    );
    expect(exits.map(({ input }) => input.kind === "agent" && input.args[1])).toContain(41);
  });
});

test("an upgrade begins anew, with the reason as its argument", async () => {
  const starts: bigint[] = [];
  const host = workerHost(code);
  const machine = await machineWith(
    {},
    {
      programs: {
        init: replayed(function* (sys) {
          const one = yield* adder(sys);
          expect(yield* ask(sys, one.pipes, 5)).toBe(5);
          yield* sys.suspend(one.child.capability);
          yield* sys.upgrade(one.child.capability, yield* sys.image("worker"), 77);
          yield* sys.resume(one.child.capability);
          const told = JSON.stringify({ kind: KIND_ADD, streams: one.child.grants });
          yield* sys.send(one.child.capability, new TextEncoder().encode(told));
          expect(yield* ask(sys, one.pipes, 3)).toBe(3);
        }),
        worker: wasmProgram({
          ...host,
          *birth(sys) {
            starts.push(sys.argument);
            return yield* host.birth(sys);
          },
        }),
      },
    },
  );
  finish(machine);
  expect(starts).toEqual([0n, 77n]);
});
