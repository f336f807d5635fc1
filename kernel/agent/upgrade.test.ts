import { beforeEach, describe, expect, test } from "vitest";
import { UPGRADE_BEGIN, UPGRADE_CONFIRM, UPGRADE_ROLL_BACK } from "../syscall/modes.ts";
import { STATUS_ROLLED_BACK } from "../syscall/status.ts";
import { type Actor, Life } from "../testing/life-host.ts";
import { NEVER } from "../testing/world-host.ts";

let life: Life;
let init: Actor;
let agent: Actor;
let handle: number;
let image: number;

beforeEach(async () => {
  life = await Life.create();
  init = life.init;
  agent = init.child();
  handle = init.handle(agent.id);
  image = life.secondImage(init.id);
});

const upgrade = (mode: number, argument = 0) =>
  init.call("AGENT_UPGRADE", handle, image, mode, argument).status;

const byteAt = (offset: number) => agent.bytes(offset, 1).getUint8(0);

describe("an upgrade", () => {
  test("starts the new image with the agent's identity, capabilities, mailbox and memory", () => {
    agent.bytes(3000, 1).setUint8(0, 5);
    init.call("IPC_SEND", handle, init.memory, 8);
    const { image: old, capabilityCount } = agent.view;
    init.call("AGENT_SUSPEND", handle);
    expect(upgrade(UPGRADE_BEGIN, 42)).toBe("OK");
    expect(agent.view.image).not.toBe(old);
    const { rdi, rsi, rdx, r14, rbx } = life.context(agent.id);
    expect([rdi, rsi].map(Number)).toEqual([agent.self, agent.pool]);
    expect([rdx, r14, rbx]).toEqual([42n, BigInt(agent.id), agent.view.imageAt(0).entry]);
    expect([agent.view.mailboxCount, agent.view.capabilityCount, byteAt(3000)]).toEqual([
      1,
      capabilityCount,
      5,
    ]);
  });

  test("that is confirmed has no way back, and costs nothing more", () => {
    agent.memory;
    init.memory;
    init.call("AGENT_SUSPEND", handle);
    const before = life.accounts();
    upgrade(UPGRADE_BEGIN);
    expect(life.accounts()["objects of kind 1"]).toBe((before["objects of kind 1"] ?? 0) + 1);
    expect(upgrade(UPGRADE_CONFIRM)).toBe("OK");
    life.settle();
    expect({ ...life.accounts(), "references to the image": 0 }).toEqual({
      ...before,
      "references to the image": 0,
    });
    expect(upgrade(UPGRADE_ROLL_BACK)).toBe("WRONG_STATE");
  });

  test("that is rolled back leaves registers and memory as they were", () => {
    agent.bytes(3000, 1).setUint8(0, 5);
    life.context(agent.id).rbx = 0x77n;
    init.memory;
    init.call("AGENT_SUSPEND", handle);
    const before = life.accounts();
    const { image: old } = agent.view;
    upgrade(UPGRADE_BEGIN);
    agent.bytes(3000, 1).setUint8(0, 9);
    life.authority.exports.worldPages(BigInt(agent.id), 0x6000_0000n, 2);
    expect(upgrade(UPGRADE_ROLL_BACK)).toBe("OK");
    life.settle();
    expect([byteAt(3000), agent.view.image, life.context(agent.id).rbx]).toEqual([5, old, 0x77n]);
    expect(life.accounts()).toEqual(before);
  });

  test("of one that waits ends the wait; the old image learns of the way back as its result", () => {
    agent.call("WAIT", agent.self, 0, 0, NEVER, 1);
    init.call("AGENT_SUSPEND", handle);
    upgrade(UPGRADE_BEGIN);
    upgrade(UPGRADE_ROLL_BACK, 66);
    init.call("AGENT_RESUME", handle);
    const { rax, rdx } = life.context(agent.id);
    expect([life.state(agent.id), Number(rax), rdx]).toEqual(["READY", STATUS_ROLLED_BACK, 66n]);
  });

  test("falls back when the new image faults, and the agent lives on", () => {
    init.call("AGENT_SUSPEND", handle);
    const { image: old } = agent.view;
    upgrade(UPGRADE_BEGIN);
    life.authority.exports.worldException(BigInt(agent.id), 14, 6, 0x123n);
    expect([agent.view.image, agent.view.kept]).toEqual([old, 0]);
    life.authority.exports.worldException(BigInt(agent.id), 14, 6, 0x123n);
    expect(life.state(agent.id)).toBe("DYING");
    expect(agent.view.endCode).toBe((6n << 8n) | 14n);
  });

  test("falls back to the old registers, though another CPU has suspended it just before it faults", () => {
    init.call("AGENT_SUSPEND", handle);
    upgrade(UPGRADE_BEGIN);
    init.call("AGENT_RESUME", handle);
    expect([0, 1].map((cpu) => life.world.schedule(cpu))).toContain(agent.id);
    const cpu = life.world.kernel.cpus[agent.view.running - 1];
    if (!cpu) throw new Error("no CPU");
    init.call("AGENT_SUSPEND", handle);
    expect(cpu.saved).toBe(0);
    life.authority.exports.worldEnter(cpu.index);
    life.authority.exports.worldException(BigInt(agent.id), 14, 6, 0x123n);
    // What is in the context counts, and not what is in the CPU.
    expect([cpu.saved, life.state(agent.id)]).toEqual([1, "SUSPENDED"]);
  });

  test("is refused to one that runs, a second time, and for what is no image", () => {
    expect(upgrade(UPGRADE_BEGIN)).toBe("WRONG_STATE");
    init.call("AGENT_SUSPEND", handle);
    expect(upgrade(3)).toBe("BAD_ARGUMENT");
    expect(upgrade(UPGRADE_CONFIRM)).toBe("WRONG_STATE");
    expect(init.call("AGENT_UPGRADE", handle, init.pool, UPGRADE_BEGIN).status).toBe(
      "CAPABILITY_KIND",
    );
    expect(upgrade(UPGRADE_BEGIN)).toBe("OK");
    expect(upgrade(UPGRADE_BEGIN)).toBe("WRONG_STATE");
  });

  test("ends with its agent: what was kept is given back too", () => {
    init.memory;
    const before = life.accounts();
    const other = init.child();
    const named = init.handle(other.id);
    other.memory;
    init.call("AGENT_SUSPEND", named);
    expect(init.call("AGENT_UPGRADE", named, image, UPGRADE_BEGIN).status).toBe("OK");
    init.call("AGENT_KILL", named);
    life.settle();
    expect(life.accounts()["objects of kind 1"]).toBe((before["objects of kind 1"] ?? 0) + 1);
    expect(life.accounts()["objects of kind 12"]).toBe(before["objects of kind 12"]);
  });
});
