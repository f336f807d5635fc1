import { describe, expect, test } from "vitest";
import { KernelCpu } from "../host/views.generated.ts";
import { FAULT_WRITE, Memory, PAGE, type Tenant } from "../testing/memory-host.ts";

const run = (memory: Memory, cpu: number, agent: Tenant | null) =>
  memory.exports.worldRun(cpu, BigInt(agent?.id ?? 0));

function cpuView(memory: Memory, cpu: number): KernelCpu {
  return new KernelCpu(memory.data, memory.world.kernel.root.cpus + cpu * KernelCpu.size);
}

describe("translations that another CPU may hold", () => {
  test("keep frames in quarantine until that CPU has answered, and nobody waits for it", async () => {
    const memory = await Memory.create({ cpus: 2 });
    const agent = memory.tenant();
    const at = agent.allocate(4 * PAGE);
    for (let page = 0; page < 4; page++) agent.fault(at + page * PAGE, FAULT_WRITE);
    run(memory, 1, agent);
    memory.exports.worldEnter(0);
    const free = memory.exports.framesFree();
    // The world's calls are CPU 0's; CPU 1 still executes the agent.
    expect(agent.free(at, 2 * PAGE)).toBe("OK");
    expect(memory.exports.worldQuarantined()).toBe(2);
    expect(memory.exports.framesFree()).toBe(free);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    memory.exports.worldShootdown(1);
    expect(memory.exports.worldQuarantined()).toBe(0);
    expect(memory.exports.framesFree()).toBe(free + 2);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("are gone with the switch to another space, without an interrupt", async () => {
    const memory = await Memory.create({ cpus: 2 });
    const [agent, other] = [memory.tenant(), memory.tenant()];
    const at = agent.allocate(PAGE);
    other.allocate(PAGE);
    agent.fault(at, FAULT_WRITE);
    run(memory, 1, agent);
    memory.exports.worldEnter(0);
    expect(agent.free(at, PAGE)).toBe("OK");
    // The page, and the two tables that only it needed.
    expect(memory.exports.worldQuarantined()).toBe(3);
    run(memory, 1, other);
    expect(memory.exports.worldQuarantined()).toBe(0);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("of a space that ends: its tables stay until no CPU translates by them", async () => {
    const memory = await Memory.create({ cpus: 3 });
    const agent = memory.tenant();
    const frames = memory.agentFrames;
    const at = agent.allocate(PAGE);
    agent.fault(at, FAULT_WRITE);
    run(memory, 2, agent);
    memory.exports.worldEnter(0);
    expect(agent.destroy()).toBe(1);
    // A page, the two tables below, and the two that every space has.
    expect(memory.exports.worldQuarantined()).toBe(5);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    memory.exports.worldShootdown(2);
    expect(memory.exports.worldQuarantined()).toBe(0);
    expect(memory.agentFrames).toBe(frames);
    expect(cpuView(memory, 2).space).toBe(0);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("more batches than there is room for join, and none is freed early", async () => {
    const memory = await Memory.create({ cpus: 3 });
    const agents = [memory.tenant(), memory.tenant()];
    const ranges = agents.map((agent) => {
      const at = agent.allocate(40 * PAGE);
      for (let page = 0; page < 40; page++) agent.fault(at + page * PAGE, FAULT_WRITE);
      return at;
    });
    agents.forEach((agent, index) => {
      run(memory, index + 1, agent);
    });
    memory.exports.worldEnter(0);
    for (let page = 0; page < 40; page++)
      agents.forEach((agent, index) => {
        expect(agent.free((ranges[index] ?? 0) + page * PAGE, PAGE)).toBe("OK");
      });
    const all = memory.exports.worldQuarantined();
    expect(all).toBeGreaterThanOrEqual(80);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
    memory.exports.worldShootdown(1);
    // Batches leave in their order, the oldest first: the second CPU still holds some back.
    expect(memory.exports.worldQuarantined()).toBeGreaterThan(0);
    memory.exports.worldShootdown(2);
    expect(memory.exports.worldQuarantined()).toBe(0);
    expect(memory.broken).toBe("INVARIANTS_HOLD");
  });

  test("a CPU that comes back to a space loads it anew when it has changed meanwhile", async () => {
    const memory = await Memory.create({ cpus: 2 });
    const agent = memory.tenant();
    const at = agent.allocate(2 * PAGE);
    agent.fault(at, FAULT_WRITE);
    run(memory, 1, agent);
    const seen = cpuView(memory, 1).generation;
    memory.exports.worldEnter(0);
    agent.free(at, PAGE);
    expect(cpuView(memory, 1).generation).toBe(seen);
    run(memory, 1, agent);
    expect(cpuView(memory, 1).generation).toBe(seen + 1n);
    expect(memory.exports.worldQuarantined()).toBe(0);
  });
});
