import { beforeEach, describe, expect, test } from "vitest";
import { type Actor, Life } from "../testing/life-host.ts";

let life: Life;
let init: Actor;
let original: Actor;
let handle: number;

beforeEach(async () => {
  life = await Life.create();
  init = life.init;
  original = init.child();
  handle = init.handle(original.id);
});

/** A byte of an agent's memory, as the agent reads it. */
const byteAt = (agent: number, address: number): number => {
  const at = life.authority.exports.worldLinear(BigInt(agent), BigInt(address));
  return new Uint8Array(life.world.data.buffer)[at] ?? -1;
};

describe("a clone", () => {
  test("has its original's memory as it was, and neither sees what the other writes", () => {
    original.bytes(3000, 1).setUint8(0, 11);
    init.call("AGENT_SUSPEND", handle);
    const made = init.clone(handle, { argument: 5 });
    expect(made.status).toBe("OK");
    const address = original.memory + 3000;
    expect(byteAt(made.id, address)).toBe(11);
    original.bytes(3000, 1).setUint8(0, 22);
    expect([byteAt(made.id, address), byteAt(original.id, address)]).toEqual([11, 22]);
    const at = life.authority.exports.worldReach(BigInt(made.id), BigInt(address));
    new Uint8Array(life.world.data.buffer)[at] = 33;
    expect([byteAt(made.id, address), byteAt(original.id, address)]).toEqual([33, 22]);
  });

  test("goes on with its original's registers, but for its own identity and result", () => {
    life.context(original.id).rbx = 0x1234n;
    life.context(original.id).rax = 99n;
    init.call("AGENT_SUSPEND", handle);
    const made = init.clone(handle, { argument: 5 });
    const { rax, rbx, rdx, rdi, r14 } = life.context(made.id);
    expect([rax, rbx, rdx, r14]).toEqual([0n, 0x1234n, 5n, BigInt(made.id)]);
    expect(Number(life.authority.view(Number(rdi)).object)).toBe(made.id);
    life.settle();
    expect([life.state(made.id), life.state(original.id)]).toEqual(["READY", "SUSPENDED"]);
  });

  test("has none of its original's capabilities, messages and endpoints", () => {
    original.call("ENDPOINT_CREATE", original.pool, 3, 4);
    init.call("IPC_SEND", handle, init.memory, 8);
    init.call("AGENT_SUSPEND", handle);
    const { id } = init.clone(handle, { poolRights: 0 });
    expect(original.view.capabilityCount).toBe(3);
    const clone = life.view(id);
    expect([clone.capabilityCount, clone.mailboxCount, clone.endpointCount]).toEqual([1, 0, 0]);
  });

  test("draws other random bytes than its original", () => {
    const { memory } = original;
    init.call("AGENT_SUSPEND", handle);
    const clone = life.actor(init.clone(handle).id);
    const drawn = [original, clone].map((agent) => {
      expect(agent.call("RANDOM_GET", agent.self, memory, 16).status).toBe("OK");
      const at = life.authority.exports.worldLinear(BigInt(agent.id), BigInt(memory));
      return Buffer.from(life.world.data.buffer, at, 16).toString("hex");
    });
    expect(drawn[0]).not.toBe(drawn[1]);
  });

  test("is not made where its maker may not run", async () => {
    const two = await Life.create({ cpus: 2 });
    const elsewhere = two.init.child({ affinity: 0b10n });
    two.init.call("AGENT_SUSPEND", two.init.handle(elsewhere.id));
    two.settle(1);
    const maker = two.init.child({ affinity: 0b01n });
    const found = two.authority.root(maker.id, elsewhere.id);
    expect(maker.memory).toBeGreaterThan(0);
    const before = two.accounts();
    expect(maker.clone(found).status).toBe("WOULD_WIDEN");
    expect(two.accounts()).toEqual(before);
    expect(two.init.clone(found).status).toBe("CAPABILITY_FOREIGN");
    expect(two.init.clone(two.init.handle(elsewhere.id)).status).toBe("OK");
  });

  test("of a running agent is refused: only the caller and who is suspended stand still", () => {
    expect(init.clone(handle).status).toBe("WRONG_STATE");
    expect(original.clone(original.self).status).toBe("OK");
  });

  test("whose pool can't pay for its memory is refused, and nothing is left of it", () => {
    original.memory;
    init.call("AGENT_SUSPEND", handle);
    const before = life.accounts();
    const pool = life.world.kernel.root.poolAt(0);
    const { quota } = pool;
    pool.quota = pool.used + 2000n;
    expect(init.clone(handle).status).toBe("QUOTA");
    pool.quota = quota;
    expect(life.accounts()).toEqual(before);
    // The identifier that it would have had is the next one's.
    const next = init.clone(handle);
    expect(next.status).toBe("OK");
  });
});

describe("splitting", () => {
  test("moves the ranges to a new agent at the same addresses", () => {
    original.bytes(4096, 1).setUint8(0, 7);
    init.call("AGENT_SUSPEND", handle);
    const range = [original.memory + 4096, 8192] as const;
    const made = init.split(handle, [range], { argument: 9 });
    expect(made.status).toBe("OK");
    expect(byteAt(made.id, range[0])).toBe(7);
    expect(life.authority.exports.worldLinear(BigInt(original.id), BigInt(range[0]))).toBe(0);
    expect(life.context(made.id).rdx).toBe(9n);
    expect([Number(life.view(made.id).mappedBytes), Number(original.view.mappedBytes)]).toEqual([
      8192, 8192,
    ]);
  });

  test.each<[string, (base: number) => [number, number][], string]>([
    ["no range", () => [], "OUT_OF_RANGE"],
    [
      "ranges that overlap",
      (base) => [
        [base, 8192],
        [base + 4096, 4096],
      ],
      "OVERLAP",
    ],
    ["half a page", (base) => [[base, 2048]], "MISALIGNED"],
    ["what is not mapped", (base) => [[base + (1 << 20), 4096]], "NOT_MAPPED"],
  ])("%s is refused, and nothing has changed", (_, ranges, status) => {
    original.memory;
    init.memory;
    init.call("AGENT_SUSPEND", handle);
    const before = life.accounts();
    expect(init.split(handle, ranges(original.memory)).status).toBe(status);
    expect(life.accounts()).toEqual(before);
  });

  test("that can't be paid leaves mappings that meet as two, and those that it cut as one", () => {
    const { memory, pool } = original;
    // A second mapping meets the first, of four pages, at its end.
    expect(original.call("AGENT_MEM_ALLOC", pool, 8 * 4096, memory + 4 * 4096, 3).status).toBe(
      "OK",
    );
    init.memory;
    init.call("AGENT_SUSPEND", handle);
    for (let quota = 4096; ; quota += 2048) {
      const poor = init.call("AGENT_POOL_ALLOC", init.pool, quota).value;
      const before = life.accounts();
      const ranges = [
        [memory + 4096, 3 * 4096],
        [memory + 6 * 4096, 4 * 4096],
      ] as const;
      const { status } = init.split(handle, ranges, { pool: poor });
      if (status === "OK") break;
      expect(status).toBe("QUOTA");
      expect(life.accounts()).toEqual(before);
      expect(original.view.mappingCount).toBe(2);
      expect(init.call("CAP_REVOKE", poor, 1).status).toBe("OK");
    }
    expect(original.view.mappingCount).toBe(3);
  });

  test("off the page that the answer goes to is refused", () => {
    expect(init.split(init.self, [[init.memory, 4096]]).status).toBe("OVERLAP");
  });
});
