/** The life of agents that are machine code: compiled C on the booted machine, and what becomes of it. */
import { describe, expect, test } from "vitest";
import type { Child } from "../../sdk/agent/births.ts";
import type { Step } from "../../sdk/agent/calls.ts";
import type { Sys } from "../../sdk/agent/sys.ts";
import { type Run, runAgents } from "../../sdk/agent/testing.ts";
import { cProgram } from "../../sdk/c/testing/programs.ts";
import { argumentEntries } from "../../sdk/image/arguments.ts";
import { buildBootImage } from "../../sdk/image/boot-image.ts";
import { Machine } from "../../sim/host/machine.ts";
import { RIGHT_ALLOCATE, RIGHTS_ALL } from "../cap/rights.ts";
import { STATUS_OK, STATUS_RIGHTS_MISSING } from "../syscall/status.ts";

const IMAGES = Object.fromEntries(
  ["state", "faults", "memory", "parts"].map((name) => [name, cProgram(name)]),
);
const A_WHILE = 300_000n;

/** What sdk/c/testing/state.c computes: 50,000 rounds for each unit of its argument. */
function stateSum(argument: number): bigint {
  const n = BigInt(argument);
  const rounds = 50_000n * n;
  const xmm = 15n * 1000n * n + 2n * 105n + 15n * 4n * rounds;
  const x87 = 8n * 16n * n + 28n + rounds;
  return xmm + x87 + 2n * (n & 3n);
}
/** Where a copy faults that has computed it. */
const toldAt = (argument: number) => 0x100_0000_0000n + stateSum(argument);

/** Runs a first agent in TypeScript, with the C programs in its bundle. */
const runInit = (init: Run, cpus = 1, more: Record<string, Run> = {}): Promise<Machine> =>
  runAgents({ init, ...more }, { cpus, images: IMAGES });

function* start(sys: Sys, image: string, argument: number): Step<Child> {
  return yield* sys.spawn({ image: yield* sys.image(image), argument });
}

function* endOf(sys: Sys, id: number): Step<readonly [string, bigint]> {
  const { reason, code } = yield* sys.ended(id);
  return [reason, code];
}

/** The ends of agents with these identifiers, whichever ends first. */
function* endsOf(sys: Sys, ids: readonly number[]): Step<unknown[]> {
  const ends: unknown[] = ids.map(() => null);
  for (let left = ids.length; left > 0; ) {
    const notice = yield* sys.notice();
    if (notice.kind !== "ended") continue;
    ends[ids.indexOf(notice.agent)] = [notice.reason, notice.code];
    left -= 1;
  }
  return ends;
}

/** Suspends an agent once it has done what it does for a while. */
function* still(sys: Sys, agent: number): Step<void> {
  yield* sys.sleep(A_WHILE);
  yield* sys.suspend(agent);
}

describe("x87 and SSE registers", () => {
  test.each([1, 2])(
    "are an agent's own among five that compute with all of them and one in TypeScript, on %i CPUs",
    async (cpus) => {
      const numbers = [1, 2, 3, 4, 5];
      let ends: unknown[] = [];
      const init: Run = function* (sys) {
        const other = yield* start(sys, "busy", 0);
        const ids: number[] = [];
        for (const n of numbers) ids.push((yield* start(sys, "state", n)).id);
        ends = yield* endsOf(sys, ids);
        yield* sys.kill(other.capability);
      };
      const busy: Run = function* (sys) {
        while (true) yield* sys.sleep(10_000n);
      };
      const machine = await runInit(init, cpus, { busy });
      expect(ends).toEqual(numbers.map((n) => ["exited", stateSum(n)]));
      for (const { switches } of machine.kernel.cpus) expect(switches).toBeGreaterThan(50n);
    },
  );
  test("are in a snapshot: the machine goes on with them after a restore, and in a fork", async () => {
    const drive = await buildBootImage({
      entries: [
        { name: "init", data: cProgram("state") },
        ...argumentEntries("init", { arguments: ["4"] }),
      ],
    });
    const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
    machine.boot({ until: 126_000_000n });
    expect(machine.kernel.agents.map(({ end }) => end)).toEqual([null]);
    const restored = await Machine.restore(machine.snapshot(), { drives: [{ data: drive }] });
    const fork = await machine.fork();
    for (const each of [machine, restored, fork]) {
      expect(each.run({ until: 60_000_000_000n })).toBe("idle");
      expect(each.kernel.agents[0]?.end).toEqual({ reason: "exited", code: stateSum(4) });
      expect(each.stateHash()).toBe(machine.stateHash());
    }
  });
});

describe("instructions", () => {
  /** All that the processor has executed of agents with these arguments, who compete for it. */
  async function retired(numbers: readonly number[]): Promise<bigint> {
    const init: Run = function* (sys) {
      const ids: number[] = [];
      for (const n of numbers) ids.push((yield* start(sys, "state", n)).id);
      yield* endsOf(sys, ids);
    };
    return (await runInit(init)).sim.cpus[0]?.retired ?? 0n;
  }
  test("of an agent are as many whoever interrupts it: not one is lost or done twice", async () => {
    const [one, two, three] = await Promise.all([[1], [2], [3]].map(retired));
    expect(one).toBeGreaterThan(50_000n * 19n);
    expect(await retired([3, 1, 2, 3])).toBe((one ?? 0n) + (two ?? 0n) + 2n * (three ?? 0n));
  });
  test("are as many however the run is cut, and all state is the same", async () => {
    const data = cProgram("state");
    const entries = [{ name: "init", data }, ...argumentEntries("init", { arguments: ["1"] })];
    const drive = await buildBootImage({ entries });
    const cut = async (length: bigint) => {
      const machine = await Machine.create({ memory: 64 << 20, drives: [{ data: drive }] });
      machine.run({ until: 120_000_000n });
      while (machine.run({ until: machine.time + length }) === "limit");
      expect(machine.kernel.agents[0]?.end).toEqual({ reason: "exited", code: stateSum(1) });
      return [
        machine.sim.cpus[0]?.retired,
        machine.kernel.agents[0]?.block.charged,
        machine.stateHash(),
      ];
    };
    const whole = await cut(60_000_000_000n);
    expect(await cut(1_237n)).toEqual(whole);
    expect(await cut(20_001n)).toEqual(whole);
  });
});

describe("an agent in the middle of its work", () => {
  test("stands still while it is suspended, and comes to the same end", async () => {
    const seen: unknown[] = [];
    const init: Run = function* (sys) {
      const { id, capability } = yield* start(sys, "state", 3);
      yield* still(sys, capability);
      const { syscalls } = yield* sys.info(capability);
      yield* sys.sleep(10_000_000n);
      seen.push((yield* sys.info(capability)).syscalls - syscalls);
      yield* sys.resume(capability);
      seen.push(yield* endOf(sys, id));
    };
    await runInit(init);
    expect(seen).toEqual([0, ["exited", stateSum(3)]]);
  });

  test("can be copied: the copies go on with all of its registers", async () => {
    let end: unknown;
    const told: bigint[] = [];
    const init: Run = function* (sys) {
      const { id, capability } = yield* start(sys, "state", 3);
      const copies: number[] = [];
      for (let copy = 0; copy < 3; copy++) {
        yield* still(sys, capability);
        copies.push((yield* sys.clone(capability)).capability);
        yield* sys.resume(capability);
      }
      yield* sys.sleep(100_000_000n);
      for (const copy of copies) told.push((yield* sys.info(copy)).faultAddress);
      end = yield* endOf(sys, id);
    };
    await runInit(init);
    expect(end).toEqual(["exited", stateSum(3)]);
    expect(told).toEqual([toldAt(3), toldAt(3), toldAt(3)]);
  });

  test("can be killed, and its neighbour comes to its end", async () => {
    let ends: unknown[] = [];
    const init: Run = function* (sys) {
      const first = yield* start(sys, "state", 3);
      const second = yield* start(sys, "state", 2);
      yield* sys.sleep(A_WHILE);
      yield* sys.kill(first.capability, 77);
      ends = yield* endsOf(sys, [first.id, second.id]);
    };
    await runInit(init);
    expect(ends).toEqual([
      ["killed", 77n],
      ["exited", stateSum(2)],
    ]);
  });

  test("goes on where it was when an upgrade's image faults", async () => {
    const seen: unknown[] = [];
    const init: Run = function* (sys) {
      const { id, capability } = yield* start(sys, "state", 3);
      yield* still(sys, capability);
      yield* sys.upgrade(capability, yield* sys.image("faults"), 5);
      yield* sys.resume(capability);
      seen.push(yield* endOf(sys, id));
    };
    await runInit(init);
    expect(seen).toEqual([["exited", stateSum(3)]]);
  });

  test("becomes a program in TypeScript, and itself again", async () => {
    const seen: unknown[] = [];
    const init: Run = function* (sys) {
      const { id, capability } = yield* start(sys, "state", 3);
      yield* still(sys, capability);
      yield* sys.upgrade(capability, yield* sys.image("other"), 21);
      yield* sys.resume(capability);
      yield* sys.sleep(A_WHILE);
      yield* sys.suspend(capability);
      yield* sys.rollBack(capability);
      yield* sys.resume(capability);
      seen.push(yield* endOf(sys, id));
    };
    const other: Run = function* (sys) {
      seen.push(sys.argument);
      yield* sys.sleep(1_000_000_000n);
    };
    await runInit(init, 1, { other });
    expect(seen).toEqual([21n, ["exited", stateSum(3)]]);
  });

  test("can become another image for good, and so can a program in TypeScript", async () => {
    let ends: unknown[] = [];
    const init: Run = function* (sys) {
      const ids: number[] = [];
      for (const before of ["state", "other"]) {
        const { id, capability } = yield* start(sys, before, 3);
        yield* still(sys, capability);
        yield* sys.upgrade(capability, yield* sys.image("state"), 2);
        yield* sys.confirmUpgrade(capability);
        yield* sys.resume(capability);
        ids.push(id);
      }
      ends = yield* endsOf(sys, ids);
    };
    const other: Run = function* (sys) {
      yield* sys.sleep(1_000_000_000n);
    };
    await runInit(init, 1, { other });
    expect(ends).toEqual([
      ["exited", stateSum(2)],
      ["exited", stateSum(2)],
    ]);
  });
});

describe("faults", () => {
  /** faults.c's argument, and the end's code: error code << 8 | vector. */
  const FAULTS: readonly (readonly [string, bigint])[] = [
    ["#DE of a division by zero", 0x00n],
    ["#UD", 0x06n],
    ["#PF of a null pointer", 0x4_0en],
    ["#PF of a store to a constant", 0x7_0en],
    ["#MF of the x87 unit", 0x10n],
    ["#XM of SSE", 0x13n],
    ["#DB of a single step", 0x01n],
    ["#GP of HLT", 0x0dn],
    ["#GP of INT3, whose gate is the kernel's", 0x1a_0dn],
    ["#PF of a jump to the runtimes of other agents", 0x14_0en],
    ["#PF of a stack that is too deep", 0x6_0en],
    ["#GP of SIDT", 0x0dn],
    ["#SS of a stack that isn't canonical", 0x0cn],
    ["#PF of a look at the kernel", 0x5_0en],
  ];
  test("end only who makes them, and are told with vector and error code", async () => {
    let ends: unknown[] = [];
    const init: Run = function* (sys) {
      const ids = [(yield* start(sys, "state", 2)).id];
      for (const index of FAULTS.keys()) ids.push((yield* start(sys, "faults", index)).id);
      ids.push((yield* start(sys, "state", 3)).id);
      ends = yield* endsOf(sys, ids);
    };
    await runInit(init);
    expect(ends.pop()).toEqual(["exited", stateSum(3)]);
    expect(ends.shift()).toEqual(["exited", stateSum(2)]);
    expect(FAULTS.map(([what], index) => [what, ends[index]])).toEqual(
      FAULTS.map(([what, code]) => [what, ["fault", code]]),
    );
  });
});

describe("an agent that waits", () => {
  test("is copied with its registers: the copy's call answers the argument", async () => {
    let ends: unknown[] = [];
    const init: Run = function* (sys) {
      const { id, capability } = yield* start(sys, "parts", 9);
      yield* still(sys, capability);
      const copy = yield* sys.clone(capability, { argument: 5 });
      yield* sys.resume(capability);
      yield* sys.send(capability, Uint8Array.of(1));
      ends = yield* endsOf(sys, [id, copy.id]);
    };
    await runInit(init);
    // What the original's Wait answers is 16, the mailbox.
    expect(ends).toEqual([
      ["exited", 16n],
      ["exited", 5009n + BigInt(STATUS_OK)],
    ]);
  });

  /** 0 + 3 + 6 + … of 1,024 words. */
  const SUM = (3n * 1024n * 1023n) / 2n;
  const PAGES = { address: 0x5000_0000, bytes: 8192 };

  test("can be split: a part has the pages, the original has them no more", async () => {
    let ends: unknown[] = [];
    const init: Run = function* (sys) {
      const { id, capability } = yield* start(sys, "parts", 0);
      yield* still(sys, capability);
      const part = yield* sys.split(capability, [PAGES], { argument: 1 });
      yield* sys.resume(capability);
      yield* sys.send(capability, Uint8Array.of(1));
      ends = yield* endsOf(sys, [id, part.id]);
    };
    await runInit(init);
    expect(ends).toEqual([
      ["fault", 0x4_0en],
      ["exited", SUM],
    ]);
  });

  test("can't be split where its image is: the part has one of its own there", async () => {
    let refused = "";
    const init: Run = function* (sys) {
      const { capability } = yield* start(sys, "parts", 0);
      yield* still(sys, capability);
      for (const address of [0x40_0000, 0x3fff_f000])
        try {
          yield* sys.split(capability, [{ address, bytes: 4096 }], { argument: 1 });
        } catch (error) {
          refused += `${(error as { status: string }).status} `;
        }
    };
    await runInit(init);
    expect(refused).toBe("OVERLAP OVERLAP ");
  });

  test.each([
    ["another native one", "parts"],
    ["one in TypeScript", "reader"],
  ])("can be merged into %s, which finds its pages", async (_, survivor) => {
    let ends: unknown[] = [];
    const init: Run = function* (sys) {
      const from = yield* start(sys, "parts", 0);
      const to = yield* start(sys, survivor, 2);
      yield* still(sys, from.capability);
      yield* sys.suspend(to.capability);
      yield* sys.merge(from.capability, to.capability);
      yield* sys.resume(to.capability);
      yield* sys.send(to.capability, Uint8Array.of(1));
      ends = yield* endsOf(sys, [from.id, to.id]);
      (ends[0] as unknown[])[1] = Number((ends[0] as bigint[])[1]) === to.id;
    };
    const reader: Run = function* (sys) {
      yield* sys.receive();
      const words = new BigUint64Array(
        (yield* sys.load(PAGES.address, PAGES.bytes)).slice().buffer,
      );
      yield* sys.exit(words.reduce((sum, word) => sum + word, 0n));
    };
    await runInit(init, 1, { reader });
    expect(ends).toEqual([
      ["merged", true],
      ["exited", SUM],
    ]);
  });

  test("has no right any more that it was made to give up", async () => {
    const ends: unknown[] = [];
    const init: Run = function* (sys) {
      for (const rights of [RIGHTS_ALL, RIGHTS_ALL & ~RIGHT_ALLOCATE]) {
        const { id, capability } = yield* start(sys, "parts", 3);
        yield* sys.specialize(capability, rights);
        yield* sys.send(capability, Uint8Array.of(1));
        ends.push(yield* endOf(sys, id));
      }
    };
    await runInit(init);
    expect(ends).toEqual([
      ["exited", BigInt(STATUS_OK)],
      ["exited", BigInt(STATUS_RIGHTS_MISSING)],
    ]);
  });
});

describe("pages", () => {
  interface Counts {
    readonly faults: number;
    readonly copies: number;
  }
  /** Pages brought in and copied, of the original and of its clone, which both wait in the end. */
  async function counts(read: number, byClone: number, own: number): Promise<[Counts, Counts]> {
    const argument = read | (byClone << 8) | (own << 16);
    const init: Run = function* (sys) {
      yield* start(sys, "memory", argument);
      yield* sys.receive();
    };
    const machine = await runInit(init);
    const alive = machine.kernel.agents.filter(({ end }) => end === null);
    const found = alive.slice(1).map(({ block }) => {
      const { faults, copies } = block.spaceAt(0);
      return { faults: Number(faults), copies: Number(copies) };
    });
    expect(found.length, machine.consoleText).toBe(2);
    return [found[0], found[1]] as [Counts, Counts];
  }

  test("come with the first touch, and are copied once when one of two writes", async () => {
    const [none, cloneOfNone] = await counts(0, 0, 0);
    for (const [read, byClone, own] of [
      [20, 0, 0],
      [20, 8, 0],
      [20, 8, 12],
      [20, 20, 20],
      [5, 20, 20],
    ] as const) {
      const [original, clone] = await counts(read, byClone, own);
      const shared = (pages: number) => Math.min(read, pages);
      // What is not there yet when it is cloned, each brings in for itself, to read it or to write it.
      expect(clone.faults - cloneOfNone.faults).toBe(byClone);
      expect(clone.copies - cloneOfNone.copies).toBe(shared(byClone));
      const looks = Math.max(0, byClone - read);
      const writes = own <= read ? own : read + Math.max(0, own - Math.max(read, byClone));
      expect(original.faults - none.faults).toBe(read + looks + writes);
      expect(original.copies - none.copies).toBe(Math.max(0, shared(own) - shared(byClone)));
    }
  });
});
