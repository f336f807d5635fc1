/** Agents whose programs are TypeScript: operations, journals, copies, and what goes wrong. */
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as Op from "../spec/synthetic.ts";
import { RUNTIME_CALL } from "../spec/user.ts";
import { Journal } from "./journal.ts";
import { Machine } from "./machine.ts";
import { loadModules } from "./modules.ts";
import {
  type AgentStart,
  CallReply,
  type Operation,
  type Program,
  type ProgramFunction,
  Programs,
  programNumber,
  type Reply,
} from "./programs.ts";
import { Snapshot } from "./snapshot.ts";
import {
  addAgent,
  addHostAgent,
  addSyntheticAgent,
  agentState,
  agentsMachine,
  CALL_ADD,
  CALL_END,
  CALL_ERROR,
  CALL_SPAWN,
  CALL_YIELD,
  hostRuntime,
  MEMORY_BYTES,
  memoryOf,
  physicalOf,
} from "./testing/agents.ts";
import { instruction } from "./testing/user.ts";

const ENDED = 3;
const end: Operation = { call: CALL_END };
const add = (...args: (number | bigint)[]): Operation => ({ call: CALL_ADD, args });

/** Runs one agent with this program to its end; the machine. */
async function runProgram(start: ProgramFunction, argument = 0): Promise<Machine> {
  const machine = await agentsMachine();
  addHostAgent(machine, 0, machine.agents.program("test", start), argument);
  expect(machine.run({ until: 1_000_000_000 })).toBe("idle");
  return machine;
}

/** What came of each operation. */
async function repliesTo(...operations: Operation[]): Promise<Reply[]> {
  const replies: Reply[] = [];
  await runProgram(function* (): Program {
    for (const operation of operations) replies.push(yield operation);
    yield end;
  });
  return replies;
}
const values = (replies: readonly Reply[]) =>
  replies.map((reply) => (reply instanceof CallReply ? reply.bits : reply));

describe("a call", () => {
  test("takes up to six arguments of 64 bits, and brings error and value back", async () => {
    const big = 2n ** 63n + 12345n;
    const replies = await repliesTo(
      add(),
      add(1, 2, 3, 4, 5, 6),
      add(Number.MAX_SAFE_INTEGER, 1),
      add(big, 1),
      add(-1, 0),
      add(-(2n ** 63n), -5n, Number.MIN_SAFE_INTEGER),
      { call: CALL_ERROR, args: [8] },
    );
    const word = (value: bigint) => BigInt.asUintN(64, value);
    expect(values(replies)).toEqual([
      0n,
      21n,
      2n ** 53n,
      big + 1n,
      word(-1n),
      word(-(2n ** 63n) - 5n + BigInt(Number.MIN_SAFE_INTEGER)),
      8n,
    ]);
    expect(replies.map((reply) => (reply as CallReply).error)).toEqual([0, 0, 0, 0, 0, 0, 77]);
    expect((replies[1] as CallReply).value).toBe(21);
  });
  test("takes the cycles that it says, 1,000 if nothing, and one for SYSCALL", async () => {
    const machine = await agentsMachine();
    const times: bigint[] = [];
    const program = machine.agents.program("clock", function* (): Program {
      for (const cycles of [0, 1, 5_000, undefined]) {
        times.push(machine.state.cpusAt(0).clock);
        yield cycles === undefined ? add() : { call: CALL_ADD, cycles };
      }
      times.push(machine.state.cpusAt(0).clock);
      yield end;
    });
    addHostAgent(machine, 0, program);
    machine.run({ until: 1_000_000_000 });
    const spans = times.slice(1).map((time, n) => time - (times[n] ?? 0n));
    // 100 is the price of a kernel entry.
    expect(spans).toEqual([101n, 102n, 5_101n, 1_101n]);
  });
  test("that takes longer than a quantum lets others run meanwhile", async () => {
    const machine = await agentsMachine();
    const order: string[] = [];
    const program = machine.agents.program("long", function* ({ id }): Program {
      for (let n = 0; n < 3; n++) {
        order.push(`${id}:${n}`);
        yield { call: CALL_ADD, cycles: 40_000 };
      }
      yield end;
    });
    for (let slot = 0; slot < 2; slot++) addHostAgent(machine, slot, program);
    machine.run({ until: 1_000_000_000 });
    // Quanta of 30,000: neither gets through a call of 40,000 at one go.
    expect(order).toEqual(["1:0", "2:0", "1:1", "2:1", "1:2", "2:2"]);
  });
  test.each<[string, Operation, RegExp]>([
    ["seven arguments", add(1, 2, 3, 4, 5, 6, 7), /7 arguments/],
    ["a fraction", add(1.5), /argument 0, 1.5/],
    ["a number that isn't exact", add(0, 2 ** 53), /argument 1/],
    ["more than 64 bits", add(2n ** 64n), /argument 0/],
    ["a negative number of cycles", { call: 1, cycles: -1 }, /cycles: -1/],
    ["a call that is no number", { call: Number.NaN }, /call NaN/],
    ["an address that is no number", { load: [Number.NaN, 1] }, /address NaN/],
    ["too many bytes", { load: [0, 2 ** 24 + 1] }, /16777217 bytes/],
    ["a length below zero", { load: [0, -1] }, /-1 bytes/],
    ["bytes that are none", { store: [0, [1] as unknown as Uint8Array] }, /no Uint8Array/],
    ["nothing to do", {} as Operation, /there are call, store and load/],
    ["nothing at all", undefined as unknown as Operation, /it is no object/],
  ])("with %s is refused where it was made, and nothing has happened", async (_, bad, message) => {
    const seen: unknown[] = [];
    const machine = await runProgram(function* (): Program {
      try {
        yield bad;
      } catch (error) {
        seen.push(error);
      }
      seen.push(((yield add(2, 2)) as CallReply).value);
      yield end;
    });
    expect(seen).toMatchObject([
      { code: "bad-argument", message: expect.stringMatching(message) },
      4,
    ]);
    expect(machine.journal.entries.filter(({ input }) => input.kind === "agent")).toHaveLength(2);
  });
});

describe("memory", () => {
  const pattern = (length: number) =>
    Uint8Array.from({ length }, (_, n) => (n * 7 + (n >> 8)) & 0xff);
  test("is stored and loaded as the agent would, page faults and all", async () => {
    const bytes = pattern(10_000);
    const at = memoryOf(0) + 4_000;
    let loaded: Reply;
    const machine = await runProgram(function* (): Program {
      expect(yield { store: [at, bytes] }).toBeUndefined();
      loaded = yield { load: [at, bytes.length] };
      yield end;
    });
    expect(loaded).toEqual(bytes);
    expect(machine.physical.read(physicalOf(0) + 4_000, bytes.length)).toEqual(bytes);
    expect(machine.agents.failures).toEqual([]);
  });
  test("of no bytes is fine anywhere", async () => {
    expect(await repliesTo({ load: [0, 0] }, { store: [0, new Uint8Array()] })).toEqual([
      new Uint8Array(),
      undefined,
    ]);
  });
  test("is loaded as it was when the operation was begun to be stored", async () => {
    const bytes = Buffer.from(pattern(64));
    const machine = await runProgram(function* (): Program {
      yield { store: [memoryOf(0), bytes] };
      bytes.fill(0);
      yield end;
    });
    expect(machine.physical.read(physicalOf(0), 64)).toEqual(pattern(64));
  });
  test.each([
    ["the kernel's", 0x20_0000],
    ["another agent's", memoryOf(1)],
    ["nobody's", memoryOf(0) + MEMORY_BYTES],
    ["not canonical", 2 ** 47],
    ["in the upper half", 0xffff_8000_0000_0000n],
  ])("that is %s ends the agent by its fault", async (_, address) => {
    const machine = await runProgram(function* (): Program {
      yield { load: [address, 8] };
      yield end;
    });
    expect(agentState(machine, 0)).toEqual({ state: ENDED, vector: address === 2 ** 47 ? 13 : 14 });
  });
  test("takes time: a program that only loads is interrupted like any other", async () => {
    const machine = await agentsMachine();
    let loads = 0;
    const greedy = machine.agents.program("greedy", function* (): Program {
      for (;;) {
        yield { load: [memoryOf(0), 64] };
        loads += 1;
      }
    });
    const modest = machine.agents.program("modest", function* (): Program {
      yield add(1);
      yield end;
    });
    addHostAgent(machine, 0, greedy);
    addHostAgent(machine, 1, modest);
    machine.run({ until: 300_000 });
    expect(agentState(machine, 1)).toEqual({ state: ENDED, vector: null });
    expect(loads).toBeGreaterThan(1_000);
  });
});

describe("an agent", () => {
  test("knows itself from its registers", async () => {
    let known: AgentStart | undefined;
    await runProgram(function* (agent): Program {
      known = agent;
      yield end;
    }, 4242);
    const program = programNumber("test");
    expect(known).toEqual({ id: 1, program, self: 0, pool: 0, argument: 4242, scope: 0 });
  });
  test("may start another, of another program", async () => {
    const machine = await agentsMachine();
    const sums: number[] = [];
    const child = machine.agents.program("child", function* ({ argument }): Program {
      sums.push(((yield add(argument, 1)) as CallReply).value);
      yield end;
    });
    const parent = machine.agents.program(7, function* (): Program {
      for (let n = 1; n < 6; n++)
        yield { call: CALL_SPAWN, args: [n, hostRuntime, 100 * n, child] };
      yield end;
    });
    addHostAgent(machine, 0, parent);
    machine.run({ until: 1_000_000_000 });
    expect(sums).toEqual([101, 201, 301, 401, 501]);
  });
  test.each<[string, ProgramFunction, string, RegExp]>([
    [
      "throws",
      function* (): Program {
        yield add(1);
        throw new RangeError("out of luck");
      },
      "agent-failed",
      /agent 1, program "test": out of luck/,
    ],
    [
      "throws at once",
      () => {
        throw new RangeError("out of luck");
      },
      "agent-failed",
      /out of luck/,
    ],
    [
      "returns",
      function* (): Program {
        yield add(1);
      },
      "agent-ended",
      /it has returned/,
    ],
    [
      "insists on what is refused",
      function* (): Program {
        for (;;)
          try {
            yield {} as Operation;
          } catch {
            // Again.
          }
      },
      "agent-failed",
      /100 operations in a row were refused/,
    ],
    [
      "runs the machine that runs it",
      function* (): Program {
        yield add(1);
        theMachine?.run();
      },
      "agent-failed",
      /in the middle of a step/,
    ],
  ])("whose program %s faults, by name, and nobody else", async (_, start, code, message) => {
    const machine = await agentsMachine();
    theMachine = machine;
    const other = machine.agents.program("other", function* (): Program {
      for (let n = 0; n < 100; n++) yield add(n);
      yield end;
    });
    addHostAgent(machine, 0, machine.agents.program("test", start));
    addHostAgent(machine, 1, other);
    expect(machine.run({ until: 1_000_000_000 })).toBe("idle");
    expect(agentState(machine, 0)).toEqual({ state: ENDED, vector: 6 });
    expect(agentState(machine, 1)).toEqual({ state: ENDED, vector: null });
    expect(machine.agents.failures).toMatchObject([
      { agent: 1, program: "test", error: { code, message: expect.stringMatching(message) } },
    ]);
  });
  test("whose program nobody knows faults", async () => {
    const machine = await agentsMachine();
    addHostAgent(machine, 0, 99);
    machine.run({ until: 1_000_000_000 });
    expect(agentState(machine, 0)).toEqual({ state: ENDED, vector: 6 });
    expect(machine.agents.failures).toMatchObject([
      { agent: 1, program: 99, error: { code: "agent-program-missing" } },
    ]);
  });
  test("that stands in the middle of another one's call has no operation", async () => {
    const machine = await agentsMachine();
    addAgent(machine, 0, hostRuntime + RUNTIME_CALL, {});
    machine.run({ until: 1_000_000_000 });
    expect(agentState(machine, 0)).toEqual({ state: ENDED, vector: 6 });
  });
  test("that begins in the slot of a dead one takes its place: the generator is let go", async () => {
    const machine = await agentsMachine();
    let ended = 0;
    const program = machine.agents.program("test", function* (): Program {
      try {
        yield { load: [0, 8] };
      } finally {
        ended += 1;
      }
    });
    const patient = machine.agents.program("patient", function* (): Program {
      for (;;) yield { call: CALL_YIELD };
    });
    addHostAgent(machine, 0, program);
    addHostAgent(machine, 1, patient);
    machine.run({ until: 100_000 });
    expect(agentState(machine, 0).state).toBe(ENDED);
    expect(ended).toBe(0); // the kernel has ended the agent; nobody has told its program
    addHostAgent(machine, 0, program);
    machine.run({ until: 200_000 });
    expect(ended).toBe(1);
  });
});
let theMachine: Machine | undefined;

describe("programs", () => {
  test("have the same number by name everywhere: FNV-1a", () => {
    // Vectors of the algorithm's authors (Fowler, Noll, Vo).
    expect(["", "a", "foobar"].map(programNumber)).toEqual([0x811c9dc5, 0xe40c292c, 0xbf9cf968]);
  });
  test("with the number of another name are refused", () => {
    const programs = new Programs();
    const nothing = function* (): Program {
      yield end;
    };
    programs.add(0xe40c292c, nothing);
    expect(() => programs.add("a", nothing)).toThrow(/"a" has the number of "3826002220"/);
    for (const number of [-1, 1.5, 2 ** 32])
      expect(() => programs.add(number, nothing)).toThrow(/a number of 32 bits/);
  });
});

/** Four CPUs, six agents of TypeScript and three synthetic ones, which all do a bit of everything. */
async function crowd(): Promise<Machine> {
  const machine = await agentsMachine({ cpus: 4 });
  const program = machine.agents.program("busy", function* ({ id }): Program {
    let value = id;
    for (let n = 0; n < 40; n++) {
      const at = memoryOf(id - 1) + ((n * 4_099) % (MEMORY_BYTES - 64));
      yield { store: [at, Uint8Array.from({ length: 50 }, (_, k) => value + k)] };
      const bytes = (yield { load: [at, 50] }) as Uint8Array;
      const reply = (yield {
        call: n % 5 === 0 ? CALL_YIELD : CALL_ADD,
        args: [value, bytes[7] ?? 0, -n],
        cycles: 100 * ((value * 7919) % 500),
      }) as CallReply;
      value = (value + reply.value) % 1_000;
    }
    yield end;
  });
  for (let slot = 0; slot < 6; slot++) addHostAgent(machine, slot, program);
  for (let slot = 6; slot < 9; slot++)
    addSyntheticAgent(machine, slot, [
      instruction(Op.OP_SET, { a: 8, x: 60 }),
      instruction(Op.OP_RANDOM, { a: 5, b: 9, x: 10, y: 9_000 }),
      instruction(Op.OP_RUN, { b: 5, flags: Op.RUN_ADD }),
      instruction(Op.OP_TOUCH, { a: 5, x: memoryOf(slot) + 4_096, y: 1_000, z: 30 }),
      instruction(Op.OP_SET, { a: 0, x: CALL_YIELD }),
      instruction(Op.OP_SYSCALL),
      instruction(Op.OP_SUB, { a: 8, b: 8, x: 1 }),
      instruction(Op.OP_JUMP_IF, { a: 8, x: -6 }),
      instruction(Op.OP_SET, { a: 0, x: CALL_END }),
      instruction(Op.OP_SYSCALL),
    ]);
  return machine;
}

describe("a run with agents", () => {
  test("is the same however it is cut", async () => {
    const whole = await crowd();
    expect(whole.run({ until: 1_000_000_000 })).toBe("idle");
    expect(whole.agents.failures).toEqual([]);
    const expected = [whole.steps, whole.time, whole.stateHash()];
    const cut = fc.oneof(
      fc.integer({ min: 1, max: 400 }).map((steps) => ({ steps })),
      fc.integer({ min: 1, max: 300_000 }).map((by) => ({ by })),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(cut, { minLength: 5, maxLength: 60 }), async (cuts) => {
        const machine = await crowd();
        for (const piece of cuts)
          if ("steps" in piece) machine.run(piece);
          else machine.run({ until: machine.time + BigInt(piece.by) });
        machine.run({ until: 1_000_000_000 });
        expect([machine.steps, machine.time, machine.stateHash()]).toEqual(expected);
        expect(machine.journal.entries).toEqual(whole.journal.entries);
      }),
      { numRuns: 8 },
    );
  });
  test("is replayed from its journal's file, without its programs, the same at every step", async () => {
    const machine = await crowd();
    const hashes: [bigint, bigint, string][] = [];
    while (machine.stopReason !== "idle") {
      machine.run({ until: 1_000_000_000, steps: 61 });
      hashes.push([machine.steps, machine.time, machine.stateHash()]);
    }
    const journal = await Journal.fromBytes(await machine.journal.toBytes());
    expect(journal.entries).toEqual(machine.journal.entries);
    const modules = await loadModules("hal-agents");
    const again = await Machine.replay(journal, { modules });
    for (const expected of hashes) {
      again.run({ until: 1_000_000_000, steps: Number(expected[0] - again.steps) });
      if (again.steps === machine.steps) again.run({ until: 1_000_000_000 });
      expect([again.steps, again.time, again.stateHash()]).toEqual(expected);
    }
    expect(again.journal.entries).toEqual(machine.journal.entries);
    expect(again.agents.failures).toEqual([]);
  });
  test("whose journal lacks an operation, or has one too many, is not replayed", async () => {
    const machine = await crowd();
    machine.run({ until: 3_000_000 });
    const { configuration, drives, entries } = machine.journal;
    const modules = await loadModules("hal-agents");
    const first = entries.findIndex(({ input }) => input.kind === "agent");
    const replay = async (changed: typeof entries) => {
      const again = await Machine.replay(new Journal(configuration, drives, changed), { modules });
      return () => again.run({ until: 3_000_000 });
    };
    const diverged = expect.objectContaining({ code: "journal-diverged" });
    const lacking = await replay(entries.toSpliced(first, 1));
    expect(lacking).toThrow(diverged);
    const entry = entries[first];
    if (!entry) throw new Error("no agent has called");
    const doubled = await replay(entries.toSpliced(first, 0, entry));
    expect(doubled).toThrow(diverged);
    const elsewhere = { ...entry, input: { ...entry.input, cpu: 3 } } as typeof entry;
    expect(await replay(entries.with(first, elsewhere))).toThrow(diverged);
  });
});

describe("a copy of a machine", () => {
  /** Stops in the middle of one agent's calls, with another still to come. */
  async function halfway(): Promise<Machine> {
    const machine = await agentsMachine();
    let calls = 0;
    const program = machine.agents.program("counter", function* ({ argument }): Program {
      for (let n = 0; n < 10; n++, calls++) yield add(argument, n);
      yield end;
    });
    addHostAgent(machine, 0, program, 5);
    machine.run({ condition: () => calls === 3 });
    addHostAgent(machine, 1, program, 6);
    return machine;
  }
  const outcome = (machine: Machine) => {
    machine.run({ until: 1_000_000_000 });
    return {
      vectors: [0, 1].map((slot) => agentState(machine, slot)),
      failures: machine.agents.failures.map(({ agent, error }) => [agent, error.code]),
    };
  };
  const whole = { state: ENDED, vector: null };
  const faulted = { state: ENDED, vector: 6 };
  const lost = { vectors: [faulted, whole], failures: [[1, "agent-lost"]] };

  test("by fork loses those that had begun; new ones of the same programs start", async () => {
    const machine = await halfway();
    const copy = machine.fork();
    expect(outcome(copy)).toEqual(lost);
    expect(outcome(machine)).toEqual({ vectors: [whole, whole], failures: [] });
  });
  test("from a snapshot does so too, when it is given the programs", async () => {
    const machine = await halfway();
    const snapshot = await Snapshot.fromBytes(await machine.snapshot().toBytes());
    const modules = await loadModules("hal-agents");
    const { programs } = machine.agents;
    expect(outcome(await Machine.restore(snapshot, { modules, programs }))).toEqual(lost);
    const knowsNothing = await Machine.restore(snapshot, { modules });
    expect(outcome(knowsNothing)).toEqual({
      vectors: [faulted, faulted],
      failures: [
        [1, "agent-lost"],
        [2, "agent-program-missing"],
      ],
    });
  });
  test("has a journal from which the copy's own run is replayed", async () => {
    const copy = (await halfway()).fork();
    copy.run({ until: 1_000_000_000 });
    const again = await Machine.replay(copy.journal, { modules: await loadModules("hal-agents") });
    again.run({ until: 1_000_000_000 });
    expect([again.steps, again.stateHash()]).toEqual([copy.steps, copy.stateHash()]);
  });
});
