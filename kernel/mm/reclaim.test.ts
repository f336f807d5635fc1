import { describe, expect, test } from "vitest";
import { Pool } from "../host/views.generated.ts";
import {
  DISCARDABLE,
  FAULT_READ,
  FAULT_WRITE,
  Memory,
  MIB,
  PAGE,
  READ,
  type Tenant,
  WRITE,
} from "../testing/memory-host.ts";

const CACHE = READ | WRITE | DISCARDABLE;
const RESERVED = 8;
const ACCESSED = 0x20n;

/** Which pages of a range are there. */
const present = (agent: Tenant, at: number, pages: number) =>
  Array.from({ length: pages }, (_, page) => page).filter((page) => agent.walk(at + page * PAGE));

/** Clears or sets the accessed flag of a page, as the clock or the processor does. */
function setAccessed(agent: Tenant, address: number, accessed: boolean): void {
  const entry = agent.entry(address);
  const value = agent.memory.data.getBigUint64(entry, true);
  agent.memory.data.setBigUint64(entry, accessed ? value | ACCESSED : value & ~ACCESSED, true);
}

/** An agent whose pool has room for `spare` pages beyond a cache of `pages` with nothing in it. */
function withCache(memory: Memory, pages: number, spare: number): { agent: Tenant; at: number } {
  const agent = memory.tenant(8 * MIB);
  const at = agent.allocate(pages * PAGE, CACHE);
  const pool = new Pool(memory.data, agent.view.pool);
  pool.quota = pool.used + BigInt(spare * PAGE);
  return { agent, at };
}

/** Writes one prediction through the call. */
function predict(
  agent: Tenant,
  at: number,
  pages: number,
  nextUse: number,
  expiry: number,
): string {
  const buffer = agent.scratchPage;
  const record = [agent.id, at, at + pages * PAGE, nextUse, expiry].map(BigInt);
  agent.write(buffer, new Uint8Array(new BigUint64Array(record).buffer));
  return agent.call("PREDICTION_WRITE", agent.memory.authority(agent.id), buffer, 1).status;
}

describe("discardable memory", () => {
  test("reserves eight pages, and is charged for what it has beyond", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const before = agent.used;
    const at = agent.allocate(256 * PAGE, CACHE);
    const reserved = agent.used;
    expect(reserved - before).toBeLessThan(14 * PAGE);
    for (let page = 0; page < RESERVED; page++) agent.fault(at + page * PAGE);
    expect(agent.used).toBe(reserved);
    agent.fault(at + RESERVED * PAGE);
    expect(agent.used).toBe(reserved + PAGE);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    expect(agent.free(at, 255 * PAGE)).toBe("BAD_ARGUMENT");
    expect(agent.free(at, 256 * PAGE)).toBe("OK");
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("makes way for what the pool needs otherwise, and comes back as zeroes", async () => {
    const memory = await Memory.create();
    const { agent, at } = withCache(memory, 64, 24);
    for (let page = 0; page < 32; page++) agent.write(at + page * PAGE, new Uint8Array([page + 1]));
    expect(present(agent, at, 64)).toHaveLength(32);
    const { used } = agent;
    agent.allocate(16 * PAGE);
    expect(present(agent, at, 64).length).toBeLessThan(17);
    expect(agent.used).toBeLessThanOrEqual(used);
    const gone = Array.from({ length: 32 }, (_, n) => n).find((n) => !agent.walk(at + n * PAGE));
    expect(agent.read(at + (gone ?? 0) * PAGE, 1)).toEqual(new Uint8Array([0]));
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("that goes to another agent makes way in that one's pool", async () => {
    const memory = await Memory.create();
    const { agent, at } = withCache(memory, 64, 24);
    for (let page = 0; page < 32; page++) agent.fault(at + page * PAGE);
    const other = memory.tenant(8 * MIB);
    const [from, to, start, end] = [agent.id, other.id, at, at + 64 * PAGE].map(BigInt);
    expect(memory.exports.worldMove(from ?? 0n, to ?? 0n, start ?? 0n, end ?? 0n)).toBe(0);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    expect([agent.poolView.spare, other.poolView.spare]).toEqual([0, 32 - RESERVED]);
    other.poolView.quota = other.poolView.used;
    other.allocate(4 * PAGE);
    expect(present(other, at, 64).length).toBeLessThan(32);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("never makes way for what would not fit even so", async () => {
    const memory = await Memory.create();
    const { agent, at } = withCache(memory, 64, 24);
    for (let page = 0; page < 32; page++) agent.fault(at + page * PAGE);
    const refused = agent.call("AGENT_MEM_ALLOC", agent.pool, 40 * PAGE, 0, READ | WRITE);
    expect(refused.status).toBe("QUOTA");
    expect(present(agent, at, 64)).toHaveLength(32);
  });

  test("a touch never fails: with the pool full, another page of the range goes", async () => {
    const memory = await Memory.create();
    const { agent, at } = withCache(memory, 64, 0);
    for (let round = 0; round < 3; round++)
      for (let page = 0; page < 64; page++) {
        expect(agent.fault(at + page * PAGE, FAULT_WRITE)).toBe(true);
        expect(agent.walk(at + page * PAGE)).not.toBeNull();
        expect(present(agent, at, 64).length).toBeLessThanOrEqual(RESERVED);
      }
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });
});

describe("which page goes", () => {
  test("without predictions: the first from the hand on that was not used since it passed", async () => {
    const memory = await Memory.create();
    const { agent, at } = withCache(memory, 32, 16);
    for (let page = 0; page < 24; page++) agent.fault(at + page * PAGE, FAULT_READ);
    for (let page = 0; page < 24; page++)
      setAccessed(agent, at + page * PAGE, page !== 5 && page !== 11);
    const go = () => {
      const before = present(agent, at, 32);
      agent.fault(at + 31 * PAGE);
      const after = new Set(present(agent, at, 32));
      memory.data.setBigUint64(agent.entry(at + 31 * PAGE), 0n, true);
      return before.filter((page) => !after.has(page));
    };
    // The reference: a list of flags and a hand, as Corbató describes it.
    const flags = Array.from({ length: 24 }, (_, page) => page !== 5 && page !== 11);
    let hand = 0;
    const expected = () => {
      for (; flags[hand]; hand++) flags[hand] = false;
      return hand++;
    };
    expect(go()).toEqual([expected()]);
  });

  test("what is predicted to be used last goes first, while the prediction holds", async () => {
    const memory = await Memory.create();
    const { agent, at } = withCache(memory, 64, 40);
    memory.world.time = 1_000_000n;
    const second = 1_000_000_000;
    for (let page = 0; page < 40; page++) {
      agent.fault(at + page * PAGE, FAULT_READ);
      setAccessed(agent, at + page * PAGE, false);
    }
    expect(predict(agent, at + 20 * PAGE, 4, 5 * second, 10 * second)).toBe("OK");
    expect(predict(agent, at + 30 * PAGE, 4, 9 * second, 10 * second)).toBe("OK");
    fillPool(agent);
    agent.fault(at + 63 * PAGE);
    expect(agent.walk(at + 30 * PAGE)).toBeNull();
    expect(agent.walk(at + 20 * PAGE)).not.toBeNull();
    // A page that was used in spite of the prediction is not the first.
    setAccessed(agent, at + 31 * PAGE, true);
    agent.fault(at + 62 * PAGE);
    expect(agent.walk(at + 31 * PAGE)).not.toBeNull();
    expect(agent.walk(at + 32 * PAGE)).toBeNull();
    // Stale predictions count for nothing: the clock decides.
    memory.world.time = BigInt(11 * second);
    agent.fault(at + 61 * PAGE);
    expect(agent.walk(at + 20 * PAGE)).not.toBeNull();
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("what is predicted to be used soon is spared while there is anything else", async () => {
    const memory = await Memory.create();
    const { agent, at } = withCache(memory, 32, 16);
    for (let page = 0; page < 20; page++) {
      agent.fault(at + page * PAGE, FAULT_READ);
      setAccessed(agent, at + page * PAGE, false);
    }
    expect(predict(agent, at, 6, 1_000, 1_000_000_000)).toBe("OK");
    fillPool(agent);
    for (let page = 20; page < 28; page++) agent.fault(at + page * PAGE);
    for (let page = 0; page < 6; page++) expect(agent.walk(at + page * PAGE)).not.toBeNull();
  });
});

/** Leaves the agent's pool no room. */
function fillPool(agent: Tenant): void {
  const pool = new Pool(agent.memory.data, agent.view.pool);
  pool.quota = pool.used;
}

describe("the table of predictions", () => {
  test("refuses what is malformed, by name, and keeps the newest for the same begin of a range", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const authority = memory.authority(agent.id);
    const buffer = agent.scratchPage;
    const call = (...args: number[]) => agent.call("PREDICTION_WRITE", authority, ...args).status;
    expect(call(buffer, 0)).toBe("BAD_ARGUMENT");
    expect(call(buffer, 65)).toBe("TOO_LARGE");
    expect(call(buffer + 4, 1)).toBe("MISALIGNED");
    expect(call(0, 1)).toBe("BAD_ADDRESS");
    expect(predict(agent, 1, 1, 5, 10)).toBe("MISALIGNED");
    expect(predict(agent, PAGE, 0, 5, 10)).toBe("BAD_ARGUMENT");
    agent.write(buffer, new Uint8Array(new BigUint64Array([1n, 0n, 4096n, 5n, 10n]).buffer));
    expect(call(buffer, 1)).toBe("OBJECT_GONE");
    for (let page = 0; page < 256; page++) expect(predict(agent, page * PAGE, 1, 5, 10)).toBe("OK");
    expect(predict(agent, 256 * PAGE, 1, 5, 10)).toBe("LIMIT");
    // The same range again takes no room, and one that has expired makes some.
    expect(predict(agent, 0, 1, 7, 10)).toBe("OK");
    expect(predict(agent, 0, 1, 7, 0)).toBe("OK");
    expect(predict(agent, 256 * PAGE, 1, 5, 10)).toBe("OK");
    expect(predict(agent, 257 * PAGE, 1, 5, 10)).toBe("LIMIT");
    memory.world.time = 10n;
    expect(predict(agent, 257 * PAGE, 1, 50, 100)).toBe("OK");
  });
});
