/** Chains of calls as operations of TypeScript agents: in one input, also when pages fault. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  CHAIN_AFTER_STATUS,
  CHAIN_AFTER_SUCCESS,
  CHAIN_BYTES,
  CHAIN_STATUS,
} from "../spec/chain.ts";
import { Journal, type JournalEntry } from "./journal.ts";
import { Machine } from "./machine.ts";
import { loadModules } from "./modules.ts";
import { Chain, type Operation, type Program, type ProgramFunction } from "./programs.ts";
import {
  addHostAgent,
  agentState,
  agentsMachine,
  CALL_ADD,
  CALL_END,
  CALL_ERROR,
  CALL_YIELD,
  memoryOf,
  physicalOf,
} from "./testing/agents.ts";

const ENDED = 3;
/** What CALL_ERROR answers in RAX. */
const REFUSED = 77;
const LIMIT = { until: 1_000_000_000 };
const end: Operation = { call: CALL_END };

interface Link {
  readonly success?: number;
  readonly status?: number;
  readonly refused?: number;
}

/** The bytes of a record. */
function record(call: readonly number[], { success = 0, status = 0, refused = 0 }: Link = {}) {
  const view = new DataView(new ArrayBuffer(CHAIN_BYTES));
  call.forEach((value, n) => {
    view.setBigUint64(8 * n, BigInt(value), true);
  });
  view.setUint32(CHAIN_STATUS, status, true);
  view.setInt8(CHAIN_AFTER_SUCCESS, success);
  view.setInt8(CHAIN_AFTER_STATUS, refused);
  return new Uint8Array(view.buffer);
}

/** A chain that brings its own records. */
function bring(at: number, ...records: readonly Uint8Array[]): Chain {
  const chain = new Chain();
  chain.first = at;
  chain.storeAt = at;
  chain.stored = Buffer.concat(records);
  return chain;
}

async function runProgram(start: ProgramFunction): Promise<Machine> {
  const machine = await agentsMachine();
  addHostAgent(machine, 0, machine.agents.program("test", start));
  expect(machine.run(LIMIT)).toBe("idle");
  return machine;
}

const chains = (machine: Machine) =>
  machine.journal.entries.filter(({ input }) => input.kind === "agent-chain");

describe("a chain", () => {
  test("stores, calls and loads in one operation; it is its own reply", async () => {
    const at = memoryOf(0) + 512;
    let replies: unknown[] = [];
    const machine = await runProgram(function* (): Program {
      yield { store: [at, new Uint8Array(8)] };
      const chain = bring(
        at,
        record([CALL_ADD, 1, 2, 3], { success: 1 }),
        record([CALL_ADD, 40, 2]),
      );
      chain.loadAt = at + 8;
      chain.loaded = new Uint32Array(4);
      const reply = yield chain;
      expect(reply).toBe(chain);
      replies = [chain.error, chain.value, chain.last - at, [...chain.loaded]];
      yield end;
    });
    // Words 2 to 5 of the first record: RDI and RSI.
    expect(replies).toEqual([0, 42, CHAIN_BYTES, [1, 0, 2, 0]]);
    expect(chains(machine)).toHaveLength(1);
  });
  test("whose pages aren't there yet is made once, when they are", async () => {
    const at = memoryOf(0);
    let replies: unknown[] = [];
    const machine = await runProgram(function* (): Program {
      const chain = bring(at, record([CALL_ADD, 5, 6]));
      chain.loadAt = at + 3 * 4096;
      chain.loaded = new Uint32Array(2).fill(9);
      yield chain;
      replies = [chain.error, chain.value, [...chain.loaded]];
      yield end;
    });
    expect(replies).toEqual([0, 11, [0, 0]]);
    // The first one has faulted at its store.
    expect(chains(machine)).toHaveLength(2);
    expect(machine.physical.read(physicalOf(0), 8)[0]).toBe(CALL_ADD);
  });
  test("that ends with a refusal brings no bytes, and says where it ended", async () => {
    const at = memoryOf(0);
    let replies: unknown[] = [];
    await runProgram(function* (): Program {
      const chain = bring(
        at,
        record([CALL_ERROR, 8], { success: 1, status: REFUSED, refused: 1 }),
        record([CALL_ERROR, 9], { success: -1 }),
      );
      chain.loadAt = at;
      chain.loaded = new Uint32Array(1).fill(5);
      yield chain;
      replies = [chain.error, chain.value, chain.last - at, chain.loaded[0]];
      yield end;
    });
    expect(replies).toEqual([REFUSED, 9, CHAIN_BYTES, 5]);
  });
  test("is stored as it was when it was given, whatever becomes of its bytes meanwhile", async () => {
    const machine = await agentsMachine();
    const shared = Buffer.from(record([CALL_ADD, 1, 1]));
    const values: number[] = [];
    const program = machine.agents.program("test", function* ({ id }): Program {
      const chain = new Chain();
      chain.first = chain.storeAt = memoryOf(id - 1);
      chain.stored = shared;
      yield chain;
      shared[8] = 50;
      values.push(chain.value);
      yield end;
    });
    for (const slot of [0, 1]) addHostAgent(machine, slot, program);
    machine.run(LIMIT);
    expect(values[0]).toBe(2);
    expect([2, 51]).toContain(values[1]);
  });
  test("from memory that isn't the agent's ends it by its fault", async () => {
    for (const field of ["first", "storeAt", "loadAt"] as const) {
      const machine = await runProgram(function* (): Program {
        const chain = bring(memoryOf(0), record([CALL_ADD]));
        chain.loadAt = memoryOf(0);
        chain.loaded = new Uint32Array(1);
        chain[field] = memoryOf(1);
        yield chain;
        yield end;
      });
      expect(agentState(machine, 0)).toEqual({ state: ENDED, vector: 14 });
    }
  });
  test.each<[string, object, RegExp]>([
    ["a first record nowhere", { first: Number.NaN }, /address NaN/],
    ["a fraction of an address", { first: 0.5 }, /address 0.5/],
    ["an address beyond 48 bits", { first: 2 ** 48 }, /address 281474976710656/],
    ["cycles below zero", { cycles: -1 }, /cycles: -1/],
    ["bytes across a page", { storeAt: memoryOf(0) + 4_095 }, /not on one page/],
    ["bytes that are none", { stored: [1] }, /no Uint8Array/],
    ["words across a page", { loadAt: memoryOf(0) + 4_092 }, /not on one page/],
    ["words that aren't aligned", { loadAt: memoryOf(0) + 2 }, /no Uint32Array/],
    ["words that are none", { loaded: new Uint8Array(4) }, /no Uint32Array/],
    ["more than a page of words", { loaded: new Uint32Array(1025) }, /not on one page/],
  ])(
    "with %s is refused where it was made, and nothing has happened",
    async (_, spoil, message) => {
      const seen: unknown[] = [];
      const machine = await runProgram(function* (): Program {
        const chain = bring(memoryOf(0), record([CALL_ADD]));
        chain.loadAt = memoryOf(0);
        chain.loaded = new Uint32Array(2);
        Object.assign(chain, spoil);
        try {
          yield chain;
        } catch (error) {
          seen.push(error);
        }
        yield end;
      });
      expect(seen).toMatchObject([
        { code: "bad-argument", message: expect.stringMatching(message) },
      ]);
      expect(chains(machine)).toEqual([]);
    },
  );
});

/** Agents on two CPUs that make chains of calls, some of which yield, with work in between. */
async function crowd(): Promise<Machine> {
  const machine = await agentsMachine({ cpus: 2 });
  const program = machine.agents.program("busy", function* ({ id }): Program {
    const chain = new Chain();
    chain.loaded = new Uint32Array(16);
    let value = id;
    for (let n = 0; n < 60; n++) {
      const at = memoryOf(id - 1) + 2 * CHAIN_BYTES * ((n * 67) % 2_048);
      const next = n % 3 === 0 ? CALL_YIELD : CALL_ADD;
      chain.first = chain.storeAt = chain.loadAt = at;
      chain.stored = Buffer.concat([
        record([next, value, n], { success: 1 }),
        record([CALL_ADD, value, n]),
      ]);
      chain.cycles = 100 * ((value * 7919) % 300);
      yield chain;
      value = (chain.value + (chain.loaded[2] ?? 0)) % 1_000;
    }
    yield end;
  });
  for (let slot = 0; slot < 5; slot++) addHostAgent(machine, slot, program);
  return machine;
}

describe("a run with chains", () => {
  test("is the same however it is cut", async () => {
    const whole = await crowd();
    expect(whole.run(LIMIT)).toBe("idle");
    expect(whole.agents.failures).toEqual([]);
    const expected = [whole.steps, whole.time, whole.stateHash()];
    const cut = fc.oneof(
      fc.integer({ min: 1, max: 200 }).map((steps) => ({ steps })),
      fc.integer({ min: 1, max: 300_000 }).map((by) => ({ by })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 5, maxLength: 60 }), async (cuts) => {
        const machine = await crowd();
        for (const piece of cuts)
          if ("steps" in piece) machine.run(piece);
          else machine.run({ until: machine.time + BigInt(piece.by) });
        machine.run(LIMIT);
        expect([machine.steps, machine.time, machine.stateHash()]).toEqual(expected);
        expect(machine.journal.entries).toEqual(whole.journal.entries);
      }),
      { numRuns: 6 },
    );
  });
  test("is replayed from its journal's file, without its programs, the same at every step", async () => {
    const machine = await crowd();
    const hashes: [bigint, bigint, string][] = [];
    while (machine.stopReason !== "idle") {
      machine.run({ ...LIMIT, steps: 47 });
      hashes.push([machine.steps, machine.time, machine.stateHash()]);
    }
    const journal = await Journal.fromBytes(await machine.journal.toBytes());
    expect(journal.entries).toEqual(machine.journal.entries);
    expect(chains(machine).length).toBeGreaterThan(300);
    const again = await Machine.replay(journal, { modules: await loadModules("hal-agents") });
    for (const expected of hashes) {
      again.run({ ...LIMIT, steps: Number(expected[0] - again.steps) });
      if (expected === hashes.at(-1)) again.run(LIMIT);
      expect([again.steps, again.time, again.stateHash()]).toEqual(expected);
    }
    expect(again.journal.entries).toEqual(machine.journal.entries);
  });
  test("whose journal has a chain that no host gives is not replayed, and nothing is overwritten", async () => {
    const machine = await crowd();
    machine.run({ until: 3_000_000 });
    const { configuration, drives, entries } = machine.journal;
    const modules = await loadModules("hal-agents");
    const first = entries.findIndex(({ input }) => input.kind === "agent-chain");
    for (const wrong of [
      { bytes: new Uint8Array(4097) },
      { bytes: new Uint8Array(4 << 20) },
      { length: 2 ** 31 },
      { to: 4095 },
      { from: 2 ** 50 },
      { cpu: 63 },
    ]) {
      const entry = entries[first];
      const changed = { ...entry, input: { ...entry?.input, ...wrong } } as JournalEntry;
      const journal = new Journal(configuration, drives, entries.with(first, changed));
      const again = await Machine.replay(journal, { modules });
      expect(() => again.run({ until: 3_000_000 })).toThrow(
        expect.objectContaining({ code: "journal-diverged" }),
      );
    }
  });
});
