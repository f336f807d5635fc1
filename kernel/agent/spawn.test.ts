import { beforeEach, describe, expect, test } from "vitest";
import { RIGHT_EXECUTE, RIGHT_SPAWN, RIGHT_WAIT, RIGHTS_ALL } from "../cap/rights.ts";
import { NOTICE_ENDED, NOTICE_STARTED } from "../ipc/notice_kinds.ts";
import { type Actor, Life } from "../testing/life-host.ts";
import { AGENT_GROUP, END_KILLED } from "./states.ts";

let life: Life;
let init: Actor;

beforeEach(async () => {
  life = await Life.create();
  init = life.init;
});

describe("a new agent", () => {
  test("is there at once, starts in a later step, and its parent is told", () => {
    const { status, id } = init.spawn({ argument: 77 });
    expect([status, life.state(id)]).toEqual(["OK", "SPAWNING"]);
    expect(init.view.noticeCount).toBe(0);
    life.settle();
    expect(life.state(id)).toBe("READY");
    expect([init.view.noticeCount, init.view.noticeFirstAt(0).kind]).toEqual([1, NOTICE_STARTED]);
    expect(Number(init.view.noticeFirstAt(0).subject)).toBe(id);
  });

  test("finds its capabilities, its identifier and its argument in its registers", () => {
    const { id, child } = init.spawn({
      argument: 77,
      selfRights: RIGHT_WAIT,
      poolRights: RIGHT_SPAWN,
    });
    const { rdi, rsi, rdx, r14 } = life.context(id);
    expect([Number(rdx), Number(r14)]).toEqual([77, id]);
    const self = life.authority.view(Number(rdi));
    expect([Number(self.agent), Number(self.object), self.rights]).toEqual([id, id, RIGHT_WAIT]);
    const pool = life.authority.view(Number(rsi));
    expect([Number(pool.agent), pool.rights]).toEqual([id, RIGHT_SPAWN]);
    expect(pool.object).toBe(life.world.kernel.root.poolAt(0).id);
    expect(Number(life.authority.view(child).object)).toBe(id);
  });

  test("holds what it was granted, with the rights that were granted, and nothing else", () => {
    const image = life.image(init.id);
    const made = init.spawn({
      poolRights: 0,
      grants: [{ capability: image, rights: RIGHT_EXECUTE }],
    });
    expect(life.view(made.id).capabilityCount).toBe(2);
    expect(life.context(made.id).rsi).toBe(0n);
    const granted = life.authority.view(made.grants[0] ?? 0);
    expect([Number(granted.agent), granted.rights]).toEqual([made.id, RIGHT_EXECUTE]);
    expect(Number(granted.parentId)).toBe(image);
  });

  test("is refused when its pool can pay for its group or for its capabilities, but not for both", () => {
    const statuses = new Set<string>();
    for (let quota = 256; quota < 8192; quota += 32)
      statuses.add(init.spawn({ quota, flags: AGENT_GROUP }).status);
    expect([...statuses]).toEqual(["QUOTA", "OK"]);
  });

  test("may run only where its parent may", async () => {
    const four = await Life.create({ cpus: 4 });
    const pinned = four.init.child({ affinity: 0b0110n });
    const child = pinned.child();
    expect(child.view.affinity).toBe(0b0110n);
    expect(pinned.child({ affinity: 0b0010n }).view.affinity).toBe(0b0010n);
    const before = four.accounts();
    expect(pinned.spawn({ affinity: 0b0011n }).status).toBe("WOULD_WIDEN");
    expect(pinned.spawn({ affinity: 0b10000n }).status).toBe("OUT_OF_RANGE");
    expect(four.accounts()).toEqual(before);
  });

  test("with a quota has a pool of its own, and its parent has the rest", () => {
    const before = life.accounts();
    const made = init.spawn({ quota: 1 << 20 });
    const pool = life.view(made.id).poolAt(0);
    expect([pool.quota, pool.parent]).toEqual([1n << 20n, life.world.kernel.root.pool]);
    const used = life.accounts()["bytes of the pool"] ?? 0;
    expect(used - (before["bytes of the pool"] ?? 0)).toBeGreaterThan(1 << 20);
    init.call("AGENT_KILL", made.child);
    life.settle();
    expect(pool.id).not.toBe(0n);
  });

  test("of a specialized agent has no more rights than that has left", () => {
    const child = init.child();
    expect(
      init.call("AGENT_SPECIALIZE", init.handle(child.id), RIGHTS_ALL & ~RIGHT_WAIT).status,
    ).toBe("OK");
    const made = child.spawn();
    expect(made.status).toBe("OK");
    const rights = RIGHTS_ALL & ~RIGHT_WAIT;
    expect(life.view(made.id).rightsLeft).toBe(rights);
    for (const held of [life.context(made.id).rdi, life.context(made.id).rsi, made.child])
      expect(life.authority.view(Number(held)).rights).toBe(rights);
  });
});

describe("the end", () => {
  test("leaves a control block until the parent has the notice, then nothing", () => {
    init.memory;
    life.image(init.id);
    const before = life.accounts();
    const { id, child } = init.spawn();
    life.settle();
    expect(init.call("AGENT_KILL", child, 7)).toEqual({ status: "OK", value: 1 });
    life.settle();
    expect(life.state(id)).toBe("DEAD");
    const notice = init.view.noticeFirstAt(0);
    expect([notice.kind, notice.status, notice.value]).toEqual([
      NOTICE_ENDED,
      BigInt(END_KILLED),
      7n,
    ]);
    const taken = init.call("WAIT", init.self, 0, 0, 0, 2, init.memory + 3000);
    expect(taken).toEqual({ status: "OK", value: 17 });
    expect(life.state(id)).toBe("NONE");
    life.authority.exports.worldDelete(BigInt(child));
    expect(life.accounts()).toEqual(before);
  });
});
