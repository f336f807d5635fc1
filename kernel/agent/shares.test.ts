/** What an agent may hold and what may wait for it: set when it is born, never more than its maker has. */
import { beforeEach, describe, expect, test } from "vitest";
import { RIGHTS_ALL } from "../cap/rights.ts";
import { DERIVE_BYTES, DERIVE_RIGHTS } from "../syscall/cap_layouts.ts";
import {
  INFO_CAPABILITIES,
  INFO_CAPABILITY_LIMIT,
  INFO_MESSAGE_LIMIT,
} from "../syscall/layouts.ts";
import { type Actor, Life } from "../testing/life-host.ts";

/** In an agent's memory. */
const STRUCTURE = 3000;

let life: Life;
let init: Actor;

beforeEach(async () => {
  life = await Life.create();
  init = life.init;
});

/** A capability like `from`, to hold one more. */
function derived(actor: Actor, from: number) {
  const page = actor.bytes(STRUCTURE, DERIVE_BYTES);
  for (let at = 0; at < DERIVE_BYTES; at += 4) page.setUint32(at, 0, true);
  page.setUint32(DERIVE_RIGHTS, RIGHTS_ALL, true);
  return actor.call("CAP_DERIVE", from, actor.memory + STRUCTURE);
}
const derive = (actor: Actor) => derived(actor, actor.pool).status;
const send = (to: number) => init.call("IPC_SEND", to, init.memory, 8).status;

describe("an agent that may hold six capabilities", () => {
  test("takes the sixth and no seventh, and another agent takes as many as before", () => {
    const [small, neighbour] = [init.child({ capabilities: 6 }), init.child()];
    for (const actor of [small, neighbour]) expect(actor.memory).toBeGreaterThan(0);
    for (let held = 2; held < 6; held++) expect(derive(small)).toBe("OK");
    const before = life.accounts();
    expect(derive(small)).toBe("LIMIT");
    expect(life.accounts()).toEqual(before);
    for (let held = 2; held < 20; held++) expect(derive(neighbour)).toBe("OK");
  });

  test("has room again for one that it gives up, and for one that is revoked", () => {
    const small = init.child({ capabilities: 6 });
    expect(small.memory).toBeGreaterThan(0);
    const first = derived(small, small.pool).value;
    derived(small, first);
    for (let held = 4; held < 6; held++) expect(derive(small)).toBe("OK");
    expect(derive(small)).toBe("LIMIT");
    // What was derived from it is worth nothing, and gives way.
    expect(small.call("CAP_REVOKE", first, 1).status).toBe("OK");
    expect([derive(small), derive(small), derive(small)]).toEqual(["OK", "OK", "LIMIT"]);
  });

  test("is told of both numbers by AgentInfo", () => {
    const { id } = init.child({ capabilities: 6, messages: 3 });
    const info = init.info(init.handle(id));
    const word = (at: number) => info.getUint32(at, true);
    expect([INFO_CAPABILITIES, INFO_CAPABILITY_LIMIT, INFO_MESSAGE_LIMIT].map(word)).toEqual([
      2, 6, 3,
    ]);
  });
});

test("a mailbox of three takes three messages; the fourth is refused, and a neighbour gets its own", () => {
  const [small, neighbour] = [init.child({ messages: 3 }), init.child()];
  const [toSmall, toNeighbour] = [init.handle(small.id), init.handle(neighbour.id)];
  expect([send(toSmall), send(toSmall), send(toSmall), send(toSmall)]).toEqual([
    ...["OK", "OK", "OK"],
    "FULL",
  ]);
  for (let n = 0; n < 256; n++) expect(send(toNeighbour)).toBe("OK");
  expect(send(toNeighbour)).toBe("FULL");
});

test("a merge leaves no more in a mailbox than it may have", () => {
  const [ending, survivor] = [init.child(), init.child({ messages: 3 })];
  const [first, second] = [init.handle(ending.id), init.handle(survivor.id)];
  for (const handle of [first, first, second, second]) expect(send(handle)).toBe("OK");
  for (const handle of [first, second])
    expect(init.call("AGENT_SUSPEND", handle).status).toBe("OK");
  expect(init.call("AGENT_MERGE", first, second).status).toBe("FULL");
});

describe("at a birth", () => {
  test("nobody gives more than they have, and who says nothing gives as much", () => {
    const small = init.child({ capabilities: 30, messages: 3 });
    const image = life.image(small.id);
    expect(small.memory).toBeGreaterThan(0);
    const before = life.accounts();
    expect(small.spawn({ image, capabilities: 31 }).status).toBe("WOULD_WIDEN");
    expect(small.spawn({ image, messages: 4 }).status).toBe("WOULD_WIDEN");
    expect(life.accounts()).toEqual(before);
    const { view } = small.child({ image });
    expect([view.capabilityLimit, view.mailboxLimit]).toEqual([30, 3]);
    const less = small.child({ image, capabilities: 30, messages: 1 }).view;
    expect([less.capabilityLimit, less.mailboxLimit]).toEqual([30, 1]);
  });

  test("a limit has to be as much as the agent begins with", () => {
    const grants = [1, 2, 3].map(() => ({ capability: init.pool }));
    expect(init.memory).toBeGreaterThan(0);
    life.image(init.id);
    const before = life.accounts();
    expect(init.spawn({ grants, capabilities: 4 }).status).toBe("LIMIT");
    expect(life.accounts()).toEqual(before);
    expect(init.spawn({ grants, capabilities: 5 }).status).toBe("OK");
    expect(init.spawn({ grants, capabilities: 4, poolRights: 0 }).status).toBe("OK");
  });

  test("a copy has no more than its original, whoever makes it", () => {
    const original = init.child({ capabilities: 30, messages: 3 });
    const handle = init.handle(original.id);
    expect(init.call("AGENT_SUSPEND", handle).status).toBe("OK");
    expect(init.clone(handle, { messages: 4 }).status).toBe("WOULD_WIDEN");
    const { id } = init.clone(handle, { capabilities: 20 });
    expect([life.view(id).capabilityLimit, life.view(id).mailboxLimit]).toEqual([20, 3]);
  });
});
