import { beforeEach, describe, expect, test } from "vitest";
import { type Actor, Life } from "../testing/life-host.ts";
import { END_MERGED } from "./states.ts";

let life: Life;
let init: Actor;
let ending: Actor;
let survivor: Actor;
let first: number;
let second: number;

beforeEach(async () => {
  life = await Life.create();
  init = life.init;
  [ending, survivor] = [init.child(), init.child()];
  [first, second] = [init.handle(ending.id), init.handle(survivor.id)];
});

function suspendBoth(): void {
  for (const handle of [first, second])
    expect(init.call("AGENT_SUSPEND", handle).status).toBe("OK");
}

const pages = (agent: Actor, address: number, count: number) =>
  life.authority.exports.worldPages(BigInt(agent.id), BigInt(address), count);

const byteAt = (agent: Actor, address: number): number => {
  const at = life.authority.exports.worldLinear(BigInt(agent.id), BigInt(address));
  return at === 0 ? -1 : (new Uint8Array(life.world.data.buffer)[at] ?? -1);
};

const setByte = (agent: Actor, address: number, value: number) => {
  const at = life.authority.exports.worldReach(BigInt(agent.id), BigInt(address));
  new Uint8Array(life.world.data.buffer)[at] = value;
};

describe("merging", () => {
  test("gives the survivor the memory at whose addresses it has nothing", () => {
    const [low, high] = [0x6000_0000, 0x7000_0000];
    for (const address of [low, high]) {
      pages(ending, address, 2);
      setByte(ending, address, 1);
    }
    pages(survivor, high, 1);
    setByte(survivor, high, 2);
    suspendBoth();
    expect(init.call("AGENT_MERGE", first, second)).toEqual({ status: "OK", value: 1 });
    expect([byteAt(survivor, low), byteAt(survivor, high)]).toEqual([1, 2]);
    life.settle();
    expect([life.state(ending.id), life.state(survivor.id)]).toEqual(["DEAD", "SUSPENDED"]);
    const notice = ending.view;
    expect([notice.endReason, Number(notice.endCode)]).toEqual([END_MERGED, survivor.id]);
  });

  test("appends the messages in their order, without the capabilities in them", () => {
    const send = (handle: number, value: number, capability = 0) => {
      init.bytes(3000, 8).setBigUint64(0, BigInt(value), true);
      expect(init.call("IPC_SEND", handle, init.memory + 3000, 8, 0, capability).status).toBe("OK");
    };
    send(second, 1);
    send(first, 2, second);
    send(first, 3);
    suspendBoth();
    expect(init.call("AGENT_MERGE", first, second).value).toBe(2);
    init.call("AGENT_RESUME", second);
    const received = [1, 2, 3].map(() => {
      const { memory } = survivor;
      expect(survivor.call("IPC_RECV", survivor.self, memory, 64, memory + 128).status).toBe("OK");
      return Number(survivor.bytes(0, 8).getBigUint64(0, true));
    });
    expect(received).toEqual([1, 2, 3]);
    expect(survivor.view.capabilityCount).toBe(2);
  });

  test("keeps the messages of each sender in their order, whichever of the two they were sent to", () => {
    const other = init.child();
    const towards = [ending, survivor].map(({ id }) => life.authority.root(other.id, id));
    const send = (by: Actor, to: number | undefined, value: number) => {
      by.bytes(3000, 8).setBigUint64(0, BigInt(value), true);
      expect(by.call("IPC_SEND", to ?? 0, by.memory + 3000, 8).status).toBe("OK");
    };
    send(other, towards[0], 1);
    send(init, second, 10);
    send(other, towards[1], 2);
    send(other, towards[0], 3);
    send(init, first, 11);
    suspendBoth();
    expect(init.call("AGENT_MERGE", first, second).value).toBe(3);
    init.call("AGENT_RESUME", second);
    const received = Array.from({ length: 5 }, () => {
      const { memory } = survivor;
      expect(survivor.call("IPC_RECV", survivor.self, memory, 64).status).toBe("OK");
      return Number(survivor.bytes(0, 8).getBigUint64(0, true));
    });
    expect(received).toEqual([10, 1, 2, 3, 11]);
  });

  test("makes the survivor the parent of the children, and widens nobody's rights", () => {
    const child = ending.child();
    const grandchild = child.child();
    const held = survivor.view.capabilityCount;
    suspendBoth();
    expect(init.call("AGENT_MERGE", first, second).status).toBe("OK");
    life.settle();
    expect([life.state(child.id), life.state(grandchild.id)]).toEqual(["READY", "READY"]);
    expect(child.view.parentAt(0).id).toBe(BigInt(survivor.id));
    expect(survivor.view.treeCount).toBe(3);
    expect(survivor.view.capabilityCount).toBe(held);
    init.call("AGENT_KILL", second);
    life.settle();
    expect(life.state(grandchild.id)).toBe("NONE");
  });

  test("tells the survivor of children that have ended, and their control blocks go with the notices", () => {
    const child = ending.child();
    ending.call("AGENT_KILL", ending.handle(child.id));
    life.settle();
    expect([life.state(child.id), ending.view.noticeCount]).toEqual(["DEAD", 1]);
    const notice = survivor.memory;
    suspendBoth();
    expect(init.call("AGENT_MERGE", first, second).status).toBe("OK");
    life.settle();
    expect(survivor.view.noticeCount).toBe(1);
    const taken = survivor.call("WAIT", survivor.self, 0, 0, 0, 2, notice);
    expect([taken, life.state(child.id)]).toEqual([{ status: "OK", value: 17 }, "NONE"]);
    expect(survivor.view.childCount).toBe(0);
  });

  test("with oneself works: an agent goes into another of its own accord", () => {
    init.call("AGENT_SUSPEND", second);
    const granted = init.spawn({ grants: [{ capability: second }] });
    life.settle();
    const caller = life.actor(granted.id);
    expect(caller.call("AGENT_MERGE", caller.self, granted.grants[0] ?? 0).status).toBe("OK");
    life.settle();
    expect(life.state(granted.id)).toBe("DEAD");
  });

  test.each<[string, () => [number, number], string]>([
    ["into itself", () => [first, first], "BAD_ARGUMENT"],
    ["of agents that run", () => [first, second], "WRONG_STATE"],
    ["into what is not an agent", () => [first, init.pool], "CAPABILITY_KIND"],
  ])("%s is refused", (_, names, status) => {
    expect(init.call("AGENT_MERGE", ...names()).status).toBe(status);
  });

  test("into one of its own children is refused as a cycle", () => {
    const child = ending.child();
    const handle = life.authority.root(init.id, child.id);
    init.call("AGENT_SUSPEND", first);
    init.call("AGENT_SUSPEND", handle);
    expect(init.call("AGENT_MERGE", first, handle).status).toBe("CYCLE");
  });

  test("that the survivor's pool can't pay is refused, and nothing has moved", () => {
    const poor = init.child({ quota: 8192 });
    const handle = init.handle(poor.id);
    pages(ending, 0x6000_0000, 4);
    init.call("AGENT_SUSPEND", first);
    init.call("AGENT_SUSPEND", handle);
    const before = life.accounts();
    expect(init.call("AGENT_MERGE", first, handle).status).toBe("QUOTA");
    expect(life.accounts()).toEqual(before);
    expect(life.state(ending.id)).toBe("SUSPENDED");
  });
});
