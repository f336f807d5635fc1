import fc from "fast-check";
import { beforeEach, describe, expect, test } from "vitest";
import { NOTICE_ENDED } from "../ipc/notice_kinds.ts";
import { INFO_END_CODE, INFO_END_REASON, INFO_STATE, INFO_TREE } from "../syscall/layouts.ts";
import { type Actor, Life } from "../testing/life-host.ts";
import { NEVER } from "../testing/world-host.ts";
import { AGENT_DEAD, END_EXITED, END_KILLED } from "./states.ts";

let life: Life;
let init: Actor;

/** A world in which the first agent has all that it needs for calls. */
async function begin(): Promise<void> {
  life = await Life.create();
  init = life.init;
  init.memory;
  life.image(init.id);
}

beforeEach(begin);

/** Spawns a tree: item n says whose child agent n + 1 is. */
function plant(shape: readonly number[], memory: readonly boolean[] = []): Actor[] {
  const actors: Actor[] = [];
  for (const [index, place] of shape.entries()) {
    const parent = actors[place % Math.max(1, actors.length)] ?? init;
    const quota = index % 6 === 0 ? (1 << 20) >> (index / 6) : 0;
    const child = parent.child({ quota });
    if (memory[index]) child.memory;
    actors.push(child);
  }
  return actors;
}

/** What must be as it was once the capability to the root and the root's notice are gone. */
function forget(root: number, handle: number): void {
  life.authority.exports.worldDelete(BigInt(handle));
  const taken = init.call("WAIT", init.self, 0, 0, 0, 2, init.memory + 3000);
  expect(taken).toEqual({ status: "OK", value: 17 });
  expect(life.state(root)).toBe("NONE");
}

describe("killing", () => {
  test("ends the whole tree at once, and says how many agents that were", () => {
    const [root, child, grandchild] = plant([0, 0, 1]);
    const handle = init.handle(root?.id ?? 0);
    expect(init.call("AGENT_KILL", handle, 5)).toEqual({ status: "OK", value: 3 });
    expect(life.state(root?.id ?? 0)).toBe("DYING");
    life.settle();
    for (const ended of [child, grandchild]) expect(life.state(ended?.id ?? 0)).toBe("NONE");
    const info = init.info(handle);
    expect(info.getUint32(INFO_STATE, true)).toBe(AGENT_DEAD);
    expect(info.getUint32(INFO_END_REASON, true)).toBe(END_KILLED);
    expect(info.getBigUint64(INFO_END_CODE, true)).toBe(5n);
    expect(info.getBigUint64(INFO_TREE, true)).toBe(0n);
  });

  test("itself is an agent's way to exit, and takes its children along", () => {
    const [root, child] = plant([0, 0]);
    expect(root?.call("AGENT_KILL", root.self, 3)).toEqual({ status: "OK", value: 2 });
    life.settle();
    expect(life.state(child?.id ?? 0)).toBe("NONE");
    const notice = init.view.noticeFirstAt(0);
    expect([notice.kind, notice.status, notice.value]).toEqual([
      NOTICE_ENDED,
      BigInt(END_EXITED),
      3n,
    ]);
  });

  test("reaches agents that have not started, that wait, and that are suspended", () => {
    const [root, waiting, suspended] = plant([0, 0, 0]);
    if (!root || !waiting || !suspended) throw new Error("no tree");
    waiting.call("WAIT", waiting.self, 0, 0, NEVER, 1);
    root.call("AGENT_SUSPEND", root.handle(suspended.id));
    const spawning = root.spawn().id;
    expect([waiting, suspended].map(({ id }) => life.state(id))).toEqual(["WAITING", "SUSPENDED"]);
    expect(life.state(spawning)).toBe("SPAWNING");
    expect(init.call("AGENT_KILL", init.handle(root.id)).value).toBe(4);
    life.settle();
    for (const id of [waiting.id, suspended.id, spawning]) expect(life.state(id)).toBe("NONE");
  });

  test("a tree below one that is ending already ends both", () => {
    const [root, child, grandchild] = plant([0, 0, 1]);
    if (!root || !child || !grandchild) throw new Error("no tree");
    expect(root.call("AGENT_KILL", root.handle(child.id)).value).toBe(2);
    expect(init.call("AGENT_KILL", init.handle(root.id)).value).toBe(1);
    life.settle();
    expect([root, child, grandchild].map(({ id }) => life.state(id))).toEqual([
      "DEAD",
      "NONE",
      "NONE",
    ]);
  });

  test("leaves nothing that the ended agent could be named by", () => {
    const [root] = plant([0]);
    const handle = init.handle(root?.id ?? 0);
    init.call("AGENT_KILL", handle);
    for (const call of ["AGENT_KILL", "AGENT_SUSPEND", "AGENT_RESUME", "AGENT_SPECIALIZE"] as const)
      expect(init.call(call, handle).status).toBe("OBJECT_GONE");
    expect(init.call("AGENT_INFO", handle)).toEqual({ status: "OK", value: root?.id });
    life.settle();
    forget(root?.id ?? 0, handle);
    expect(init.call("AGENT_INFO", handle).status).toBe("CAPABILITY_STALE");
  });

  test("leaves an agent that calls or faults before the interrupt arrives that is to stop it as it is", () => {
    const [root, child] = plant([0, 0]);
    if (!root || !child) throw new Error("no tree");
    const friend = life.authority.root(root.id, init.id);
    const made = root.pool;
    const before = life.accounts();
    init.call("AGENT_KILL", init.handle(root.id), 5);
    expect(root.call("WAIT", root.self, 0, 0, NEVER, 1).status).toBe("OBJECT_GONE");
    expect(root.call("DONATE_TO", friend, NEVER).status).toBe("OBJECT_GONE");
    expect(root.call("ENDPOINT_CREATE", made, 0, 0).status).toBe("OBJECT_GONE");
    life.authority.exports.worldException(BigInt(root.id), 14, 6, 0x123n);
    expect(life.state(root.id)).toBe("DYING");
    expect(life.accounts()).toEqual(before);
    life.settle();
    expect([life.state(root.id), life.state(child.id)]).toEqual(["DEAD", "NONE"]);
    const { kind, status, value } = init.view.noticeFirstAt(0);
    expect([kind, status, value]).toEqual([NOTICE_ENDED, BigInt(END_KILLED), 5n]);
  });

  test("gives every frame, object, capability and byte of any tree back", async () => {
    const shape = fc.array(fc.nat(20), { minLength: 1, maxLength: 20 });
    const memory = fc.array(fc.boolean(), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(shape, memory, fc.nat(20), async (places, touched, early) => {
        await begin();
        const before = life.accounts();
        const actors = plant(places, touched);
        const [root] = actors;
        if (!root) return;
        const inner = actors[early % actors.length];
        if (inner && inner !== root) inner.call("AGENT_KILL", inner.self);
        const handle = init.handle(root.id);
        expect(init.info(handle).getBigUint64(INFO_TREE, true)).toBeGreaterThan(0n);
        init.call("AGENT_KILL", handle);
        life.settle();
        forget(root.id, handle);
        expect(life.accounts()).toEqual(before);
      }),
      { numRuns: 40 },
    );
  });

  test("takes steps of bounded work, however large the tree is", () => {
    const root = init.child();
    for (let count = 0; count < 1000; count++) root.spawn();
    life.settle();
    expect(init.call("AGENT_KILL", init.handle(root.id)).value).toBe(1001);
    const steps = life.settle();
    // 512 agents are stopped in a step, and 256 things given back: each has two capabilities.
    expect(steps).toBeGreaterThan(7);
    expect(steps).toBeLessThan(20);
    expect(life.state(root.id)).toBe("DEAD");
  });
});

describe("a parent", () => {
  test("that never looks keeps the dead as control blocks, which end with it", () => {
    const root = init.child();
    const before = life.accounts();
    for (let count = 0; count < 5; count++) {
      const child = root.child();
      child.call("AGENT_KILL", child.self);
    }
    life.settle();
    expect(root.view.childCount).toBe(5);
    expect(root.view.treeCount).toBe(1);
    init.call("AGENT_KILL", init.handle(root.id));
    life.settle();
    expect(life.accounts()["objects of kind 1"]).toBe(before["objects of kind 1"]);
  });
});
