import { describe, expect, test } from "vitest";
import {
  BASE,
  FAULT_WRITE,
  GUARD,
  Memory,
  MIB,
  PAGE,
  READ,
  WRITE,
} from "../testing/memory-host.ts";
import { statusName } from "../testing/world-host.ts";

const clone = (memory: Memory, from: { id: number }, to: { id: number }) =>
  statusName(memory.exports.worldClone(BigInt(from.id), BigInt(to.id)));

describe("a clone's memory", () => {
  test("is the parent's frames until one of the two writes", async () => {
    const memory = await Memory.create();
    const [parent, child] = [memory.tenant(), memory.tenant()];
    const at = parent.allocate(64 * PAGE);
    parent.write(at, new Uint8Array(64 * PAGE).fill(1));
    const free = memory.agentFrames;
    expect(clone(memory, parent, child)).toBe("OK");
    // A space: its two tables, and two tables for 64 pages.
    expect(memory.agentFrames).toBe(free + 4);
    for (const agent of [parent, child]) expect(agent.walk(at)?.writable).toBe(false);
    expect(child.walk(at)?.physical).toBe(parent.walk(at)?.physical);
    child.write(at, new Uint8Array([2]));
    expect(parent.read(at, 1)).toEqual(new Uint8Array([1]));
    expect(child.read(at, 2)).toEqual(new Uint8Array([2, 1]));
    // The last user of a frame gets it without a copy.
    const frame = parent.walk(at)?.physical;
    expect(parent.fault(at, FAULT_WRITE)).toBe(true);
    expect(parent.walk(at)).toMatchObject({ physical: frame, writable: true });
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("is paid by its own pool in full, so that its writes can't fail", async () => {
    const memory = await Memory.create({ ramBytes: 16 * MIB });
    const parent = memory.tenant(32 * MIB);
    const at = parent.allocate(256 * PAGE);
    parent.write(at, new Uint8Array(128 * 1024).fill(3));
    const poor = memory.tenant(MIB);
    const before = poor.used;
    expect(clone(memory, parent, poor)).toBe("QUOTA");
    expect(poor.used).toBe(before);
    const child = memory.tenant(2 * MIB);
    expect(clone(memory, parent, child)).toBe("OK");
    const taker = memory.tenant(32 * MIB);
    for (let order = 9; order >= 0; order--)
      while (taker.call("FRAME_ALLOC", taker.pool, order).status === "OK");
    for (let page = 0; page < 256; page++) {
      expect(child.fault(at + page * PAGE, FAULT_WRITE)).toBe(true);
      expect(parent.fault(at + page * PAGE, FAULT_WRITE)).toBe(true);
    }
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("has the guards, and none of what is discardable", async () => {
    const memory = await Memory.create();
    const [parent, child] = [memory.tenant(), memory.tenant()];
    const guarded = parent.allocate(PAGE, READ | WRITE | GUARD);
    const cache = parent.allocate(32 * PAGE, READ | WRITE | 16);
    parent.write(cache, new Uint8Array([1]));
    expect(clone(memory, parent, child)).toBe("OK");
    expect(child.fault(guarded + PAGE)).toBe(false);
    expect(child.read(cache, 1)).toEqual(new Uint8Array([0]));
    expect(parent.read(cache, 1)).toEqual(new Uint8Array([1]));
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("of an agent that another CPU executes is a copy of one instant", async () => {
    const memory = await Memory.create({ cpus: 2 });
    const [parent, child] = [memory.tenant(), memory.tenant()];
    const at = parent.allocate(8 * PAGE);
    parent.write(at, new Uint8Array(8 * PAGE).fill(4));
    memory.exports.worldRun(1, BigInt(parent.id));
    memory.exports.worldEnter(0);
    expect(clone(memory, parent, child)).toBe("OK");
    // CPU 1 may go on writing through its TLB: nothing it can reach was shared.
    expect(parent.walk(at)?.writable).toBe(true);
    expect(child.walk(at)?.physical).not.toBe(parent.walk(at)?.physical);
    expect(child.read(at, 1)).toEqual(new Uint8Array([4]));
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("a chain of clones leaves each frame with its last user, whoever ends first", async () => {
    const memory = await Memory.create();
    const free = memory.agentFrames;
    const tenants = [memory.tenant(), memory.tenant(), memory.tenant(), memory.tenant()];
    const [first] = tenants;
    if (first === undefined) throw new Error("no tenant");
    const at = first.allocate(16 * PAGE);
    first.write(at, new Uint8Array(16 * PAGE).fill(8));
    tenants.slice(1).forEach((tenant, index) => {
      expect(clone(memory, tenants[index] ?? first, tenant)).toBe("OK");
    });
    for (const index of [1, 0, 3, 2]) {
      const tenant = tenants[index];
      expect(tenant?.read(at, 1)).toEqual(new Uint8Array([8]));
      tenant?.destroy();
      expect(memory.broken).toBe("INVARIANTS_HOLD");
    }
    expect(memory.agentFrames).toBe(free);
  });
});

describe("the end of an agent's memory", () => {
  test("comes in pieces of at most 16 MiB, and everything comes back", async () => {
    const memory = await Memory.create({ ramBytes: 96 * MIB });
    const agent = memory.tenant(128 * MIB);
    const [used, free] = [agent.used, memory.agentFrames];
    const at = agent.allocate(64 * MIB);
    memory.exports.faultMany(BigInt(agent.id), BigInt(at), 16384, FAULT_WRITE);
    agent.allocate(PAGE, READ, BASE + 512 * MIB);
    expect(agent.destroy()).toBe(5);
    expect(agent.used).toBe(used);
    expect(memory.agentFrames).toBe(free);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });
});
