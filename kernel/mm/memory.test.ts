import { describe, expect, test } from "vitest";
import { AddressSpace, Mapping } from "../host/views.generated.ts";
import {
  BASE,
  EXECUTE,
  FAULT_FETCH,
  FAULT_READ,
  FAULT_WRITE,
  GIB,
  GUARD,
  Memory,
  MIB,
  PAGE,
  READ,
  WRITE,
} from "../testing/memory-host.ts";
import { EXTENDED_BYTES } from "./extended_format.ts";

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** Objects lie in slots of whole quadwords. */
const whole = (bytes: number) => Math.ceil(bytes / 8) * 8;

describe("memory of an agent", () => {
  test("has no space before it maps something, and no frame before it touches something", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    expect(agent.view.space).toBe(0);
    const address = agent.allocate(4 * PAGE);
    expect(address).toBe(BASE);
    expect(agent.view.space).not.toBe(0);
    expect(agent.walk(address)).toBeNull();
    const free = memory.exports.framesFree();
    expect(agent.fault(address + 5000)).toBe(true);
    expect(agent.walk(address)).toBeNull();
    expect(agent.walk(address + PAGE)).toMatchObject({
      writable: true,
      user: true,
      executable: false,
    });
    // The page, and the two tables that it is the first to need.
    expect(memory.exports.framesFree()).toBe(free - 3);
  });

  test("is zero at the first touch, whatever was in the frame before", async () => {
    const memory = await Memory.create();
    const [first, second] = [memory.tenant(), memory.tenant()];
    const at = first.allocate(16 * PAGE);
    first.write(at, new Uint8Array(16 * PAGE).fill(0xaa));
    expect(first.free(at, 16 * PAGE)).toBe("OK");
    const other = second.allocate(16 * PAGE);
    expect(second.read(other, 16 * PAGE)).toEqual(new Uint8Array(16 * PAGE));
  });

  test("is paid for when it is allocated, not when it is touched, and never beyond the quota", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant(64 * PAGE);
    const before = agent.used;
    // A space and its two tables, two tables more, the record, and the pages.
    const at = agent.allocate(8 * PAGE);
    expect(agent.used - before).toBe(
      whole(AddressSpace.size) + EXTENDED_BYTES + whole(Mapping.size) + (2 + 2 + 8) * PAGE,
    );
    const charged = agent.used;
    for (let page = 0; page < 8; page++) expect(agent.fault(at + page * PAGE)).toBe(true);
    expect(agent.used).toBe(charged);
    const left = Number(agent.poolView.quota) - agent.used - whole(Mapping.size);
    const most = Math.floor(left / PAGE) * PAGE;
    const refused = agent.call("AGENT_MEM_ALLOC", agent.pool, most + PAGE, 0, READ | WRITE);
    expect(refused.status).toBe("QUOTA");
    expect(agent.used).toBe(charged);
    expect(agent.call("AGENT_MEM_ALLOC", agent.pool, most, 0, READ | WRITE).status).toBe("OK");
    expect(Number(agent.poolView.quota) - agent.used).toBeLessThan(PAGE);
  });

  test("what was promised is there, however much others take in between", async () => {
    const memory = await Memory.create({ ramBytes: 16 * MIB });
    const agent = memory.tenant(64 * MIB);
    const rest = memory.tenant(64 * MIB);
    const at = agent.allocate(2 * MIB);
    let taken = 0;
    for (let order = 9; order >= 0; order--)
      while (rest.call("FRAME_ALLOC", rest.pool, order).status === "OK") taken += 1;
    expect(taken).toBeGreaterThan(0);
    expect(rest.call("FRAME_ALLOC", rest.pool, 0).status).toBe("NO_MEMORY");
    for (let page = 0; page < 512; page++) expect(agent.fault(at + page * PAGE)).toBe(true);
    expect(memory.exports.framesFree()).toBeGreaterThanOrEqual(memory.exports.framesPromised());
  });

  test("is given back whole: frames, tables and charge, and the space at the end", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant(64 * MIB);
    const start = { used: agent.used, free: memory.agentFrames };
    const far = agent.allocate(3 * PAGE, READ | WRITE, 700 * GIB);
    const near = agent.allocate(5 * MIB);
    const middle = { used: agent.used, free: memory.exports.framesFree() };
    for (const at of [far, far + PAGE, near, near + 4 * MIB]) expect(agent.fault(at)).toBe(true);
    expect(agent.free(far, 3 * PAGE)).toBe("OK");
    expect(agent.free(near, 5 * MIB)).toBe("OK");
    expect(agent.used).toBeLessThan(middle.used);
    expect(memory.exports.framesFree()).toBe(middle.free);
    expect(memory.exports.framesPromised()).toBe(0);
    expect(agent.destroy()).toBe(1);
    expect(agent.used).toBe(start.used);
    expect(memory.agentFrames).toBe(start.free);
    expect(memory.exports.framesValid()).toBe(1);
  });

  test("a gigabyte costs no more to map than a page, and is the most that an agent has", async () => {
    const memory = await Memory.create({ ramBytes: 32 * MIB });
    const agent = memory.tenant(4 * GIB);
    // Frames are promised, so RAM bounds what can be had; guards and tables are not memory.
    expect(agent.call("AGENT_MEM_ALLOC", agent.pool, GIB, 0, READ | WRITE).status).toBe(
      "NO_MEMORY",
    );
    const big = agent.call("AGENT_MEM_ALLOC", agent.pool, GIB, 0, READ | WRITE | 16);
    expect(big.status).toBe("OK");
    expect(Number(agent.view.mappedBytes)).toBe(GIB);
    expect(agent.call("AGENT_MEM_ALLOC", agent.pool, 1, 0, READ).status).toBe("LIMIT");
    expect(agent.call("AGENT_MEM_ALLOC", agent.pool, GIB + 1, 0, READ).status).toBe("TOO_LARGE");
    expect(agent.free(big.value, GIB)).toBe("OK");
    expect(memory.exports.framesPromised()).toBe(0);
  });
});

describe("guards and protection", () => {
  test("guards fault before and behind the range, and go with it", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const at = agent.allocate(2 * PAGE, READ | WRITE | GUARD);
    expect(at).toBe(BASE + PAGE);
    expect(agent.fault(at - 1)).toBe(false);
    expect(agent.fault(at)).toBe(true);
    expect(agent.fault(at + 2 * PAGE - 1)).toBe(true);
    expect(agent.fault(at + 2 * PAGE)).toBe(false);
    expect(agent.mappings()).toHaveLength(3);
    expect(agent.call("AGENT_MEM_ALLOC", agent.pool, PAGE, at + 2 * PAGE, READ).status).toBe(
      "OVERLAP",
    );
    expect(agent.free(at, 2 * PAGE)).toBe("OK");
    expect(agent.mappings()).toHaveLength(0);
  });

  test("a guard belongs to its own range, not to its neighbour's", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const guarded = agent.allocate(PAGE, READ | WRITE | GUARD);
    const plain = agent.allocate(PAGE, READ | WRITE, guarded + 2 * PAGE);
    expect(agent.free(plain, PAGE)).toBe("OK");
    expect(agent.mappings()).toHaveLength(3);
    expect(agent.fault(guarded + PAGE)).toBe(false);
  });

  test("an access that the protection doesn't allow is the agent's fault", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const read = agent.allocate(PAGE, READ);
    const text = agent.allocate(PAGE, READ | EXECUTE);
    expect(agent.fault(read, FAULT_READ)).toBe(true);
    expect(agent.fault(read, FAULT_WRITE)).toBe(false);
    expect(agent.fault(read, FAULT_FETCH)).toBe(false);
    expect(agent.fault(text, FAULT_FETCH)).toBe(true);
    expect(agent.walk(text)).toMatchObject({ writable: false, executable: true });
    expect(agent.fault(text, FAULT_WRITE)).toBe(false);
    expect(agent.fault(BASE - 1, FAULT_READ)).toBe(false);
    expect(agent.fault(text + PAGE, FAULT_READ)).toBe(false);
  });

  test("nothing is ever writable and executable", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    for (const wrong of [WRITE | EXECUTE | READ, WRITE, EXECUTE, WRITE | EXECUTE, 0, 32 | READ]) {
      const refused = agent.call("AGENT_MEM_ALLOC", agent.pool, PAGE, 0, wrong);
      expect(refused.status).toBe("BAD_ARGUMENT");
    }
    const at = agent.allocate(2 * PAGE);
    agent.write(at, new Uint8Array([1, 2, 3]));
    const protect = (protection: number) =>
      agent.call("PAGE_PROTECT", agent.self, at, PAGE, protection).status;
    expect(protect(READ | WRITE | EXECUTE)).toBe("BAD_ARGUMENT");
    expect(protect(READ | EXECUTE)).toBe("OK");
    expect(agent.walk(at)).toMatchObject({ writable: false, executable: true });
    expect(agent.fault(at, FAULT_WRITE)).toBe(false);
    expect(agent.mappings()).toHaveLength(2);
    expect(protect(READ | WRITE)).toBe("OK");
    expect(agent.walk(at)).toMatchObject({ writable: true, executable: false });
    expect(agent.read(at, 3)).toEqual(new Uint8Array([1, 2, 3]));
    // What is alike again is one range again.
    expect(agent.mappings()).toHaveLength(1);
  });
});

describe("wrong arguments of the memory calls", () => {
  test("are refused by name, and nothing changes", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant();
    const at = agent.allocate(4 * PAGE);
    const before = [agent.used, agent.mappings().length, memory.exports.framesFree()];
    const alloc = (...args: (number | bigint)[]) =>
      agent.call("AGENT_MEM_ALLOC", agent.pool, ...args).status;
    expect(alloc(0, 0, READ)).toBe("BAD_ARGUMENT");
    expect(alloc(PAGE, BASE + 1, READ)).toBe("MISALIGNED");
    expect(alloc(PAGE, BASE - PAGE, READ)).toBe("OUT_OF_RANGE");
    expect(alloc(PAGE, PAGE, READ)).toBe("OUT_OF_RANGE");
    expect(alloc(PAGE, 0x7f80_0000_0000, READ)).toBe("OUT_OF_RANGE");
    expect(alloc(PAGE, 0xffff_8000_0000_0000n, READ)).toBe("OUT_OF_RANGE");
    expect(alloc(2 * PAGE, ALL_ONES - 4095n, READ)).toBe("OUT_OF_RANGE");
    expect(alloc(PAGE, at + PAGE, READ)).toBe("OVERLAP");
    expect(alloc(ALL_ONES, 0, READ)).toBe("TOO_LARGE");
    const free = (...args: (number | bigint)[]) =>
      agent.call("AGENT_MEM_FREE", agent.pool, ...args).status;
    expect(free(at + 1, PAGE)).toBe("MISALIGNED");
    expect(free(at, 0)).toBe("BAD_ARGUMENT");
    expect(free(at, 5 * PAGE)).toBe("NOT_MAPPED");
    expect(free(at - PAGE, PAGE)).toBe("NOT_MAPPED");
    expect(free(at, ALL_ONES)).toBe("TOO_LARGE");
    expect(free(ALL_ONES - 4095n, 2 * PAGE)).toBe("OUT_OF_RANGE");
    const other = agent.call("AGENT_POOL_ALLOC", agent.pool, MIB).value;
    expect(agent.call("AGENT_MEM_FREE", other, at, PAGE).status).toBe("BAD_ARGUMENT");
    const protect = (...args: (number | bigint)[]) =>
      agent.call("PAGE_PROTECT", agent.self, ...args).status;
    expect(protect(at, 5 * PAGE, READ)).toBe("NOT_MAPPED");
    expect(protect(at + 8, PAGE, READ)).toBe("MISALIGNED");
    expect(agent.call("PAGE_UNMAP", agent.self, at, PAGE).status).toBe("NOT_MAPPED");
    expect([agent.mappings().length, memory.exports.framesFree()]).toEqual(before.slice(1));
  });

  test("no agent has more than 512 ranges", async () => {
    const memory = await Memory.create();
    const agent = memory.tenant(16 * MIB);
    for (let index = 0; index < 512; index++) agent.allocate(PAGE, READ, BASE + index * 2 * PAGE);
    const refused = agent.call("AGENT_MEM_ALLOC", agent.pool, PAGE, BASE + PAGE, READ);
    expect(refused.status).toBe("LIMIT");
    expect(agent.free(BASE, PAGE)).toBe("OK");
    agent.allocate(PAGE, READ, BASE + PAGE);
  });
});
