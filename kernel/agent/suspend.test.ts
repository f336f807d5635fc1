import { beforeEach, describe, expect, test } from "vitest";
import { RIGHT_INFO, RIGHT_SUSPEND, RIGHTS_ALL } from "../cap/rights.ts";
import { KIND_KERNEL } from "../object/kinds.ts";
import { STATUS_ABANDONED } from "../syscall/status.ts";
import { type Actor, Life } from "../testing/life-host.ts";
import { NEVER } from "../testing/world-host.ts";

const MAILBOX = 1;

let life: Life;
let init: Actor;
let child: Actor;
let handle: number;

beforeEach(async () => {
  life = await Life.create();
  init = life.init;
  child = init.child();
  handle = init.handle(child.id);
});

const results = (agent: Actor) => {
  const { rax, rdx } = life.context(agent.id);
  return [Number(rax), Number(rdx)];
};

describe("a suspended agent", () => {
  test("runs nowhere until it is resumed, and then goes on", () => {
    expect(init.call("AGENT_SUSPEND", handle).status).toBe("OK");
    expect(life.state(child.id)).toBe("SUSPENDED");
    expect(life.world.schedule()).not.toBe(child.id);
    expect(init.call("AGENT_RESUME", handle).status).toBe("OK");
    expect(life.state(child.id)).toBe("READY");
    expect(life.world.schedule()).toBe(child.id);
  });

  test("is refused a second suspension, and one that runs a resumption", () => {
    expect(init.call("AGENT_RESUME", handle).status).toBe("WRONG_STATE");
    init.call("AGENT_SUSPEND", handle);
    expect(init.call("AGENT_SUSPEND", handle).status).toBe("WRONG_STATE");
  });

  test("that has not started yet starts when it is resumed", () => {
    const { id, child: spawned } = init.spawn();
    init.call("AGENT_SUSPEND", spawned);
    life.settle();
    expect(life.state(id)).toBe("SUSPENDED");
    expect(init.view.noticeCount).toBe(2);
    init.call("AGENT_RESUME", spawned);
    expect(life.state(id)).toBe("READY");
  });

  test("that is resumed before its start starts once", () => {
    const { id, child: spawned } = init.spawn();
    init.call("AGENT_SUSPEND", spawned);
    init.call("AGENT_RESUME", spawned);
    expect(life.state(id)).toBe("SPAWNING");
    life.settle();
    expect(life.state(id)).toBe("READY");
  });

  test("gets what came meanwhile when it is resumed, and waits on when nothing did", () => {
    child.call("WAIT", child.self, 0, 0, NEVER, MAILBOX);
    init.call("AGENT_SUSPEND", handle);
    init.call("AGENT_RESUME", handle);
    expect(life.state(child.id)).toBe("WAITING");
    init.call("AGENT_SUSPEND", handle);
    expect(init.call("IPC_SEND", handle, init.memory, 8).status).toBe("OK");
    expect(life.state(child.id)).toBe("SUSPENDED");
    init.call("AGENT_RESUME", handle);
    expect([life.state(child.id), ...results(child)]).toEqual(["READY", 0, 16]);
  });

  test("stays it when a wait of its overtakes the interrupt that is to stop it", () => {
    init.call("AGENT_SUSPEND", handle);
    expect(child.call("WAIT", child.self, 0, 0, NEVER, MAILBOX).status).toBe("OK");
    expect(life.state(child.id)).toBe("SUSPENDED");
    expect(init.call("IPC_SEND", handle, init.memory, 8).status).toBe("OK");
    expect(life.state(child.id)).toBe("SUSPENDED");
    init.call("AGENT_RESUME", handle);
    expect([life.state(child.id), ...results(child)]).toEqual(["READY", 0, 16]);
  });

  test("goes on with a wait that it has begun so, when it is resumed", () => {
    init.call("AGENT_SUSPEND", handle);
    child.call("WAIT", child.self, 0, 0, NEVER, MAILBOX);
    expect(init.call("AGENT_RESUME", handle).status).toBe("OK");
    expect(life.state(child.id)).toBe("WAITING");
    expect(init.call("IPC_SEND", handle, init.memory, 8).status).toBe("OK");
    expect([life.state(child.id), ...results(child)]).toEqual(["READY", 0, 16]);
  });

  test("whose deadline passes meanwhile finds that its wait has timed out", () => {
    child.call("WAIT", child.self, 0, 0, 1000, MAILBOX);
    init.call("AGENT_SUSPEND", handle);
    life.world.time = 2000n;
    expect(life.state(child.id)).toBe("SUSPENDED");
    init.call("AGENT_RESUME", handle);
    expect([life.state(child.id), results(child)[0]]).toEqual(["READY", 23]);
  });

  test("that waits for the answer of one that ends meanwhile is told so", () => {
    const other = init.child();
    const friend = life.authority.root(child.id, other.id);
    expect(child.call("DONATE_TO", friend, NEVER).status).toBe("OK");
    init.call("AGENT_SUSPEND", handle);
    init.call("AGENT_KILL", init.handle(other.id));
    life.settle();
    init.call("AGENT_RESUME", handle);
    expect([life.state(child.id), ...results(child)]).toEqual(["READY", STATUS_ABANDONED, 16]);
  });

  test("that waits for operations waits on, and is woken by the next", () => {
    const kernel = life.authority.root(
      child.id,
      Number(life.world.kernel.root.authorityAt(0).id),
      RIGHTS_ALL,
      KIND_KERNEL,
    );
    child.bytes(0, 8).setBigUint64(0, BigInt(kernel), true);
    expect(child.call("WAIT", child.self, child.memory, 1, NEVER, 0).status).toBe("OK");
    init.call("AGENT_SUSPEND", handle);
    init.call("AGENT_RESUME", handle);
    expect(life.state(child.id)).toBe("WAITING");
    expect(init.call("PQC_OPERATION", init.self, 1, init.memory, 8).status).toBe("OK");
    expect([life.state(child.id), ...results(child)]).toEqual(["READY", 0, 0]);
  });

  test("can be what suspended itself", () => {
    expect(child.call("AGENT_SUSPEND", child.self).status).toBe("OK");
    expect(life.state(child.id)).toBe("SUSPENDED");
  });
});

describe("specializing", () => {
  test("takes rights of all that an agent holds, for good", () => {
    expect(init.call("AGENT_SPECIALIZE", handle, RIGHTS_ALL & ~RIGHT_SUSPEND).status).toBe("OK");
    expect(child.call("AGENT_SUSPEND", child.self).status).toBe("RIGHTS_MISSING");
    init.call("AGENT_SPECIALIZE", handle, RIGHTS_ALL);
    expect(child.call("AGENT_SUSPEND", child.self).status).toBe("RIGHTS_MISSING");
    expect(child.call("AGENT_INFO", child.self).status).toBe("OK");
  });

  test("leaves what is asked for of what is left", () => {
    init.call("AGENT_SPECIALIZE", handle, RIGHT_INFO | RIGHT_SUSPEND);
    init.call("AGENT_SPECIALIZE", handle, RIGHT_INFO);
    expect(child.view.rightsLeft).toBe(RIGHT_INFO);
    expect(init.call("AGENT_SPECIALIZE", handle, 0x4000_0000).status).toBe("BAD_ARGUMENT");
  });
});
