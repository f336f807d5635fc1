import { describe, expect, test } from "vitest";
import { RIGHT_MAP, RIGHT_READ, RIGHT_WRITE } from "../cap/rights.ts";
import { FrameBlock, Region } from "../host/views.generated.ts";
import { KIND_FRAME, KIND_REGION } from "../object/kinds.ts";
import {
  BASE,
  EXECUTE,
  FAULT_READ,
  FAULT_WRITE,
  Memory,
  MIB,
  PAGE,
  READ,
  type Tenant,
  WRITE,
} from "../testing/memory-host.ts";

const round8 = (bytes: number) => Math.ceil(bytes / 8) * 8;

/** The object that a capability of the agent names. */
function objectOf(memory: Memory, capability: number): number {
  const at = memory.exports.worldObject(BigInt(capability));
  return Number(memory.data.getBigUint64(at + 16, true));
}

/** A capability of `to` to the object that `capability` names, with `rights`. */
function pass(to: Tenant, capability: number, kind: number, rights: number): number {
  return to.memory.capability(to.id, kind, objectOf(to.memory, capability), rights);
}

describe("regions", () => {
  test("share the owner's pages where they are, with whoever maps them", async () => {
    const memory = await Memory.create();
    const [owner, other] = [memory.tenant(), memory.tenant()];
    const at = owner.allocate(8 * PAGE);
    owner.write(at + PAGE, new Uint8Array([1, 2, 3]));
    const frame = owner.walk(at + PAGE)?.physical;
    const shared = owner.call("REGION_SHARE", owner.pool, at + PAGE, 4 * PAGE);
    expect(shared.status).toBe("OK");
    expect(owner.mappings()).toHaveLength(3);
    const given = pass(other, shared.value, KIND_REGION, RIGHT_MAP | RIGHT_READ | RIGHT_WRITE);
    const mapped = other.call("REGION_MAP", given, 0, READ | WRITE);
    expect(mapped.status).toBe("OK");
    expect(other.read(mapped.value, 3)).toEqual(new Uint8Array([1, 2, 3]));
    expect(other.walk(mapped.value)?.physical).toBe(frame);
    other.write(mapped.value + 2 * PAGE, new Uint8Array([7]));
    expect(owner.read(at + 3 * PAGE, 1)).toEqual(new Uint8Array([7]));
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("are mapped with the rights of the capability and no more", async () => {
    const memory = await Memory.create();
    const [owner, other] = [memory.tenant(), memory.tenant()];
    const at = owner.allocate(PAGE);
    const shared = owner.call("REGION_SHARE", owner.pool, at, PAGE).value;
    const given = pass(other, shared, KIND_REGION, RIGHT_MAP | RIGHT_READ);
    expect(other.call("REGION_MAP", given, 0, READ | WRITE).status).toBe("RIGHTS_MISSING");
    expect(other.call("REGION_MAP", given, 0, READ | EXECUTE).status).toBe("RIGHTS_MISSING");
    expect(other.call("REGION_MAP", given, 0, WRITE | EXECUTE).status).toBe("BAD_ARGUMENT");
    const mapped = other.call("REGION_MAP", given, 0, READ);
    expect(other.fault(mapped.value, FAULT_READ)).toBe(true);
    expect(other.fault(mapped.value, FAULT_WRITE)).toBe(false);
    const widen = other.call("PAGE_PROTECT", other.self, mapped.value, PAGE, READ | WRITE);
    expect(widen.status).toBe("RIGHTS_MISSING");
    const without = pass(other, shared, KIND_REGION, RIGHT_READ);
    expect(other.call("REGION_MAP", without, 0, READ).status).toBe("RIGHTS_MISSING");
  });

  test("outlive their owner, belong to nobody then, and end with the last mapping", async () => {
    const memory = await Memory.create();
    const [owner, other] = [memory.tenant(), memory.tenant()];
    const free = memory.agentFrames;
    const at = owner.allocate(2 * PAGE);
    owner.write(at, new Uint8Array([5]));
    const shared = owner.call("REGION_SHARE", owner.pool, at, 2 * PAGE).value;
    const given = pass(other, shared, KIND_REGION, RIGHT_MAP | RIGHT_READ);
    const region = new Region(
      memory.data,
      memory.exports.worldObject(BigInt(objectOf(memory, shared))),
    );
    const mapped = other.call("REGION_MAP", given, 0, READ).value;
    expect(Number(region.owner)).toBe(owner.id);
    owner.destroy();
    expect(Number(region.owner)).toBe(0);
    expect(other.read(mapped, 1)).toEqual(new Uint8Array([5]));
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    expect(other.call("REGION_UNMAP", given, mapped + PAGE).status).toBe("NOT_MAPPED");
    expect(other.call("REGION_UNMAP", given, mapped).status).toBe("OK");
    expect(other.call("REGION_MAP", given, 0, READ).status).toBe("OBJECT_GONE");
    other.destroy();
    expect(memory.agentFrames).toBe(free);
  });

  test("are not made of what isn't one piece of the agent's own memory", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const at = agent.allocate(2 * PAGE);
    agent.allocate(2 * PAGE, READ, at + 2 * PAGE);
    const share = (...args: number[]) => agent.call("REGION_SHARE", agent.pool, ...args).status;
    const before = agent.used;
    expect(share(at, 4 * PAGE)).toBe("BAD_ARGUMENT");
    expect(share(at + 3 * PAGE, 2 * PAGE)).toBe("NOT_MAPPED");
    expect(share(at + 1, PAGE)).toBe("MISALIGNED");
    expect(share(at, 0)).toBe("BAD_ARGUMENT");
    expect(share(BASE + 64 * MIB, PAGE)).toBe("NOT_MAPPED");
    expect(agent.used).toBe(before);
    expect(agent.mappings()).toHaveLength(2);
  });

  test("a clone's writes don't reach a region that its parent shared, nor the region's the clone", async () => {
    const memory = await Memory.create();
    const [owner, clone] = [memory.tenant(), memory.tenant()];
    const at = owner.allocate(2 * PAGE);
    owner.write(at, new Uint8Array([1]));
    expect(memory.exports.worldClone(BigInt(owner.id), BigInt(clone.id))).toBe(0);
    expect(owner.call("REGION_SHARE", owner.pool, at, 2 * PAGE).status).toBe("OK");
    owner.write(at, new Uint8Array([2]));
    expect(clone.read(at, 1)).toEqual(new Uint8Array([1]));
    const second = memory.tenant();
    expect(memory.exports.worldClone(BigInt(owner.id), BigInt(second.id))).toBe(0);
    expect(second.read(at, 1)).toBe("BAD_ADDRESS");
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });
});

describe("blocks of frames", () => {
  test("are contiguous, and mapped by one 2 MiB page when they are as large", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const made = agent.call("FRAME_ALLOC", agent.pool, 9);
    expect(made.status).toBe("OK");
    const mapped = agent.call("PAGE_MAP", made.value, 0, READ | WRITE);
    expect(mapped.value % (2 * MIB)).toBe(0);
    expect(agent.fault(mapped.value + 5 * PAGE)).toBe(true);
    const [first, last] = [agent.walk(mapped.value), agent.walk(mapped.value + 2 * MIB - 1)];
    expect((last?.physical ?? 0) - (first?.physical ?? 0)).toBe(2 * MIB - 1);
    agent.write(mapped.value + MIB, new Uint8Array([9]));
    expect(agent.read(mapped.value + MIB, 1)).toEqual(new Uint8Array([9]));
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    expect(agent.call("PAGE_UNMAP", agent.self, mapped.value, MIB).status).toBe("BAD_ARGUMENT");
    expect(agent.call("PAGE_UNMAP", agent.self, mapped.value, 2 * MIB).status).toBe("OK");
    expect(agent.walk(mapped.value)).toBeNull();
  });

  test("cost their pool what they are, and come back when nobody maps or names them", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const [used, free] = [agent.used, memory.agentFrames];
    const made = agent.call("FRAME_ALLOC", agent.pool, 3).value;
    const capability = agent.used - used - 8 * PAGE - round8(FrameBlock.size);
    expect(capability).toBeGreaterThan(0);
    const at = agent.call("PAGE_MAP", made, BASE, READ | WRITE).value;
    expect(agent.call("PAGE_MAP", made, BASE + PAGE, READ).status).toBe("OVERLAP");
    agent.write(at + 7 * PAGE, new Uint8Array([4]));
    expect(agent.call("FRAME_FREE", made).status).toBe("OK");
    expect(agent.call("FRAME_FREE", made).status).toBe("OBJECT_GONE");
    expect(agent.call("PAGE_MAP", made, 0, READ).status).toBe("OBJECT_GONE");
    expect(agent.read(at + 7 * PAGE, 1)).toEqual(new Uint8Array([4]));
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    expect(agent.call("PAGE_UNMAP", agent.self, at, 8 * PAGE).status).toBe("OK");
    agent.destroy();
    memory.exports.worldDelete(BigInt(made));
    expect(agent.used).toBe(used);
    expect(memory.agentFrames).toBe(free);
  });

  test("end with the last capability that names them", async () => {
    const memory = await Memory.create();
    const [agent, other] = [memory.tenant(), memory.tenant()];
    const used = agent.used;
    const made = agent.call("FRAME_ALLOC", agent.pool, 0).value;
    const given = pass(other, made, KIND_FRAME, RIGHT_MAP | RIGHT_READ);
    memory.exports.worldDelete(BigInt(made));
    expect(agent.used).toBe(used + PAGE + round8(FrameBlock.size));
    const at = other.call("PAGE_MAP", given, 0, READ);
    expect(at.status).toBe("OK");
    expect(other.call("FRAME_FREE", given).status).toBe("RIGHTS_MISSING");
    memory.exports.worldDelete(BigInt(given));
    expect(other.fault(at.value, FAULT_READ)).toBe(true);
    expect(other.call("PAGE_UNMAP", other.self, at.value, PAGE).status).toBe("OK");
    expect(agent.used).toBe(used);
  });

  test("of more than 2 MiB, or more than the pool has, are refused by name", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant(MIB);
    expect(agent.call("FRAME_ALLOC", agent.pool, 10).status).toBe("TOO_LARGE");
    expect(agent.call("FRAME_ALLOC", agent.pool, 9).status).toBe("QUOTA");
    const made = agent.call("FRAME_ALLOC", agent.pool, 2).value;
    expect(agent.call("PAGE_MAP", made, BASE + 1, READ).status).toBe("MISALIGNED");
    expect(agent.call("PAGE_MAP", made, PAGE, READ).status).toBe("OUT_OF_RANGE");
    expect(agent.call("PAGE_MAP", made, BASE, 0).status).toBe("BAD_ARGUMENT");
  });
});

describe("pools", () => {
  test("a child's quota is taken from the parent at once, and comes back when nothing refers to it", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant(4 * MIB);
    const used = agent.used;
    const child = agent.call("AGENT_POOL_ALLOC", agent.pool, MIB);
    expect(child.status).toBe("OK");
    expect(agent.used).toBeGreaterThan(used + MIB);
    const at = agent.call("AGENT_MEM_ALLOC", child.value, 64 * PAGE, 0, READ | WRITE);
    expect(at.status).toBe("OK");
    expect(agent.call("AGENT_MEM_ALLOC", child.value, MIB, 0, READ).status).toBe("QUOTA");
    memory.exports.worldDelete(BigInt(child.value));
    expect(agent.used).toBeGreaterThan(used + MIB);
    expect(agent.fault(at.value, FAULT_WRITE)).toBe(true);
    agent.destroy();
    expect(agent.used).toBe(used);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("never give more than they have, to the byte", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant(MIB);
    const first = agent.call("AGENT_POOL_ALLOC", agent.pool, 1).value;
    const cost = agent.used;
    memory.exports.worldDelete(BigInt(first));
    const rest = MIB - cost + 1;
    const refused = agent.call("AGENT_POOL_ALLOC", agent.pool, rest + 1);
    expect(refused.status).toBe("QUOTA");
    expect(agent.call("AGENT_POOL_ALLOC", agent.pool, 0).status).toBe("BAD_ARGUMENT");
    expect(agent.call("AGENT_POOL_ALLOC", agent.pool, rest).status).toBe("OK");
    expect(agent.used).toBe(MIB);
    expect(agent.call("AGENT_POOL_ALLOC", agent.pool, 1).status).toBe("QUOTA");
  });

  test("are at most 63 levels deep below the pool of all memory", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant(8 * MIB);
    let pool = agent.pool;
    let levels = 0;
    for (let bytes = 4 * MIB; ; bytes -= 8 * PAGE) {
      const made = agent.call("AGENT_POOL_ALLOC", pool, bytes);
      if (made.status !== "OK") {
        expect(made.status).toBe("TOO_DEEP");
        break;
      }
      pool = made.value;
      levels += 1;
    }
    expect(levels).toBe(63);
  });
});
